//! `viewtide dead-letters`: listed, exported, repaired, sent again; what is sent becomes rows, and what was refused stays a
//! fact of the input.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message as _;
use rdkafka::{Offset, TopicPartitionList};
use serde_json::{Value, json};

use crate::harness::kafka::{self, Message};
use crate::harness::postgres::Database;
use crate::harness::process::{Finished, Process, viewtide};
use crate::harness::wait_for;
use crate::scenario::{DEADLINE, Input, Size, assert_verified, run_args, run_to_end, verify};

const ID: &str = "dQw4w9WgXcQ";
const ONE: Size = Size { workers: 1, processes: 1 };

fn snapshot(minute: usize, views: &str) -> String {
    format!(r#"{{"timestamp":"2025-07-01 00:{minute:02}:00","video_id":"{ID}","viewCount":{views}}}"#)
}

/// A database whose input has five dead letters, at offsets 0, 1, 2, 3 and 5.
struct Fixture {
    database: Database,
    topic: String,
    input: Input,
}

impl Fixture {
    fn new() -> Self {
        let topic = kafka::shared().fresh_topic("letters", 1);
        kafka::shared().raise_message_limit(&topic, 4 * 1024 * 1024);
        let mut too_large = snapshot(1, "1").into_bytes();
        too_large.resize(1024 * 1024 + 1, b' ');
        let wrong = snapshot(2, "\"1e9\"");
        let good = snapshot(3, "5");
        let values: [Option<&[u8]>; 6] =
            [Some(wrong.as_bytes()), Some(b"\xff\xfe"), None, Some(&too_large), Some(good.as_bytes()), Some(b"{}")];
        let key = |number: usize| (number != 1).then_some(ID.as_bytes());
        let messages = values.iter().enumerate().map(|(number, value)| Message {
            key: key(number),
            value: *value,
            ..Message::default()
        });
        kafka::shared().produce(&topic, messages);
        let (database, input) = (Database::fresh(), Input::Topic(topic.clone()));
        let summary = run_to_end(&input, &database, ONE, &[]);
        assert_eq!((&summary["records"], &summary["dead_letters"]), (&json!(1), &json!(5)), "{summary}");
        Self { database, topic, input }
    }

    fn dead_letters(&self, args: &[&str]) -> Process {
        dead_letters(&self.database, args)
    }

    /// What `list --format json` shows.
    fn listed(&self, args: &[&str]) -> Vec<Value> {
        let all: Vec<&str> = ["list", "--format", "json"].iter().chain(args).copied().collect();
        lines(&self.dead_letters(&all).wait(DEADLINE).expect_code(0).stdout)
    }

    fn offsets(&self, args: &[&str]) -> Vec<u64> {
        self.listed(args).iter().map(|letter| letter["offset"].as_u64().expect("an offset")).collect()
    }
}

fn dead_letters(database: &Database, args: &[&str]) -> Process {
    let url = database.url();
    viewtide(["dead-letters"].iter().chain(args).copied().chain(["--database-url", &url]))
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))).collect()
}

/// A record as Kafka has it.
struct Record {
    key: Option<Vec<u8>>,
    payload: Option<Vec<u8>>,
    time_ms: i64,
}

/// Every record of a topic's partition 0 from `from` on.
fn records(topic: &str, from: i64) -> Vec<Record> {
    let consumer: BaseConsumer = kafka::shared().client_config().set("group.id", "look").create().expect("a consumer");
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Offset(from)).expect("an offset");
    consumer.assign(&list).expect("assign");
    let end = kafka::shared().end_offset(topic, 0);
    let mut records = Vec::new();
    while records.len() < usize::try_from(end - from).expect("a number of records") {
        let record = consumer.poll(Duration::from_secs(20)).expect("a record").expect("a record");
        records.push(Record {
            key: record.key().map(<[u8]>::to_vec),
            payload: record.payload().map(<[u8]>::to_vec),
            time_ms: record.timestamp().to_millis().expect("a timestamp"),
        });
    }
    records
}

