//! `verify` finds every change of every cell, and `rebuild` mends what is derived.

use crate::harness::kafka;
use crate::harness::postgres::Database;
use crate::harness::process::viewtide;
use crate::scenario::{DEADLINE, Input, Row, Size, rows_of, run_to_end, send, tables, verify, write_csv};

/// A small database with everything in it: growth and its absence, missing counts, a late row, dead letters.
struct Fixture {
    database: Database,
    input: Input,
    _folder: tempfile::TempDir,
}

fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = rows_of("sample_10min.csv").into_iter().take(300).collect();
    rows[40].counts[1] = String::new();
    rows[41].counts = ["0".into(), "0".into(), String::new()];
    // Of the first video's first hour, once its newest is eight days on.
    let mut ahead = rows[299].clone();
    ahead.timestamp = "2023-12-20T00:00:00Z".into();
    let mut late = rows[299].clone();
    late.timestamp = "2023-12-05T00:00:00.000001Z".into();
    let bad = Row { counts: ["12x".into(), String::new(), String::new()], ..rows[7].clone() };
    rows.extend([ahead, late, bad]);
    rows
}

fn from_csv() -> Fixture {
    let folder = tempfile::tempdir().expect("a folder");
    let csv = folder.path().join("rows.csv");
    write_csv(&csv, &rows());
    fixture(Input::Csv(csv), folder)
}

fn from_topic() -> Fixture {
    let topic = kafka::shared().fresh_topic("verify", 2);
    let mut rows = rows();
    // As text it is a value like any other; the reader judges it.
    let bad = rows.pop().expect("the bad row");
    send(&topic, &rows);
    let value = bad.json().replace("12x", "\"12x\"");
    let message =
        kafka::Message { key: Some(bad.video.as_bytes()), value: Some(value.as_bytes()), ..Default::default() };
    kafka::shared().produce(&topic, [message]);
    fixture(Input::Topic(topic), tempfile::tempdir().expect("a folder"))
}

fn fixture(input: Input, folder: tempfile::TempDir) -> Fixture {
    let database = Database::fresh();
    let summary = run_to_end(&input, &database, Size { workers: 1, processes: 1 }, &[]);
    assert_eq!((&summary["late_rows"], &summary["dead_letters"]), (&1.into(), &1.into()), "{summary}");
    let fixture = Fixture { database, input, _folder: folder };
    fixture.holds();
    fixture
}

impl Fixture {
    #[track_caller]
    fn holds(&self) {
        verify(&self.database, None).expect_code(0);
        verify(&self.database, Some(&self.input)).expect_code(0);
    }

    /// Runs `damage`, expects `verify` to say each of `words`, and undoes the damage.
    #[track_caller]
    fn finds(&self, input: bool, damage: &str, words: &[&str]) {
        let saved = self.save();
        self.database.rows(damage);
        let found = verify(&self.database, input.then_some(&self.input)).expect_code(1);
        for word in words {
            assert!(found.stderr.contains(word), "{damage}: no `{word}` in:\n{}", found.stderr);
        }
        assert_ne!(found.json()["differences"], serde_json::json!({}));
        self.restore(saved);
    }

    fn save(&self) -> &'static str {
        self.database.rows(
            "CREATE TABLE saved_snapshots AS TABLE video_stats_processed; \
             CREATE TABLE saved_hours AS TABLE hourly_aggregations; CREATE TABLE saved_letters AS TABLE dead_letters",
        );
        "TRUNCATE video_stats_processed, hourly_aggregations, dead_letters; \
         INSERT INTO video_stats_processed TABLE saved_snapshots; \
         INSERT INTO hourly_aggregations TABLE saved_hours; INSERT INTO dead_letters TABLE saved_letters; \
         DROP TABLE saved_snapshots, saved_hours, saved_letters"
    }

    fn restore(&self, saved: &str) {
        self.database.rows(saved);
    }

    /// (column, type) of a table, without its key and times of writing.
    fn columns(&self, table: &str) -> Vec<(String, String)> {
        let sql = format!(
            "SELECT column_name, data_type FROM information_schema.columns \
             WHERE table_schema = 'public' AND table_name = '{table}' AND column_name NOT IN \
             ('video_id', 'timestamp', 'hour_start', 'processed_at', 'created_at', 'updated_at', 'received_at', \
              'topic', 'partition', 'kafka_offset', 'item', 'before_gap') ORDER BY ordinal_position"
        );
        let column = |row: Vec<Option<String>>| {
            let mut cells = row.into_iter().map(|cell| cell.expect("no NULL"));
            (cells.next().expect("a name"), cells.next().expect("a type"))
        };
        self.database.rows(&sql).into_iter().map(column).collect()
    }
}

