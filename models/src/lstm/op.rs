//! An LSTM layer as an operation on candle's tensors, with a way back of its own.
//!
//! candle's own layer does two small products a step, each an operation of the graph. Here the whole sequence is one
//! operation over blocks of rows that stay in the cache. It keeps nothing for the way back, which goes forward once
//! more, block by block: that costs less than the memory would.

use candle_core::{CpuStorage, CustomOp2, Error, Layout, Result, Shape, Tensor, bail};

use super::layer::{Layer, LayerPass};
use super::pass::BLOCK_ROWS;
use super::product::Kernel;
use super::threads::share_out;

const NAME: &str = "lstm-sequence";

/// The weights of an LSTM layer, with PyTorch's shapes and order of gates (input, forget, cell, output).
#[derive(Clone, Debug)]
pub struct LstmWeights {
    /// [4 hidden, inputs].
    pub weight_ih: Tensor,
    /// [4 hidden, hidden].
    pub weight_hh: Tensor,
    /// [4 hidden]: the sum of PyTorch's two.
    pub bias: Tensor,
}

impl LstmWeights {
    /// The states after each step, [batch, steps, hidden], of a sequence [batch, steps, inputs] that begins with state 0.
    /// Differentiable by the sequence and by the weights. All f32, on the CPU.
    ///
    /// # Errors
    /// Where shapes do not fit each other, and what candle's operations return.
    pub fn sequence(&self, input: &Tensor, threads: usize) -> Result<Tensor> {
        let (batch, steps, inputs) = input.dims3()?;
        let (gates, hidden) = self.weight_hh.dims2()?;
        if gates != 4 * hidden || batch * steps * inputs * hidden == 0 {
            bail!(
                "an LSTM layer needs a sequence that is not empty and weight_hh [4 hidden, hidden], not {:?} and {:?}",
                input.shape(),
                self.weight_hh.shape()
            );
        }
        if self.weight_ih.dims2()? != (gates, inputs) || self.bias.dims1()? != gates {
            bail!(
                "an LSTM layer with {inputs} inputs and {hidden} units needs weight_ih [{gates}, {inputs}] and bias [{gates}], \
                 not {:?} and {:?}",
                self.weight_ih.shape(),
                self.bias.shape()
            );
        }
        let weights = Tensor::cat(&[&self.weight_hh, &self.weight_ih, &self.bias.unsqueeze(1)?], 1)?;
        let sequence = Sequence { layer: Layer { inputs, hidden }, steps, threads };
        input.contiguous()?.apply_op2(&weights.contiguous()?, sequence)
    }
}

/// The operation on sequences [batch, steps, inputs] and weights [4 hidden, hidden + inputs + 1].
struct Sequence {
    layer: Layer,
    steps: usize,
    threads: usize,
}

/// What one block of rows needs on the way back, and what it gives.
struct BackBlock<'a> {
    /// [n, steps, inputs].
    sequences: &'a [f32],
    /// [n, steps, hidden].
    d_states: &'a [f32],
    /// [n, steps, inputs].
    d_sequences: &'a mut [f32],
    /// [hidden + inputs + 1, 4, units].
    gradient: Vec<f32>,
}

impl Sequence {
    /// From [4 hidden, hidden + inputs + 1] to the layer's own order, [hidden + inputs + 1, 4, units].
    fn pack(&self, weights: &[f32]) -> Vec<f32> {
        let (hidden, units, affine) = (self.layer.hidden, self.layer.units(), self.layer.affine());
        let mut packed = vec![0.0; affine.weights()];
        for (gate, weights) in weights.chunks_exact(affine.stride()).enumerate() {
            let column = gate / hidden * units + gate % hidden;
            for (row, weight) in weights.iter().enumerate() {
                packed[row * affine.width + column] = *weight;
            }
        }
        packed
    }

    /// The way back of [`Sequence::pack`].
    fn unpack(&self, packed: &[f32]) -> Vec<f32> {
        let (hidden, units, affine) = (self.layer.hidden, self.layer.units(), self.layer.affine());
        let value = |gate: usize, row: usize| packed[row * affine.width + gate / hidden * units + gate % hidden];
        (0..4 * hidden).flat_map(|gate| (0..affine.stride()).map(move |row| value(gate, row))).collect()
    }

