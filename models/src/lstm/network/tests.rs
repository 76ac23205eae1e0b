//! A network against PyTorch, against finite differences, and against itself in other batches.

use std::collections::BTreeMap;
use std::path::Path;

use safetensors::SafeTensors;

use super::*;
use crate::lstm::arbitrary::values;
use crate::lstm::batch::{Batches, Dropout, LossSum};
use crate::lstm::loss::loss_of_forecasts;
use crate::lstm::optimiser::{AdamW, clip, one_cycle};
use crate::sealed::Tensor;

const FIXTURES: [&str; 3] = ["lstm_1_layer", "lstm_2_layers", "lstm_3_layers"];

/// What `models/fixtures/lstm.py` wrote.
struct Fixture {
    tensors: BTreeMap<String, Tensor>,
    architecture: Architecture,
    samples: Samples,
}

impl Fixture {
    fn read(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(format!("{name}.safetensors"));
        let bytes = std::fs::read(path).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let values = |data: &[u8]| data.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        let tensors: BTreeMap<String, Tensor> = file
            .iter()
            .map(|(name, view)| (name.into(), Tensor { shape: view.shape().to_vec(), values: values(view.data()) }))
            .collect();
        let shape = |name: &str| tensors[name].shape.clone();
        let architecture = Architecture {
            steps: shape("window")[1],
            inputs: shape("window")[2],
            context: shape("context")[1],
            hidden: shape("weights.lstm.weight_hh_l0")[1],
            layers: tensors.keys().filter(|name| name.starts_with("weights.lstm.weight_hh_l")).count(),
            dense: shape("weights.dense.bias")[0],
        };
        let array = |name: &str| tensors[name].values.clone();
        let samples = Samples {
            window: array("window"),
            context: array("context"),
            base: array("base"),
            target: array("target"),
            weight: array("weight"),
            video: vec![0; shape("base")[0]],
        };
        Self { architecture, samples, tensors }
    }

    /// The weights, gradients or later weights: those whose names begin with `prefix`.
    fn under(&self, prefix: &str) -> Tensors {
        let of_prefix = self.tensors.iter().filter_map(|(name, tensor)| Some((name.strip_prefix(prefix)?, tensor)));
        of_prefix.map(|(name, tensor)| (name.into(), tensor.clone())).collect()
    }

    fn network(&self) -> Network {
        Network::from_tensors(self.architecture, self.under("weights.")).unwrap()
    }

    /// The gradient of all samples as one batch.
    fn gradient(&self, weights: &[f32]) -> (LossSum, Vec<f32>) {
        let rows: Vec<u32> = (0..self.samples.video.len() as u32).collect();
        let mut gradient = vec![0.0; weights.len()];
        let mut batches = Batches::new(self.architecture, Kernel::detect(), rows.len());
        (batches.gradient(weights, &self.samples, &rows, None, 2, &mut gradient), gradient)
    }
}

#[track_caller]
fn assert_close(found: &[f32], expected: &[f32], within: f32, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() <= within, "{what}[{at}]: {found}, PyTorch {expected}");
    }
}

#[test]
fn outputs_are_those_of_pytorch() {
    for name in FIXTURES {
        let fixture = Fixture::read(name);
        let quantiles = fixture.network().forecast(Inputs::from(&fixture.samples), 1).unwrap();
        assert_close(&quantiles, &fixture.tensors["quantiles"].values, 1e-5, name);
        let Samples { target, weight, .. } = &fixture.samples;
        let loss = loss_of_forecasts(&quantiles, target, weight) / crate::lstm::loss::weight_sum(target, weight);
        assert!((loss as f32 - fixture.tensors["loss"].values[0]).abs() < 1e-6, "{name}");
    }
}