/// Columns of `video_stats_processed` that come from the input, and are compared with it only.
const RAW: [&str; 5] = ["view_count", "like_count", "comment_count", "folded_in", "file_source"];

/// Another value for a cell: of a double the next one there is.
fn other_value(column: &str, data_type: &str) -> String {
    match data_type {
        "double precision" => format!("{column} * (1 + 1.2e-16::float8 * 2)"),
        "bigint" => format!("{column} + 1"),
        "boolean" => format!("NOT {column}"),
        "text" => format!("coalesce({column}, '') || 'x'"),
        "bytea" => format!("coalesce({column}, '') || 'x'::bytea"),
        other => panic!("{column} is of type {other}: say how to change it"),
    }
}

#[test]
fn every_derived_cell_is_compared_bit_by_bit() {
    let fixture = from_csv();
    for (table, key) in [("video_stats_processed", "\"timestamp\""), ("hourly_aggregations", "hour_start")] {
        for (column, data_type) in fixture.columns(table) {
            if RAW.contains(&column.as_str()) {
                continue;
            }
            let one = |condition: &str| {
                format!(
                    "(video_id, {key}) = (SELECT video_id, {key} FROM {table} WHERE {condition} \
                         ORDER BY video_id, {key} OFFSET 5 LIMIT 1)"
                )
            };
            let there = one(&format!("{column} IS NOT NULL AND {column} <> 0"));
            let other = other_value(&column, &data_type);
            let changed = format!("UPDATE {table} SET {column} = {other} WHERE {there}");
            fixture.finds(false, &changed, &[table, &format!("{column} is "), ", should be "]);
            if column != "total_records" {
                let gone = format!("UPDATE {table} SET {column} = NULL WHERE {there}");
                fixture.finds(false, &gone, &[table, &format!("{column} is NULL, should be ")]);
            }
        }
    }
    let zero = "UPDATE video_stats_processed SET views_growth_rate = '-0' WHERE views_growth_rate = 0";
    fixture.finds(false, zero, &["views_growth_rate is -0, should be 0"]);
    let null = "UPDATE video_stats_processed SET views_delta = 0 WHERE views_delta IS NULL AND folded_in";
    fixture.finds(false, null, &["views_delta is 0, should be NULL"]);
    let late = "UPDATE video_stats_processed SET elapsed_seconds = 1 WHERE NOT folded_in";
    fixture.finds(false, late, &["elapsed_seconds is 1, should be NULL"]);
    fixture.holds();
}

#[test]
fn rows_that_are_gone_or_too_many_are_named() {
    let fixture = from_csv();
    let hour = "hour_start = (SELECT max(hour_start) FROM hourly_aggregations)";
    fixture.finds(false, &format!("DELETE FROM hourly_aggregations WHERE {hour}"), &["hourly_aggregations", "missing"]);
    let extra = format!(
        "INSERT INTO hourly_aggregations (video_id, hour_start, total_records) \
         SELECT video_id, hour_start + interval '99 hours', 1 FROM hourly_aggregations WHERE {hour}"
    );
    fixture.finds(false, &extra, &["hourly_aggregations", "should not be there"]);
    // A raw row and all that follows from it: consistent in itself, so only the input tells.
    let newest = "\"timestamp\" = (SELECT max(\"timestamp\") FROM video_stats_processed)";
    let consistent =
        format!("DELETE FROM video_stats_processed WHERE {newest}; DELETE FROM hourly_aggregations WHERE {hour}");
    let saved = fixture.save();
    fixture.database.rows(&consistent);
    verify(&fixture.database, None).expect_code(0);
    fixture.restore(saved);
    fixture.finds(true, &consistent, &["video_stats_processed", "missing", "row 300 of the CSV files"]);
    fixture.holds();
}

