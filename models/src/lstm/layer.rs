//! An LSTM layer over the steps of a block of rows, and the way back.
//!
//! Of the usual form (Hochreiter & Schmidhuber 1997 with the forget gate of Gers, Schmidhuber & Cummins 2000), as PyTorch
//! has it: gates in the order input, forget, cell, output; one bias, which is the sum of PyTorch's two.

use super::affine::Affine;
use super::gates::{Advance, Retreat};
use super::product::{Kernel, padded};

/// The sizes of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layer {
    /// Values that go in at each step.
    pub(crate) inputs: usize,
    /// Values of the state.
    pub(crate) hidden: usize,
}

impl Layer {
    /// The width of one gate: the state with padding.
    pub(crate) fn units(self) -> usize {
        padded(self.hidden)
    }

    /// The matrix from a row [state | inputs | 1] to the sums of the gates, [4, units].
    pub(crate) fn affine(self) -> Affine {
        Affine { inputs: self.hidden + self.inputs, width: 4 * self.units() }
    }
}

/// A block of rows on its way through a layer.
pub(crate) struct LayerPass {
    layer: Layer,
    /// Rows that there is room for.
    rows_max: usize,
    /// Steps that are kept: all of them for the way back, else one.
    kept: usize,
    /// [kept, rows_max, hidden + inputs + 1].
    rows: Vec<f32>,
    /// [kept, rows_max, 4, units]: what the gates let through; on the way back the gradient by their sums.
    gates: Vec<f32>,
    /// [kept, rows_max, units].
    cell_before: Vec<f32>,
    /// [kept, rows_max, units].
    cell_tanh: Vec<f32>,
    /// [rows_max, units].
    cell: Vec<f32>,
    /// [rows_max, units].
    hidden: Vec<f32>,
    /// [rows_max, units]; only for the way back, like those below.
    d_hidden: Vec<f32>,
    /// [rows_max, units].
    d_cell: Vec<f32>,
    /// [rows_max, padded hidden + inputs].
    d_rows: Vec<f32>,
}

impl LayerPass {
    /// A pass forward that leaves nothing for the way back.
    pub(crate) fn forward_only(layer: Layer, rows_max: usize) -> Self {
        Self::new(layer, rows_max, 1, 0)
    }

    /// A pass that can be gone back, over `steps`.
    pub(crate) fn both_ways(layer: Layer, rows_max: usize, steps: usize) -> Self {
        Self::new(layer, rows_max, steps, rows_max)
    }

    fn new(layer: Layer, rows_max: usize, kept: usize, back: usize) -> Self {
        let (affine, units) = (layer.affine(), layer.units());
        Self {
            layer,
            rows_max,
            kept,
            rows: vec![0.0; kept * rows_max * affine.stride()],
            gates: vec![0.0; kept * rows_max * affine.width],
            cell_before: vec![0.0; kept * rows_max * units],
            cell_tanh: vec![0.0; kept * rows_max * units],
            cell: vec![0.0; rows_max * units],
            hidden: vec![0.0; rows_max * units],
            d_hidden: vec![0.0; back * units],
            d_cell: vec![0.0; back * units],
            d_rows: vec![0.0; back * padded(affine.inputs)],
        }
    }

    /// Where step `step` begins in what holds `per_row` values for each row of each kept step.
    fn offset(&self, step: usize, per_row: usize) -> usize {
        if self.kept == 1 { 0 } else { step * self.rows_max * per_row }
    }

    /// Begins with `n` rows, whose state is 0.
    pub(crate) fn begin(&mut self, n: usize) {
        let (hidden, stride, units) = (self.layer.hidden, self.layer.affine().stride(), self.layer.units());
        self.cell[..n * units].fill(0.0);
        for row in self.rows.chunks_exact_mut(stride) {
            row[stride - 1] = 1.0;
        }
        for row in self.rows[..n * stride].chunks_exact_mut(stride) {
            row[..hidden].fill(0.0);
        }
    }

    /// Where the inputs of `row` at `step` are to be written, before the step is gone.
    pub(crate) fn inputs_mut(&mut self, step: usize, row: usize) -> &mut [f32] {
        let stride = self.layer.affine().stride();
        let offset = self.offset(step, stride) + row * stride + self.layer.hidden;
        &mut self.rows[offset..][..self.layer.inputs]
    }

