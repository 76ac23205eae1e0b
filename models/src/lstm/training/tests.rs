//! A training learns, gives the same bits whatever happens to it, and refuses what it cannot use.

use super::*;
use crate::lstm::CheckpointError;
use crate::lstm::arbitrary::values;
use crate::lstm::architecture::HORIZONS;
use crate::sealed::SealError;

const ARCHITECTURE: Architecture = Architecture { steps: 6, inputs: 2, context: 1, hidden: 12, layers: 2, dense: 8 };

const RECIPE: Recipe = Recipe {
    epochs: 4,
    draws_per_video: 50,
    batch: 70,
    learning_rate_max: 2e-2,
    weight_decay: 1e-4,
    gradient_norm_max: 1.0,
    dropout: 0.1,
    patience_epochs: 2,
};

static NEVER: AtomicBool = AtomicBool::new(false);

/// Samples whose targets are the base and what the sequence and the context say together.
fn samples(rows: usize, seed: u32) -> Samples {
    let (window, context) = (values(rows * 12, seed), values(rows, seed + 100));
    let base = values(rows * HORIZONS, seed + 200);
    let gain = |row: usize| {
        let window = &window[row * 12..][..12];
        2.0 * window[10] - window[1] + context[row] * window[8]
    };
    let target = (0..rows * HORIZONS).map(|at| base[at] + gain(at / 3) * (at % 3 + 1) as f32).collect();
    let video = (0..rows as u32).map(|row| row % 7).collect();
    Samples { target, weight: vec![1.0; rows * HORIZONS], window, context, base, video }
}

fn train(recipe: Recipe, samples: &Samples, validation: Option<&Samples>, threads: usize) -> Trained {
    let mut training = Training::begin(ARCHITECTURE, recipe, samples, validation, 5).unwrap();
    finish(&mut training, threads)
}

fn finish(training: &mut Training, threads: usize) -> Trained {
    match training.run(threads, &NEVER, &mut |_| ()).unwrap() {
        Outcome::Finished(trained) => trained,
        Outcome::Stopped => panic!("nobody stopped it"),
    }
}

fn bits(trained: &Trained) -> Vec<u32> {
    trained.network.tensors().values().flat_map(|tensor| &tensor.values).map(|value| value.to_bits()).collect()
}

#[test]
fn a_training_learns_what_is_there_to_learn() {
    let (samples, validation) = (samples(2_000, 3), samples(500, 4));
    let recipe = Recipe { epochs: 15, draws_per_video: 280, batch: 64, ..RECIPE };
    let trained = train(recipe, &samples, Some(&validation), 2);
    // A forecast that knows nothing, whose interval is that of all targets.
    let mut gains: Vec<f32> =
        validation.target.iter().zip(&validation.base).map(|(target, base)| target - base).collect();
    gains.sort_unstable_by(f32::total_cmp);
    let of_all = [gains.len() / 10, gains.len() / 2, gains.len() * 9 / 10].map(|at| gains[at]);
    let forecasts: Vec<f32> = validation.base.iter().flat_map(|base| of_all.map(|gain| base + gain)).collect();
    let blind = loss_of_forecasts(&forecasts, &validation.target, &validation.weight) / gains.len() as f64;
    let reached = trained.losses[trained.epoch].validation.unwrap();
    assert!(reached < 0.35 * blind, "{reached} of {blind}");
    // The weights handed out are those of the best epoch.
    let forecasts = trained.network.forecast(Inputs::from(&validation), 1).unwrap();
    let again = loss_of_forecasts(&forecasts, &validation.target, &validation.weight) / gains.len() as f64;
    assert_eq!(again, reached);
    assert!(trained.losses.iter().all(|loss| loss.validation.unwrap() >= reached));
    // Its intervals hold about what they say.
    let inside = forecasts.as_chunks::<3>().0.iter().zip(&validation.target);
    let inside = inside.filter(|([low, _, high], target)| (low..=high).contains(target)).count();
    let coverage = inside as f64 / gains.len() as f64;
    assert!((0.65..0.95).contains(&coverage), "{coverage}");
}

#[test]
fn two_trainings_give_the_same_bits_on_any_number_of_threads() {
    let (samples, validation) = (samples(300, 3), samples(60, 4));
    let first = train(RECIPE, &samples, Some(&validation), 1);
    for threads in [1, 2, 3] {
        let again = train(RECIPE, &samples, Some(&validation), threads);
        assert!(bits(&again) == bits(&first) && again.losses == first.losses, "{threads} threads");
    }
    let other = Training::begin(ARCHITECTURE, RECIPE, &samples, Some(&validation), 6);
    assert_ne!(bits(&finish(&mut other.unwrap(), 1)), bits(&first));
}

