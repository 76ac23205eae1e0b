//! Forecasts in the running dataflow: what is issued, revised, frozen and scored, and what they are made by.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use viewtide_models::score::folds::fold_of;

use crate::disorder::disordered;
use crate::harness::kafka::{self, Message};
use crate::harness::postgres::Database;
use crate::harness::process::viewtide;
use crate::scenario::{
    DEADLINE, Input, Row, SIZES, Size, assert_verified, rows_of, run_args, run_to_end, start_processes, tables, verify,
    write_csv,
};

const ONE: Size = Size { workers: 1, processes: 1 };
const ALL: [&str; 2] = ["--forecasts", "all"];

/// The rows of the videos of the first fold, which the models that come with viewtide never saw.
fn first_fold() -> Vec<Row> {
    let is_of_it = |row: &Row| fold_of(row.video.parse().expect("a video id")) == 0;
    rows_of("tracked_dense.csv.gz").into_iter().filter(is_of_it).collect()
}

fn csv_of(folder: &Path, rows: &[Row]) -> PathBuf {
    let csv = folder.join("rows.csv");
    write_csv(&csv, rows);
    csv
}

/// Mean absolute errors and coverages by metric, horizon and method, of forecasts with all steps.
type Scores = BTreeMap<(String, u64, String), (u64, f64, Option<f64>)>;

/// What a script that knows nothing of viewtide makes of the table.
fn scored_by_a_script(database: &Database) -> Scores {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/score_predictions.py");
    let csv = tempfile::NamedTempFile::new().expect("a file");
    let of_views = "SELECT json_build_array('views', horizon_hours, views_has_20_steps, base_views, predicted_views, \
                    predicted_views_low, predicted_views_high, actual_views, members_views[1], members_views[2], \
                    members_views[11])::text FROM predictions";
    let sql = ["views", "likes", "comments"].map(|name| of_views.replace("views", name)).join(" UNION ALL ");
    let lines: Vec<String> = database.rows(&sql).into_iter().map(|row| row[0].clone().expect("no NULL")).collect();
    std::fs::write(csv.path(), lines.join("\n")).expect("is written");
    let output = std::process::Command::new("python3").arg(script).arg(csv.path()).output().expect("python3");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let scores: Vec<(String, u64, String, u64, f64, Option<f64>)> =
        serde_json::from_slice(&output.stdout).expect("scores");
    let key = |(metric, hours, method, n, mae, coverage)| ((metric, hours, method), (n, mae, coverage));
    scores.into_iter().map(key).collect()
}

#[test]
fn the_table_scores_as_evaluate_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let csv = csv_of(folder.path(), &first_fold());
    let (input, database) = (Input::Csv(csv.clone()), Database::fresh());
    run_to_end(&input, &database, Size { workers: 2, processes: 1 }, &ALL);
    assert_verified(&database, &input);

    let evaluated = viewtide(["evaluate", "--csv", &csv.display().to_string(), "--json"]).wait(DEADLINE).expect_code(0);
    let scored = scored_by_a_script(&database);
    let mut compared = 0;
    for score in evaluated.json()["scores"].as_array().expect("scores") {
        let method = match score["method"].as_str().expect("a method") {
            "blend of LSTM and naives" => "issued",
            "LSTM" => "lstm",
            "last value" => "last_value",
            "blend of naives" => "blend_of_naives",
            _ => continue,
        };
        let text = |name: &str| score[name].as_str().expect("a text").to_owned();
        let hours = score["horizon_hours"].as_u64().expect("hours");
        let (n, mae, coverage) = scored[&(text("metric"), hours, method.to_owned())];
        assert_eq!(n, score["origins"].as_u64().expect("origins"), "{score}");
        let expected = score["mae"].as_f64().expect("an error");
        // Counts are whole: each error is off by half of one at most.
        assert!((mae - expected).abs() < 0.5, "{method}: {mae} is not {expected}");
        if method == "blend_of_naives" {
            // The blend of the naive members that the guard weighs has learned beside the network, and not alone.
            assert!((mae / expected - 1.0).abs() < 0.02, "{mae} is not {expected}");
        }
        // Of the active videos alone there; of views nearly all are. The rest is covered always, as nothing moves.
        if let (Some(coverage), Some(expected), "views") = (coverage, score["coverage"].as_f64(), &*text("metric")) {
            assert!((coverage - expected).abs() < 0.03, "{method}: coverage {coverage} is not {expected}");
        }
        compared += 1;
    }
    assert_eq!(compared, 4 * 9);

    // The view says the same as the script.
    let sql = "SELECT metric, horizon_hours, n, mae, interval_coverage FROM forecast_scores
               WHERE model = 'issued' AND basis = 'full' AND span = 'total' ORDER BY 1, 2";
    let of_view = database.rows(sql);
    assert_eq!(of_view.len(), 9);
    for row in of_view {
        let cell = |at: usize| row[at].clone().expect("no NULL");
        let number = |at: usize| cell(at).parse::<f64>().expect("a number");
        let (n, mae, coverage) = scored[&(cell(0), number(1) as u64, "issued".to_owned())];
        assert_eq!(n as f64, number(2));
        assert!((mae - number(3)).abs() < 1e-9 * mae && (coverage.expect("one") - number(4)).abs() < 1e-12);
    }
}

