//! The layers: two of LSTM, with dropout after each, and two dense ones without an activation.

use candle_core::{Device, Module, Result, Tensor, Var};
use candle_nn::Linear;

use super::draws::Draws;
use super::sequences::INPUTS;
use crate::lstm::op::LstmWeights;
use crate::task::WINDOW_STEPS;

/// Units of each LSTM layer.
const UNITS: usize = 50;

/// Units of the dense layer before the last.
const DENSE: usize = 25;

/// The share that dropout leaves out.
const DROPOUT: f64 = 0.2;

/// A network, all f32.
#[derive(Clone, Debug)]
pub(super) struct Network {
    lstm: [LstmWeights; 2],
    dense: [Linear; 2],
}

/// What dropout leaves: 0, or 1 / (1 - share).
#[derive(Clone, Debug)]
pub(super) struct Masks {
    /// [batch, steps, units]: of the first layer's states.
    first: Tensor,
    /// [batch, units]: of the second one's last state.
    second: Tensor,
}

impl Masks {
    pub(super) fn draw(batch: usize, draws: &mut Draws) -> Result<Self> {
        let kept = (1.0 / (1.0 - DROPOUT)) as f32;
        let mut mask = |shape: &[usize]| {
            let values = (0..shape.iter().product()).map(|_| if draws.uniform() < DROPOUT { 0.0 } else { kept });
            Tensor::from_vec(values.collect::<Vec<f32>>(), shape, &Device::Cpu)
        };
        Ok(Self { first: mask(&[batch, WINDOW_STEPS, UNITS])?, second: mask(&[batch, UNITS])? })
    }
}

impl Network {
    /// The first weights, as Keras has them: Glorot & Bengio (2010) evenly, orthogonal from state to state, biases 0, that of an
    /// LSTM's forget gate 1. Also gives them as the variables that a training moves.
    pub(super) fn draw(draws: &mut Draws) -> Result<(Self, Vec<Var>)> {
        let mut variables = Vec::new();
        let mut variable = |values: Vec<f32>, shape: &[usize]| -> Result<Tensor> {
            let variable = Var::from_vec(values, shape, &Device::Cpu)?;
            variables.push(variable.clone());
            Ok(variable.into_inner())
        };
        let mut lstm = |inputs: usize| -> Result<LstmWeights> {
            let forget = UNITS..2 * UNITS;
            let bias = (0..4 * UNITS).map(|gate| if forget.contains(&gate) { 1.0 } else { 0.0 }).collect();
            Ok(LstmWeights {
                weight_ih: variable(even(4 * UNITS, inputs, draws), &[4 * UNITS, inputs])?,
                weight_hh: variable(orthogonal(4 * UNITS, UNITS, draws), &[4 * UNITS, UNITS])?,
                bias: variable(bias, &[4 * UNITS])?,
            })
        };
        let lstm = [lstm(INPUTS)?, lstm(UNITS)?];
        let mut dense = |outputs: usize, inputs: usize| -> Result<Linear> {
            let weight = variable(even(outputs, inputs, draws), &[outputs, inputs])?;
            Ok(Linear::new(weight, Some(variable(vec![0.0; outputs], &[outputs])?)))
        };
        let dense = [dense(DENSE, UNITS)?, dense(1, DENSE)?];
        Ok((Self { lstm, dense }, variables))
    }

    /// The same weights, whatever a training makes of their variables later; what they give is no part of any gradient.
    pub(super) fn freeze(&self) -> Result<Self> {
        let freeze = |tensor: &Tensor| tensor.detach().copy();
        let lstm = |layer: &LstmWeights| -> Result<LstmWeights> {
            Ok(LstmWeights {
                weight_ih: freeze(&layer.weight_ih)?,
                weight_hh: freeze(&layer.weight_hh)?,
                bias: freeze(&layer.bias)?,
            })
        };
        let dense = |layer: &Linear| -> Result<Linear> {
            Ok(Linear::new(freeze(layer.weight())?, layer.bias().map(freeze).transpose()?))
        };
        let ([first, second], [third, last]) = (&self.lstm, &self.dense);
        Ok(Self { lstm: [lstm(first)?, lstm(second)?], dense: [dense(third)?, dense(last)?] })
    }

    /// The next scaled counts, [batch], of scaled windows [batch, steps, inputs]; with `masks` while training.
    pub(super) fn next(&self, windows: &Tensor, masks: Option<&Masks>) -> Result<Tensor> {
        let drop = |states: Tensor, mask: Option<&Tensor>| mask.map_or(Ok(states.clone()), |mask| states * mask);
        let states = drop(self.lstm[0].sequence(windows, 1)?, masks.map(|masks| &masks.first))?;
        let last = self.lstm[1].sequence(&states, 1)?.narrow(1, WINDOW_STEPS - 1, 1)?.squeeze(1)?;
        let last = drop(last, masks.map(|masks| &masks.second))?;
        self.dense[1].forward(&self.dense[0].forward(&last)?)?.squeeze(1)
    }
}

/// Evenly from minus to plus the root of 6 / (outputs + inputs), [outputs, inputs].
fn even(outputs: usize, inputs: usize, draws: &mut Draws) -> Vec<f32> {
    let limit = (6.0 / (outputs + inputs) as f64).sqrt();
    (0..outputs * inputs).map(|_| (limit * (2.0 * draws.uniform() - 1.0)) as f32).collect()
}

/// Columns of length 1 at right angles to each other, [outputs, inputs]: normal numbers, by Gram and Schmidt.
fn orthogonal(outputs: usize, inputs: usize, draws: &mut Draws) -> Vec<f32> {
    let normal: Vec<f64> = (0..outputs * inputs).map(|_| draws.normal()).collect();
    let mut columns: Vec<Vec<f64>> = Vec::new();
    for input in 0..inputs {
        let mut column: Vec<f64> = (0..outputs).map(|output| normal[output * inputs + input]).collect();
        for other in &columns {
            let shared = dot(&column, other);
            column.iter_mut().zip(other).for_each(|(value, other)| *value -= shared * other);
        }
        let length = dot(&column, &column).sqrt();
        column.iter_mut().for_each(|value| *value /= length);
        columns.push(column);
    }
    (0..outputs).flat_map(|output| columns.iter().map(move |column| column[output] as f32)).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
