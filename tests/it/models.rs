//! `viewtide models`, and models that change while a run goes on.

use std::path::Path;

use crate::harness::postgres::Database;
use crate::harness::process::{Finished, viewtide};
use crate::polled::Polled;
use crate::scenario::DEADLINE;

/// When the first and the last row was written that `model` made.
fn written(database: &Database, model: &str) -> (String, String) {
    let sql =
        format!("SELECT min(created_at)::text, max(created_at)::text FROM predictions WHERE views_model = '{model}'");
    let row = database.rows(&sql).remove(0);
    let [first, last] = row.try_into().expect("two");
    (first.expect("some are made by it"), last.expect("some are made by it"))
}

fn models(database: &Database, args: &[&str]) -> Finished {
    let all = ["models"].iter().chain(args).map(|arg| (*arg).to_owned());
    viewtide(all.chain(["--database-url".to_owned(), database.url()])).wait(DEADLINE)
}

fn file_of(metric: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join(format!("models/pretrained/{metric}.safetensors")).display().to_string()
}

#[test]
fn a_promoted_model_is_taken_by_all_workers_at_one_tick_and_a_rollback_too() {
    let mut polled = Polled::start(&["--retrain", "off"]);
    let said = models(&polled.database, &["add", "--promote", &file_of("views")]).expect_code(0).stdout;
    assert_eq!(said, "views: version 2 is added\nviews: version 2 is in use, in the place of 1\n");
    polled.until_by("blend:2");
    let (_, last_of_1) = written(&polled.database, "blend:1");
    let (first_of_2, _) = written(&polled.database, "blend:2");
    assert!(last_of_1 <= first_of_2, "version 1 is used until {last_of_1}, and 2 from {first_of_2}");
    let likes = polled
        .database
        .value("SELECT string_agg(DISTINCT likes_model, ' ') FROM predictions WHERE likes_model LIKE 'b%'");
    assert_eq!(likes, "blend:1");

    assert_eq!(
        models(&polled.database, &["rollback", "views"]).expect_code(0).stdout,
        "views: version 1 is in use, in the place of 2\n"
    );
    polled.until_by("blend:1");
    let (_, last_of_2) = written(&polled.database, "blend:2");
    let after =
        format!("SELECT count(*) FROM predictions WHERE views_model = 'blend:1' AND created_at > '{last_of_2}'");
    assert_ne!(polled.database.value(&after), "0");
    polled.stop();
}

#[test]
fn a_damaged_model_leaves_the_old_one_in_use_and_a_deleted_one_leaves_naive_forecasts() {
    let mut polled = Polled::start(&["--retrain", "off"]);
    // As no command would do it.
    polled.database.rows(
        "WITH retired AS (UPDATE models SET status = 'retired' WHERE model_name = 'views' RETURNING *)
         INSERT INTO models (model_name, version, metric, horizon_hours, artifact, manifest, status)
         SELECT model_name, 7, metric, horizon_hours, overlay(artifact PLACING '\\x00'::bytea FROM 20000), manifest, 'candidate'
         FROM retired",
    );
    polled.database.rows("UPDATE models SET status = 'active' WHERE version = 7");
    polled.running.wait_for_output("version 1 stays", DEADLINE);
    polled.until_by("blend:1");
    let refused = models(&polled.database, &["promote", "views", "7"]).expect_code(1).stderr;
    assert!(refused.contains("version 7 of views cannot be used") && refused.contains("checksum"), "{refused}");

    polled.database.rows("DELETE FROM models WHERE model_name = 'views'");
    polled.until_by("trend");
    let said = polled.running.stderr();
    assert_eq!(said.matches("no model of views is in use").count(), 1, "{said}");
    let likes = "SELECT likes_model FROM predictions ORDER BY issued_at DESC LIMIT 1";
    assert_eq!(polled.database.value(likes), "blend:1");
    polled.stop();
}

#[test]
fn models_are_listed_and_what_cannot_be_done_is_said() {
    let database = Database::fresh();
    let refused = models(&database, &["list"]).expect_code(1).stderr;
    assert!(refused.contains("run `viewtide migrate` first"), "{refused}");
    viewtide(["migrate", "--database-url", &database.url()]).wait(DEADLINE).expect_code(0);
    assert!(models(&database, &["list"]).expect_code(0).stdout.starts_with("no model;"));

    let refused = models(&database, &["add", &file_of("likes"), "README.md"]).expect_code(1).stderr;
    assert!(refused.contains("README.md: ") && refused.contains("Nothing was added"), "{refused}");
    assert_eq!(database.value("SELECT count(*) FROM models"), "0");
    let refused = models(&database, &["promote", "likes", "1"]).expect_code(1).stderr;
    assert!(refused.contains("there is no version 1 of likes, nor any other"), "{refused}");

    models(&database, &["add", &file_of("likes"), &file_of("views")]).expect_code(0);
    let promote = |version: &str| models(&database, &["promote", "likes", version]);
    assert_eq!(promote("1").expect_code(0).stdout, "likes: version 1 is in use, where none was\n");
    assert_eq!(promote("1").expect_code(0).stdout, "likes: version 1 was in use already\n");
    let refused = models(&database, &["rollback", "likes"]).expect_code(1).stderr;
    assert!(refused.contains("no version of likes was in use before version 1, which is"), "{refused}");
    let refused = models(&database, &["rollback", "comments"]).expect_code(1).stderr;
    assert!(refused.contains("no version of comments was in use before now, and none is"), "{refused}");
    let refused = promote("3").expect_code(1).stderr;
    assert!(refused.contains("there is no version 3 of likes, but 1"), "{refused}");

    models(&database, &["add", "--promote", &file_of("likes")]).expect_code(0);
    let table = models(&database, &["list"]).expect_code(0).stdout;
    let line = |version: &str| table.lines().find(|line| line.contains(version)).unwrap_or_else(|| panic!("{table}"));
    assert!(line("likes ┆       2").contains("active") && line("likes ┆       1").contains("retired"), "{table}");
    assert!(line("views ┆       1").contains("candidate"), "{table}");
    let lines = models(&database, &["list", "--format", "json"]).expect_code(0).stdout;
    let listed: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let of = |field: &str| listed.iter().map(|model| model[field].to_string()).collect::<Vec<_>>().join(" ");
    assert_eq!((of("version"), of("replaces")), ("1 2 1".to_owned(), "null 1 null".to_owned()));
    assert_eq!(of("videos"), "33 33 33");
}
