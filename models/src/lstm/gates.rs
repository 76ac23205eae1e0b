//! What turns the sums of an LSTM's gates into its next state, and the way back.
//!
//! A row of gates is [input | forget | cell | output], each `units` wide: the hidden size, padded. In the padding sums
//! are 0, and so the state stays 0 there, and so do the gradients.

use pulp::{Simd, WithSimd};

use super::product::{Kernel, LANES_MAX};

/// 2^23 * 1.5: what is added to it is rounded to an integer, which its lowest bits then hold.
const ROUNDING: f32 = 12_582_912.0;
/// The natural logarithm of 2, as a sum of which the first part has few enough digits for exact products.
const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
/// Beyond it a sigmoid is 0 or 1 to the last bit that matters, and 2^n is still a normal number.
const SIGMOID_ARGUMENT_MAX: f32 = 87.0;
/// Beyond it the hyperbolic tangent of half of it is 1 to the last bit.
const TANH_ARGUMENT_MAX: f32 = 20.0;
/// 1 / n! for n = 7 down to 2: on +-ln(2) / 2 what follows is below a bit.
const SERIES: [f32; 6] = [1.0 / 5_040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 1.0 / 2.0];

/// exp(x) - 1, for arguments that are no further from 0 than [`SIGMOID_ARGUMENT_MAX`].
#[inline(always)]
fn exp_m1<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let rounding = simd.splat_f32s(ROUNDING);
    // x = n ln(2) + r; exp(x) - 1 = 2^n (exp(r) - 1) + (2^n - 1).
    let shifted = simd.mul_add_f32s(x, simd.splat_f32s(std::f32::consts::LOG2_E), rounding);
    let n = simd.sub_f32s(shifted, rounding);
    let r = simd.mul_add_f32s(n, simd.splat_f32s(-LN_2[0]), x);
    let r = simd.mul_add_f32s(n, simd.splat_f32s(-LN_2[1]), r);
    let mut tail = simd.splat_f32s(SERIES[0]);
    for coefficient in &SERIES[1..] {
        tail = simd.mul_add_f32s(tail, r, simd.splat_f32s(*coefficient));
    }
    let exp_m1_r = simd.mul_add_f32s(simd.mul_f32s(r, r), tail, r);
    // Of `shifted` only n's own bits stay in place: they become the exponent.
    let exponent = simd.wrapping_dyn_shl_u32s(simd.transmute_u32s_f32s(shifted), simd.splat_u32s(23));
    let power = simd.transmute_f32s_u32s(simd.add_u32s(exponent, simd.splat_u32s(1.0_f32.to_bits())));
    simd.mul_add_f32s(power, exp_m1_r, simd.sub_f32s(power, simd.splat_f32s(1.0)))
}

#[inline(always)]
fn clamp<S: Simd>(simd: S, x: S::f32s, max: f32) -> S::f32s {
    simd.max_f32s(simd.min_f32s(x, simd.splat_f32s(max)), simd.splat_f32s(-max))
}

/// 1 / (1 + exp(-x)).
#[inline(always)]
fn sigmoid<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let exp_m1 = exp_m1(simd, clamp(simd, simd.neg_f32s(x), SIGMOID_ARGUMENT_MAX));
    simd.div_f32s(simd.splat_f32s(1.0), simd.add_f32s(exp_m1, simd.splat_f32s(2.0)))
}

/// The hyperbolic tangent, exact to a few bits near 0 too.
#[inline(always)]
fn tanh<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let exp_m1 = exp_m1(simd, clamp(simd, simd.add_f32s(x, x), TANH_ARGUMENT_MAX));
    simd.div_f32s(exp_m1, simd.add_f32s(exp_m1, simd.splat_f32s(2.0)))
}

/// One step forward of some rows.
pub(crate) struct Advance<'a> {
    /// The hidden size, padded.
    pub(crate) units: usize,
    /// [rows, 4, units]: the gates' sums; afterwards what the gates let through.
    pub(crate) gates: &'a mut [f32],
    /// [rows, units]: the cells; afterwards as they are after the step.
    pub(crate) cell: &'a mut [f32],
    /// [rows, units]: afterwards the cells as they were.
    pub(crate) cell_before: &'a mut [f32],
    /// [rows, units]: afterwards the tangent of the cells.
    pub(crate) cell_tanh: &'a mut [f32],
    /// [rows, units]: afterwards the state.
    pub(crate) hidden: &'a mut [f32],
}

impl Advance<'_> {
    pub(crate) fn run(self, kernel: Kernel) {
        assert!(self.units.is_multiple_of(LANES_MAX), "units are padded");
        kernel.0.dispatch(self);
    }
}

impl WithSimd for Advance<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let units = self.units / S::F32_LANES;
        let rows = S::as_mut_simd_f32s(self.gates).0.chunks_exact_mut(4 * units);
        let cells = S::as_mut_simd_f32s(self.cell).0.chunks_exact_mut(units);
        let before = S::as_mut_simd_f32s(self.cell_before).0.chunks_exact_mut(units);
        let tanhs = S::as_mut_simd_f32s(self.cell_tanh).0.chunks_exact_mut(units);
        let hiddens = S::as_mut_simd_f32s(self.hidden).0.chunks_exact_mut(units);
        for ((((gates, cell), before), tanhs), hidden) in rows.zip(cells).zip(before).zip(tanhs).zip(hiddens) {
            let (input, rest) = gates.split_at_mut(units);
            let (forget, rest) = rest.split_at_mut(units);
            let (candidate, output) = rest.split_at_mut(units);
            for u in 0..units {
                let (i, f) = (sigmoid(simd, input[u]), sigmoid(simd, forget[u]));
                let (g, o) = (tanh(simd, candidate[u]), sigmoid(simd, output[u]));
                before[u] = cell[u];
                let c = simd.mul_add_f32s(f, cell[u], simd.mul_f32s(i, g));
                let tanh_c = tanh(simd, c);
                (input[u], forget[u], candidate[u], output[u]) = (i, f, g, o);
                (cell[u], tanhs[u], hidden[u]) = (c, tanh_c, simd.mul_f32s(o, tanh_c));
            }
        }
    }
}

