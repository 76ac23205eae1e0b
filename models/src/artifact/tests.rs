//! A model comes back as it was, or not at all.

use super::*;
use crate::lstm::Inputs;
use crate::samples::Samples;
use crate::sealed::Tensor;

fn artifact() -> Artifact {
    let context = FeatureSet::Levels.context_len();
    let architecture = Architecture { hidden: 5, layers: 2, dense: 6, ..Architecture::with_context(context) };
    let bounds = Bounds::of(&Samples {
        base: vec![0.0; 6],
        target: vec![-0.5, -9.0, -9.0, 0.5, 9.0, 9.0],
        ..Samples::default()
    });
    let members = [7, 8].map(|seed| Network::untrained(architecture, seed).unwrap());
    let manifest = Manifest {
        metric: Metric::Views,
        feature_version: FeatureSet::Levels.version(),
        architecture,
        bounds,
        recipe: Recipe::default(),
        seeds: vec![7, 8],
        training_videos: vec!["7tbWmYUZLX4".into(), "AUGPxmxWEAo".into()],
        validated_from_us: Some(1_740_000_000_000_000),
        first_origin_us: 1_700_000_000_000_000,
        last_origin_us: 1_750_000_000_000_000,
        scores: BTreeMap::from([("views 6 h".into(), 0.1 + 0.2)]),
    };
    Artifact { manifest, ensemble: Ensemble::new(members.into(), bounds).unwrap() }
}

fn waves(len: usize) -> Vec<f32> {
    (0..len).map(|i| (i as f32 * 0.7).sin()).collect()
}

fn forecast(artifact: &Artifact) -> Vec<u32> {
    let Architecture { steps, inputs, context, .. } = artifact.manifest.architecture;
    let (window, context) = (waves(2 * steps * inputs), waves(2 * context));
    let inputs = Inputs { window: &window, context: &context, base: &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0] };
    artifact.ensemble.forecast(inputs, 1).unwrap().into_iter().map(f32::to_bits).collect()
}

/// The file with another content, sealed anew: as a program that errs would write it.
fn forged(change: impl FnOnce(&mut Manifest, &mut Tensors)) -> Result<Artifact, ArtifactError> {
    let (mut manifest, mut tensors) =
        open::<Manifest>(FORMAT, ARTIFACT_VERSION, &artifact().to_bytes().unwrap()).unwrap();
    change(&mut manifest, &mut tensors);
    Artifact::from_bytes(&seal(FORMAT, ARTIFACT_VERSION, &manifest, &tensors).unwrap())
}

fn message(result: Result<Artifact, ArtifactError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn what_is_read_forecasts_the_same_bits() {
    let written = artifact();
    let bytes = written.to_bytes().unwrap();
    assert_eq!(bytes, artifact().to_bytes().unwrap());
    let read = Artifact::from_bytes(&bytes).unwrap();
    assert_eq!(read, written);
    assert_eq!(forecast(&read), forecast(&written));
    assert_eq!(forged(|_, _| ()).unwrap(), written);
}

#[test]
fn a_mean_is_that_of_the_members_within_bounds() {
    let artifact = artifact();
    let (window, context) = (waves(120), waves(20));
    let inputs = Inputs { window: &window, context: &context, base: &[1.0, 2.0, 3.0] };
    let members = [0, 1].map(|member| {
        let mut forecasts = artifact.ensemble.members()[member].forecast(inputs, 1).unwrap();
        let unbounded = forecasts.clone();
        // The hour's bounds are half a unit below and above the base, the others never reached.
        forecasts[..3].iter_mut().for_each(|value| *value = value.clamp(0.5, 1.5));
        assert_ne!(forecasts, unbounded, "an untrained network's interval is wider");
        forecasts
    });
    assert_ne!(members[0], members[1]);
    let mean: Vec<f32> = members[0].iter().zip(&members[1]).map(|(a, b)| (a + b) / 2.0).collect();
    assert_eq!(artifact.ensemble.forecast(inputs, 1).unwrap(), mean);
}

#[test]
fn features_that_are_not_made_here_are_refused() {
    let unknown = message(forged(|manifest, _| manifest.feature_version = 77));
    assert_eq!(unknown, "a model for features of version 77, which this program does not make: train it anew");
    let other = message(forged(|manifest, _| manifest.feature_version = FeatureSet::Lags.version()));
    assert!(other.contains("its features are 20, 6 and 68"), "{other}");
}

#[test]
fn a_file_that_is_cut_or_changed_is_refused() {
    let bytes = artifact().to_bytes().unwrap();
    for len in (0..bytes.len()).step_by(61) {
        assert!(matches!(Artifact::from_bytes(&bytes[..len]), Err(ArtifactError::File(_))), "{len}");
    }
    for at in (bytes.len() - 4_000..bytes.len()).step_by(17) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        let error = Artifact::from_bytes(&damaged).unwrap_err();
        assert!(matches!(error, ArtifactError::File(SealError::Damaged { .. })), "{at}: {error}");
    }
}

#[test]
fn weights_that_make_no_network_are_refused() {
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let result = forged(|_, tensors| tensors.get_mut("1.dense.weight").unwrap().values[3] = value);
        assert!(message(result).contains("dense.weight holds"), "{value}");
    }
    let message_of = |change: fn(&mut Manifest, &mut Tensors)| message(forged(change));
    let missing = message_of(|_, tensors| drop(tensors.remove("0.output.bias")));
    assert!(missing.contains("output.bias is missing"), "{missing}");
    let reshaped = message_of(|_, tensors| tensors.get_mut("0.lstm.weight_hh_l1").unwrap().shape.reverse());
    assert!(reshaped.contains("[5, 20] and not [20, 5]"), "{reshaped}");
    let extra = message_of(|_, tensors| {
        tensors.insert("0.lstm.weight_hh_l2".into(), Tensor { shape: vec![1], values: vec![0.0] });
    });
    assert!(extra.contains("lstm.weight_hh_l2 belongs to no network"), "{extra}");
    let third = message_of(|_, tensors| {
        tensors.insert("2.dense.bias".into(), Tensor { shape: vec![1], values: vec![0.0] });
    });
    assert!(third.contains("2.dense.bias belongs to none"), "{third}");
    let absurd = message_of(|manifest, _| manifest.architecture.hidden = 1 << 40);
    assert!(absurd.contains("hidden"), "{absurd}");
    let without = message_of(|manifest, tensors| {
        manifest.seeds.clear();
        tensors.clear();
    });
    assert!(without.contains("ensemble"), "{without}");
    let unbounded = message_of(|manifest, _| {
        manifest.bounds = serde_json::from_str("[[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]").unwrap();
    });
    assert!(unbounded.contains("no intervals of numbers"), "{unbounded}");
    let crowded = message_of(|manifest, _| manifest.seeds.push(9));
    assert!(crowded.contains("is missing"), "{crowded}");
}

#[test]
fn a_manifest_of_something_else_is_not_written() {
    let changes: [fn(&mut Artifact); 4] = [
        |artifact| artifact.manifest.seeds.truncate(1),
        |artifact| artifact.manifest.architecture.hidden += 1,
        |artifact| artifact.manifest.last_origin_us = 0,
        |artifact| *artifact.manifest.scores.get_mut("views 6 h").unwrap() = f64::NAN,
    ];
    for change in changes {
        let mut artifact = artifact();
        change(&mut artifact);
        assert!(matches!(artifact.to_bytes(), Err(ArtifactError::Manifest(_))));
    }
}
