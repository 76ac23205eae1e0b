//! Records that are gone before they were read: by retention, before a run and during one, and with a topic that is created
//! again. `run` stops and says so, or reads on and keeps the gap, exactly once; `verify` compares what is left.

use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::json;

use crate::harness::kafka::{self, Message};
use crate::harness::postgres::{Database, with_client};
use crate::harness::process::{Finished, Process, viewtide};
use crate::harness::wait_for;
use crate::scenario::{DEADLINE, Input, Row, Size, rows_of, run_args, run_to_end, tables, verify, write_csv};

mod created_again;

const ONE: Size = Size { workers: 1, processes: 1 };
const EARLIEST: [&str; 2] = ["--on-lost-offsets", "earliest"];
/// No snapshot, and one dead letter.
const BAD: &str = "{}";

/// What is sent to partition 0 and to partition 1: each video belongs to one of them.
fn by_partition(rows: &[Row]) -> [Vec<Row>; 2] {
    let partition = |row: &Row| usize::from(row.video.bytes().map(u32::from).sum::<u32>() % 2 == 1);
    [0, 1].map(|number| rows.iter().filter(|row| partition(row) == number).cloned().collect())
}

fn produce(topic: &str, partition: i32, values: impl IntoIterator<Item = String>) {
    let values: Vec<String> = values.into_iter().collect();
    kafka::shared().produce(
        topic,
        values.iter().map(|value| Message {
            partition: Some(partition),
            value: Some(value.as_bytes()),
            ..Message::default()
        }),
    );
}

fn send(topic: &str, partition: i32, rows: &[Row]) {
    produce(topic, partition, rows.iter().map(Row::json));
}

fn run(input: &Input, database: &Database, more: &[&str]) -> Finished {
    let more: Vec<&str> = more.iter().copied().chain(["--exit-at-end"]).collect();
    viewtide(run_args(input, database, &more)).wait(DEADLINE)
}

/// The gaps that are kept: partition, first offset that was not read, where reading went on, why.
fn gaps(database: &Database) -> Vec<String> {
    let rows = database.rows("SELECT \"partition\", first_lost, next_read, reason FROM lost_offsets ORDER BY id");
    rows.into_iter()
        .map(|row| row.into_iter().map(|cell| cell.unwrap_or("-".into())).collect::<Vec<_>>().join(" "))
        .collect()
}

fn positions(database: &Database) -> serde_json::Value {
    serde_json::from_str(&database.value("SELECT positions::text FROM viewtide_progress")).expect("JSON")
}

#[track_caller]
fn says(finished: &Finished, words: &[&str]) {
    for word in words {
        assert!(finished.stderr.contains(word), "no `{word}` in: {}", finished.stderr);
    }
}

/// The tables of a run over just these rows.
fn tables_of(rows: &[Row]) -> crate::scenario::Tables {
    let folder = tempfile::tempdir().expect("a folder");
    let csv = folder.path().join("rows.csv");
    write_csv(&csv, rows);
    let database = Database::fresh();
    // Of a topic of past hours none are issued.
    run_to_end(&Input::Csv(csv), &database, ONE, &["--forecasts", "off"]);
    tables(&database)
}

fn without_dead_letters(mut tables: crate::scenario::Tables) -> crate::scenario::Tables {
    tables.remove("dead_letters");
    tables
}

/// A database that has read what its topic held then; meanwhile the topic has got more, and lost some of it: in partition 0
/// 30 records that were not read, in partition 1 only records that were.
struct Fixture {
    topic: String,
    input: Input,
    database: Database,
    /// All rows but those that were lost.
    kept: Vec<Row>,
    /// Offsets of partition 0: the first that is lost, and the first that is there.
    lost: (u64, u64),
}

impl Fixture {
    fn new() -> Self {
        let topic = kafka::shared().fresh_topic("lost", 2);
        let parts = by_partition(&rows_of("sample_10min.csv")[..600]);
        let (input, database) = (Input::Topic(topic.clone()), Database::fresh());
        let half = |part: &[Row]| part.len() / 2;
        for (partition, part) in parts.iter().enumerate() {
            produce(&topic, partition as i32, [BAD.to_owned()]);
            send(&topic, partition as i32, &part[..half(part)]);
        }
        run_to_end(&input, &database, ONE, &[]);
        for (partition, part) in parts.iter().enumerate() {
            send(&topic, partition as i32, &part[half(part)..]);
        }
        let first_lost = half(&parts[0]) + 1;
        kafka::shared().delete_records(&topic, 0, first_lost as i64 + 30);
        kafka::shared().delete_records(&topic, 1, 20);
        let mut kept = parts[0][..half(&parts[0])].to_vec();
        kept.extend_from_slice(&parts[0][half(&parts[0]) + 30..]);
        kept.extend_from_slice(&parts[1]);
        Self { topic, input, database, kept, lost: (first_lost as u64, first_lost as u64 + 30) }
    }
}