/// The way back over one step of some rows.
pub(crate) struct Retreat<'a> {
    /// The hidden size, padded.
    pub(crate) units: usize,
    /// [rows, 4, units]: what the gates let through; afterwards the gradient by their sums.
    pub(crate) gates: &'a mut [f32],
    /// [rows, units]: the cells before the step.
    pub(crate) cell_before: &'a [f32],
    /// [rows, units]: the tangent of the cells after it.
    pub(crate) cell_tanh: &'a [f32],
    /// [rows, units]: the gradient by the state after the step.
    pub(crate) d_hidden: &'a [f32],
    /// [rows, units]: the gradient by the cells after the step; afterwards that by those before it.
    pub(crate) d_cell: &'a mut [f32],
}

impl Retreat<'_> {
    pub(crate) fn run(self, kernel: Kernel) {
        assert!(self.units.is_multiple_of(LANES_MAX), "units are padded");
        kernel.0.dispatch(self);
    }
}

impl WithSimd for Retreat<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let units = self.units / S::F32_LANES;
        let rows = S::as_mut_simd_f32s(self.gates).0.chunks_exact_mut(4 * units);
        let before = S::as_simd_f32s(self.cell_before).0.chunks_exact(units);
        let tanhs = S::as_simd_f32s(self.cell_tanh).0.chunks_exact(units);
        let d_hiddens = S::as_simd_f32s(self.d_hidden).0.chunks_exact(units);
        let d_cells = S::as_mut_simd_f32s(self.d_cell).0.chunks_exact_mut(units);
        // 1 - x^2, the derivative of a tangent x; x - x^2, that of a sigmoid.
        let of_tanh = |x| simd.negate_mul_add_f32s(x, x, simd.splat_f32s(1.0));
        let of_sigmoid = |x| simd.negate_mul_add_f32s(x, x, x);
        for ((((gates, before), tanhs), d_hidden), d_cell) in rows.zip(before).zip(tanhs).zip(d_hiddens).zip(d_cells) {
            let (input, rest) = gates.split_at_mut(units);
            let (forget, rest) = rest.split_at_mut(units);
            let (candidate, output) = rest.split_at_mut(units);
            for u in 0..units {
                let (i, f, g, o) = (input[u], forget[u], candidate[u], output[u]);
                let d_tanh = simd.mul_f32s(d_hidden[u], o);
                let d_c = simd.mul_add_f32s(d_tanh, of_tanh(tanhs[u]), d_cell[u]);
                input[u] = simd.mul_f32s(simd.mul_f32s(d_c, g), of_sigmoid(i));
                forget[u] = simd.mul_f32s(simd.mul_f32s(d_c, before[u]), of_sigmoid(f));
                candidate[u] = simd.mul_f32s(simd.mul_f32s(d_c, i), of_tanh(g));
                output[u] = simd.mul_f32s(simd.mul_f32s(d_hidden[u], tanhs[u]), of_sigmoid(o));
                d_cell[u] = simd.mul_f32s(d_c, f);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sigmoids of the first values and the tangents of the second, in their place.
    struct Curves<'a>(&'a mut [f32], &'a mut [f32]);

    impl WithSimd for Curves<'_> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            for x in S::as_mut_simd_f32s(self.0).0 {
                *x = sigmoid(simd, *x);
            }
            for x in S::as_mut_simd_f32s(self.1).0 {
                *x = tanh(simd, *x);
            }
        }
    }

    #[test]
    fn curves_are_those_of_double_precision_on_every_instruction_set() {
        let far = [0.0, -0.0, 1e-30, 1e-6, -1e-6, 100.0, -100.0, 1e30, -1e30, f32::INFINITY, f32::NEG_INFINITY];
        let xs: Vec<f32> = (-8_000..8_000 - 6).map(|i| i as f32 * 0.011_3).chain(far).chain([0.5; 11]).collect();
        assert!(xs.len().is_multiple_of(LANES_MAX));
        let mut first: Option<(Vec<f32>, Vec<f32>)> = None;
        for kernel in Kernel::all() {
            let (mut sigmoids, mut tanhs) = (xs.clone(), xs.clone());
            kernel.0.dispatch(Curves(&mut sigmoids, &mut tanhs));
            for ((x, sigmoid), tanh) in xs.iter().zip(&sigmoids).zip(&tanhs) {
                let x = f64::from(*x);
                // A sigmoid is relative to 1 at its upper end and to itself at its lower one.
                let expected = 1.0 / (1.0 + (-x.clamp(-87.0, 87.0)).exp());
                assert!((f64::from(*sigmoid) - expected).abs() <= 4e-7 * expected, "sigmoid({x}) = {sigmoid}");
                assert!((f64::from(*tanh) - x.tanh()).abs() <= 4e-7 * x.tanh().abs(), "tanh({x}) = {tanh}");
            }
            let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            let (of_sigmoid, of_tanh) = first.get_or_insert((sigmoids.clone(), tanhs.clone()));
            assert_eq!(bits(&sigmoids), bits(of_sigmoid), "{kernel:?}");
            assert_eq!(bits(&tanhs), bits(of_tanh), "{kernel:?}");
        }
    }
}
