//! `evaluate` with networks: which videos they are scored on, and what is said where they cannot be.

use std::fmt::Write as _;
use std::path::Path;

use crate::harness::process::{Finished, viewtide};
use crate::scenario::{DEADLINE, data_file};

fn evaluate(args: &[&str]) -> Finished {
    viewtide(["evaluate"].iter().chain(args)).wait(DEADLINE)
}

/// Ten videos that are polled every hour for five days, with gains that go up and down within a day.
fn ten_videos(path: &Path) {
    let mut text = "timestamp,video_id,viewCount,likeCount,commentCount\n".to_owned();
    for video in 0..10 {
        let mut views = 1_000;
        for hour in 0..130 {
            views += (video + 1) * (10 + (hour + 5 * video) % 24);
            let (day, hour) = (1 + hour / 24, hour % 24);
            writeln!(
                text,
                "2025-07-{day:02}T{hour:02}:00:00Z,AAAAAAAAAA{},{views},{},",
                "048AEIMQUY".as_bytes()[video as usize] as char,
                views / 9
            )
            .expect("is written");
        }
    }
    std::fs::write(path, text).expect("is written");
}

#[test]
fn scores_on_videos_that_the_models_saw_are_refused_left_out_or_labelled() {
    let data = data_file("tracked_dense.csv.gz").display().to_string();
    let refused = evaluate(&["--csv", &data]).expect_code(1);
    assert!(refused.stderr.contains("trained on 33 of the 41 video(s)"), "{}", refused.stderr);
    assert!(refused.stderr.contains("--in-sample leave-out") && refused.stdout.is_empty(), "{}", refused.stderr);

    let others = evaluate(&["--csv", &data, "--in-sample", "leave-out", "--json"]).expect_code(0).json();
    let scores = others["scores"].as_array().expect("scores");
    assert!(scores.iter().all(|score| score["sample"] == "out_of_sample"));
    for hours in [1, 6, 24] {
        let of = |method: &str| {
            let is_it = |score: &&serde_json::Value| {
                score["metric"] == "views" && score["horizon_hours"] == hours && score["method"] == method
            };
            scores.iter().find(is_it).unwrap_or_else(|| panic!("{method} at {hours} h")).clone()
        };
        let blend = of("blend of LSTM and naives");
        assert!(blend["over_naive_blend"].as_f64() < Some(0.93), "{blend}");
        assert_eq!(of("LSTM")["origins"], of("last value")["origins"]);
    }

    let labelled = evaluate(&["--csv", &data, "--in-sample", "label"]).expect_code(0).stdout;
    let lines = |label: &str| labelled.lines().filter(|line| line.contains(label)).count();
    assert_eq!(lines("LSTM (in_sample)"), 9);
    assert_eq!(lines("blend of LSTM and naives  "), 9);
    let naive = evaluate(&["--csv", &data, "--models", "none"]).expect_code(0).stdout;
    assert!(!naive.contains("LSTM") && naive.contains("blend of naives"), "{naive}");
}

#[test]
fn networks_are_trained_out_of_fold_with_the_spread_of_their_seeds() {
    let folder = tempfile::tempdir().expect("a folder");
    let csv = folder.path().join("ten.csv");
    ten_videos(&csv);
    let csv = csv.display().to_string();
    let args = ["--csv", &csv, "--cross-validate", "--seeds", "2", "--layers", "1,2", "--epochs", "1"];
    let shown = evaluate(&args).expect_code(0);
    for method in ["LSTM of 1 layer", "LSTM of 2 layers", "blend of LSTM of 2 layers and naives"] {
        assert!(shown.stdout.contains(method), "{}", shown.stdout);
    }
    assert!(shown.stdout.contains("worst seed") && !shown.stdout.contains("seed 1"), "{}", shown.stdout);
    assert!(shown.stderr.contains("no network of comments is scored"), "{}", shown.stderr);
    let again = ["--threads", "1", "--json"];
    let [first, second] = [(); 2].map(|()| evaluate(&[&args[..], &again].concat()).expect_code(0).json());
    assert_eq!(first, second, "the same seeds give the same scores");
    let seeds = first["scores"].as_array().expect("scores").iter().filter(|score| score["seed"] == 2).count();
    assert_eq!(seeds, 2 * 2 * 9, "of each kind of network, alone and blended");
}

#[test]
fn the_old_stack_is_scored_beside_what_it_claimed() {
    let folder = tempfile::tempdir().expect("a folder");
    let csv = folder.path().join("two.csv");
    let mut text = "timestamp,video_id,viewCount,likeCount,commentCount\n".to_owned();
    for (hour, id) in (0..60).flat_map(|hour| [(hour, 'A'), (hour, 'E')]) {
        let (day, of_day, views) = (1 + hour / 24, hour % 24, 1_000 + 40 * hour + hour % 7);
        writeln!(text, "2025-07-{day:02}T{of_day:02}:00:00Z,AAAAAAAAAA{id},{views},{},{hour}", views / 9)
            .expect("is written");
    }
    std::fs::write(&csv, text).expect("is written");
    let args = ["--csv", &csv.display().to_string(), "--models", "none", "--old-stack"];
    let shown = evaluate(&args).expect_code(0).stdout;
    for method in ["old stack's LSTM ", "old stack's LSTM, one file", "old stack's random forest"] {
        assert_eq!(shown.matches(method).count(), 9, "{method}: {shown}");
    }
    let claims = shown.lines().find(|line| line.contains("likes") && line.contains("counts scaled to 0 to 1"));
    assert!(claims.is_some_and(|line| line.contains(" 0.03000 ") && line.contains(" 0.00200 ")), "{shown}");
    let json = evaluate(&[&args[..], &["--json"]].concat()).expect_code(0).json();
    let own = json["old_stack"].as_array().expect("what it counted itself");
    assert_eq!(own.len(), 2 * 3, "two models of three counters");
    let of_lstm = own.iter().filter(|score| score["claimed"]["mae"].is_number());
    assert!(of_lstm.clone().count() == 3 && of_lstm.clone().all(|score| score["mae"].is_number()), "{json}");
}

#[test]
fn models_that_cannot_be_read_are_named() {
    let data = data_file("sample_10min.csv").display().to_string();
    let folder = tempfile::tempdir().expect("a folder");
    let models = folder.path().display().to_string();
    let said = || evaluate(&["--csv", &data, "--models", &models]).expect_code(1).stderr;
    assert!(said().contains("there is no model in") && said().contains("viewtide train --out"), "{}", said());
    let bundled = concat!(env!("CARGO_MANIFEST_DIR"), "/models/pretrained/views.safetensors");
    std::fs::copy(bundled, folder.path().join("likes.safetensors")).expect("is copied");
    assert!(said().contains("likes.safetensors is a model of views"), "{}", said());
    let bytes = std::fs::read(bundled).expect("is read");
    std::fs::write(folder.path().join("views.safetensors"), &bytes[..bytes.len() / 2]).expect("is written");
    assert!(said().contains("views.safetensors") && said().contains("damaged or cut short"), "{}", said());
    let conflict = evaluate(&["--csv", &data, "--models", "none", "--cross-validate"]).expect_code(2).stderr;
    assert!(conflict.contains("cannot be used with"), "{conflict}");
}
