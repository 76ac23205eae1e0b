//! Models that are trained anew beside a run.

use std::collections::BTreeMap;
use std::path::Path;

use nix::sys::signal::Signal;
use viewtide_models::artifact::Artifact;
use viewtide_models::lstm::{Ensemble, Network};

use crate::harness::postgres::Database;
use crate::harness::process::{Process, viewtide};
use crate::polled::Polled;
use crate::scenario::{DEADLINE, Input, Row, Size, assert_verified, run_args, start_processes, write_csv};

const DAY: i64 = 24;

/// As often as it may be.
const RETRAIN: [&str; 2] = ["--retrain", "1s"];

/// Twelve videos of 15 days, hour by hour, whose gains in an hour are `gain(video, hour)`.
pub fn rows(gain: impl Fn(i64, i64) -> i64) -> Vec<Row> {
    let mut rows = Vec::new();
    for (video, last) in (1..).zip("AEIMQUYcgkos".chars()) {
        let mut views = 10_000 * video;
        for hour in 0..15 * DAY {
            views += gain(video, hour);
            let counts = [views, views / 10, views / 80].map(|count| count.to_string());
            let time = jiff::Timestamp::from_second(1_751_328_000 + 3_600 * hour).expect("a time");
            rows.push(Row { timestamp: time.to_string(), video: format!("AAAAAAAAAA{last}"), counts });
        }
    }
    rows
}

pub fn pretrained(metric: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join(format!("models/pretrained/{metric}.safetensors")).display().to_string()
}

/// The model that comes with viewtide, which says e^2 times as much of everything.
fn spoilt(folder: &Path) -> String {
    let model = Artifact::from_bytes(&std::fs::read(pretrained("views")).expect("a model")).expect("a model");
    let spoil = |network: &Network| {
        let mut tensors = network.tensors();
        tensors.get_mut("output.bias").expect("a bias").values.iter_mut().for_each(|value| *value += 2.0);
        Network::from_tensors(*network.architecture(), tensors).expect("a network")
    };
    let members = model.ensemble.members().iter().map(spoil).collect();
    let ensemble = Ensemble::new(members, *model.ensemble.bounds()).expect("an ensemble");
    let file = folder.join("spoilt.safetensors");
    std::fs::write(&file, Artifact { ensemble, ..model }.to_bytes().expect("bytes")).expect("a file");
    file.display().to_string()
}

/// A run over `rows` with `models` in use, which has trained a model of views anew.
pub struct Retrained {
    pub database: Database,
    input: Input,
    pub running: Process,
    _folder: tempfile::TempDir,
}

impl Retrained {
    pub fn start(rows: &[Row], flags: &[&str], views: impl FnOnce(&Path) -> String, expected: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let csv = folder.path().join("rows.csv");
        write_csv(&csv, rows);
        let (input, database) = (Input::Csv(csv), Database::fresh());
        viewtide(["migrate", "--database-url", &database.url()]).wait(DEADLINE).expect_code(0);
        let models = [views(folder.path()), pretrained("likes"), pretrained("comments")];
        let add = ["models", "add", "--promote", &models[0], &models[1], &models[2], "--database-url", &database.url()];
        viewtide(add).wait(DEADLINE).expect_code(0);
        let args = run_args(&input, &database, flags);
        let mut running = start_processes(&args, Size { workers: 1, processes: 1 }).remove(0);
        running.wait_for_output(expected, DEADLINE);
        Self { database, input, running, _folder: folder }
    }

    fn models(&self) -> String {
        let sql =
            "SELECT string_agg(version || ' ' || status || coalesce(' for ' || replaces, ''), ', ' ORDER BY version)
                   FROM models WHERE model_name = 'views'";
        self.database.value(sql)
    }

    /// A figure of the first retraining.
    fn figure(&self, name: &str) -> f64 {
        let sql = format!(
            "SELECT metric_value::text FROM model_metrics WHERE run_id LIKE 'views-2-%' AND metric_name = '{name}'"
        );
        self.database.value(&sql).parse().expect("a number")
    }

    pub fn stop(self) {
        self.running.signal(Signal::SIGTERM);
        self.running.wait(DEADLINE).expect_code(0);
        assert_verified(&self.database, &self.input);
    }
}

/// Waves of a day, which are learned easily.
pub fn wave(video: i64, hour: i64) -> i64 {
    40 * video + 30 * video * i64::from(hour % DAY < 8) + (7 * hour + video) % 5
}