#[test]
fn forecasts_are_the_same_at_every_size_and_tick_of_late_and_corrected_records() {
    let rows = disordered(&rows_of("tracked_dense.csv.gz")[..6_000], 41);
    let folder = tempfile::tempdir().expect("a folder");
    let input = Input::Csv(csv_of(folder.path(), &rows));
    let mut expected = None;
    for (size, tick) in SIZES.into_iter().zip(["100", "1", "10", "1000"]) {
        let database = Database::fresh();
        run_to_end(&input, &database, size, &["--forecasts", "all", "--tick", tick]);
        let found = tables(&database);
        assert_eq!(expected.get_or_insert_with(|| found.clone()), &found, "at {size:?}, ticks of {tick} ms");
        assert_verified(&database, &input);
        let issued =
            "SELECT count(*) || ' ' || count(actual_views) || ' ' || count(DISTINCT views_model) FROM predictions";
        let issued = database.value(issued);
        let [all, known, models] = issued.split(' ').collect::<Vec<_>>()[..] else { panic!("three numbers: {issued}") };
        let count = |text: &str| text.parse::<u64>().expect("a number");
        assert!(count(all) > 6_000 && count(known) > 6_000 && models == "3", "{issued}");
    }
}

#[test]
fn a_correction_revises_open_forecasts_and_moves_what_came_of_frozen_ones() {
    let of = |hour: i64, views: i64| Row {
        timestamp: format!("2025-07-{:02}T{:02}:00:00Z", 1 + hour / 24, hour % 24),
        video: "AAAAAAAAAAA".to_owned(),
        counts: [views, views / 9, views / 70].map(|count| count.to_string()),
    };
    let rows: Vec<Row> = (0..60).map(|hour| of(hour, 1_000 + 40 * hour + hour % 5 * 9)).collect();
    let topic = crate::scenario::topic_of("corrected", 1, &rows);
    let (input, database) = (Input::Topic(topic.clone()), Database::fresh());
    run_to_end(&input, &database, ONE, &ALL);
    let at = |hour: i64, horizon: i64, what: &str| {
        let row = of(hour, 0);
        let key = format!("issued_at = '{}' AND horizon_hours = {horizon}", row.timestamp);
        database.value(&format!("SELECT {what} FROM predictions WHERE {key}"))
    };
    let facts = "ROW(predicted_views, predicted_views_low, members_views, base_views)::text";
    let (frozen, open, actual) = (at(30, 24, facts), at(50, 24, facts), at(30, 24, "actual_views::text"));
    let count_scores = "SELECT sum(absolute_errors)::text FROM forecast_score_hours WHERE model = 'issued'";
    let errors = database.value(count_scores);

    crate::scenario::send(&topic, &[of(54, 9_000), of(45, 2_000)]);
    run_to_end(&input, &database, ONE, &ALL);
    assert_eq!(at(30, 24, facts), frozen, "a frozen forecast is a fact");
    assert_ne!(at(50, 24, facts), open, "an open one sees what was corrected before its origin");
    assert_eq!(at(30, 24, "actual_views::text"), "9000");
    assert_ne!(actual, "9000");
    assert_ne!(database.value(count_scores), errors);
    assert_verified(&database, &input);
    // As it is made afresh where all is known from the start, but for what was learned in another order.
    let afresh = Database::fresh();
    let mut all = rows;
    (all[54], all[45]) = (of(54, 9_000), of(45, 2_000));
    let folder = tempfile::tempdir().expect("a folder");
    run_to_end(&Input::Csv(csv_of(folder.path(), &all)), &afresh, ONE, &ALL);
    let naive = "SELECT members_views[3:9]::text FROM predictions WHERE horizon_hours = 24 AND issued_at = '2025-07-03T02:00:00Z'";
    assert_eq!(database.value(naive), afresh.value(naive));
}