#[test]
fn a_training_that_was_stopped_goes_on_as_if_it_had_not_been() {
    let (samples, validation) = (samples(300, 3), samples(60, 4));
    let whole = train(RECIPE, &samples, Some(&validation), 1);
    // Five steps of an epoch, four epochs: stopped after each, in the middle of epochs and at their ends.
    let mut training = Training::begin(ARCHITECTURE, RECIPE, &samples, Some(&validation), 5).unwrap();
    let mut stops = 0;
    let trained = loop {
        let stop = AtomicBool::new(false);
        let outcome = training.run(1 + stops % 2, &stop, &mut |_| stop.store(true, Ordering::Relaxed)).unwrap();
        if let Outcome::Finished(trained) = outcome {
            break trained;
        }
        stops += 1;
        let checkpoint = training.checkpoint().unwrap();
        assert_eq!(checkpoint, training.checkpoint().unwrap());
        training = Training::resume(&checkpoint, ARCHITECTURE, RECIPE, &samples, Some(&validation), 5).unwrap();
        assert_eq!(checkpoint, training.checkpoint().unwrap());
    };
    assert_eq!(stops, 19, "each step but the last was followed by a stop");
    assert!(bits(&trained) == bits(&whole) && trained == whole);
    // One that is done gives the same once more.
    let checkpoint = training.checkpoint().unwrap();
    let mut done = Training::resume(&checkpoint, ARCHITECTURE, RECIPE, &samples, Some(&validation), 5).unwrap();
    assert_eq!(finish(&mut done, 1), whole);
}

#[test]
fn a_checkpoint_of_another_training_or_a_damaged_one_is_refused() {
    let (samples, validation) = (samples(300, 3), samples(60, 4));
    let checkpoint =
        Training::begin(ARCHITECTURE, RECIPE, &samples, Some(&validation), 5).unwrap().checkpoint().unwrap();
    let other = |result: Result<Training, CheckpointError>| match result.err().expect("it is refused") {
        CheckpointError::Training(LstmError::OtherTraining(what)) => what,
        error => panic!("{error}"),
    };
    let resume = |architecture, recipe, samples, validation, seed| {
        Training::resume(&checkpoint, architecture, recipe, samples, validation, seed)
    };
    let wider = Architecture { hidden: 13, ..ARCHITECTURE };
    assert_eq!(other(resume(wider, RECIPE, &samples, Some(&validation), 5)), "architecture");
    let longer = Recipe { epochs: 5, ..RECIPE };
    assert_eq!(other(resume(ARCHITECTURE, longer, &samples, Some(&validation), 5)), "recipe");
    assert_eq!(other(resume(ARCHITECTURE, RECIPE, &samples, Some(&validation), 6)), "seed");
    assert_eq!(other(resume(ARCHITECTURE, RECIPE, &samples, None, 5)), "set of samples");
    let mut changed = samples.clone();
    changed.window[100] += 1e-3;
    assert_eq!(other(resume(ARCHITECTURE, RECIPE, &changed, Some(&validation), 5)), "set of samples");
    let cut = &checkpoint[..checkpoint.len() - 1];
    let cut = Training::resume(cut, ARCHITECTURE, RECIPE, &samples, Some(&validation), 5).err().unwrap();
    assert!(matches!(cut, CheckpointError::File(SealError::Unreadable { .. })), "{cut}");
    let mut damaged = checkpoint.clone();
    *damaged.last_mut().unwrap() ^= 1;
    let damaged = Training::resume(&damaged, ARCHITECTURE, RECIPE, &samples, Some(&validation), 5).err().unwrap();
    assert!(matches!(damaged, CheckpointError::File(SealError::Damaged { .. })), "{damaged}");
}

#[test]
fn a_training_stops_early_where_validation_gets_no_better() {
    // Targets of the validation that have nothing to do with those of the training: it can only get worse.
    let (samples, mut validation) = (samples(300, 3), samples(60, 4));
    validation.target.iter_mut().zip(&validation.base).for_each(|(target, base)| *target = 2.0 * base - *target);
    let recipe = Recipe { epochs: 50, ..RECIPE };
    let trained = train(recipe, &samples, Some(&validation), 2);
    assert_eq!(trained.losses.len(), trained.epoch + 1 + recipe.patience_epochs + 1);
    assert!(trained.losses.len() < 40, "{}", trained.losses.len());
    // Without a validation it goes to the end.
    assert_eq!(train(RECIPE, &samples, None, 2).losses.len(), RECIPE.epochs);
}

