//! AdamW (Loshchilov & Hutter 2019), a bound on the gradient's norm, and the one-cycle schedule (Smith & Topin 2018).

use std::f64::consts::PI;

const BETAS: [f64; 2] = [0.9, 0.999];
const EPSILON: f64 = 1e-8;

/// The share of the steps in which the learning rate rises.
const RISE: f64 = 0.3;
/// What it begins with, as a part of its maximum.
const BEGIN: f64 = 1.0 / 25.0;
/// What it ends with, as a part of what it began with.
const END: f64 = 1e-4;

/// The learning rate of step `step`, from 0, of `steps`: up to `max` and down again, each along half a cosine.
pub(crate) fn one_cycle(step: usize, steps: usize, max: f64) -> f64 {
    let (first, last) = (max * BEGIN, max * BEGIN * END);
    let (step, top) = (step as f64, RISE * steps as f64 - 1.0);
    let (from, to, share) = if step <= top {
        (first, max, step / top)
    } else {
        (max, last, (step - top) / ((steps as f64 - 1.0 - top).max(1.0)))
    };
    to + (from - to) / 2.0 * (1.0 + (PI * share.min(1.0)).cos())
}

/// Scales a gradient down to the norm `max`, where it is longer, and gives the norm that it had.
pub(crate) fn clip(gradient: &mut [f32], max: f64) -> f64 {
    let norm = gradient.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
    if norm > max {
        let scale = (max / norm) as f32;
        gradient.iter_mut().for_each(|value| *value *= scale);
    }
    norm
}

/// What AdamW remembers of the steps so far.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AdamW {
    /// Steps so far.
    pub(crate) steps: u64,
    /// The running mean of the gradient.
    pub(crate) mean: Vec<f32>,
    /// The running mean of its square.
    pub(crate) square: Vec<f32>,
}

impl AdamW {
    pub(crate) fn new(weights: usize) -> Self {
        Self { steps: 0, mean: vec![0.0; weights], square: vec![0.0; weights] }
    }

    /// One step. A weight whose gradient has always been 0, as in the padding, only decays.
    pub(crate) fn step(&mut self, weights: &mut [f32], gradient: &[f32], rate: f64, decay: f64) {
        self.steps += 1;
        let [of_mean, of_square] = BETAS.map(|beta| 1.0 - beta.powf(self.steps as f64));
        let (kept, size) = ((1.0 - rate * decay) as f32, (rate / of_mean) as f32);
        let (root, epsilon) = ((1.0 / of_square.sqrt()) as f32, EPSILON as f32);
        let [beta_mean, beta_square] = BETAS.map(|beta| beta as f32);
        let moments = self.mean.iter_mut().zip(&mut self.square);
        for ((weight, gradient), (mean, square)) in weights.iter_mut().zip(gradient).zip(moments) {
            *mean = beta_mean * *mean + (1.0 - beta_mean) * gradient;
            *square = beta_square * *square + (1.0 - beta_square) * gradient * gradient;
            *weight = *weight * kept - size * *mean / (square.sqrt() * root + epsilon);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_rises_and_falls_once() {
        let rates: Vec<f64> = (0..100).map(|step| one_cycle(step, 100, 4e-3)).collect();
        assert!((rates[0] - 1.6e-4).abs() < 1e-12 && (rates[29] - 4e-3).abs() < 1e-12);
        assert!((rates[99] - 1.6e-8).abs() < 1e-12);
        assert!(rates[..30].is_sorted() && rates[29..].iter().rev().is_sorted());
        // Halfway up: the mean of begin and maximum, a step being 1 / 29.
        assert!((one_cycle(29, 200, 1.0) + one_cycle(30, 200, 1.0) - 1.04).abs() < 1e-9);
        // However few steps there are, each has a rate.
        for steps in 1..8 {
            assert!((0..steps).all(|step| (0.0..=1.0).contains(&one_cycle(step, steps, 1.0))), "{steps}");
        }
    }

    #[test]
    fn a_long_gradient_is_scaled_to_its_bound() {
        let mut gradient = [3.0, 4.0];
        assert_eq!(clip(&mut gradient, 10.0), 5.0);
        assert_eq!(gradient, [3.0, 4.0]);
        assert_eq!(clip(&mut gradient, 1.0), 5.0);
        assert!((gradient[0] - 0.6).abs() < 1e-6 && (gradient[1] - 0.8).abs() < 1e-6);
    }
}