#[test]
fn at_the_end_of_files_each_videos_newest_snapshot_is_an_origin() {
    let rows = first_fold();
    let folder = tempfile::tempdir().expect("a folder");
    let input = Input::Csv(csv_of(folder.path(), &rows));
    let mut expected = None;
    for size in SIZES {
        let database = Database::fresh();
        run_to_end(&input, &database, size, &[]);
        let issued =
            "SELECT count(*) || ' of ' || count(*) FILTER (WHERE p.issued_at = s.newest) FROM predictions p JOIN (
                          SELECT video_id, max(\"timestamp\") AS newest FROM video_stats_processed GROUP BY video_id
                      ) s USING (video_id)";
        assert_eq!(database.value(issued), "24 of 24", "three horizons of eight videos");
        assert_eq!(database.value("SELECT bool_or(views_model = 'blend:1')::text FROM predictions"), "true");
        assert_verified(&database, &input);
        let found = tables(&database);
        assert_eq!(expected.get_or_insert_with(|| found.clone()), &found, "at {size:?}");

        // What an interruption left out is issued by the next start, and nothing twice.
        database.rows("DELETE FROM predictions WHERE video_id < 'U'");
        run_to_end(&input, &database, size, &[]);
        assert_eq!(tables(&database), found, "again at {size:?}");
    }
}

#[test]
fn without_a_model_every_origin_has_a_naive_forecast_and_the_log_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let rows: Vec<Row> = first_fold().into_iter().take(3_000).collect();
    let input = Input::Csv(csv_of(folder.path(), &rows));
    let models = "SELECT string_agg(DISTINCT views_model, ', ' ORDER BY views_model) FROM predictions";
    let run = |database: &Database, more: &[&str]| {
        let args = run_args(&input, database, &[&ALL[..], more, &["--exit-at-end"]].concat());
        start_processes(&args, ONE).remove(0).wait(DEADLINE).expect_code(0).stderr
    };
    let naive = Database::fresh();
    let said = run(&naive, &["--pretrained", "off"]);
    assert!(said.contains("no model of views is in use"), "{said}");
    assert_eq!(naive.value(models), "last_value, trend");
    assert_eq!(naive.value("SELECT count(*) FROM models"), "0");
    assert_verified(&naive, &input);

    // A damaged one is refused by name, and the others are used.
    let damaged = Database::fresh();
    viewtide(["migrate", "--database-url", &damaged.url()]).wait(DEADLINE).expect_code(0);
    let put = "INSERT INTO models (model_name, version, metric, horizon_hours, artifact, manifest, status)
               VALUES ('views', 4, 'views', '{1,6,24}', 'no model', '{}', 'active')";
    damaged.rows(put);
    let said = run(&damaged, &[]);
    assert!(said.contains("the model is not used") && said.contains("version=4"), "{said}");
    assert_eq!(damaged.value(models), "last_value, trend");

    let bundled = Database::fresh();
    run(&bundled, &[]);
    assert_eq!(bundled.value(models), "blend:1, last_value, trend");
    assert_eq!(
        bundled.value("SELECT string_agg(model_name || version || status, ' ' ORDER BY model_name) FROM models"),
        "comments1active likes1active views1active"
    );
}