#[test]
fn they_are_listed_by_what_is_asked_for_and_counted_by_reason() {
    let fixture = Fixture::new();
    let all = fixture.listed(&[]);
    let first = &all[0];
    assert_eq!((&first["topic"], &first["partition"], &first["item"]), (&json!(fixture.topic), &json!(0), &json!(0)));
    assert_eq!(first["bytes"], json!(snapshot(2, "\"1e9\"").len()));
    assert!(
        first["begins_with"].as_str().is_some_and(|text| text.starts_with("{\"timestamp\":\"2025-07-01")),
        "{first}"
    );
    assert_eq!((&all[2]["bytes"], &all[2]["begins_with"]), (&Value::Null, &Value::Null), "a tombstone");
    let day_after = "2100-01-01T00:00:00Z";
    for (args, expected) in [
        (vec![], vec![0, 1, 2, 3, 5]),
        (vec!["--from-topic", &fixture.topic], vec![0, 1, 2, 3, 5]),
        (vec!["--from-topic", "other"], vec![]),
        (vec!["--partition", "1"], vec![]),
        (vec!["--offset", "3"], vec![3]),
        (vec!["--offset", "1..3"], vec![1, 2, 3]),
        (vec!["--offset", "3..", "--partition", "0"], vec![3, 5]),
        (vec!["--offset", "..1"], vec![0, 1]),
        (vec!["--reason", "NO V"], vec![2, 5]),
        (vec!["--reason", "utf-8"], vec![1]),
        (vec!["--since", "2025-07-01T00:00:00Z"], vec![0, 1, 2, 3, 5]),
        (vec!["--since", day_after], vec![]),
        (vec!["--until", day_after, "--limit", "2"], vec![0, 1]),
        (vec!["--until", "2025-07-01T00:00:00Z"], vec![]),
    ] {
        assert_eq!(fixture.offsets(&args), expected, "{args:?}");
    }

    let shown = fixture.dead_letters(&["list"]).wait(DEADLINE).expect_code(0).stdout;
    for word in [&fixture.topic, "viewCount must be a whole number", "none", "65536", "\u{fffd}", "begins with"] {
        assert!(shown.contains(word), "no `{word}` in:\n{shown}");
    }
    let closing = shown.lines().last().unwrap_or_default();
    for word in ["5 dead letter(s): ", "1 x no video_id", "1 x the record has no value (a tombstone)"] {
        assert!(closing.contains(word), "no `{word}` in: {closing}");
    }
    let shown = fixture.dead_letters(&["list", "--limit", "1"]).wait(DEADLINE).expect_code(0).stdout;
    assert!(shown.contains("5 dead letter(s), 1 of them shown (--limit N shows more"), "{shown}");
    let shown = fixture.dead_letters(&["list", "--from-topic", "other"]).wait(DEADLINE).expect_code(0).stdout;
    assert_eq!(shown, "0 dead letter(s)\n");
}

#[test]
fn they_are_exported_repaired_and_sent_and_become_rows() {
    let fixture = Fixture::new();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("letters.jsonl");
    let file = path.to_str().expect("UTF-8");
    let exported = fixture.dead_letters(&["export", file]).wait(DEADLINE).expect_code(0);
    assert!(exported.stderr.contains(&format!("5 dead letter(s) in {file}")), "{}", exported.stderr);
    let text = std::fs::read_to_string(&path).expect("the file");
    assert_eq!(fixture.dead_letters(&["export", "-"]).wait(DEADLINE).expect_code(0).stdout, text);
    let mut letters = lines(&text);
    assert_eq!(letters[0]["payload"], json!(snapshot(2, "\"1e9\"")));
    assert_eq!((&letters[0]["key"], &letters[1]["key"]), (&json!(ID), &Value::Null));
    assert_eq!((&letters[1]["payload"], &letters[1]["payload_base64"]), (&Value::Null, &json!("//4=")));
    assert_eq!((letters[2].get("payload"), letters[2].get("payload_base64")), (None, None), "a tombstone");
    assert_eq!(letters[3]["payload_is_cut"], json!(true));
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing else is left there");

    letters[0]["payload"] = json!(snapshot(2, "1000000000"));
    letters[4]["payload"] = json!(snapshot(4, "6"));
    let repaired: Vec<String> = letters.iter().map(Value::to_string).collect();
    std::fs::write(&path, repaired.join("\n\n")).expect("write the repaired file");
    let brokers = kafka::shared().brokers();
    let had = records(&fixture.topic, 0)[0].time_ms;
    // Without a database: the file says all.
    let sent =
        viewtide(["dead-letters", "replay", "--brokers", &brokers, "--file", file]).wait(DEADLINE).expect_code(1);
    let summary = sent.json();
    assert_eq!(
        [&summary["chosen"], &summary["sent"], &summary["acknowledged"], &summary["refused"]],
        [&json!(5), &json!(3), &json!(3), &json!(2)],
        "{summary}"
    );
    let place = |offset: u64| format!("topic {}, partition 0, offset {offset}: refused: ", fixture.topic);
    for words in
        [place(2) + "it has no payload (a tombstone)", place(3) + "the record was too large, and only its first"]
    {
        assert!(sent.stderr.contains(&words), "no `{words}` in: {}", sent.stderr);
    }
    let again = records(&fixture.topic, 6);
    let key = Some(ID.as_bytes().to_vec());
    assert_eq!(again[0].key, key);
    assert_eq!(again[0].payload, Some(snapshot(2, "1000000000").into_bytes()));
    assert_eq!(again[0].time_ms, had, "stamped as it was");
    assert_eq!((&again[1].key, &again[1].payload), (&None, &Some(b"\xff\xfe".to_vec())));
    assert_eq!((&again[2].key, again.len()), (&key, 3));

    let summary = run_to_end(&fixture.input, &fixture.database, ONE, &[]);
    assert_eq!((&summary["records"], &summary["dead_letters"]), (&json!(2), &json!(1)), "{summary}");
    let rows = "SELECT string_agg(view_count::text, ',' ORDER BY \"timestamp\") FROM video_stats_processed";
    assert_eq!(fixture.database.value(rows), "1000000000,5,6");
    assert_eq!(fixture.offsets(&[]), [0, 1, 2, 3, 5, 7], "they stay, and one that is still none is another one");
    assert_verified(&fixture.database, &fixture.input);
}