#[test]
fn deleted_records_stop_a_run_or_leave_a_gap_that_is_kept() {
    let Fixture { topic, input, database, kept, lost: (first_lost, next) } = Fixture::new();
    let before = (tables(&database), positions(&database));
    let stopped = run(&input, &database, &[]).expect_code(1);
    let end = kafka::shared().end_offset(&topic, 0);
    says(
        &stopped,
        &[
            &format!(
                "Kafka topic {topic} partition 0: the next record to read is {first_lost}, but the broker has {next} to {end}; \
                 records were deleted before they were read (the topic's retention). The tables are exact up to there."
            ),
            &format!("start again with --on-lost-offsets earliest, which reads on at offset {next} and keeps the gap"),
        ],
    );
    assert_eq!((tables(&database), positions(&database)), before, "nothing was changed");
    assert_eq!(gaps(&database), [""; 0]);

    let read_on = run(&input, &database, &EARLIEST).expect_code(0);
    let last = next - 1;
    says(
        &read_on,
        &[&format!(
            "Kafka topic {topic} partition 0: its records {first_lost} to {last} were deleted before they were read; it is read \
             on at {next}. The gap is kept in the table lost_offsets"
        )],
    );
    assert_eq!((&read_on.json()["gaps"], &read_on.json()["rows"]["lost_offsets"]), (&json!(1), &json!(1)));
    assert_eq!(gaps(&database), [format!("0 {first_lost} {next} deleted")]);
    let ids = "SELECT topic || ' ' || (topic_id_before = topic_id_after) FROM lost_offsets";
    assert_eq!(database.value(ids), format!("{topic} true"));
    assert_eq!(positions(&database)["0"], json!({"first": 0, "next": end}), "the first stays the very first one");
    assert_eq!(without_dead_letters(tables(&database)), without_dead_letters(tables_of(&kept)));
    assert_eq!(run(&input, &database, &EARLIEST).expect_code(0).json()["gaps"], 0, "said once");

    let verified = verify(&database, Some(&input)).expect_code(0);
    says(
        &verified,
        &[
            "the topic no longer holds all that was read from it",
            &format!("partition 0 from offset {next}, partition 1 from offset 20"),
            "and 2 dead letter(s) are left by records that are gone",
            "every table is exactly what the rest of the input and the raw rows give",
        ],
    );
    let report = verified.json();
    assert_eq!(report["read_from"], json!({"0": next, "1": 20}));
    let rows_gone = report["rows_of_gone_records"].as_u64().expect("a number");
    let all: u64 = database.value("SELECT count(*) FROM video_stats_processed").parse().expect("a number");
    // A row of partition 0 may be of a record that is gone and of one that is there.
    assert!(rows_gone > 0 && rows_gone <= all - report["records"].as_u64().expect("a number") / 2, "{report}");
    verify(&database, None).expect_code(0);
}