#[test]
fn live_forecasts_are_of_what_lies_ahead_of_the_record() {
    let now = jiff::Timestamp::now();
    let topic = kafka::shared().fresh_topic("live", 1);
    let at = |hours: i64| now - jiff::SignedDuration::from_hours(hours) - jiff::SignedDuration::from_mins(20);
    let row = |hours: i64| Row {
        timestamp: at(hours).to_string(),
        video: "AAAAAAAAAAA".to_owned(),
        counts: [10_000 - 50 * hours, 1_000 - 5 * hours, 100].map(|count| count.to_string()),
    };
    let values: Vec<String> = (0..60).rev().map(|hours| row(hours).json()).collect();
    // All of them reach Kafka now.
    let message = |value: &'static str| Message {
        key: Some(b"AAAAAAAAAAA"),
        value: Some(value.as_bytes()),
        ..Message::default()
    };
    kafka::shared().produce(&topic, values.iter().map(|value| message(value.clone().leak())));
    let (input, database) = (Input::Topic(topic), Database::fresh());
    run_to_end(&input, &database, ONE, &[]);
    let counts = "SELECT string_agg(horizon_hours || ': ' || n, ', ' ORDER BY horizon_hours) FROM (
                      SELECT horizon_hours, count(*) AS n FROM predictions GROUP BY horizon_hours) AS h";
    assert_eq!(database.value(counts), "1: 1, 6: 6, 24: 24");
    assert_eq!(database.value("SELECT bool_and(views_model = 'blend:1')::text FROM predictions"), "true");
    assert_verified(&database, &input);

    // What was issued has to be kept true, so forecasts cannot just be left off.
    let off = run_args(&input, &database, &["--forecasts", "off", "--exit-at-end"]);
    let refused = viewtide(off).wait(DEADLINE).expect_code(1).stderr;
    assert!(refused.contains("--forecasts live or all"), "{refused}");
    let without = Database::fresh();
    run_to_end(&input, &without, ONE, &["--forecasts", "off"]);
    assert_eq!(without.value("SELECT (SELECT count(*) FROM predictions) + (SELECT count(*) FROM models)"), "0");
}

#[test]
fn verify_finds_and_rebuild_mends_what_came_of_forecasts() {
    let folder = tempfile::tempdir().expect("a folder");
    let rows: Vec<Row> = first_fold().into_iter().take(800).collect();
    let input = Input::Csv(csv_of(folder.path(), &rows));
    let database = Database::fresh();
    run_to_end(&input, &database, ONE, &ALL);
    let before = tables(&database);
    let one = "ctid = (SELECT ctid FROM predictions WHERE actual_views IS NOT NULL LIMIT 1)";
    let sums = "ctid = (SELECT ctid FROM forecast_score_hours LIMIT 1)";
    for (changed, said) in [
        (format!("UPDATE predictions SET actual_views = actual_views + 1 WHERE {one}"), "actual_views is "),
        (format!("UPDATE predictions SET actual_likes = NULL WHERE {one}"), "actual_likes is NULL, should be "),
        (
            format!("UPDATE forecast_score_hours SET squared_errors = squared_errors + 1 WHERE {sums}"),
            "squared_errors is ",
        ),
        (format!("DELETE FROM forecast_score_hours WHERE {sums}"), "missing"),
    ] {
        database.rows(&changed);
        let found = verify(&database, None).expect_code(1);
        assert!(found.stderr.contains(said) || found.stdout.contains(said), "{changed}: {}", found.stderr);
        viewtide(["rebuild", "--database-url", &database.url()]).wait(DEADLINE).expect_code(0);
        assert_verified(&database, &input);
        assert_eq!(tables(&database), before, "{changed}");
    }
    // What was forecast is a fact that nothing can give back; its scores tell that it is another.
    database.rows(&format!("UPDATE predictions SET predicted_views = predicted_views + 1 WHERE {one}"));
    verify(&database, None).expect_code(1);
}