#[test]
fn their_bytes_are_sent_as_they_were_in_the_order_of_their_places() {
    let fixture = Fixture::new();
    let (brokers, topic) = (kafka::shared().brokers(), fixture.topic.as_str());
    let replay = |args: &[&str]| {
        let all: Vec<&str> = ["replay"].iter().chain(args).copied().collect();
        fixture.dead_letters(&all).wait(DEADLINE)
    };
    let dry = replay(&["--dry-run"]).expect_code(1);
    let summary = dry.json();
    assert_eq!(
        [&summary["chosen"], &summary["would_send"], &summary["sent"], &summary["refused"]],
        [&json!(5), &json!(3), &json!(0), &json!(2)],
        "{summary}"
    );
    let words = format!("topic {topic}, partition 0, offset 5: 2 bytes would be sent to topic {topic} (no video_id");
    assert!(dry.stderr.contains(&words), "{}", dry.stderr);
    assert_eq!(kafka::shared().end_offset(topic, 0), 6, "nothing was sent");

    let before_ms = jiff::Timestamp::now().as_millisecond();
    let sent =
        replay(&["--brokers", &brokers, "--from-topic", topic, "--offset", "..1", "--stamp", "now"]).expect_code(0);
    assert_eq!(sent.json()["acknowledged"], json!(2), "{}", sent.stdout);
    let again = records(topic, 6);
    assert_eq!(again[0].payload, Some(snapshot(2, "\"1e9\"").into_bytes()));
    assert_eq!((&again[1].key, &again[1].payload), (&None, &Some(b"\xff\xfe".to_vec())));
    assert!(again.iter().all(|record| record.time_ms >= before_ms), "stamped when it was sent");

    let other = kafka::shared().fresh_topic("elsewhere", 1);
    replay(&["--brokers", &brokers, "--reason", "no video_id", "--to-topic", &other]).expect_code(0);
    assert_eq!(records(&other, 0)[0].payload, Some(b"{}".to_vec()));
    assert_eq!(kafka::shared().end_offset(topic, 0), 8);

    let nowhere = replay(&["--brokers", &brokers, "--to-topic", "no-such-topic"]).expect_code(1);
    let words = "has no topic no-such-topic; create it, or name another with --to-topic";
    assert!(nowhere.stderr.contains(words), "{}", nowhere.stderr);
    let none = replay(&["--brokers", &brokers, "--from-topic", "other"]).expect_code(0);
    assert!(none.stderr.contains("there is no such dead letter"), "{}", none.stderr);
    // The topic shrank its limit meanwhile: what it does not take is said, and ends with 1.
    kafka::shared().raise_message_limit(topic, 60);
    let refused = replay(&["--brokers", &brokers, "--offset", "0"]).expect_code(1);
    assert!(refused.stderr.contains("1 dead letter(s) were not acknowledged: "), "{}", refused.stderr);
    assert_eq!(refused.json()["acknowledged"], json!(0), "{}", refused.stdout);

    let summary = run_to_end(&fixture.input, &fixture.database, ONE, &[]);
    assert_eq!((&summary["records"], &summary["dead_letters"]), (&json!(0), &json!(2)), "{summary}");
    verify(&fixture.database, Some(&fixture.input)).expect_code(0);
}