#[test]
fn a_retraining_whose_incumbent_was_spoilt_is_put_into_use() {
    let mut run =
        Retrained::start(&rows(wave), &RETRAIN, spoilt, "better than what was in use model=\"views\" version=2");
    assert!(run.models().starts_with("1 retired, 2 active for 1"), "{}", run.models());
    assert!(run.figure("loss") < run.figure("incumbent_loss"));
    assert_eq!((run.figure("promoted"), run.figure("version")), (1.0, 2.0));
    for name in ["mae", "mse", "rmse", "r2", "relative_error", "coverage", "rows"] {
        for hours in [1, 6, 24] {
            let [new, old] = ["", "incumbent_"].map(|whose| run.figure(&format!("{whose}{name}_{hours}h")));
            assert!(new.is_finite() && old.is_finite());
            let is_error = ["mae", "mse", "rmse", "relative_error"].contains(&name);
            assert!(!is_error || new < old, "{name} at {hours} h: {new} and {old}");
        }
    }
    assert!(run.figure("seconds") > 0.0 && run.figure("videos") == 12.0 && run.figure("rows_trained") > 1_000.0);
    run.running.wait_for_output("in use model=\"views\" version=2 before=1", DEADLINE);
    run.stop();
}

#[test]
fn a_retraining_that_was_spoilt_by_what_it_learned_from_is_refused() {
    // Any gain follows any other, a few of them large; then all is steady, which only who learned elsewhere knows.
    let spoilt_until = 15 * DAY - 42;
    let gain = |video: i64, hour: i64| {
        let random = (hour * 7_919 + video * 104_729) % 997;
        if hour < spoilt_until { 10_f64.powf(4.0 * random as f64 / 997.0) as i64 } else { 3_000 + random % 50 }
    };
    let run = Retrained::start(
        &rows(gain),
        &RETRAIN,
        |_| pretrained("views"),
        "not better than what is in use model=\"views\" version=2",
    );
    assert!(run.models().starts_with("1 active, 2 rejected"), "{}", run.models());
    assert!(run.figure("loss") > run.figure("incumbent_loss"));
    assert_eq!((run.figure("promoted"), run.figure("version")), (0.0, 2.0));
    run.stop();
}

/// Rows of forecasts whose target their video has reached, as they were issued.
const FROZEN: &str = "
    SELECT p.video_id, p.issued_at::text, p.horizon_hours::text,
           ROW(created_at, predicted_views, predicted_views_low, predicted_views_high, predicted_likes, predicted_comments,
               views_model, likes_model, comments_model, members_views, members_likes, members_comments)::text
    FROM predictions p
    WHERE prediction_timestamp <= (SELECT max(s.\"timestamp\") FROM video_stats_processed s WHERE s.video_id = p.video_id)";

/// By key what was issued.
type Frozen = BTreeMap<[Option<String>; 3], Option<String>>;

fn frozen_rows(database: &Database) -> Frozen {
    let rows = database.rows(FROZEN).into_iter().map(|row| <[_; 4]>::try_from(row).expect("four columns"));
    rows.map(|[video, issued_at, horizon, facts]| ([video, issued_at, horizon], facts)).collect()
}

#[test]
fn with_retrainings_and_kills_nothing_is_issued_twice_and_no_frozen_row_changes() {
    let mut polled = Polled::start(&["--retrain", "1s"]);
    let mut frozen = Frozen::new();
    // Enough to train on.
    polled.poll(60);
    polled.until("SELECT count(*) > 3 FROM models");
    for kill in 1..=3 {
        // While a new model is taken, or one is trained.
        polled.poll(20 * kill);
        for (key, facts) in frozen_rows(&polled.database) {
            let before = frozen.insert(key, facts.clone());
            assert!(before.is_none_or(|before| before == facts), "{facts:?}");
        }
        polled.kill();
        polled.until("SELECT true");
    }
    polled.until("SELECT count(DISTINCT views_model) > 1 FROM predictions WHERE views_model LIKE 'blend:%'");
    let now = frozen_rows(&polled.database);
    assert!(frozen.len() > 5_000, "{}", frozen.len());
    for (key, facts) in &frozen {
        assert_eq!(now.get(key), Some(facts), "{key:?}");
    }
    polled.stop();
}
