//! A matrix product with a fixed order of sums.
//!
//! Each element of the result is one chain of fused multiply-adds along the depth, from its first to its last. Registers
//! hold elements of the result side by side and never parts of one sum, so neither the width of a register nor the
//! number of rows changes a bit of any of them.

use pulp::{Arch, Simd, WithSimd};

/// What the rows of matrices are padded to, in values: the widest register, 512 bits.
pub(crate) const LANES_MAX: usize = 16;

/// The length of a row with its padding.
pub(crate) const fn padded(len: usize) -> usize {
    len.next_multiple_of(LANES_MAX)
}

/// The instruction set that this machine's products are computed with. All give the same bits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kernel(pub(crate) Arch);

impl Kernel {
    /// The widest that this machine has.
    pub(crate) fn detect() -> Self {
        Self(Arch::new())
    }

    /// All that this machine has, the portable one first.
    #[cfg(test)]
    pub(crate) fn all() -> Vec<Self> {
        let vectors = [pulp::x86::V3::try_new().map(Arch::V3), pulp::x86::V4::try_new().map(Arch::V4)];
        [Some(Arch::Scalar)].into_iter().chain(vectors).flatten().map(Self).collect()
    }
}

/// How the left matrix lies in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// [rows, depth].
    Rows,
    /// [depth, rows].
    Transposed,
}

/// `out = left * right`, or `out += left * right`.
pub(crate) struct Product<'a> {
    /// How `left` lies in memory.
    pub(crate) order: Left,
    pub(crate) left: &'a [f32],
    /// From one row of `left`, as it lies in memory, to the next.
    pub(crate) left_stride: usize,
    /// [depth, columns].
    pub(crate) right: &'a [f32],
    /// From one row of `right` to the next; a multiple of [`LANES_MAX`].
    pub(crate) right_stride: usize,
    /// [rows, columns].
    pub(crate) out: &'a mut [f32],
    /// From one row of `out` to the next; a multiple of [`LANES_MAX`].
    pub(crate) out_stride: usize,
    pub(crate) rows: usize,
    pub(crate) depth: usize,
    /// A multiple of [`LANES_MAX`].
    pub(crate) columns: usize,
    /// The product is added to what `out` holds: its chains begin there and not at 0.
    pub(crate) adds: bool,
}

impl Product<'_> {
    pub(crate) fn run(self, kernel: Kernel) {
        let padded = |len: usize| len.is_multiple_of(LANES_MAX);
        assert!(padded(self.right_stride) && padded(self.out_stride) && padded(self.columns), "rows are padded");
        assert!(self.columns <= self.right_stride && self.columns <= self.out_stride, "rows do not overlap");
        kernel.0.dispatch(self);
    }

    /// `V` registers of columns, for all rows.
    #[inline(always)]
    fn panel<S: Simd, const V: usize>(&mut self, simd: S, column: usize) {
        let mut row = 0;
        while row < self.rows {
            let left = self.rows - row;
            // As many sums at once as hide the latency of an addition and fit the registers.
            row += if left >= 8 && S::REGISTER_COUNT >= 32 {
                self.tile::<S, 8, V>(simd, row, column)
            } else if left >= 4 {
                self.tile::<S, 4, V>(simd, row, column)
            } else if left >= 2 {
                self.tile::<S, 2, V>(simd, row, column)
            } else {
                self.tile::<S, 1, V>(simd, row, column)
            };
        }
    }

    /// `R` rows of `V` registers of columns; gives `R`.
    #[inline(always)]
    fn tile<S: Simd, const R: usize, const V: usize>(&mut self, simd: S, row: usize, column: usize) -> usize {
        let mut sums = [[simd.splat_f32s(0.0); V]; R];
        if self.adds {
            let out = S::as_simd_f32s(self.out).0;
            for (r, sums) in sums.iter_mut().enumerate() {
                let out = &out[((row + r) * self.out_stride + column) / S::F32_LANES..][..V];
                sums.copy_from_slice(out);
            }
        }
        let (right, right_stride) = (S::as_simd_f32s(self.right).0, self.right_stride / S::F32_LANES);
        let right = &right[column / S::F32_LANES..];
        match self.order {
            Left::Rows => {
                let mut lefts: [&[f32]; R] = [&[]; R];
                for (r, left) in lefts.iter_mut().enumerate() {
                    *left = &self.left[(row + r) * self.left_stride..][..self.depth];
                }
                for k in 0..self.depth {
                    let right = &right[k * right_stride..][..V];
                    for r in 0..R {
                        let left = simd.splat_f32s(lefts[r][k]);
                        for v in 0..V {
                            sums[r][v] = simd.mul_add_f32s(left, right[v], sums[r][v]);
                        }
                    }
                }
            }
            Left::Transposed => {
                for k in 0..self.depth {
                    let (left, right) =
                        (&self.left[k * self.left_stride + row..][..R], &right[k * right_stride..][..V]);
                    for r in 0..R {
                        let left = simd.splat_f32s(left[r]);
                        for v in 0..V {
                            sums[r][v] = simd.mul_add_f32s(left, right[v], sums[r][v]);
                        }
                    }
                }
            }
        }
        let out = S::as_mut_simd_f32s(self.out).0;
        for (r, sums) in sums.iter().enumerate() {
            out[((row + r) * self.out_stride + column) / S::F32_LANES..][..V].copy_from_slice(sums);
        }
        R
    }
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let mut column = 0;
        while column < self.columns {
            if self.columns - column >= 2 * S::F32_LANES {
                self.panel::<S, 2>(simd, column);
                column += 2 * S::F32_LANES;
            } else {
                self.panel::<S, 1>(simd, column);
                column += S::F32_LANES;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lstm::arbitrary::values;

    /// By the definition, one chain an element.
    fn by_definition(product: &Product) -> Vec<f32> {
        let mut out = product.out.to_vec();
        for row in 0..product.rows {
            for column in 0..product.columns {
                let sum = &mut out[row * product.out_stride + column];
                *sum = if product.adds { *sum } else { 0.0 };
                for k in 0..product.depth {
                    let left = match product.order {
                        Left::Rows => product.left[row * product.left_stride + k],
                        Left::Transposed => product.left[k * product.left_stride + row],
                    };
                    *sum = left.mul_add(product.right[k * product.right_stride + column], *sum);
                }
            }
        }
        out
    }

    #[test]
    fn every_instruction_set_gives_the_bits_of_the_definition() {
        let kernels = Kernel::all();
        for (rows, depth, columns) in [(1, 1, 16), (2, 7, 48), (3, 55, 192), (13, 20, 32), (31, 33, 208), (32, 54, 64)]
        {
            for order in [Left::Rows, Left::Transposed] {
                for adds in [false, true] {
                    let left_stride = depth.max(rows) + 3;
                    let (left, right) = (values(left_stride * depth.max(rows), 1), values(depth * (columns + 16), 2));
                    let before = values(rows * (columns + 32), 3);
                    for &kernel in &kernels {
                        let mut out = before.clone();
                        let product = Product {
                            order,
                            left: &left,
                            left_stride,
                            right: &right,
                            right_stride: columns + 16,
                            out: &mut out,
                            out_stride: columns + 32,
                            rows,
                            depth,
                            columns,
                            adds,
                        };
                        let expected = by_definition(&product);
                        product.run(kernel);
                        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
                        assert_eq!(bits(&out), bits(&expected), "{rows} x {depth} x {columns}, {order:?}, {kernel:?}");
                    }
                }
            }
        }
    }
}