#[test]
fn rows_of_a_csv_file_are_sent_only_as_json_and_where_they_are_told_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let csv = folder.path().join("rows.csv");
    let rows = format!("timestamp,video_id,viewCount\n2025-07-01 00:01:00,{ID},1e9\n2025-07-01 00:02:00,{ID},5\n");
    std::fs::write(&csv, rows).expect("write a CSV file");
    let (database, input) = (Database::fresh(), Input::Csv(csv.clone()));
    viewtide(run_args(&input, &database, &["--exit-at-end"])).wait(DEADLINE).expect_code(0);
    let (brokers, other) = (kafka::shared().brokers(), kafka::shared().fresh_topic("from-csv", 1));
    let replay = |args: &[&str]| -> Finished {
        let all: Vec<&str> = ["replay", "--brokers", &brokers].iter().chain(args).copied().collect();
        dead_letters(&database, &all).wait(DEADLINE)
    };
    for args in [vec![], vec!["--to-topic", other.as_str()]] {
        let refused = replay(&args).expect_code(1);
        let words = format!("{}, line 2: refused: it is a row of a CSV file, and a topic holds JSON", csv.display());
        assert!(refused.stderr.contains(&words), "{}", refused.stderr);
        assert_eq!((&refused.json()["refused"], &refused.json()["sent"]), (&json!(1), &json!(0)));
    }
    let path = folder.path().join("letters.jsonl");
    let file = path.to_str().expect("UTF-8");
    dead_letters(&database, &["export", file]).wait(DEADLINE).expect_code(0);
    let mut letter = lines(&std::fs::read_to_string(&path).expect("the file")).remove(0);
    assert_eq!((&letter["from_csv"], &letter["offset"]), (&json!(true), &json!(2)));
    letter["payload"] = json!(snapshot(1, "1000000000"));
    std::fs::write(&path, letter.to_string()).expect("write the repaired file");
    let refused = replay(&["--file", file]).expect_code(1);
    assert!(refused.stderr.contains("name one with --to-topic"), "{}", refused.stderr);
    assert_eq!(replay(&["--file", file, "--to-topic", &other]).expect_code(0).json()["acknowledged"], json!(1));
    assert_eq!(records(&other, 0)[0].payload, Some(snapshot(1, "1000000000").into_bytes()));
}

/// `viewtide dead-letters` with settings in its environment.
fn with_environment(settings: &[&str], args: &[&str]) -> Process {
    let program = [env!("CARGO_BIN_EXE_viewtide"), "dead-letters"];
    let all: Vec<_> = settings.iter().chain(&program).chain(args).map(Into::into).collect();
    Process::start("env", &all)
}

#[test]
fn what_a_service_has_in_its_environment_leaves_none_out() {
    let fixture = Fixture::new();
    let url = fixture.database.url();
    let list = |setting: &str| {
        let args = ["list", "--format", "json", "--database-url", &url];
        lines(&with_environment(&[setting], &args).wait(DEADLINE).expect_code(0).stdout).len()
    };
    assert_eq!(list("VIEWTIDE_TOPIC=another"), 5, "where `run` reads is no filter");
    assert_eq!(list("VIEWTIDE_FROM_TOPIC=another"), 0);
    // A setting that is there and says no is as good as none.
    let replay = |setting: &str, more: &[&str]| {
        let args: Vec<&str> = ["replay", "--database-url", &url].iter().chain(more).copied().collect();
        with_environment(&[setting], &args).wait(DEADLINE)
    };
    let refused = replay("VIEWTIDE_DRY_RUN=false", &[]).expect_code(2);
    assert!(refused.stderr.contains("--brokers") && refused.stdout.is_empty(), "{}{}", refused.stderr, refused.stdout);
    assert_eq!(replay("VIEWTIDE_DRY_RUN=true", &[]).expect_code(1).json()["would_send"], json!(3));
    let brokers = kafka::shared().brokers();
    let sent = replay("VIEWTIDE_DRY_RUN=false", &["--brokers", &brokers, "--offset", "5"]).expect_code(0);
    assert_eq!(sent.json()["acknowledged"], json!(1), "{}", sent.stdout);
}