#[test]
fn what_is_left_is_compared_and_what_is_gone_is_not() {
    let Fixture { topic, input, database, .. } = Fixture::new();
    run(&input, &database, &EARLIEST).expect_code(0);
    let held = verify(&database, Some(&input)).expect_code(0).json();
    database.rows(
        "CREATE TABLE saved AS TABLE video_stats_processed; CREATE TABLE saved_hours AS TABLE hourly_aggregations; \
         CREATE TABLE saved_letters AS TABLE dead_letters",
    );
    let restore = || {
        database.rows(
            "TRUNCATE video_stats_processed, hourly_aggregations, dead_letters; \
             INSERT INTO video_stats_processed TABLE saved; INSERT INTO hourly_aggregations TABLE saved_hours; \
             INSERT INTO dead_letters TABLE saved_letters",
        )
    };
    let newest = "(video_id, \"timestamp\") = (SELECT video_id, \"timestamp\" FROM saved ORDER BY 2 DESC, 1 LIMIT 1)";
    for (damage, words) in [
        (format!("DELETE FROM video_stats_processed WHERE {newest}"), "the row is missing"),
        (format!("UPDATE video_stats_processed SET like_count = 1 WHERE {newest}"), "like_count is 1, should be "),
        (
            format!("UPDATE video_stats_processed SET file_source = 'x' WHERE {newest}"),
            "file_source is x, should be NULL",
        ),
        // Between what was read and what was there then, nothing was ever read.
        (
            "INSERT INTO dead_letters (topic, \"partition\", kafka_offset, item, reason) \
             SELECT topic, 0, first_lost + 1, 0, 'x' FROM lost_offsets"
                .to_owned(),
            "dead_letters (",
        ),
        (
            "INSERT INTO dead_letters (topic, \"partition\", kafka_offset, item, reason) \
             SELECT topic, 0, next_read + 1, 0, 'x' FROM lost_offsets"
                .to_owned(),
            "should not be there",
        ),
    ] {
        database.rows(&damage);
        let found = verify(&database, Some(&input)).expect_code(1);
        says(&found, &[words]);
        restore();
    }
    // Much follows from it, and one difference more is that from the input.
    database.rows(&format!("UPDATE video_stats_processed SET folded_in = false WHERE {newest}"));
    let raw = |found: Finished| found.expect_code(1).json()["differences"]["video_stats_processed"].as_u64();
    let derived = raw(verify(&database, None)).expect("a number");
    assert_eq!(raw(verify(&database, Some(&input))), Some(derived + 1));
    restore();
    // What only records that are gone could tell is not compared with anything but the rest of the tables.
    let oldest = "\"timestamp\" = (SELECT min(\"timestamp\") FROM saved)";
    database.rows(&format!("UPDATE video_stats_processed SET file_source = 'x' WHERE {oldest}"));
    assert_eq!(
        verify(&database, Some(&input)).expect_code(0).json()["rows_of_gone_records"],
        held["rows_of_gone_records"]
    );
    restore();
    // A topic that lost everything that was read can still be read on, and says what it is compared with.
    let end = kafka::shared().end_offset(&topic, 0);
    kafka::shared().delete_records(&topic, 0, end);
    let report = verify(&database, Some(&input)).expect_code(0).json();
    assert_eq!(report["read_from"], json!({"0": end, "1": 20}), "{report}");
}

/// A run without an end that has read what there is, then stands still until records that came meanwhile are gone.
fn paused_until_gone(input: &Input, database: &Database, topic: &str, more: &[&str]) -> (Process, u64, u64) {
    let mut run = viewtide(run_args(input, database, more));
    run.wait_for_output("state loaded", DEADLINE);
    wait_for("the first records", DEADLINE, || {
        (database.value("SELECT count(*) FROM video_stats_processed") == "100").then_some(())
    });
    run.signal(Signal::SIGSTOP);
    // What was asked for before is answered by then.
    std::thread::sleep(Duration::from_millis(500));
    let rows = rows_of("sample_10min.csv");
    send(topic, 0, &rows[100..200]);
    kafka::shared().delete_records(topic, 0, 150);
    run.signal(Signal::SIGCONT);
    (run, 100, 150)
}

#[test]
fn records_that_are_deleted_during_a_run_stop_it_or_leave_a_gap() {
    let rows = rows_of("sample_10min.csv");
    for on_lost in ["stop", "earliest"] {
        let topic = kafka::shared().fresh_topic("lost-running", 1);
        send(&topic, 0, &rows[..100]);
        let (input, database) = (Input::Topic(topic.clone()), Database::fresh());
        viewtide(["migrate", "--database-url", &database.url()]).wait(DEADLINE).expect_code(0);
        let more = ["--on-lost-offsets", on_lost, "-w", "2"];
        let (run, first_lost, next) = paused_until_gone(&input, &database, &topic, &more);
        if on_lost == "stop" {
            let words =
                format!("partition 0: the next record to read is {first_lost}, but the broker has {next} to 200; ");
            says(&run.wait(DEADLINE).expect_code(1), &[&words, "--on-lost-offsets earliest"]);
            assert_eq!(positions(&database)["0"], json!({"first": 0, "next": first_lost}));
            assert_eq!(gaps(&database), [""; 0]);
            continue;
        }
        wait_for("what is left", DEADLINE, || {
            (database.value("SELECT count(*) FROM video_stats_processed") == "150").then_some(())
        });
        // It goes on as if nothing had been, and a second gap is another one.
        send(&topic, 0, &rows[200..210]);
        wait_for("what came later", DEADLINE, || {
            (database.value("SELECT count(*) FROM video_stats_processed") == "160").then_some(())
        });
        run.signal(Signal::SIGTERM);
        let finished = run.wait(DEADLINE).expect_code(0);
        says(&finished, &["its records 100 to 149 were deleted before they were read; it is read on at 150"]);
        assert_eq!((&finished.json()["gaps"], &finished.json()["records"]), (&json!(1), &json!(160)));
        assert_eq!(gaps(&database), ["0 100 150 deleted"]);
        assert_eq!(positions(&database)["0"], json!({"first": 0, "next": 210}));
        let kept: Vec<Row> = [&rows[..100], &rows[150..210]].concat();
        assert_eq!(tables(&database), tables_of(&kept));
        verify(&database, Some(&input)).expect_code(0);
    }
}

