//! `verify` finds every change of every cell, and `rebuild` mends what is derived.

use std::collections::BTreeSet;

use crate::harness::kafka;
use crate::harness::postgres::Database;
use crate::harness::process::viewtide;
use crate::scenario::{DEADLINE, Input, Row, Size, TABLES, rows_of, run_to_end, send, tables, verify, write_csv};

/// A small database with everything in it: growth and its absence, missing counts, a late row, dead letters; three videos
/// in one category and two channels.
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
    let later =
        |timestamp: &str, views: i64| Row { timestamp: timestamp.into(), ..rows[299].clone().with_more_views(views) };
    let midway = later("2023-12-14T00:00:00Z", 70_000);
    let before = later("2023-12-19T22:00:00Z", 160_000);
    let ahead = later("2023-12-20T00:00:00Z", 170_000);
    let still = later("2023-12-20T00:10:00Z", 170_000);
    let mut late = rows[299].clone();
    late.timestamp = "2023-12-05T00:00:00.000001Z".into();
    let bad = Row { counts: ["12x".into(), String::new(), String::new()], ..rows[7].clone() };
    rows.extend([midway, before, ahead, still, late, bad]);
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
    let videos = folder.path().join("videos.csv");
    let known = "video_id,title,channel_id,channel_title,category_id,published_at\n";
    let ids: BTreeSet<String> = rows().into_iter().map(|row| row.video).collect();
    let row = |(number, id): (usize, &String)| {
        format!("{id},\"Title, {number}\",UC{},Channel,10,2023-09-{:02}T18:00:00Z\n", number / 2, number + 1)
    };
    let lines: String = ids.iter().enumerate().map(row).collect();
    std::fs::write(&videos, format!("{known}{lines}")).expect("write a file of videos");
    let input = Input::WithVideos(Box::new(input), videos);
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
        self.restore(&saved);
    }

    fn save(&self) -> String {
        let tables = || TABLES.into_iter().chain(["dead_letters"]);
        let save: Vec<_> = tables().map(|table| format!("CREATE TABLE saved_{table} AS TABLE {table}")).collect();
        self.database.rows(&save.join("; "));
        let restore: Vec<_> = tables()
            .map(|table| format!("TRUNCATE {table}; INSERT INTO {table} TABLE saved_{table}; DROP TABLE saved_{table}"))
            .collect();
        restore.join("; ")
    }

    fn restore(&self, saved: &str) {
        self.database.rows(saved);
    }

    /// The columns of a table's key, in order, as SQL.
    fn key(&self, table: &str) -> String {
        self.database.value(&format!(
            "SELECT string_agg(quote_ident(attname), ', ' ORDER BY array_position(indkey::int2[], attnum)) \
             FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY(indkey) \
             WHERE indrelid = '{table}'::regclass AND indisprimary"
        ))
    }

    /// The columns of a table without its key and times of writing.
    fn columns(&self, table: &str) -> Vec<Column> {
        let sql = format!(
            "SELECT column_name, data_type, is_nullable FROM information_schema.columns \
             WHERE table_schema = 'public' AND table_name = '{table}' AND column_name NOT IN \
             ('processed_at', 'created_at', 'updated_at', 'received_at') \
             AND NOT EXISTS (SELECT FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY(indkey) \
                             WHERE indrelid = '{table}'::regclass AND indisprimary AND attname = column_name) \
             ORDER BY ordinal_position"
        );
        let column = |row: Vec<Option<String>>| {
            let mut cells = row.into_iter().map(|cell| cell.expect("no NULL"));
            let mut next = || cells.next().expect("three cells");
            Column { name: next(), data_type: next(), is_nullable: next() == "YES" }
        };
        self.database.rows(&sql).into_iter().map(column).collect()
    }
}

struct Column {
    name: String,
    data_type: String,
    is_nullable: bool,
}

impl Column {
    /// Another value for a cell: of a double the next one there is.
    fn other_value(&self) -> String {
        let column = &self.name;
        match self.data_type.as_str() {
            "double precision" => format!("{column} * (1 + 1.2e-16::float8 * 2)"),
            "bigint" => format!("{column} + 1"),
            "boolean" => format!("NOT {column}"),
            "text" => format!("coalesce({column}, '') || 'x'"),
            "bytea" => format!("coalesce({column}, '') || 'x'::bytea"),
            "timestamp with time zone" => format!("coalesce({column} + interval '1 microsecond', '2024-01-01')"),
            other => panic!("{column} is of type {other}: say how to change it"),
        }
    }
}

/// Columns of `video_stats_processed` that come from the input, and are compared with it only.
const RAW: [&str; 5] = ["view_count", "like_count", "comment_count", "folded_in", "file_source"];