    /// A block of sequences forward, [n, steps, inputs]; `states`, [n, steps, hidden], where they are wanted.
    fn forward(
        &self,
        kernel: Kernel,
        pass: &mut LayerPass,
        weights: &[f32],
        sequences: &[f32],
        mut states: Option<&mut [f32]>,
    ) {
        let (Layer { inputs, hidden }, steps) = (self.layer, self.steps);
        let n = sequences.len() / (steps * inputs);
        pass.begin(n);
        for step in 0..steps {
            for row in 0..n {
                pass.inputs_mut(step, row).copy_from_slice(&sequences[(row * steps + step) * inputs..][..inputs]);
            }
            pass.step(kernel, weights, step, n);
            if let Some(states) = &mut states {
                for row in 0..n {
                    states[(row * steps + step) * hidden..][..hidden].copy_from_slice(pass.hidden(row));
                }
            }
            if step + 1 < steps {
                pass.carry(step, n);
            }
        }
    }

    /// A block of sequences that went forward with `pass`, back.
    fn back(&self, kernel: Kernel, pass: &mut LayerPass, transposed: &[f32], block: &mut BackBlock) {
        let (Layer { inputs, hidden }, steps) = (self.layer, self.steps);
        let n = block.sequences.len() / (steps * inputs);
        pass.begin_back(n);
        for step in (0..steps).rev() {
            for row in 0..n {
                let d_state = &block.d_states[(row * steps + step) * hidden..][..hidden];
                for (d_hidden, d_state) in pass.d_hidden_mut(row).iter_mut().zip(d_state) {
                    *d_hidden += d_state;
                }
            }
            pass.step_back(kernel, transposed, &mut block.gradient, step, n, true);
            for row in 0..n {
                block.d_sequences[(row * steps + step) * inputs..][..inputs].copy_from_slice(pass.d_inputs(row));
            }
        }
    }
}

/// The values of a contiguous f32 tensor.
fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((begin, end)) => Ok(&storage.as_slice::<f32>()?[begin..end]),
        None => Err(Error::RequiresContiguous { op: NAME }.bt()),
    }
}

impl CustomOp2 for Sequence {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(
        &self,
        sequences: &CpuStorage,
        sequences_layout: &Layout,
        weights: &CpuStorage,
        weights_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (batch, steps, inputs) = sequences_layout.shape().dims3()?;
        let (sequences, hidden, kernel) = (values(sequences, sequences_layout)?, self.layer.hidden, Kernel::detect());
        let weights = self.pack(values(weights, weights_layout)?);
        let mut states = vec![0.0; batch * steps * hidden];
        let sequences = sequences.chunks(BLOCK_ROWS * steps * inputs);
        let mut blocks: Vec<_> = sequences.zip(states.chunks_mut(BLOCK_ROWS * steps * hidden)).collect();
        share_out(self.threads, &mut blocks, |blocks| {
            let mut pass = LayerPass::forward_only(self.layer, BLOCK_ROWS.min(batch));
            for (sequences, states) in blocks {
                self.forward(kernel, &mut pass, &weights, sequences, Some(states));
            }
        });
        Ok((CpuStorage::F32(states), Shape::from((batch, steps, hidden))))
    }

    fn bwd(
        &self,
        sequences: &Tensor,
        weights: &Tensor,
        _states: &Tensor,
        d_states: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let ((batch, steps, inputs), hidden, kernel) = (sequences.dims3()?, self.layer.hidden, Kernel::detect());
        let host = |tensor: &Tensor| tensor.flatten_all()?.to_vec1::<f32>();
        let (sequence_values, d_state_values) = (host(sequences)?, host(d_states)?);
        let packed = self.pack(&host(weights)?);
        let transposed = self.layer.affine().transpose(&packed);
        let mut d_sequences = vec![0.0; sequence_values.len()];
        let mut blocks: Vec<_> = sequence_values
            .chunks(BLOCK_ROWS * steps * inputs)
            .zip(d_state_values.chunks(BLOCK_ROWS * steps * hidden))
            .zip(d_sequences.chunks_mut(BLOCK_ROWS * steps * inputs))
            .map(|((sequences, d_states), d_sequences)| BackBlock {
                sequences,
                d_states,
                d_sequences,
                gradient: vec![0.0; packed.len()],
            })
            .collect();
        share_out(self.threads, &mut blocks, |blocks| {
            let mut pass = LayerPass::both_ways(self.layer, BLOCK_ROWS.min(batch), steps);
            for block in blocks {
                self.forward(kernel, &mut pass, &packed, block.sequences, None);
                self.back(kernel, &mut pass, &transposed, block);
            }
        });
        // In the order of the blocks, whichever thread had them.
        let mut gradient = vec![0.0; packed.len()];
        for block in &blocks {
            gradient.iter_mut().zip(&block.gradient).for_each(|(sum, value)| *sum += value);
        }
        drop(blocks);
        let d_weights = Tensor::from_vec(self.unpack(&gradient), weights.shape(), weights.device())?;
        Ok((Some(Tensor::from_vec(d_sequences, sequences.shape(), sequences.device())?), Some(d_weights)))
    }
}

#[cfg(test)]
mod tests;
