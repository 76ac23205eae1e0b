//! The layer against candle's own, and its gradients against finite differences.

use candle_core::{DType, Device, Var};
use candle_nn::rnn::{LSTM, LSTMConfig, RNN};
use candle_nn::{VarBuilder, VarMap};

use super::*;
use crate::lstm::arbitrary::values;

fn var(shape: impl Into<Shape>, seed: u32, size: f32) -> Var {
    let shape = shape.into();
    let values = values(shape.elem_count(), seed).into_iter().map(|value| value * size).collect();
    Var::from_tensor(&Tensor::from_vec(values, shape, &Device::Cpu).unwrap()).unwrap()
}

/// (sequence, weight_ih, weight_hh, bias).
fn layer(batch: usize, steps: usize, inputs: usize, hidden: usize) -> [Var; 4] {
    let gates = 4 * hidden;
    [
        var((batch, steps, inputs), 1, 2.0),
        var((gates, inputs), 2, 0.7),
        var((gates, hidden), 3, 0.5),
        var(gates, 4, 0.5),
    ]
}

fn states([sequence, weight_ih, weight_hh, bias]: &[Var; 4], threads: usize) -> Tensor {
    let [weight_ih, weight_hh, bias] = [weight_ih, weight_hh, bias].map(|var| var.as_tensor().clone());
    LstmWeights { weight_ih, weight_hh, bias }.sequence(sequence, threads).unwrap()
}

/// A scalar in which every state of every step counts differently.
fn scalar(states: &Tensor) -> Tensor {
    let weights = values(states.elem_count(), 5);
    let weights = Tensor::from_vec(weights, states.shape(), &Device::Cpu).unwrap();
    (states * weights).unwrap().sum_all().unwrap()
}

fn of_candle([sequence, weight_ih, weight_hh, bias]: &[Var; 4]) -> Tensor {
    let (variables, hidden) = (VarMap::new(), weight_hh.dim(1).unwrap());
    let mut of_layer = variables.data().lock().unwrap();
    for (name, var) in [("weight_ih_l0", weight_ih), ("weight_hh_l0", weight_hh), ("bias_ih_l0", bias)] {
        of_layer.insert(name.into(), var.clone());
    }
    drop(of_layer);
    let config = LSTMConfig { b_hh_init: None, ..Default::default() };
    let builder = VarBuilder::from_varmap(&variables, DType::F32, &Device::Cpu);
    let lstm = LSTM::new(sequence.dim(2).unwrap(), hidden, config, builder).unwrap();
    let states: Vec<Tensor> = lstm.seq(sequence).unwrap().iter().map(|state| state.h().clone()).collect();
    Tensor::stack(&states, 1).unwrap()
}

/// The largest difference, relative to the largest value, which may be 0.
fn difference(a: &Tensor, b: &Tensor) -> f32 {
    let max = |tensor: Tensor| tensor.abs().unwrap().flatten_all().unwrap().max(0).unwrap().to_scalar::<f32>().unwrap();
    max((a - b).unwrap()) / max(b.clone()).max(1e-3)
}

#[test]
fn states_and_gradients_are_those_of_candles_layer() {
    for (batch, steps, inputs, hidden) in [(1, 1, 1, 1), (3, 5, 6, 8), (70, 20, 6, 50), (33, 7, 48, 48)] {
        let vars = layer(batch, steps, inputs, hidden);
        let (ours, theirs) = (states(&vars, 2), of_candle(&vars));
        assert!(difference(&ours, &theirs) < 2e-6, "states of {batch} x {steps} x {inputs} x {hidden}");
        let (ours, theirs) = (scalar(&ours).backward().unwrap(), scalar(&theirs).backward().unwrap());
        for (name, var) in ["sequence", "weight_ih", "weight_hh", "bias"].iter().zip(&vars) {
            let difference = difference(ours.get(var).unwrap(), theirs.get(var).unwrap());
            assert!(difference < 1e-5, "{name} of {batch} x {steps} x {inputs} x {hidden}: {difference}");
        }
    }
}

#[test]
fn gradients_are_those_of_finite_differences() {
    let vars = layer(4, 6, 3, 5);
    let gradients = scalar(&states(&vars, 1)).backward().unwrap();
    for (of, name) in ["sequence", "weight_ih", "weight_hh", "bias"].iter().enumerate() {
        let values = vars[of].flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let gradient = gradients.get(&vars[of]).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        for at in 0..values.len() {
            let moved = |by: f32| {
                let mut moved = vars.clone();
                let mut values = values.clone();
                values[at] += by;
                let values = Tensor::from_vec(values, vars[of].shape(), &Device::Cpu).unwrap();
                moved[of] = Var::from_tensor(&values).unwrap();
                f64::from(scalar(&states(&moved, 1)).to_scalar::<f32>().unwrap())
            };
            // Of f32 some 7 digits: a third of them remains in the quotient.
            let expected = (moved(5e-3) - moved(-5e-3)) / 1e-2;
            let difference = (f64::from(gradient[at]) - expected).abs();
            assert!(difference < 1e-3 * (1.0 + expected.abs()), "{name}[{at}]: {} for {expected}", gradient[at]);
        }
    }
}

#[test]
fn threads_change_no_bit() {
    let vars = layer(100, 9, 6, 20);
    let all = |threads| {
        let states = states(&vars, threads);
        let gradients = scalar(&states).backward().unwrap();
        let of_vars = vars.iter().map(|var| gradients.get(var).unwrap().clone());
        let bits = |tensor: Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        [states].into_iter().chain(of_vars).flat_map(bits).map(f32::to_bits).collect::<Vec<u32>>()
    };
    let one = all(1);
    assert!(all(2) == one && all(3) == one && all(16) == one);
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let [sequence, weight_ih, weight_hh, bias] = layer(2, 3, 4, 5).map(|var| var.as_tensor().clone());
    let good = LstmWeights { weight_ih, weight_hh, bias };
    assert!(good.sequence(&sequence, 1).is_ok());
    let message = |weights: &LstmWeights, sequence: &Tensor| weights.sequence(sequence, 1).unwrap_err().to_string();
    let narrow = sequence.narrow(2, 0, 3).unwrap();
    assert!(message(&good, &narrow).contains("weight_ih [20, 3]"), "{}", message(&good, &narrow));
    let short = LstmWeights { bias: good.bias.narrow(0, 0, 19).unwrap(), ..good.clone() };
    assert!(message(&short, &sequence).contains("bias [20]"), "{}", message(&short, &sequence));
    let lopsided = LstmWeights { weight_hh: good.weight_hh.narrow(0, 0, 19).unwrap(), ..good.clone() };
    assert!(message(&lopsided, &sequence).contains("[4 hidden, hidden]"), "{}", message(&lopsided, &sequence));
}