#[test]
fn an_item_whose_key_was_cut_is_not_sent_as_if_it_were_whole() {
    let topic = kafka::shared().fresh_topic("long-key", 1);
    let response = format!(r#"{{"items":[{{"id":"{ID}","statistics":{{"viewCount":"1e9"}}}}]}}"#);
    let keys = [vec![b'k'; 3_000], ID.as_bytes().to_vec()];
    let message = |key| Message { key: Some(key), value: Some(response.as_bytes()), ..Message::default() };
    kafka::shared().produce(&topic, keys.iter().map(|key| message(key.as_slice())));
    let (database, input) = (Database::fresh(), Input::Topic(topic.clone()));
    assert_eq!(run_to_end(&input, &database, ONE, &[])["dead_letters"], 2);
    let brokers = kafka::shared().brokers();
    let sent = dead_letters(&database, &["replay", "--brokers", &brokers]).wait(DEADLINE).expect_code(1);
    let words = format!("topic {topic}, partition 0, offset 0, item 1: refused: it is an item of a response whose key");
    assert!(sent.stderr.contains(&words), "{}", sent.stderr);
    assert_eq!((&sent.json()["refused"], &sent.json()["acknowledged"]), (&json!(1), &json!(1)));
    assert_eq!(records(&topic, 2)[0].key, Some(ID.as_bytes().to_vec()));
    let exported = dead_letters(&database, &["export", "-"]).wait(DEADLINE).expect_code(0).stdout;
    let cut: Vec<bool> = lines(&exported).iter().map(|letter| letter["key_is_cut"] == json!(true)).collect();
    assert_eq!(cut, [true, false]);
}

#[test]
fn an_export_writes_into_what_is_no_regular_file() {
    let fixture = Fixture::new();
    let whole = fixture.dead_letters(&["export", "-"]).wait(DEADLINE).expect_code(0).stdout;
    assert_eq!(fixture.dead_letters(&["export", "/dev/stdout"]).wait(DEADLINE).expect_code(0).stdout, whole);
    assert_eq!(fixture.dead_letters(&["export", "/dev/fd/1"]).wait(DEADLINE).expect_code(0).stdout, whole);
    // Standard output that is a file is written on, and not replaced under its writer.
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("all.txt");
    let url = fixture.database.url();
    for name in ["/dev/stdout", "/dev/fd/1"] {
        let script = r#"{ echo before; "$0" dead-letters export "$2" --database-url "$3"; echo after; } > "$1""#;
        let args = ["-c", script, env!("CARGO_BIN_EXE_viewtide"), path.to_str().expect("UTF-8"), name, &url];
        Process::start("sh", &args.map(Into::into)).wait(DEADLINE).expect_code(0);
        assert_eq!(std::fs::read_to_string(&path).expect("the file"), format!("before\n{whole}after\n"), "{name}");
    }
    let fifo = folder.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::from_bits_truncate(0o600)).expect("a FIFO");
    let reading = std::thread::spawn({
        let fifo = fifo.clone();
        move || std::fs::read_to_string(fifo).expect("the FIFO")
    });
    fixture.dead_letters(&["export", fifo.to_str().expect("UTF-8")]).wait(DEADLINE).expect_code(0);
    assert_eq!(reading.join().expect("the reader"), whole);
    let kind = std::fs::metadata(&fifo).expect("the FIFO").file_type();
    assert!(std::os::unix::fs::FileTypeExt::is_fifo(&kind), "it is still one");
    fixture.dead_letters(&["export", "/dev/null"]).wait(DEADLINE).expect_code(0);
    // A link stays one, and the file that it leads to keeps its mode.
    let (file, link) = (folder.path().join("letters.jsonl"), folder.path().join("link"));
    std::fs::write(&file, "as it was").expect("write a file");
    std::os::unix::fs::symlink(&file, &link).expect("a link");
    for file_mode in [0o600, 0o666, 0o640] {
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(file_mode);
        std::fs::set_permissions(&file, permissions).expect("change a mode");
        fixture.dead_letters(&["export", link.to_str().expect("UTF-8")]).wait(DEADLINE).expect_code(0);
        assert_eq!(mode(&file) & 0o7777, file_mode);
    }
    assert!(std::fs::symlink_metadata(&link).expect("the link").is_symlink());
    assert_eq!(std::fs::read_to_string(&file).expect("the file"), whole);
}