#[test]
fn a_row_too_many_of_a_video_whose_partition_is_whole_is_a_difference() {
    let topic = kafka::shared().fresh_topic("lost-one", 2);
    let parts = by_partition(&rows_of("sample_10min.csv")[..300]);
    (0..2).for_each(|partition| send(&topic, partition, &parts[partition as usize]));
    let (input, database) = (Input::Topic(topic.clone()), Database::fresh());
    run_to_end(&input, &database, ONE, &[]);
    kafka::shared().delete_records(&topic, 0, 20);
    let held = verify(&database, Some(&input)).expect_code(0).json();
    let [of_gone, of_whole] = [0, 1].map(|partition: usize| parts[partition].last().expect("a row").video.clone());
    // Late, so that nothing else follows from it.
    let extra = |video: &str| {
        database.rows(&format!(
            "INSERT INTO video_stats_processed (video_id, \"timestamp\", view_count, folded_in) \
             VALUES ('{video}', '2020-01-01 00:00:00+00', 1, false)"
        ))
    };
    extra(&of_gone);
    let report = verify(&database, Some(&input)).expect_code(0).json();
    let gone = |report: &serde_json::Value| report["rows_of_gone_records"].as_u64().expect("a number");
    assert_eq!(gone(&report), gone(&held) + 1);
    extra(&of_whole);
    let found = verify(&database, Some(&input)).expect_code(1);
    says(&found, &[&format!("video_stats_processed ({of_whole}, 2020-01-01T00:00:00Z)"), "should not be there"]);
}

#[test]
fn a_truncated_partition_is_read_again_with_the_retention_of_now() {
    let topic = kafka::shared().fresh_topic("truncated", 1);
    let record = |day: usize, views: usize| {
        format!(r#"{{"timestamp":"2025-07-{day:02} 00:00:00","video_id":"dQw4w9WgXcQ","viewCount":{views}}}"#)
    };
    produce(&topic, 0, [BAD.to_owned(), record(10, 100), record(1, 10)]);
    let (input, database) = (Input::Topic(topic.clone()), Database::fresh());
    run_to_end(&input, &database, ONE, &["--retention", "30d"]);
    // As if the broker had lost the end of it.
    database.rows("UPDATE viewtide_progress SET positions = '{\"0\": {\"first\": 0, \"next\": 50}}'");
    produce(&topic, 0, [record(2, 20)]);
    let more = ["--retention", "1d", "--on-lost-offsets", "earliest"];
    assert_eq!(run_to_end(&input, &database, ONE, &more)["gaps"], 1);
    assert_eq!(gaps(&database), ["0 50 0 truncated"]);
    let late =
        "SELECT string_agg(view_count || ' ' || folded_in, ', ' ORDER BY \"timestamp\") FROM video_stats_processed";
    assert_eq!(database.value(late), "10 true, 20 false, 100 true");
    let since = "SELECT jsonb_path_query_array(retentions, '$[*].since')::text FROM viewtide_progress";
    assert_eq!(database.value(since), r#"[{}, {"0": 0}]"#);
    verify(&database, Some(&input)).expect_code(0);
    verify(&database, None).expect_code(0);

    // The dead letter of before is another one than that of now: both are shown, and one is sent.
    let url = database.url();
    let command = |args: &[&str]| {
        let all = ["dead-letters"].iter().chain(args).copied().chain(["--database-url", &url]);
        viewtide(all).wait(DEADLINE)
    };
    let lines = |finished: Finished| -> Vec<serde_json::Value> {
        finished.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    };
    let before_gaps = |letters: &[serde_json::Value]| -> Vec<u64> {
        letters.iter().map(|letter| letter["before_gap"].as_u64().unwrap_or(0)).collect()
    };
    assert_eq!(before_gaps(&lines(command(&["list", "--format", "json"]).expect_code(0))), [0, 1]);
    assert!(command(&["list"]).expect_code(0).stdout.contains("before gap"));
    let exported = command(&["export", "-"]).expect_code(0);
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), &exported.stdout).expect("write the file");
    assert_eq!(before_gaps(&lines(exported)), [0, 1]);
    let path = file.path().to_str().expect("UTF-8");
    for from in [vec![], vec!["--file", path]] {
        let dry = |more: &[&str]| {
            let args: Vec<&str> = ["replay", "--dry-run"].iter().chain(&from).chain(more).copied().collect();
            command(&args).expect_code(0)
        };
        let without = dry(&[]);
        says(
            &without,
            &["1 dead letter(s) were left out: they were read before their partition began anew; --before-gaps"],
        );
        assert_eq!((&without.json()["would_send"], &without.json()["left_out"]), (&json!(1), &json!(1)));
        let with = dry(&["--before-gaps"]);
        says(&with, &[", before gap 1: 2 bytes would be sent"]);
        assert_eq!((&with.json()["would_send"], &with.json()["left_out"]), (&json!(2), &json!(0)));
    }
}