#[test]
fn raw_cells_and_dead_letters_are_compared_with_the_input() {
    for fixture in [from_csv(), from_topic()] {
        let place = match &fixture.input {
            Input::Csv(_) => "row ",
            Input::Topic(_) => "offset ",
        };
        for (column, data_type) in fixture.columns("video_stats_processed") {
            if RAW.contains(&column.as_str()) {
                let changed = format!(
                    "UPDATE video_stats_processed SET {column} = {} WHERE \"timestamp\" = \
                     (SELECT max(\"timestamp\") FROM video_stats_processed)",
                    other_value(&column, &data_type)
                );
                fixture.finds(true, &changed, &["video_stats_processed", &format!("{column} is "), place]);
            }
        }
        for (column, data_type) in fixture.columns("dead_letters") {
            let changed = format!("UPDATE dead_letters SET {column} = {}", other_value(&column, &data_type));
            fixture.finds(true, &changed, &["dead_letters", &format!("{column} is ")]);
        }
        fixture.finds(true, "DELETE FROM dead_letters", &["dead_letters", "missing"]);
        let extra =
            "INSERT INTO dead_letters SELECT topic, \"partition\", kafka_offset + 1000, item, reason FROM dead_letters";
        fixture.finds(true, extra, &["dead_letters", "should not be there"]);
        let extra = "INSERT INTO video_stats_processed (video_id, \"timestamp\", view_count, folded_in) \
                     VALUES ('AAAAAAAAAAA', '2024-01-01', 1, false)";
        fixture.finds(true, extra, &["(AAAAAAAAAAA, 2024-01-01T00:00:00Z)", "should not be there"]);
        fixture.holds();
    }
}

#[test]
fn rebuild_mends_every_derived_table_and_touches_nothing_else() {
    let fixture = from_csv();
    let before = tables(&fixture.database);
    let created = "SELECT md5(string_agg((video_id, hour_start, created_at)::text, '' ORDER BY video_id, hour_start)) \
                   FROM hourly_aggregations WHERE hour_start < '2023-12-10'";
    let created_before = fixture.database.value(created);
    fixture.database.rows(
        "UPDATE video_stats_processed SET views_delta = 7, likes_growth_rate = NULL, elapsed_seconds = 0; \
         UPDATE hourly_aggregations SET avg_view_count = 1, last_like_count = NULL WHERE total_records > 1; \
         DELETE FROM hourly_aggregations WHERE hour_start > '2023-12-10'; \
         INSERT INTO hourly_aggregations (video_id, hour_start, total_records) VALUES ('AAAAAAAAAAA', '2024-01-01', 3)",
    );
    verify(&fixture.database, None).expect_code(1);
    viewtide(["rebuild", "--database-url", &fixture.database.url()]).wait(DEADLINE).expect_code(0);
    fixture.holds();
    assert_eq!(tables(&fixture.database), before);
    assert_eq!(fixture.database.value(created), created_before, "hours that stayed keep their time of creation");
    let again = viewtide(["rebuild", "--database-url", &fixture.database.url()]).wait(DEADLINE).expect_code(0);
    assert_eq!(again.json()["rows"], serde_json::json!({"hourly_aggregations": 0, "video_stats_processed": 0}));
}

#[test]
fn a_session_default_of_another_time_zone_changes_nothing() {
    let fixture = from_csv();
    let name = fixture.database.value("SELECT current_database()");
    fixture.database.rows(&format!(
        "ALTER DATABASE {name} SET TimeZone = 'Asia/Kathmandu'; ALTER DATABASE {name} SET DateStyle = 'German'; \
         ALTER DATABASE {name} SET extra_float_digits = -10; ALTER DATABASE {name} SET bytea_output = 'escape'"
    ));
    fixture.holds();
    viewtide(["rebuild", "--database-url", &fixture.database.url()]).wait(DEADLINE).expect_code(0);
    fixture.holds();
}

#[test]
fn what_cannot_be_verified_is_refused() {
    let empty = Database::fresh();
    let refused = verify(&empty, None).expect_code(1);
    assert!(refused.stderr.contains("has no tables of viewtide"), "{}", refused.stderr);
    let fixture = from_csv();
    let other = Input::Csv(crate::scenario::data_file("tracked_daily.csv"));
    let refused = verify(&fixture.database, Some(&other)).expect_code(1);
    assert!(refused.stderr.contains("give it the same input"), "{}", refused.stderr);
}