#[test]
fn a_signal_leaves_no_temporary_file_of_an_export() {
    let fixture = Fixture::new();
    fixture.database.rows(&format!(
        "INSERT INTO dead_letters (topic, \"partition\", kafka_offset, item, reason, payload) \
         SELECT '{}', 0, n, 0, 'x', convert_to(repeat('x', 4000), 'UTF8') FROM generate_series(1000, 150000) AS n",
        fixture.topic
    ));
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("letters.jsonl");
    std::fs::write(&path, "as it was").expect("write a file");
    let files = || std::fs::read_dir(folder.path()).expect("a folder").count();
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let export = fixture.dead_letters(&["export", path.to_str().expect("UTF-8")]);
        wait_for("a temporary file", DEADLINE, || (files() == 2).then_some(()));
        export.signal(signal);
        let stopped = export.wait(DEADLINE).expect_code(1);
        let words = format!("stopped; {} is as it was before", path.display());
        assert!(stopped.stderr.contains(&words), "{}", stopped.stderr);
        assert_eq!((files(), std::fs::read_to_string(&path).expect("the file").as_str()), (1, "as it was"));
    }
}

#[test]
fn a_repaired_item_has_the_event_time_that_it_had() {
    let topic = kafka::shared().fresh_topic("items", 1);
    // Three days before it is read.
    let three_days_ago = jiff::Timestamp::now().as_millisecond() - 3 * 86_400_000;
    let item = |views: &str| format!(r#"{{"id":"{ID}","statistics":{{"viewCount":"{views}"}}}}"#);
    let response = format!(r#"{{"items":[{},{}]}}"#, item("1e9"), item("7"));
    let message = |value, timestamp_ms| Message {
        key: Some(ID.as_bytes()),
        value: Some(value),
        timestamp_ms: Some(timestamp_ms),
        ..Message::default()
    };
    kafka::shared().produce(&topic, [message(response.as_bytes(), three_days_ago)]);
    let (database, input) = (Database::fresh(), Input::Topic(topic.clone()));
    let summary = run_to_end(&input, &database, ONE, &[]);
    assert_eq!((&summary["records"], &summary["dead_letters"]), (&json!(1), &json!(1)), "{summary}");
    let stored = "SELECT (extract(epoch FROM kafka_timestamp) * 1000)::bigint FROM dead_letters";
    assert_eq!(database.value(stored), three_days_ago.to_string());
    assert_verified(&database, &input);

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("letters.jsonl");
    let file = path.to_str().expect("UTF-8");
    dead_letters(&database, &["export", file]).wait(DEADLINE).expect_code(0);
    let mut letter = lines(&std::fs::read_to_string(&path).expect("the file")).remove(0);
    let time = jiff::Timestamp::from_millisecond(three_days_ago).expect("a time");
    assert_eq!(letter["kafka_timestamp"], json!(time.to_string()));
    letter["payload"] = json!(item("1000000000"));
    std::fs::write(&path, letter.to_string()).expect("write the repaired file");
    let brokers = kafka::shared().brokers();
    let replay = |more: &[&str]| {
        let args = ["dead-letters", "replay", "--brokers", &brokers, "--file", file];
        viewtide(args.iter().chain(more).copied()).wait(DEADLINE).expect_code(0)
    };
    replay(&[]);
    run_to_end(&input, &database, ONE, &[]);
    let row = "SELECT string_agg(view_count || ' ' || (extract(epoch FROM \"timestamp\") * 1000)::bigint, ', ') \
               FROM video_stats_processed";
    assert_eq!(
        database.value(row),
        format!("1000000000 {three_days_ago}"),
        "it replaces its sibling's row, which has its time"
    );
    // One that a file gives no such time has the one of storing.
    letter.as_object_mut().expect("an object").remove("kafka_timestamp");
    std::fs::write(&path, letter.to_string()).expect("write the file");
    replay(&[]);
    let received: jiff::Timestamp = letter["received_at"].as_str().expect("a time").parse().expect("a time");
    assert_eq!(records(&topic, 2)[0].time_ms, received.as_millisecond());
    assert_verified(&database, &input);
}

#[test]
fn an_export_is_there_whole_or_as_it_was() {
    let fixture = Fixture::new();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("letters.jsonl");
    std::fs::write(&path, "as it was").expect("write a file");
    let url = fixture.database.url();
    // It may write 10,000 bytes of the 65,536 that one payload has.
    let args = [
        "--fsize=10000",
        env!("CARGO_BIN_EXE_viewtide"),
        "dead-letters",
        "export",
        path.to_str().expect("UTF-8"),
        "--database-url",
        &url,
    ];
    let cut = Process::start("prlimit", &args.map(Into::into)).wait(DEADLINE);
    assert_ne!(cut.code(), Some(0), "{}", cut.stderr);
    assert_eq!(std::fs::read_to_string(&path).expect("the file"), "as it was");
    let nowhere = fixture.dead_letters(&["export", "/nowhere/to/be.jsonl"]).wait(DEADLINE).expect_code(1);
    assert!(nowhere.stderr.contains("cannot write /nowhere/to/be.jsonl: "), "{}", nowhere.stderr);
    fixture.dead_letters(&["export", path.to_str().expect("UTF-8")]).wait(DEADLINE).expect_code(0);
    assert_eq!(lines(&std::fs::read_to_string(&path).expect("the file")).len(), 5);
    assert_eq!(mode(&path) & 0o044, 0o044 & !umask(), "others may read it as any new file");
    // Who reads has seen enough.
    let mut child = Command::new(env!("CARGO_BIN_EXE_viewtide"))
        .args(["dead-letters", "list", "--database-url", &url])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("start");
    drop(child.stdout.take());
    let ended = child.wait_with_output().expect("wait");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}

fn mode(path: &Path) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(path).expect("a file").permissions())
}

