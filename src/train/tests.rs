//! Trainings that stop and go on, and what they find in their folder.

use std::cell::Cell;
use std::collections::BTreeMap;

use viewtide_dataflows::snapshot::{HOUR_US, Nullable, Snapshot};
use viewtide_dataflows::video_id::VideoId;
use viewtide_models::artifact::Artifact;

use super::*;

const METRICS: [Metric; 2] = [Metric::Views, Metric::Likes];

/// Three videos of 70 hours that gain in waves, without comments.
fn videos() -> Videos {
    let mut videos = Videos::default();
    for id in 1..=3_i64 {
        for hour in 0..70 {
            let views = id * (1_000 + 40 * hour + (hour * id) % 7 * 13);
            let counts = [Some(views), Some(views / 10), None].map(Nullable::from);
            videos.observe(VideoId(id as u64), Snapshot { time: hour * HOUR_US, counts });
        }
    }
    videos
}

fn plan(metric: Metric) -> Plan {
    let mut plan = Plan { seeds: vec![4, 5], ..Plan::of(metric) };
    (plan.architecture.hidden, plan.architecture.dense) = (8, 8);
    // Four steps an epoch.
    (plan.recipe.epochs, plan.recipe.draws_per_video, plan.recipe.batch) = (3, 40, 32);
    plan
}

fn config(out: &Path) -> TrainConfig {
    TrainConfig { out: out.to_owned(), plans: METRICS.map(plan).into(), threads: 1, afresh: false }
}

/// Trains until `stop` is set by what `observe` says of the number of the step; how many were made, and how it ended.
fn train_while(
    config: &TrainConfig,
    videos: &Videos,
    goes_on: &mut dyn FnMut(usize) -> bool,
) -> (usize, Result<TrainSummary, TrainError>) {
    let (stop, steps) = (AtomicBool::new(false), Cell::new(0));
    let ended = train(config, videos, &stop, &mut |event| {
        if let TrainEvent::Step { .. } = event {
            steps.set(steps.get() + 1);
            stop.store(!goes_on(steps.get()), Ordering::Relaxed);
        }
    });
    (steps.get(), ended)
}

fn train_all(config: &TrainConfig) -> (usize, Result<TrainSummary, TrainError>) {
    train_while(config, &videos(), &mut |_| true)
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = folder.read_dir().unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())).collect()
}

/// What a training that nothing disturbs leaves behind, and its steps.
fn undisturbed() -> (BTreeMap<String, Vec<u8>>, usize) {
    let folder = tempfile::tempdir().unwrap();
    let (steps, ended) = train_all(&config(folder.path()));
    assert!(!ended.unwrap().stopped);
    (files(folder.path()), steps)
}

#[test]
fn a_model_of_each_metric_is_made_and_says_what_it_is_of() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("made/here");
    std::fs::create_dir_all(&out).unwrap();
    std::fs::write(out.join("views.safetensors"), "of before").unwrap();
    let (steps, ended) = train_all(&config(&out));
    let made = ended.unwrap().made;
    assert_eq!((steps, made.len()), (2 * 2 * 3 * 4, 2));
    let files = files(&out);
    assert_eq!(files.keys().collect::<Vec<_>>(), ["likes.safetensors", "views.safetensors"]);
    for (made, metric) in made.iter().zip(METRICS) {
        let bytes = &files[&format!("{}.safetensors", metric.name())];
        let manifest = Artifact::from_bytes(bytes).unwrap().manifest;
        assert_eq!((manifest.metric, manifest.seeds.as_slice()), (metric, [4, 5].as_slice()));
        assert_eq!((manifest.training_videos.len(), manifest.validated_from_us), (3, None));
        assert_eq!((made.metric, made.videos, made.bytes), (metric, 3, bytes.len()));
        // Each hour with twenty before it and one after.
        assert_eq!(made.samples, 3 * 49);
        assert_eq!(made.networks.iter().map(|(epoch, _)| *epoch).collect::<Vec<_>>(), [2, 2]);
        let losses: Vec<f64> = made.networks.iter().map(|(_, loss)| *loss).collect();
        let names = ["training loss, seed 4", "training loss, seed 5"];
        assert_eq!(names.map(|name| manifest.scores[name]), losses[..]);
        assert!(manifest.scores.len() == 2 && losses[0] != losses[1]);
    }
}

#[test]
fn a_validation_stops_a_training_and_its_loss_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut plan = Plan { validation_share: 0.3, ..plan(Metric::Views) };
    (plan.recipe.epochs, plan.recipe.patience_epochs) = (500, 1);
    let (steps, ended) = train_all(&TrainConfig { plans: vec![plan], ..config(folder.path()) });
    assert!(steps < 2 * 500 * 4 && !ended.unwrap().stopped);
    let manifest = Artifact::from_bytes(&files(folder.path())["views.safetensors"]).unwrap().manifest;
    assert!(manifest.validated_from_us.is_some());
    assert!(manifest.scores.contains_key("validation loss, seed 5") && manifest.scores.len() == 4);
}

#[test]
fn a_training_that_was_stopped_goes_on_to_the_same_bytes_and_does_nothing_twice() {
    let (expected, all_steps) = undisturbed();
    // In an epoch, at the end of one, of a network, of a model, and before the last step.
    for stopped_after in [1, 6, 8, 12, 14, 24, 31, all_steps - 1] {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        let (steps, ended) = train_while(&config, &videos(), &mut |step| step < stopped_after);
        assert!(ended.unwrap().stopped && steps == stopped_after, "{steps} of {stopped_after}");
        let (rest, ended) = train_all(&TrainConfig { threads: 3, ..config });
        assert_eq!((rest, ended.unwrap().made.len()), (all_steps - stopped_after, 2));
        assert!(files(folder.path()) == expected, "stopped after {stopped_after}");
    }
}