#[test]
fn every_derived_cell_is_compared_bit_by_bit() {
    let fixture = from_csv();
    for table in TABLES.into_iter().filter(|table| *table != "videos") {
        let key = fixture.key(table);
        for column in fixture.columns(table).iter().filter(|column| !RAW.contains(&column.name.as_str())) {
            let Column { name, is_nullable, data_type } = column;
            let zero =
                if ["bigint", "double precision"].contains(&data_type.as_str()) { "AND {name} <> 0" } else { "" };
            let there = format!("{name} IS NOT NULL {}", zero.replace("{name}", name));
            let one = format!("ctid = (SELECT ctid FROM {table} WHERE {there} ORDER BY {key} DESC LIMIT 1)");
            let found = fixture.database.value(&format!("SELECT count(*) FROM {table} WHERE {one}"));
            assert_eq!(found, "1", "the fixture has no value in {table}.{name}");
            let changed = format!("UPDATE {table} SET {name} = {} WHERE {one}", column.other_value());
            fixture.finds(false, &changed, &[table, &format!("{name} is "), ", should be "]);
            if *is_nullable {
                let gone = format!("UPDATE {table} SET {name} = NULL WHERE {one}");
                fixture.finds(false, &gone, &[table, &format!("{name} is NULL, should be ")]);
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
    for table in ["channel_hourly", "category_hourly", "total_hourly", "trends", "trending"] {
        let key = fixture.key(table);
        let one = format!("ctid = (SELECT ctid FROM {table} ORDER BY {key} LIMIT 1)");
        fixture.finds(false, &format!("DELETE FROM {table} WHERE {one}"), &[table, "missing"]);
    }
    for (table, moved) in [
        ("channel_hourly", "channel_id = channel_id || 'x'"),
        ("category_hourly", "hour_start = hour_start + interval '99 hours'"),
        ("total_hourly", "hour_start = hour_start + interval '99 hours'"),
        ("trends", "video_id = 'AAAAAAAAAAA'"),
        ("trending", "rank = 51"),
    ] {
        let key = fixture.key(table);
        let one = format!("ctid = (SELECT ctid FROM {table} ORDER BY {key} DESC LIMIT 1)");
        fixture.finds(false, &format!("UPDATE {table} SET {moved} WHERE {one}"), &[table, "should not be there"]);
    }
    // A raw row and all that follows from it: consistent in itself, so only the input tells.
    let newest = "\"timestamp\" = (SELECT max(\"timestamp\") FROM video_stats_processed)";
    let consistent = format!("DELETE FROM video_stats_processed WHERE {newest}");
    let saved = fixture.save();
    fixture.database.rows(&consistent);
    viewtide(["rebuild", "--database-url", &fixture.database.url()]).wait(DEADLINE).expect_code(0);
    verify(&fixture.database, None).expect_code(0);
    fixture.restore(&saved);
    fixture.finds(true, &consistent, &["video_stats_processed", "missing", "row 303 of the CSV files"]);
    fixture.holds();
}

#[test]
fn raw_cells_and_dead_letters_are_compared_with_the_input() {
    for fixture in [from_csv(), from_topic()] {
        let place = if fixture.input.args().contains(&"--csv".to_owned()) { "row " } else { "offset " };
        for column in fixture.columns("video_stats_processed") {
            let name = &column.name;
            if RAW.contains(&name.as_str()) {
                let changed = format!(
                    "UPDATE video_stats_processed SET {name} = {} WHERE \"timestamp\" = \
                     (SELECT max(\"timestamp\") FROM video_stats_processed)",
                    column.other_value()
                );
                fixture.finds(true, &changed, &["video_stats_processed", &format!("{name} is "), place]);
            }
        }
        for table in ["dead_letters", "videos"] {
            for column in fixture.columns(table) {
                let name = &column.name;
                let changed = format!("UPDATE {table} SET {name} = {}", column.other_value());
                fixture.finds(true, &changed, &[table, &format!("{name} is ")]);
            }
        }
        fixture.finds(true, "DELETE FROM videos", &["videos", "missing"]);
        let extra = "INSERT INTO videos (video_id, source) VALUES ('AAAAAAAAAAA', 'videos_file')";
        fixture.finds(true, extra, &["videos (AAAAAAAAAAA)", "should not be there"]);
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
         INSERT INTO hourly_aggregations (video_id, hour_start, total_records) VALUES ('AAAAAAAAAAA', '2024-01-01', 3); \
         UPDATE channel_hourly SET views_gained = 1; DELETE FROM category_hourly; TRUNCATE total_hourly; \
         UPDATE trends SET label = 'odd', views_per_hour_6h = NULL; UPDATE trending SET rank = rank + 7",
    );
    verify(&fixture.database, None).expect_code(1);
    viewtide(["rebuild", "--database-url", &fixture.database.url()]).wait(DEADLINE).expect_code(0);
    fixture.holds();
    assert_eq!(tables(&fixture.database), before);
    assert_eq!(fixture.database.value(created), created_before, "hours that stayed keep their time of creation");
    let again = viewtide(["rebuild", "--database-url", &fixture.database.url()]).wait(DEADLINE).expect_code(0);
    let rows = again.json()["rows"].as_object().expect("rows by table").clone();
    // But videos, and with what came of forecasts and their scores.
    assert!(rows.len() == TABLES.len() - 1 + 2 && rows.values().all(|rows| *rows == 0), "{rows:?}");
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
