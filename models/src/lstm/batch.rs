//! The gradient of one batch, block by block.

use super::architecture::{Architecture, HORIZONS};
use super::draws::{Purpose, random};
use super::loss::{Targets, weight_sum};
use super::pass::{BLOCK_ROWS, BothWays, Masks, OUTPUT_STRIDE, Pass};
use super::product::Kernel;
use super::threads::share_out;
use crate::samples::Samples;

/// What is left out in a step.
#[derive(Clone, Copy)]
pub(crate) struct Dropout {
    pub(crate) rate: f32,
    pub(crate) seed: u64,
    pub(crate) step: u64,
}

/// The loss of a batch: the weighted sum, and what its targets count in all.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct LossSum {
    pub(crate) loss: f64,
    pub(crate) weight: f64,
}

/// Computes gradients of batches; keeps the memory that they need.
pub(crate) struct Batches {
    architecture: Architecture,
    blocks: Vec<Block>,
}

impl Batches {
    pub(crate) fn new(architecture: Architecture, kernel: Kernel, batch: usize) -> Self {
        let blocks = batch.div_ceil(BLOCK_ROWS);
        Self { architecture, blocks: (0..blocks).map(|_| Block::new(architecture, kernel)).collect() }
    }

    /// Writes the gradient of the weighted mean loss of some samples into `gradient`, which lies like the weights.
    /// It is the same bits on any number of threads.
    pub(crate) fn gradient(
        &mut self,
        weights: &[f32],
        samples: &Samples,
        batch: &[u32],
        dropout: Option<Dropout>,
        threads: usize,
        gradient: &mut [f32],
    ) -> LossSum {
        let weights = BothWays::new(&self.architecture, weights);
        let blocks = batch.len().div_ceil(BLOCK_ROWS);
        let mut blocks: Vec<_> = self.blocks[..blocks].iter_mut().zip(batch.chunks(BLOCK_ROWS)).enumerate().collect();
        let weight: f64 =
            blocks.iter_mut().map(|(_, (block, rows))| block.gather(&self.architecture, samples, rows)).sum();
        let scale = if weight > 0.0 { (1.0 / weight) as f32 } else { 0.0 };
        share_out(threads, &mut blocks, |blocks| {
            for (index, (block, rows)) in blocks {
                block.work(&weights, rows.len(), scale, dropout.map(|dropout| (dropout, *index)));
            }
        });
        // In the order of the blocks, whichever thread had them.
        gradient.fill(0.0);
        let mut loss = 0.0;
        for (_, (block, _)) in blocks {
            loss += block.loss;
            gradient.iter_mut().zip(&block.gradient).for_each(|(sum, value)| *sum += value);
        }
        LossSum { loss, weight }
    }
}

/// A block's samples, and what comes of them.
struct Block {
    pass: Pass,
    masks: Masks,
    /// [BLOCK_ROWS, steps, inputs], and so on.
    samples: Samples,
    d_outputs: Vec<f32>,
    gradient: Vec<f32>,
    loss: f64,
}

impl Block {
    fn new(architecture: Architecture, kernel: Kernel) -> Self {
        Self {
            pass: Pass::both_ways(architecture, kernel),
            masks: Masks::new(&architecture),
            samples: Samples::default(),
            d_outputs: vec![0.0; BLOCK_ROWS * OUTPUT_STRIDE],
            gradient: vec![0.0; architecture.padded_weights()],
            loss: 0.0,
        }
    }

    /// Copies the samples together, and gives what their targets count in all.
    fn gather(&mut self, architecture: &Architecture, samples: &Samples, rows: &[u32]) -> f64 {
        let Samples { window, context, base, target, weight, .. } = &mut self.samples;
        let arrays = [
            (window, &samples.window, architecture.steps * architecture.inputs),
            (context, &samples.context, architecture.context),
            (base, &samples.base, HORIZONS),
            (target, &samples.target, HORIZONS),
            (weight, &samples.weight, HORIZONS),
        ];
        for (gathered, values, per_row) in arrays {
            gathered.clear();
            for row in rows {
                gathered.extend_from_slice(&values[*row as usize * per_row..][..per_row]);
            }
        }
        weight_sum(&self.samples.target, &self.samples.weight)
    }

    /// Forward and back, over `n` rows.
    fn work(&mut self, weights: &BothWays, n: usize, scale: f32, dropout: Option<(Dropout, usize)>) {
        if let Some((Dropout { rate, seed, step }, block)) = dropout {
            self.masks.draw(&mut random(seed, Purpose::Dropout { step, block }), rate);
        }
        let masks = dropout.map(|_| &self.masks);
        let Samples { window, context, base, target, weight, .. } = &self.samples;
        let outputs = self.pass.forward(weights.forward(), window, context, n, masks);
        let d_outputs = &mut self.d_outputs[..n * OUTPUT_STRIDE];
        self.loss = Targets { base, target, weight }.loss(outputs, OUTPUT_STRIDE, scale, d_outputs);
        self.gradient.fill(0.0);
        self.pass.back(weights, d_outputs, n, masks, &mut self.gradient);
    }
}
