//! A block of rows on its way through a network, and the way back.

use rand::{Rng, RngExt};

use super::architecture::{Architecture, OUTPUTS};
use super::layer::LayerPass;
use super::product::{Kernel, padded};

/// Rows that go through a network together. What they need on the way back stays in the second-level cache. It is part
/// of what a training gives: gradients are summed within blocks first.
pub(crate) const BLOCK_ROWS: usize = 32;

/// From one row of outputs to the next.
pub(crate) const OUTPUT_STRIDE: usize = padded(OUTPUTS);

/// What dropout leaves of a block: factors 0 or 1 / (1 - rate).
pub(crate) struct Masks {
    /// For each layer but the last, of its states: [steps, rows, hidden].
    between: Vec<Vec<f32>>,
    /// Of the last layer's last states: [rows, hidden].
    last: Vec<f32>,
}

impl Masks {
    pub(crate) fn new(architecture: &Architecture) -> Self {
        let last = BLOCK_ROWS * architecture.hidden;
        Self { between: vec![vec![1.0; architecture.steps * last]; architecture.layers - 1], last: vec![1.0; last] }
    }

    pub(crate) fn draw(&mut self, random: &mut impl Rng, rate: f32) {
        let kept = 1.0 / (1.0 - rate);
        for mask in self.between.iter_mut().chain([&mut self.last]).flatten() {
            *mask = if random.random::<f32>() < rate { 0.0 } else { kept };
        }
    }
}

/// A network's weights, as the way forward needs them and as the way back does.
pub(crate) struct BothWays<'a> {
    /// As [`Architecture`] lays them out.
    forward: &'a [f32],
    /// Of each LSTM layer.
    layers: Vec<Vec<f32>>,
    dense: Vec<f32>,
    output: Vec<f32>,
}

impl<'a> BothWays<'a> {
    pub(crate) fn new(architecture: &Architecture, weights: &'a [f32]) -> Self {
        let layer = |index| {
            let (layer, offset) = architecture.layer(index);
            layer.affine().transpose(&weights[offset..][..layer.affine().weights()])
        };
        let [dense, output] = [architecture.dense(), architecture.output()]
            .map(|(affine, offset)| affine.transpose(&weights[offset..][..affine.weights()]));
        Self { forward: weights, layers: (0..architecture.layers).map(layer).collect(), dense, output }
    }

    pub(crate) fn forward(&self) -> &[f32] {
        self.forward
    }
}

/// A block of rows on its way through a network.
pub(crate) struct Pass {
    architecture: Architecture,
    kernel: Kernel,
    layers: Vec<LayerPass>,
    /// [rows, hidden + context + 1].
    joined: Vec<f32>,
    /// [rows, padded dense]; on the way back its gradient.
    dense: Vec<f32>,
    /// [rows, dense + 1], after the ReLU.
    rectified: Vec<f32>,
    /// [rows, OUTPUT_STRIDE].
    outputs: Vec<f32>,
    /// [rows, padded hidden + context], on the way back.
    d_joined: Vec<f32>,
}

impl Pass {
    /// A pass forward that leaves nothing for the way back.
    pub(crate) fn forward_only(architecture: Architecture, kernel: Kernel, rows: usize) -> Self {
        Self::new(architecture, kernel, rows, 0, |layer| LayerPass::forward_only(layer, rows))
    }

    /// A pass of [`BLOCK_ROWS`] that can be gone back.
    pub(crate) fn both_ways(architecture: Architecture, kernel: Kernel) -> Self {
        let layer = |layer| LayerPass::both_ways(layer, BLOCK_ROWS, architecture.steps);
        Self::new(architecture, kernel, BLOCK_ROWS, BLOCK_ROWS, layer)
    }

    fn new(
        architecture: Architecture,
        kernel: Kernel,
        rows: usize,
        back: usize,
        layer: impl Fn(super::layer::Layer) -> LayerPass,
    ) -> Self {
        let (dense, output) = (architecture.dense().0, architecture.output().0);
        Self {
            architecture,
            kernel,
            layers: (0..architecture.layers).map(|index| layer(architecture.layer(index).0)).collect(),
            joined: vec![1.0; rows * dense.stride()],
            dense: vec![0.0; rows * dense.width],
            rectified: vec![1.0; rows * output.stride()],
            outputs: vec![0.0; rows * output.width],
            d_joined: vec![0.0; back * padded(dense.inputs)],
        }
    }

    /// The outputs, [n, OUTPUT_STRIDE], of `n` windows [n, steps, inputs] and contexts [n, context].
    pub(crate) fn forward(
        &mut self,
        weights: &[f32],
        windows: &[f32],
        contexts: &[f32],
        n: usize,
        masks: Option<&Masks>,
    ) -> &[f32] {
        self.sequence(weights, windows, n, masks);
        self.head(weights, contexts, n, masks);
        &self.outputs[..n * OUTPUT_STRIDE]
    }

    /// The layers over all steps.
    fn sequence(&mut self, weights: &[f32], windows: &[f32], n: usize, masks: Option<&Masks>) {
        let Architecture { steps, inputs, hidden, .. } = self.architecture;
        self.layers.iter_mut().for_each(|layer| layer.begin(n));
        for step in 0..steps {
            for row in 0..n {
                let window = &windows[(row * steps + step) * inputs..][..inputs];
                self.layers[0].inputs_mut(step, row).copy_from_slice(window);
            }
            for index in 0..self.layers.len() {
                let (layer, offset) = self.architecture.layer(index);
                let (below, above) = self.layers.split_at_mut(index + 1);
                let pass = &mut below[index];
                pass.step(self.kernel, &weights[offset..][..layer.affine().weights()], step, n);
                if let Some(above) = above.first_mut() {
                    for row in 0..n {
                        let mask =
                            masks.map(|masks| &masks.between[index][(step * BLOCK_ROWS + row) * hidden..][..hidden]);
                        masked(above.inputs_mut(step, row), pass.hidden(row), mask);
                    }
                }
                if step + 1 < steps {
                    pass.carry(step, n);
                }
            }
        }
    }

