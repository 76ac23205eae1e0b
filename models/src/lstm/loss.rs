//! The pinball loss of three quantiles, and its gradient.
//!
//! Of a row's nine outputs each horizon has three, `low`, `mid` and `high`. With `base` the quantile 50 % is `base +
//! mid`; the quantiles 10 and 90 % lie below and above it by `softplus(low - 0.5)` and `softplus(high - 0.5)`, so that
//! they cannot cross it.

use super::architecture::{HORIZONS, QUANTILES};

/// What the quantiles are of.
const LEVELS: [f32; QUANTILES] = [0.1, 0.5, 0.9];

/// What is taken off before the softplus, so that an untrained network's interval is narrow.
const WIDTH_SHIFT: f32 = 0.5;

/// ln(1 + exp(x)), without overflow.
fn softplus(x: f32) -> f32 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// Its derivative.
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// The quantiles 10, 50 and 90 % that a horizon's outputs mean.
pub(crate) fn quantiles(base: f32, [low, mid, high]: [f32; QUANTILES]) -> [f32; QUANTILES] {
    let middle = base + mid;
    [middle - softplus(low - WIDTH_SHIFT), middle, middle + softplus(high - WIDTH_SHIFT)]
}

/// The sum of the pinball losses of three quantiles, and its derivative by each of them.
fn pinball(quantiles: [f32; QUANTILES], target: f32) -> (f32, [f32; QUANTILES]) {
    let (mut loss, mut derivative) = (0.0, [0.0; QUANTILES]);
    for ((quantile, level), derivative) in quantiles.into_iter().zip(LEVELS).zip(&mut derivative) {
        let error = target - quantile;
        loss += (level * error).max((level - 1.0) * error);
        *derivative = if error > 0.0 { -level } else { 1.0 - level };
    }
    (loss, derivative)
}

/// Whether a target counts.
fn counts(target: f32, weight: f32) -> bool {
    !target.is_nan() && weight > 0.0
}

/// What the targets of some rows, [n, HORIZONS], count in all.
pub(crate) fn weight_sum(targets: &[f32], weights: &[f32]) -> f64 {
    let pairs = targets.iter().zip(weights);
    pairs.filter(|(target, weight)| counts(**target, **weight)).map(|(_, weight)| f64::from(*weight)).sum()
}

/// What the loss of some rows is computed from.
pub(crate) struct Targets<'a> {
    /// [n, HORIZONS].
    pub(crate) base: &'a [f32],
    /// [n, HORIZONS]; NaN where it is missing.
    pub(crate) target: &'a [f32],
    /// [n, HORIZONS].
    pub(crate) weight: &'a [f32],
}

impl Targets<'_> {
    /// The weighted sum of the losses of rows whose outputs are `outputs`, [n, stride]. Writes the gradient of that sum
    /// times `scale` into `d_outputs`, which lies like them, with 0 in the padding.
    pub(crate) fn loss(&self, outputs: &[f32], stride: usize, scale: f32, d_outputs: &mut [f32]) -> f64 {
        let mut sum = 0.0;
        d_outputs.fill(0.0);
        for (row, (outputs, d_outputs)) in
            outputs.chunks_exact(stride).zip(d_outputs.chunks_exact_mut(stride)).enumerate()
        {
            for horizon in 0..HORIZONS {
                let at = row * HORIZONS + horizon;
                let (target, weight) = (self.target[at], self.weight[at]);
                if !counts(target, weight) {
                    continue;
                }
                let of_horizon = horizon * QUANTILES..(horizon + 1) * QUANTILES;
                let (loss, derivative) = derive(self.base[at], &outputs[of_horizon.clone()], target);
                sum += f64::from(weight) * f64::from(loss);
                for (d_output, derivative) in d_outputs[of_horizon].iter_mut().zip(derivative) {
                    *d_output = weight * scale * derivative;
                }
            }
        }
        sum
    }
}

/// The loss of one horizon's outputs and its derivative by them.
fn derive(base: f32, outputs: &[f32], target: f32) -> (f32, [f32; QUANTILES]) {
    let [low, mid, high] = [outputs[0], outputs[1], outputs[2]];
    let (loss, [of_low, of_mid, of_high]) = pinball(quantiles(base, [low, mid, high]), target);
    let (d_low, d_high) = (-of_low * sigmoid(low - WIDTH_SHIFT), of_high * sigmoid(high - WIDTH_SHIFT));
    (loss, [d_low, of_low + of_mid + of_high, d_high])
}

/// The weighted sum of the losses of forecasts [n, HORIZONS, QUANTILES] in the unit of the targets.
pub(crate) fn loss_of_forecasts(forecasts: &[f32], targets: &[f32], weights: &[f32]) -> f64 {
    let rows = forecasts.chunks_exact(QUANTILES).zip(targets.iter().zip(weights));
    rows.filter(|(_, (target, weight))| counts(**target, **weight))
        .map(|(forecast, (target, weight))| {
            f64::from(*weight) * f64::from(pinball([forecast[0], forecast[1], forecast[2]], *target).0)
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loss_by_hand() {
        // Quantiles 1, 2, 4 and target 3: .1 * 2 + .5 * 1 + .1 * 1.
        assert!((pinball([1.0, 2.0, 4.0], 3.0).0 - 0.8).abs() < 1e-6);
        // Target 0: .9 * 1 + .5 * 2 + .1 * 4.
        assert!((pinball([1.0, 2.0, 4.0], 0.0).0 - 2.3).abs() < 1e-6);
        let [low, mid, high] = quantiles(1.0, [0.5, 2.0, 0.5]);
        assert_eq!(mid, 3.0);
        assert!((mid - low - 2.0_f32.ln()).abs() < 1e-6 && (high - mid - 2.0_f32.ln()).abs() < 1e-6);
        let far = quantiles(0.0, [1e9, 0.0, -1e9]);
        assert_eq!(far, [-1e9, 0.0, 0.0]);
    }

    #[test]
    fn its_gradient_is_that_of_finite_differences() {
        for target in [-2.0, 0.3, 0.85, 1.4, 5.0] {
            let outputs = [0.2, 0.4, 1.1];
            let (_, derivative) = derive(0.5, &outputs, target);
            for at in 0..QUANTILES {
                let moved = |by: f32| {
                    let mut outputs = outputs;
                    outputs[at] += by;
                    derive(0.5, &outputs, target).0
                };
                let expected = (moved(1e-2) - moved(-1e-2)) / 2e-2;
                assert!((derivative[at] - expected).abs() < 1e-3, "{at} at {target}: {} {expected}", derivative[at]);
            }
        }
    }

    #[test]
    fn missing_and_weightless_targets_are_left_out() {
        let (base, target) = ([0.0; 6], [1.0, f32::NAN, 2.0, f32::NAN, f32::NAN, 3.0]);
        let weight = [1.0, 1.0, 0.0, 1.0, 1.0, 2.0];
        assert_eq!(weight_sum(&target, &weight), 3.0);
        let mut d_outputs = [f32::NAN; 20];
        let sum = Targets { base: &base, target: &target, weight: &weight }.loss(&[0.0; 20], 10, 1.0, &mut d_outputs);
        let of = |target| f64::from(derive(0.0, &[0.0; 3], target).0);
        assert!((sum - (of(1.0) + 2.0 * of(3.0))).abs() < 1e-6);
        let has_gradient = d_outputs.map(|value| value != 0.0);
        let expected: Vec<bool> = (0..20).map(|at| at < 3 || (16..19).contains(&at)).collect();
        assert_eq!(has_gradient.to_vec(), expected);
    }
}