#[test]
fn many_partitions_that_lose_records_at_once_are_read_on() {
    const PARTITIONS: i32 = 24;
    let rows = rows_of("sample_10min.csv");
    let topic = kafka::shared().fresh_topic("lost-many", PARTITIONS);
    let part = |partition: i32, from: usize, to: usize| {
        let first = partition as usize * 20;
        &rows[first + from..first + to]
    };
    (0..PARTITIONS).for_each(|partition| send(&topic, partition, part(partition, 0, 5)));
    let (input, database) = (Input::Topic(topic.clone()), Database::fresh());
    viewtide(["migrate", "--database-url", &database.url()]).wait(DEADLINE).expect_code(0);
    let mut run = viewtide(run_args(&input, &database, &EARLIEST));
    run.wait_for_output("state loaded", DEADLINE);
    let read = |records: u64| {
        let durable = "SELECT coalesce(sum((span ->> 'next')::bigint), 0) \
                       FROM viewtide_progress, jsonb_each(positions) AS p(partition, span)";
        wait_for("what is there", DEADLINE, || (database.value(durable) == records.to_string()).then_some(()));
    };
    let all = PARTITIONS as u64;
    read(5 * all);
    run.signal(Signal::SIGSTOP);
    // What was asked for before is answered by then.
    std::thread::sleep(Duration::from_millis(700));
    for partition in 0..PARTITIONS {
        send(&topic, partition, part(partition, 5, 15));
        // Nothing is left to be read of them, so that no record tells that all is well again.
        kafka::shared().delete_records(&topic, partition, 15);
    }
    run.signal(Signal::SIGCONT);
    read(15 * all);
    // Each of them is read on.
    (0..PARTITIONS).for_each(|partition| send(&topic, partition, part(partition, 15, 20)));
    read(20 * all);
    run.signal(Signal::SIGTERM);
    let finished = run.wait(DEADLINE).expect_code(0);
    assert_eq!((&finished.json()["gaps"], &finished.json()["records"]), (&json!(all), &json!(10 * all)));
    let kept: Vec<String> = gaps(&database);
    assert_eq!(kept.len() as u64, all);
    assert!(kept.iter().all(|gap| gap.ends_with(" 5 15 deleted")), "{kept:?}");
    verify(&database, Some(&input)).expect_code(0);
}

/// Starts a run that comes as far as the gap, which it cannot write, and kills it there.
fn killed_at_the_gap(input: &Input, database: &Database) {
    with_client(&database.url(), async |client| {
        let transaction = client.transaction().await?;
        transaction.batch_execute("LOCK TABLE lost_offsets IN EXCLUSIVE MODE").await?;
        let run = viewtide(run_args(input, database, &EARLIEST));
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' \
                     AND query LIKE '%lost_offsets%'";
        while transaction.query_one(waits, &[]).await?.get::<_, i64>(0) == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
            // Within a transaction it would else be what it was.
            transaction.batch_execute("SELECT pg_stat_clear_snapshot()").await?;
        }
        run.signal(Signal::SIGKILL);
        drop(run);
        // Its server process still waits for the lock; the next start ends it.
        let pid = "SELECT pg_terminate_backend(backend_pid, 10000) FROM viewtide_progress";
        transaction.query_one(pid, &[]).await?;
        transaction.rollback().await
    })
    .expect("a lock");
}