    /// The last states and the contexts through the dense layers.
    fn head(&mut self, weights: &[f32], contexts: &[f32], n: usize, masks: Option<&Masks>) {
        let Architecture { hidden, context, dense: dense_values, .. } = self.architecture;
        let ((dense, dense_at), (output, output_at)) = (self.architecture.dense(), self.architecture.output());
        let last = &self.layers[self.layers.len() - 1];
        for (row, joined) in self.joined.chunks_exact_mut(dense.stride()).take(n).enumerate() {
            let mask = masks.map(|masks| &masks.last[row * hidden..][..hidden]);
            masked(&mut joined[..hidden], last.hidden(row), mask);
            joined[hidden..][..context].copy_from_slice(&contexts[row * context..][..context]);
        }
        dense.apply(self.kernel, &weights[dense_at..][..dense.weights()], &self.joined, n, &mut self.dense);
        let rectified = self.rectified.chunks_exact_mut(output.stride());
        for (rectified, sums) in rectified.zip(self.dense.chunks_exact(dense.width)).take(n) {
            rectified.iter_mut().zip(&sums[..dense_values]).for_each(|(value, sum)| *value = sum.max(0.0));
        }
        output.apply(self.kernel, &weights[output_at..][..output.weights()], &self.rectified, n, &mut self.outputs);
    }

    /// Back from the gradient by the outputs of the `n` rows that went forward last, [n, OUTPUT_STRIDE], 0 in the padding.
    /// Adds to `gradient`, which lies like the weights.
    pub(crate) fn back(
        &mut self,
        weights: &BothWays,
        d_outputs: &[f32],
        n: usize,
        masks: Option<&Masks>,
        gradient: &mut [f32],
    ) {
        debug_assert_eq!(weights.forward.len(), gradient.len());
        self.head_back(weights, d_outputs, n, gradient);
        self.sequence_back(weights, n, masks, gradient);
    }

    fn head_back(&mut self, weights: &BothWays, d_outputs: &[f32], n: usize, gradient: &mut [f32]) {
        let Architecture { hidden, dense: dense_values, .. } = self.architecture;
        let ((dense, dense_at), (output, output_at)) = (self.architecture.dense(), self.architecture.output());
        let of_output = &mut gradient[output_at..][..output.weights()];
        output.add_gradient(self.kernel, &self.rectified, d_outputs, n, of_output);
        output.pull_back(self.kernel, &weights.output, d_outputs, n, dense_values, &mut self.dense);
        let d_dense = self.dense.chunks_exact_mut(dense.width);
        for (d_dense, rectified) in d_dense.zip(self.rectified.chunks_exact(output.stride())).take(n) {
            for (d_dense, value) in d_dense.iter_mut().zip(&rectified[..dense_values]) {
                *d_dense = if *value > 0.0 { *d_dense } else { 0.0 };
            }
        }
        let of_dense = &mut gradient[dense_at..][..dense.weights()];
        dense.add_gradient(self.kernel, &self.joined, &self.dense, n, of_dense);
        dense.pull_back(self.kernel, &weights.dense, &self.dense, n, hidden, &mut self.d_joined);
    }

    fn sequence_back(&mut self, weights: &BothWays, n: usize, masks: Option<&Masks>, gradient: &mut [f32]) {
        let Architecture { steps, hidden, .. } = self.architecture;
        self.layers.iter_mut().for_each(|layer| layer.begin_back(n));
        let top = self.layers.len() - 1;
        for (row, d_joined) in
            self.d_joined.chunks_exact(padded(self.architecture.dense().0.inputs)).take(n).enumerate()
        {
            let mask = masks.map(|masks| &masks.last[row * hidden..][..hidden]);
            masked(self.layers[top].d_hidden_mut(row), &d_joined[..hidden], mask);
        }
        for step in (0..steps).rev() {
            for index in (0..=top).rev() {
                let (layer, offset) = self.architecture.layer(index);
                let (below, above) = self.layers.split_at_mut(index);
                let pass = &mut above[0];
                let of_layer = &mut gradient[offset..][..layer.affine().weights()];
                pass.step_back(self.kernel, &weights.layers[index], of_layer, step, n, index > 0);
                let Some(below) = below.last_mut() else { continue };
                for row in 0..n {
                    let mask =
                        masks.map(|masks| &masks.between[index - 1][(step * BLOCK_ROWS + row) * hidden..][..hidden]);
                    add_masked(below.d_hidden_mut(row), pass.d_inputs(row), mask);
                }
            }
        }
    }
}

fn masked(out: &mut [f32], values: &[f32], mask: Option<&[f32]>) {
    match mask {
        Some(mask) => out.iter_mut().zip(values).zip(mask).for_each(|((out, value), mask)| *out = value * mask),
        None => out.copy_from_slice(values),
    }
}

fn add_masked(out: &mut [f32], values: &[f32], mask: Option<&[f32]>) {
    match mask {
        Some(mask) => out.iter_mut().zip(values).zip(mask).for_each(|((out, value), mask)| *out += value * mask),
        None => out.iter_mut().zip(values).for_each(|(out, value)| *out += value),
    }
}