#[test]
fn what_is_missing_or_weighs_nothing_has_no_part_in_it() {
    let plain = samples(300, 3);
    let expected = bits(&train(RECIPE, &plain, None, 2));
    let mut with_more = plain.clone();
    let more = samples(40, 9);
    with_more.window.extend(&more.window);
    with_more.context.extend(&more.context);
    with_more.base.extend(&more.base);
    with_more
        .target
        .extend(more.target.iter().enumerate().map(|(at, target)| if at % 6 < 3 { f32::NAN } else { *target }));
    with_more.weight.extend((0..40 * HORIZONS).map(|at| if at % 6 < 3 { 1.0 } else { 0.0 }));
    with_more.video.extend(&more.video);
    assert!(bits(&train(RECIPE, &with_more, None, 2)) == expected);
    // A single horizon that is missing changes the others' gradients by no value of its own.
    let mut holes = plain.clone();
    holes.target.iter_mut().skip(1).step_by(3).for_each(|target| *target = f32::NAN);
    let mut weightless = plain;
    weightless.weight.iter_mut().skip(1).step_by(3).for_each(|weight| *weight = 0.0);
    let holes = bits(&train(RECIPE, &holes, None, 2));
    assert!(holes == bits(&train(RECIPE, &weightless, None, 2)) && holes != expected);
}

#[test]
fn progress_tells_every_step() {
    let (samples, validation) = (samples(300, 3), samples(60, 4));
    let mut training = Training::begin(ARCHITECTURE, RECIPE, &samples, Some(&validation), 5).unwrap();
    let mut steps = Vec::new();
    training
        .run(1, &NEVER, &mut |progress| {
            assert_eq!((progress.epochs, progress.steps), (4, 5));
            assert_eq!(progress.loss.validation.is_some(), progress.step == 5);
            assert!(progress.loss.training > 0.0);
            steps.push((progress.epoch, progress.step));
        })
        .unwrap();
    let expected: Vec<(usize, usize)> = (0..4).flat_map(|epoch| (1..6).map(move |step| (epoch, step))).collect();
    assert_eq!(steps, expected);
}

#[test]
fn samples_that_nothing_can_be_learned_from_are_refused() {
    let good = samples(30, 3);
    let begin = |samples: &Samples, validation: Option<&Samples>| {
        Training::begin(ARCHITECTURE, RECIPE, samples, validation, 5).err().map(|error| error.to_string())
    };
    assert_eq!(begin(&good, Some(&good)), None);
    type Change = fn(&mut Samples);
    let changes: [(Change, &str); 8] = [
        (|samples| samples.window[25] = f32::NAN, "window, row 2: NaN is no finite number"),
        (|samples| samples.context[7] = f32::INFINITY, "context, row 7: inf is no finite number"),
        (|samples| samples.base[5] = f32::NAN, "base, row 1: NaN is no finite number"),
        (
            |samples| samples.target[5] = f32::INFINITY,
            "target, row 1: inf is no finite number, nor NaN for a missing one",
        ),
        (|samples| samples.weight[89] = -1.0, "weight, row 29: -1 is no finite number of 0 or above"),
        (|samples| samples.weight.truncate(89), "weight holds 89 values where 30 rows of 3 need 90"),
        (|samples| samples.video.truncate(29), "window holds 360 values where 29 rows of 12 need 348"),
        (|samples| samples.target.fill(f32::NAN), "has a target with a weight"),
    ];
    for (change, expected) in changes {
        let mut bad = good.clone();
        change(&mut bad);
        for message in [begin(&bad, None).unwrap(), begin(&good, Some(&bad)).unwrap()] {
            assert!(message.contains(expected), "{message}");
        }
    }
    let empty = begin(&Samples::default(), None).unwrap();
    assert!(empty.starts_with("no sample for training has a target"), "{empty}");
}

#[test]
fn settings_without_sense_are_refused() {
    let bad = [
        Recipe { epochs: 0, ..RECIPE },
        Recipe { draws_per_video: 0, ..RECIPE },
        Recipe { batch: 0, ..RECIPE },
        Recipe { batch: usize::MAX, ..RECIPE },
        Recipe { learning_rate_max: f64::NAN, ..RECIPE },
        Recipe { weight_decay: -1.0, ..RECIPE },
        Recipe { gradient_norm_max: 0.0, ..RECIPE },
        Recipe { dropout: 1.0, ..RECIPE },
        Recipe { dropout: f32::NAN, ..RECIPE },
    ];
    let samples = samples(30, 3);
    for recipe in bad {
        let error = Training::begin(ARCHITECTURE, recipe, &samples, None, 5).err();
        assert!(matches!(error, Some(LstmError::Setting { .. })), "{recipe:?}: {error:?}");
    }
}

#[test]
fn a_training_that_diverges_says_so() {
    let mut samples = samples(300, 3);
    samples.base.fill(3e38);
    samples.target.fill(-3e38);
    let mut training = Training::begin(ARCHITECTURE, RECIPE, &samples, None, 5).unwrap();
    assert_eq!(training.run(1, &NEVER, &mut |_| ()), Err(LstmError::Diverged { epoch: 0 }));
}