#[test]
fn gradients_are_those_of_pytorch() {
    for name in FIXTURES {
        let fixture = Fixture::read(name);
        let (loss, gradient) = fixture.gradient(&fixture.network().weights);
        assert!(((loss.loss / loss.weight) as f32 - fixture.tensors["loss"].values[0]).abs() < 1e-6, "{name}");
        let found = Network::of_weights(fixture.architecture, gradient).tensors();
        let expected = fixture.under("gradient.");
        assert!(found.keys().eq(expected.keys()), "{name}");
        for (tensor, expected) in &expected {
            assert_close(&found[tensor].values, &expected.values, 1e-5, &format!("{name}, {tensor}"));
        }
    }
}

#[test]
fn ten_steps_lead_where_pytorchs_lead() {
    for name in FIXTURES {
        let fixture = Fixture::read(name);
        let mut weights = fixture.network().weights;
        let mut optimiser = AdamW::new(weights.len());
        for step in 0..10 {
            let (_, mut gradient) = fixture.gradient(&weights);
            clip(&mut gradient, 0.5);
            optimiser.step(&mut weights, &gradient, one_cycle(step, 10, 4e-3), 1e-2);
        }
        let found = Network::of_weights(fixture.architecture, weights).tensors();
        for (tensor, expected) in &fixture.under("stepped.") {
            // Where a gradient is near 0 the size of a step depends on its sign alone.
            assert_close(&found[tensor].values, &expected.values, 2e-4, &format!("{name}, {tensor}"));
            let mean = |values: &[f32]| values.iter().map(|value| f64::from(*value)).sum::<f64>() / values.len() as f64;
            let off: Vec<f32> = found[tensor].values.iter().zip(&expected.values).map(|(a, b)| (a - b).abs()).collect();
            assert!(mean(&off) < 1e-6, "{name}, {tensor}: {}", mean(&off));
        }
    }
}

fn samples(architecture: &Architecture, rows: usize) -> Samples {
    Samples {
        window: values(rows * architecture.steps * architecture.inputs, 1),
        context: values(rows * architecture.context, 2),
        base: values(rows * HORIZONS, 3),
        target: values(rows * HORIZONS, 4),
        weight: values(rows * HORIZONS, 5).into_iter().map(|value| value + 1.5).collect(),
        video: vec![0; rows],
    }
}

#[test]
fn gradients_with_dropout_are_those_of_finite_differences() {
    let architecture = Architecture { steps: 4, inputs: 3, context: 2, hidden: 5, layers: 2, dense: 6 };
    let samples = samples(&architecture, 40);
    let rows: Vec<u32> = (0..40).collect();
    let mut batches = Batches::new(architecture, Kernel::detect(), 40);
    let dropout = Some(Dropout { rate: 0.3, seed: 5, step: 9 });
    let mut network = Network::untrained(architecture, 3).unwrap();
    // Larger than those that a training begins with, so that every part of the network bends.
    network.weights.iter_mut().for_each(|weight| *weight *= 3.0);
    let mut gradient = vec![0.0; network.weights.len()];
    batches.gradient(&network.weights, &samples, &rows, dropout, 1, &mut gradient);
    let mut without = vec![0.0; gradient.len()];
    batches.gradient(&network.weights, &samples, &rows, None, 1, &mut without);
    assert_ne!(gradient, without, "dropout leaves something out");
    let mut checked = 0;
    for place in architecture.tensors().into_iter().flat_map(|tensor| tensor.places) {
        let mut moved = |by: f32| {
            let mut weights = network.weights.clone();
            weights[place] += by;
            let LossSum { loss, weight } =
                batches.gradient(&weights, &samples, &rows, dropout, 1, &mut vec![0.0; gradient.len()]);
            loss / weight
        };
        // The loss has corners, where a quantile meets its target: of the two sides' quotients one is taken there.
        let (up, here, down) = (moved(2e-3), moved(0.0), moved(-2e-3));
        let quotients = [(up - here) / 2e-3, (here - down) / 2e-3, (up - down) / 4e-3];
        let nearest =
            quotients.map(|quotient| (quotient - f64::from(gradient[place])).abs()).into_iter().reduce(f64::min);
        assert!(nearest.unwrap() < 2e-3, "{place}: {} for {quotients:?}", gradient[place]);
        checked += usize::from(gradient[place].abs() > 2e-2);
    }
    assert!(checked > 100, "most gradients are far from 0: {checked}");
}