    /// One step of `n` rows; `weights` as [`Layer::affine`] has them.
    pub(crate) fn step(&mut self, kernel: Kernel, weights: &[f32], step: usize, n: usize) {
        let (affine, units) = (self.layer.affine(), self.layer.units());
        let (rows, gates, cells) =
            (self.offset(step, affine.stride()), self.offset(step, affine.width), self.offset(step, units));
        let gates = &mut self.gates[gates..][..n * affine.width];
        affine.apply(kernel, weights, &self.rows[rows..], n, gates);
        Advance {
            units,
            gates,
            cell: &mut self.cell[..n * units],
            cell_before: &mut self.cell_before[cells..][..n * units],
            cell_tanh: &mut self.cell_tanh[cells..][..n * units],
            hidden: &mut self.hidden[..n * units],
        }
        .run(kernel);
    }

    /// Hands the state on to the step after this one.
    pub(crate) fn carry(&mut self, step: usize, n: usize) {
        let (hidden, stride, units) = (self.layer.hidden, self.layer.affine().stride(), self.layer.units());
        let offset = self.offset(step + 1, stride);
        let rows = self.rows[offset..][..n * stride].chunks_exact_mut(stride);
        for (row, state) in rows.zip(self.hidden.chunks_exact(units)) {
            row[..hidden].copy_from_slice(&state[..hidden]);
        }
    }

    /// The state of `row` after the last step gone.
    pub(crate) fn hidden(&self, row: usize) -> &[f32] {
        &self.hidden[row * self.layer.units()..][..self.layer.hidden]
    }

    /// Begins the way back of `n` rows: no gradient yet.
    pub(crate) fn begin_back(&mut self, n: usize) {
        let units = self.layer.units();
        self.d_hidden[..n * units].fill(0.0);
        self.d_cell[..n * units].fill(0.0);
    }

    /// The gradient by the state of `row` after the step that is gone back next: what comes from elsewhere than the
    /// step after it is to be added.
    pub(crate) fn d_hidden_mut(&mut self, row: usize) -> &mut [f32] {
        &mut self.d_hidden[row * self.layer.units()..][..self.layer.hidden]
    }

    /// One step back of `n` rows. Adds to `gradient`, the gradient by the weights; `transposed` as [`Affine::transpose`]
    /// gives them. The gradient by the inputs is computed where `with_inputs`.
    pub(crate) fn step_back(
        &mut self,
        kernel: Kernel,
        transposed: &[f32],
        gradient: &mut [f32],
        step: usize,
        n: usize,
        with_inputs: bool,
    ) {
        let (affine, units, hidden) = (self.layer.affine(), self.layer.units(), self.layer.hidden);
        let (rows, gates, cells) =
            (self.offset(step, affine.stride()), self.offset(step, affine.width), self.offset(step, units));
        let gates = &mut self.gates[gates..][..n * affine.width];
        Retreat {
            units,
            gates,
            cell_before: &self.cell_before[cells..][..n * units],
            cell_tanh: &self.cell_tanh[cells..][..n * units],
            d_hidden: &self.d_hidden[..n * units],
            d_cell: &mut self.d_cell[..n * units],
        }
        .run(kernel);
        affine.add_gradient(kernel, &self.rows[rows..], gates, n, gradient);
        let inputs = if with_inputs { affine.inputs } else { hidden };
        affine.pull_back(kernel, transposed, gates, n, inputs, &mut self.d_rows);
        let d_states = self.d_hidden[..n * units].chunks_exact_mut(units);
        for (d_state, d_row) in d_states.zip(self.d_rows.chunks_exact(padded(affine.inputs))) {
            d_state[..hidden].copy_from_slice(&d_row[..hidden]);
        }
    }

    /// The gradient by the inputs of `row` at the step gone back last.
    pub(crate) fn d_inputs(&self, row: usize) -> &[f32] {
        let stride = padded(self.layer.affine().inputs);
        &self.d_rows[row * stride + self.layer.hidden..][..self.layer.inputs]
    }
}