#[test]
fn a_kill_at_the_gap_leaves_neither_gap_nor_position_and_one_after_it_leaves_both() {
    let Fixture { input, database, lost: (first_lost, next), .. } = Fixture::new();
    let before = positions(&database);
    killed_at_the_gap(&input, &database);
    assert_eq!((gaps(&database), positions(&database)), (vec![], before.clone()), "neither");
    let mut run = viewtide(run_args(&input, &database, &EARLIEST));
    run.wait_for_output("The gap is kept in the table lost_offsets", DEADLINE);
    run.signal(Signal::SIGKILL);
    drop(run);
    let kept = [format!("0 {first_lost} {next} deleted")];
    assert_eq!(gaps(&database), kept);
    assert!(positions(&database)["0"]["next"].as_u64() >= Some(next), "both");
    run_to_end(&input, &database, ONE, &EARLIEST);
    assert_eq!(gaps(&database), kept);
    verify(&database, Some(&input)).expect_code(0);

    // The same where the topic is created again: identity, positions and gaps are one.
    let Input::Topic(topic) = &input else { unreachable!("it is a topic") };
    kafka::shared().delete_topic(topic);
    kafka::shared().create_topic(topic, 2);
    send(topic, 0, &rows_of("sample_10min.csv")[700..800]);
    let source = "SELECT source::text FROM viewtide_progress";
    let (before, old) = (positions(&database), database.value(source));
    killed_at_the_gap(&input, &database);
    assert_eq!(
        (gaps(&database).len(), positions(&database), database.value(source)),
        (1, before, old.clone()),
        "neither"
    );
    let mut run = viewtide(run_args(&input, &database, &EARLIEST));
    run.wait_for_output("The gap is kept in the table lost_offsets", DEADLINE);
    run.signal(Signal::SIGKILL);
    drop(run);
    assert_eq!(gaps(&database).len(), 3, "both");
    assert_ne!(database.value(source), old);
    run_to_end(&input, &database, ONE, &[]);
    assert_eq!(gaps(&database).len(), 3);
    assert_eq!(positions(&database)["0"]["next"], 100);
    verify(&database, Some(&input)).expect_code(0);
}

#[test]
fn rows_that_came_late_by_what_is_gone_are_no_differences() {
    let topic = kafka::shared().fresh_topic("lost-late", 1);
    let record = |day: usize, views: usize| {
        format!(r#"{{"timestamp":"2025-07-{day:02} 00:00:00","video_id":"dQw4w9WgXcQ","viewCount":{views}}}"#)
    };
    // The second one sets the video's newest; what comes after it is late by more than the week of retention.
    produce(&topic, 0, [record(2, 20), record(20, 200), record(1, 10), record(2, 21), record(3, 30), record(3, 31)]);
    let (input, database) = (Input::Topic(topic.clone()), Database::fresh());
    assert_eq!(run_to_end(&input, &database, ONE, &[])["late_rows"], 4);
    let views = "SELECT string_agg(view_count || CASE WHEN folded_in THEN '' ELSE ' late' END, ', ' ORDER BY \"timestamp\") \
                 FROM video_stats_processed";
    assert_eq!(database.value(views), "10 late, 20, 31 late, 200");
    verify(&database, Some(&input)).expect_code(0);
    kafka::shared().delete_records(&topic, 0, 2);
    let report = verify(&database, Some(&input)).expect_code(0).json();
    // Of the 200 no record is left, and of the 20 one that may have come too late to replace it.
    assert_eq!((&report["records"], &report["rows_of_gone_records"]), (&json!(4), &json!(2)), "{report}");
    for (wrong, words) in [(11, "view_count is 11, should be 10"), (30, "view_count is 30, should be 31")] {
        let day = if wrong == 11 { 1 } else { 3 };
        let set = |views: usize| {
            database.rows(&format!(
                "UPDATE video_stats_processed SET view_count = {views} WHERE \"timestamp\" = '2025-07-0{day} 00:00:00+00'"
            ));
        };
        set(wrong);
        says(&verify(&database, Some(&input)).expect_code(1), &["offset ", words]);
        set(if day == 1 { 10 } else { 31 });
    }
    verify(&database, Some(&input)).expect_code(0);
}