fn umask() -> u32 {
    let status = std::fs::read_to_string("/proc/self/status").expect("this process");
    let mask = status.lines().find_map(|line| line.strip_prefix("Umask:")).expect("its mask");
    u32::from_str_radix(mask.trim(), 8).expect("octal")
}

#[test]
fn what_is_not_understood_is_said_before_anything_is_sent() {
    let folder = tempfile::tempdir().expect("a folder");
    let written = |name: &str, text: &str| -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("write a file");
        path
    };
    let brokers = kafka::shared().brokers();
    let topic = kafka::shared().fresh_topic("broken", 1);
    let good = json!({"topic": topic, "payload": "{}"}).to_string();
    for (name, text, words) in [
        ("json.jsonl", format!("{good}\n{{\"topic\""), "json.jsonl, line 2: EOF while parsing"),
        ("typo.jsonl", format!("{good}\n{{\"topic\":\"t\",\"paylod\":\"x\"}}"), "line 2: unknown field `paylod`"),
    ] {
        let path = written(name, &text);
        let args = ["dead-letters", "replay", "--brokers", &brokers, "--file", path.to_str().expect("UTF-8")];
        let refused = viewtide(args).wait(DEADLINE).expect_code(1);
        assert!(refused.stderr.contains(words) && refused.stderr.contains("nothing was sent"), "{}", refused.stderr);
    }
    assert_eq!(kafka::shared().end_offset(&topic, 0), 0);
    let empty = dead_letters(&Database::fresh(), &["list"]).wait(DEADLINE).expect_code(1);
    assert!(empty.stderr.contains("the database has no tables of viewtide"), "{}", empty.stderr);
    for (args, words) in [
        (vec!["dead-letters"], "Usage: viewtide dead-letters"),
        (vec!["dead-letters", "list", "--offset", "42..17"], "ends before it begins"),
        (vec!["dead-letters", "list", "--since", "noon"], "write a time such as 2025-07-01T00:00:00Z"),
        (vec!["dead-letters", "list", "--format", "xml"], "possible values: table, json"),
        (vec!["dead-letters", "export"], "<FILE>"),
        (vec!["dead-letters", "replay"], "--brokers"),
    ] {
        let refused = viewtide(args).wait(DEADLINE).expect_code(2);
        assert!(refused.stderr.contains(words), "no `{words}` in: {}", refused.stderr);
    }
    let help = viewtide(["dead-letters", "replay", "--help"]).wait(DEADLINE).expect_code(0).stdout;
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains("A dead letter stays in the table whatever is sent"), "{help}");
}
