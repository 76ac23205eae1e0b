//! A matrix with a bias, and its gradients.

use super::product::{Kernel, Left, Product, padded};

/// The sizes of a matrix with a bias.
///
/// A row that goes in ends with a 1, and the last row of the weights `[inputs + 1, width]` is the bias: one product
/// serves both, and so it is with their gradients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Affine {
    /// Values of a row that goes in, without the 1.
    pub(crate) inputs: usize,
    /// Values of a row that comes out, with padding, whose weights are 0.
    pub(crate) width: usize,
}

impl Affine {
    /// From one row that goes in to the next.
    pub(crate) fn stride(self) -> usize {
        self.inputs + 1
    }

    /// The number of weights, with padding.
    pub(crate) fn weights(self) -> usize {
        self.stride() * self.width
    }

    /// Into `out`, [n, width], for `n` of `rows`, [n, inputs + 1].
    pub(crate) fn apply(self, kernel: Kernel, weights: &[f32], rows: &[f32], n: usize, out: &mut [f32]) {
        Product {
            order: Left::Rows,
            left: rows,
            left_stride: self.stride(),
            right: weights,
            right_stride: self.width,
            out,
            out_stride: self.width,
            rows: n,
            depth: self.stride(),
            columns: self.width,
            adds: false,
        }
        .run(kernel);
    }

    /// Adds the gradient by the weights, [inputs + 1, width], of `n` rows whose results have the gradient `d_out`.
    pub(crate) fn add_gradient(self, kernel: Kernel, rows: &[f32], d_out: &[f32], n: usize, gradient: &mut [f32]) {
        Product {
            order: Left::Transposed,
            left: rows,
            left_stride: self.stride(),
            right: d_out,
            right_stride: self.width,
            out: gradient,
            out_stride: self.width,
            rows: self.stride(),
            depth: n,
            columns: self.width,
            adds: true,
        }
        .run(kernel);
    }

    /// The weights without the bias as the way back needs them, [width, padded inputs].
    pub(crate) fn transpose(self, weights: &[f32]) -> Vec<f32> {
        let stride = padded(self.inputs);
        let mut transposed = vec![0.0; self.width * stride];
        for (input, weights) in weights.chunks_exact(self.width).take(self.inputs).enumerate() {
            for (output, weight) in weights.iter().enumerate() {
                transposed[output * stride + input] = *weight;
            }
        }
        transposed
    }

    /// The gradient by the first `inputs` of each row that went in, into `d_rows`, [n, padded inputs of the whole row].
    pub(crate) fn pull_back(
        self,
        kernel: Kernel,
        transposed: &[f32],
        d_out: &[f32],
        n: usize,
        inputs: usize,
        d_rows: &mut [f32],
    ) {
        Product {
            order: Left::Rows,
            left: d_out,
            left_stride: self.width,
            right: transposed,
            right_stride: padded(self.inputs),
            out: d_rows,
            out_stride: padded(self.inputs),
            rows: n,
            depth: self.width,
            columns: padded(inputs),
            adds: false,
        }
        .run(kernel);
    }
}