#[test]
fn a_training_that_was_stopped_again_and_again_comes_to_the_same_bytes() {
    let (expected, all_steps) = undisturbed();
    let folder = tempfile::tempdir().unwrap();
    let mut steps = 0;
    loop {
        let (of_run, ended) = train_while(&config(folder.path()), &videos(), &mut |step| step < 5);
        steps += of_run;
        if !ended.unwrap().stopped {
            break;
        }
    }
    assert_eq!(steps, all_steps);
    assert!(files(folder.path()) == expected);
}

#[test]
fn what_is_killed_goes_on_from_the_end_of_its_last_epoch() {
    let (expected, all_steps) = undisturbed();
    let [folder, killed] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    // What a kill in the second network's second epoch leaves.
    let mut copy_in_step_18 = |step| {
        if step == 18 {
            files(folder.path()).iter().for_each(|(name, bytes)| {
                std::fs::write(killed.path().join(name), bytes).unwrap();
            });
        }
        true
    };
    train_while(&config(folder.path()), &videos(), &mut copy_in_step_18).1.unwrap();
    let left: Vec<String> = files(killed.path()).into_keys().collect();
    assert_eq!(left, ["views-seed4.checkpoint", "views-seed5.checkpoint"]);
    let (rest, _) = train_all(&config(killed.path()));
    assert_eq!(rest, all_steps - 16, "steps 17 and 18 were of an epoch that had not ended");
    assert!(files(killed.path()) == expected);
}

#[test]
fn a_checkpoint_that_is_damaged_or_of_another_training_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let usual = config(folder.path());
    train_while(&usual, &videos(), &mut |step| step < 6).1.unwrap();
    let checkpoint = folder.path().join("views-seed4.checkpoint");
    let whole = std::fs::read(&checkpoint).unwrap();
    let refused = |config: &TrainConfig, videos: &Videos, why: &str| {
        let (steps, ended) = train_while(config, videos, &mut |_| true);
        let message = ended.unwrap_err().to_string();
        for word in ["views-seed4.checkpoint", "--afresh", "Delete it", why] {
            assert!(message.contains(word), "no `{word}`: {message}");
        }
        assert_eq!((steps, files(folder.path()).len()), (0, 1), "nothing was done");
    };
    let mut longer = usual.clone();
    longer.plans[0].recipe.epochs = 4;
    refused(&longer, &videos(), "another recipe");
    let mut wider = usual.clone();
    wider.plans[0].architecture.hidden = 9;
    refused(&wider, &videos(), "another architecture");
    let mut more = videos();
    more.observe(VideoId(1), Snapshot { time: 70 * HOUR_US, counts: [Some(9_000), None, None].map(Nullable::from) });
    refused(&usual, &more, "another set of samples");
    std::fs::write(&checkpoint, &whole[..whole.len() - 1]).unwrap();
    refused(&usual, &videos(), "cut short");
    let mut flipped = whole.clone();
    flipped[whole.len() - 9] ^= 1;
    std::fs::write(&checkpoint, flipped).unwrap();
    refused(&usual, &videos(), "checksum");
    std::fs::write(&checkpoint, "").unwrap();
    refused(&usual, &videos(), "damaged");

    let (expected, all_steps) = undisturbed();
    let (steps, ended) = train_all(&TrainConfig { afresh: true, ..usual });
    assert!(ended.is_ok() && steps == all_steps);
    assert!(files(folder.path()) == expected);
}

#[test]
fn a_metric_without_samples_is_left_away_and_none_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = TrainConfig { plans: Metric::ALL.map(plan).into(), ..config(folder.path()) };
    let mut without = Vec::new();
    let summary = train(&config, &videos(), &AtomicBool::new(false), &mut |event| {
        if let TrainEvent::NoSamples(metric) = event {
            without.push(metric);
        }
    });
    assert_eq!((summary.unwrap().made.len(), without), (2, vec![Metric::Comments]));
    config.plans.drain(..2);
    let error = train_all(&config).1.unwrap_err().to_string();
    assert!(error.contains("210 snapshot(s) of 3 video(s)"), "{error}");
    assert_eq!(files(folder.path()).len(), 2, "the models of before are still there");
}

#[test]
fn a_folder_that_cannot_be_written_to_is_found_out_before_anything_is_trained() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    for out in [file.clone(), file.join("below")] {
        let (steps, ended) = train_all(&config(&out));
        let error = ended.unwrap_err();
        assert!(matches!(error, TrainError::Folder { .. }) && error.to_string().contains("--out"), "{error}");
        assert_eq!(steps, 0);
    }
    // A model that cannot be put in its place is an error, and what was trained is kept.
    let out = folder.path().join("out");
    std::fs::create_dir_all(out.join("views.safetensors")).unwrap();
    let error = train_all(&config(&out)).1.unwrap_err().to_string();
    assert!(error.contains("cannot write") && error.contains("views.safetensors"), "{error}");
    std::fs::remove_dir(out.join("views.safetensors")).unwrap();
    let (rest, _) = train_all(&config(&out));
    let (expected, all_steps) = undisturbed();
    assert!(rest == all_steps / 2 && files(&out) == expected);
}