#[test]
fn a_row_gives_the_same_bits_in_any_batch_place_thread_and_instruction_set() {
    for architecture in [
        Architecture::with_context(23),
        Architecture { steps: 20, inputs: 6, context: 0, hidden: 50, layers: 2, dense: 25 },
        Architecture { steps: 3, inputs: 1, context: 1, hidden: 1, layers: 1, dense: 1 },
    ] {
        let network = Network::untrained(architecture, 11).unwrap();
        let samples = samples(&architecture, 150);
        let inputs = Inputs::from(&samples);
        let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect::<Vec<u32>>();
        let all = bits(network.forecast(inputs, 1).unwrap());
        for kernel in Kernel::all() {
            assert!(bits(network.forecast_with(kernel, inputs, 1).unwrap()) == all, "{kernel:?}");
        }
        for threads in [0, 2, 3, 7] {
            assert!(bits(network.forecast(inputs, threads).unwrap()) == all, "{threads} threads");
        }
        for (first, n) in [(0, 1), (149, 1), (77, 1), (1, 2), (3, 31), (40, 33), (5, 64), (13, 137)] {
            let part = bits(network.forecast(inputs.slice(&architecture, first, n), 1).unwrap());
            assert!(part == all[first * OUTPUTS..(first + n) * OUTPUTS], "{n} rows from {first}");
        }
    }
}

#[test]
fn a_row_that_is_not_finite_spoils_no_other() {
    let architecture = Architecture { steps: 4, inputs: 3, context: 2, hidden: 5, layers: 1, dense: 6 };
    let network = Network::untrained(architecture, 1).unwrap();
    let good = samples(&architecture, 40);
    let expected = network.forecast(Inputs::from(&good), 1).unwrap();
    assert!(expected.iter().all(|value| value.is_finite()));
    let spoilers: [fn(&mut Samples); 3] = [
        |samples| samples.window[17 * 12 + 5] = f32::NAN,
        |samples| samples.context[17 * 2] = f32::INFINITY,
        |samples| samples.base[17 * 3 + 2] = f32::NAN,
    ];
    for spoil in spoilers {
        let mut samples = good.clone();
        spoil(&mut samples);
        let forecasts = network.forecast(Inputs::from(&samples), 1).unwrap();
        for (row, (found, expected)) in forecasts.chunks(OUTPUTS).zip(expected.chunks(OUTPUTS)).enumerate() {
            assert!(if row == 17 { found.iter().all(|value| value.is_nan()) } else { found == expected }, "{row}");
        }
    }
}

#[test]
fn quantiles_never_cross_and_stay_finite_for_any_finite_input() {
    let architecture = Architecture::with_context(2);
    let network = Network::untrained(architecture, 2).unwrap();
    let mut samples = samples(&architecture, 30);
    samples.window.iter_mut().for_each(|value| *value *= 1e30);
    samples.context.iter_mut().for_each(|value| *value *= 1e4);
    for [low, middle, high] in network.forecast(Inputs::from(&samples), 1).unwrap().as_chunks::<3>().0 {
        assert!(low.is_finite() && high.is_finite() && low <= middle && middle <= high, "{low} {middle} {high}");
    }
}

#[test]
fn arrays_of_different_lengths_are_refused() {
    let architecture = Architecture::with_context(2);
    let network = Network::untrained(architecture, 2).unwrap();
    let samples = samples(&architecture, 3);
    let inputs = Inputs::from(&samples);
    let short = Inputs { context: &inputs.context[1..], ..inputs };
    let message = network.forecast(short, 1).unwrap_err().to_string();
    assert_eq!(message, "context holds 5 values where 3 rows of 2 need 6");
    let cut = Inputs { base: &inputs.base[1..], ..inputs };
    assert!(network.forecast(cut, 1).is_err());
    let none = Inputs { window: &[], context: &[], base: &[] };
    assert!(network.forecast(none, 4).unwrap().is_empty());
}
