//! Bad input: what is no snapshot becomes a dead letter with place, reason and bytes, and the good rows around it go in;
//! what cannot be read at all is said clearly, and what was good before it stays.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::harness::kafka::{self, Message};
use crate::harness::postgres::Database;
use crate::harness::process::{Finished, viewtide};
use crate::scenario::{DEADLINE, Input, Size, assert_verified, data_file, run_args, run_to_end};

const ID: &str = "dQw4w9WgXcQ";

/// A value on a topic, and a part of the reason why it is no snapshot.
fn bad_values() -> Vec<(Option<Vec<u8>>, &'static str)> {
    let plain = |timestamp: &str, id: &str, counts: &str| {
        format!(r#"{{"timestamp":"{timestamp}","video_id":"{id}",{counts}}}"#).into_bytes()
    };
    let counted = |count: &str| plain("2025-07-01 00:00:44", ID, &format!(r#""viewCount":{count}"#));
    let in_two_hours = jiff::Timestamp::now() + Duration::from_secs(7_200);
    let mut too_large = counted("1");
    too_large.resize(1024 * 1024 + 1, b' ');
    let nested = "[".repeat(5_000);
    let values: Vec<(Vec<u8>, &'static str)> = vec![
        (b"\xff\xfe not text".to_vec(), "not UTF-8: the byte at 0 is invalid"),
        (b"views: 5".to_vec(), "not a JSON object: it starts with v"),
        (counted("1")[..40].to_vec(), "not JSON"),
        (b"[1, 2]".to_vec(), "not a JSON object"),
        (nested.into_bytes(), "not a JSON object"),
        (b"{}".to_vec(), "no video_id"),
        (Vec::new(), "the record is empty"),
        (counted("\"1e9\""), "viewCount must be a whole number from 0 to 1000000000000, not 1e9"),
        (counted("1e9"), "viewCount must be a whole number"),
        (counted("-1"), "viewCount must be a whole number from 0 to 1000000000000, not -1"),
        (counted("\"12,345\""), "viewCount must be a whole number from 0 to 1000000000000, not 12,345"),
        (counted("10000000000000"), "not 10000000000000"),
        (counted("1.5"), "viewCount must be a whole number"),
        (counted("null"), "no count at all"),
        (counted("\"\""), "no count at all"),
        (counted("{\"a\":[1]}"), "viewCount must be a whole number"),
        (counted("1,\"view_count\":1"), "viewCount is given twice"),
        (counted("1,\"viewCount\":1"), "viewCount is given twice"),
        (plain("0001-01-01T00:00:00Z", ID, "\"views\":1"), "before 2005-04-23"),
        (plain("9999-06-01T00:00:00Z", ID, "\"views\":1"), "more than 1h after"),
        (plain("9999-12-31T23:59:59Z", ID, "\"views\":1"), "beyond the last day of the year 9999"),
        (plain(&in_two_hours.to_string(), ID, "\"views\":1"), "more than 1h after"),
        (plain("yesterday", ID, "\"views\":1"), "timestamp yesterday"),
        (plain("2025-07-01", ID, "\"views\":1"), "timestamp 2025-07-01"),
        (plain("2025-07-01 00:00:44", "dQw4w9WgXc", "\"views\":1"), "a video id has 11 characters"),
        (plain("2025-07-01 00:00:44", "dQw4w9WgXcQQ", "\"views\":1"), "a video id has 11 characters"),
        (plain("2025-07-01 00:00:44", "dQw4w9WgXcR", "\"views\":1"), "the last character of a video id"),
        (plain("2025-07-01 00:00:44", "dQw4w9 gXcQ", "\"views\":1"), "a video id is made of"),
        (plain("2025-07-01 00:00:44", ID, "\"views\":1,\"file_source\":\"a\\u0000b\""), "NUL"),
        (too_large, "more than the 1048576 allowed; its first 64 KiB are kept"),
    ];
    let mut values: Vec<_> = values.into_iter().map(|(value, reason)| (Some(value), reason)).collect();
    values.push((None, "the record has no value"));
    values
}

#[test]
fn bad_values_on_a_topic_are_dead_letters_and_the_good_ones_go_in() {
    let bad = bad_values();
    let good = |number: usize| {
        format!(
            r#"{{"timestamp":"2025-07-01 0{}:{:02}:00","video_id":"{ID}","views":{number}}}"#,
            number / 60,
            number % 60
        )
    };
    let topic = kafka::shared().fresh_topic("bad", 1);
    kafka::shared().raise_message_limit(&topic, 4 * 1024 * 1024);
    let goods: Vec<String> = (0..bad.len()).map(good).collect();
    let key = Some(ID.as_bytes());
    // A good one after each bad one.
    let messages = bad.iter().zip(&goods).flat_map(|((value, _), good)| {
        [
            Message { partition: Some(0), key, value: value.as_deref(), timestamp_ms: None },
            Message { partition: Some(0), key, value: Some(good.as_bytes()), timestamp_ms: None },
        ]
    });
    kafka::shared().produce(&topic, messages);

    let (database, input) = (Database::fresh(), Input::Topic(topic.clone()));
    let summary = run_to_end(&input, &database, Size { workers: 1, processes: 1 }, &[]);
    assert_eq!(summary["records"], goods.len(), "{summary}");
    assert_eq!(summary["dead_letters"], bad.len(), "{summary}");
    let letters = database.rows(
        "SELECT topic, kafka_offset, item, reason, encode(payload, 'hex'), convert_from(key, 'UTF8') \
         FROM dead_letters ORDER BY kafka_offset",
    );
    assert_eq!(letters.len(), bad.len());
    for (number, (letter, (value, reason))) in letters.iter().zip(&bad).enumerate() {
        let cell = |index: usize| letter[index].clone().unwrap_or_default();
        assert_eq!(cell(0), topic);
        assert_eq!(cell(1), (2 * number).to_string());
        assert_eq!(cell(2), "0");
        assert!(cell(3).contains(reason), "{}: expected `{reason}`", cell(3));
        let kept = value.as_ref().map(|value| if value.len() > 1024 * 1024 { &value[..64 * 1024] } else { &value[..] });
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(letter[4].clone(), kept.map(hex), "the bytes of {reason}");
        assert_eq!(cell(5), ID);
    }
    assert_verified(&database, &input);
}

#[test]
fn a_bad_item_of_a_response_is_a_dead_letter_of_its_own_and_its_siblings_go_in() {
    let read = |name: &str| std::fs::read(data_file(name)).expect("a response");
    let (good, bad_item) = (read("videos_list.json"), read("videos_list_bad_item.json"));
    let empty = br#"{"kind":"youtube#videoListResponse","items":[],"pageInfo":{"totalResults":0}}"#;
    let topic = kafka::shared().fresh_topic("items", 1);
    let hour_ms = |hour: i64| 1_751_328_000_000 + 3_600_000 * hour;
    let messages = [&good[..], empty, &bad_item].into_iter().zip(0..).map(|(value, hour)| Message {
        key: Some(b"a page"),
        value: Some(value),
        timestamp_ms: Some(hour_ms(hour)),
        ..Message::default()
    });
    kafka::shared().produce(&topic, messages);

    let (database, input) = (Database::fresh(), Input::Topic(topic));
    let summary = run_to_end(&input, &database, Size { workers: 2, processes: 1 }, &[]);
    assert_eq!((&summary["records"], &summary["dead_letters"]), (&6.into(), &1.into()), "{summary}");
    let rows = database.rows(
        "SELECT video_id, (extract(epoch FROM timestamp) * 1000)::bigint, view_count, like_count, comment_count \
         FROM video_stats_processed ORDER BY timestamp, video_id COLLATE \"C\"",
    );
    let row = |id: &str, hour: i64, counts: [Option<&str>; 3]| {
        let cells = [Some(id.to_owned()), Some(hour_ms(hour).to_string())].into_iter();
        cells.chain(counts.map(|count| count.map(str::to_owned))).collect::<Vec<_>>()
    };
    let clock = [Some("451234"), Some("7542"), Some("1165")];
    let (off, hidden) = ([Some("98765432"), Some("310000"), None], [Some("1255689"), None, Some("3210")]);
    assert_eq!(
        rows,
        [
            row("7tbWmYUZLX4", 0, clock),
            row("Oi-piOr_9AY", 0, off),
            row("dQw4w9WgXcQ", 0, [Some("0"), Some("12"), Some("0")]),
            row("x_BjvhMW9TE", 0, hidden),
            row("7tbWmYUZLX4", 2, clock),
            row("Oi-piOr_9AY", 2, off),
        ]
    );
    let letters = database.rows(
        "SELECT kafka_offset, item, reason, convert_from(key, 'UTF8'), convert_from(payload, 'UTF8') FROM dead_letters",
    );
    let cell = |index: usize| letters[0][index].clone().unwrap_or_default();
    assert_eq!((letters.len(), cell(0), cell(1), cell(3)), (1, "2".to_owned(), "2".to_owned(), "a page".to_owned()));
    assert!(cell(2).contains("viewCount must be a whole number"), "{}", cell(2));
    assert!(String::from_utf8(bad_item).is_ok_and(|response| response.contains(&cell(4))), "{}", cell(4));
    assert!(cell(4).starts_with('{') && cell(4).ends_with('}') && cell(4).contains("1.2M"), "{}", cell(4));
    assert_verified(&database, &input);
}

#[test]
fn bad_rows_of_a_file_of_videos_are_dead_letters_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let videos = folder.path().join("videos.csv");
    std::fs::write(&videos, format!("video_id,title\n{ID},A\nshort,B\n{ID},\"C\nD\"\n{ID}\n")).expect("write a file");
    let (database, input) = (Database::fresh(), Input::Csv(data_file("sample_10min.csv")));
    let videos = videos.to_str().expect("UTF-8");
    let summary = run_to_end(&input, &database, Size { workers: 2, processes: 1 }, &["--videos", videos]);
    assert_eq!((&summary["records"], &summary["dead_letters"]), (&2_618.into(), &2.into()), "{summary}");
    let letters = database.rows(
        "SELECT topic, partition, kafka_offset, item, reason, convert_from(payload, 'UTF8') FROM dead_letters ORDER BY 3",
    );
    let letter = |line: &str, reason: &str, payload: &str| {
        [videos, "0", line, "0", reason, payload].map(|cell| Some(cell.to_owned())).to_vec()
    };
    assert_eq!(
        letters,
        [
            letter("3", "video_id short: a video id has 11 characters", "short,B"),
            letter("6", "the row has 1 fields, the header 2", ID),
        ]
    );
}

/// Runs over one CSV file of these bytes.
fn run_csv(folder: &Path, name: &str, bytes: &[u8]) -> (Finished, Database, Input) {
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("write a file");
    let (database, input) = (Database::fresh(), Input::Csv(path));
    let finished = viewtide(run_args(&input, &database, &["--exit-at-end"])).wait(DEADLINE);
    (finished, database, input)
}

const HEADER: &str = "timestamp,video_id,viewCount,likeCount,commentCount\n";

#[test]
fn bad_rows_of_a_csv_file_are_dead_letters_with_their_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let good = format!("2025-07-01 00:00:44,{ID},5,,\n");
    let bad = [
        (format!("2025-07-01 00:01:00,{ID},1e9,,"), "viewCount must be a whole number"),
        (format!("2025-07-01 00:01:00,{ID},,,"), "no count at all"),
        (format!("2025-07-01 00:01:00,{ID},-1,,"), "not -1"),
        (format!("2025-07-01 00:01:00,{ID},\"12,345\",,"), "not 12,345"),
        ("2025-07-01 00:01:00,short,1,,".to_owned(), "a video id has 11 characters"),
        (format!("2025-07-01 00:01:00,{ID},1"), "the row has 3 fields, the header 5"),
        (format!("9999-01-01 00:00:00,{ID},1,,"), "more than 1h after"),
        (format!(",{ID},1,,"), "no timestamp"),
    ];
    let mut text = HEADER.as_bytes().to_vec();
    for (row, _) in &bad {
        text.extend_from_slice(row.as_bytes());
        text.push(b'\n');
    }
    text.extend_from_slice(b"2025-07-01 00:01:00,\xff\xff,1,,\n");
    text.extend_from_slice(good.as_bytes());
    let (finished, database, input) = run_csv(folder.path(), "bad.csv", &text);
    let summary = finished.expect_code(0).json();
    assert_eq!((&summary["records"], &summary["dead_letters"]), (&1.into(), &(bad.len() + 1).into()), "{summary}");
    let letters =
        database.rows("SELECT kafka_offset, reason, convert_from(payload, 'LATIN1') FROM dead_letters ORDER BY 1");
    for (line, (letter, (row, reason))) in letters.iter().zip(&bad).enumerate() {
        assert_eq!(letter[0], Some((line + 2).to_string()), "the header is line 1");
        assert!(letter[1].as_ref().is_some_and(|said| said.contains(reason)), "{letter:?}: expected `{reason}`");
        assert_eq!(letter[2].as_ref(), Some(row));
    }
    assert!(letters[bad.len()][1].as_ref().is_some_and(|said| said.contains("not UTF-8")), "{letters:?}");
    assert_verified(&database, &input);
}

#[test]
fn files_that_are_no_csv_are_refused_before_anything_is_done() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, bytes, reason) in [
        ("empty.csv", b"".as_slice(), "it is empty (0 bytes)"),
        ("lines.csv", b"\n\n", "it has no lines"),
        ("column.csv", b"timestamp,viewCount\n2025-07-01 00:00:44,1\n", "no column video_id"),
        ("counts.csv", b"timestamp,video_id\n", "no column of counts"),
        ("twice.csv", b"timestamp,video_id,views,viewCount\n", "both mean viewCount"),
    ] {
        let (finished, database, _) = run_csv(folder.path(), name, bytes);
        let finished = finished.expect_code(1);
        let words = ["cannot read the CSV file", name, reason];
        assert!(words.iter().all(|word| finished.stderr.contains(word)), "{}", finished.stderr);
        assert_eq!(database.value("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"), "0");
    }
    let missing =
        viewtide(["run", "--csv", "/nowhere/to/be.csv", "--exit-at-end", "--database-url", &Database::fresh().url()]);
    let missing = missing.wait(DEADLINE).expect_code(1);
    assert!(missing.stderr.contains("/nowhere/to/be.csv: No such file"), "{}", missing.stderr);
}

#[test]
fn a_header_alone_is_no_rows_and_no_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let (finished, database, input) = run_csv(folder.path(), "header.csv", HEADER.as_bytes());
    let finished = finished.expect_code(0);
    assert_eq!(finished.json()["records"], 0);
    assert!(finished.stderr.contains("a header and no rows"), "{}", finished.stderr);
    assert_verified(&database, &input);
}

#[test]
fn of_a_gzip_file_cut_short_the_rows_before_the_cut_go_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut rows = HEADER.to_owned();
    for minute in 0..20_000 {
        let time = jiff::Timestamp::from_second(1_751_328_000 + 60 * minute).expect("a time");
        rows += &format!("{time},{ID},{},,\n", minute * 7_919 % 100_003);
    }
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(rows.as_bytes()).expect("compress");
    let whole = gzip.finish().expect("compress");
    let (finished, database, _) = run_csv(folder.path(), "cut.csv.gz", &whole[..whole.len() / 2]);
    let finished = finished.expect_code(1);
    let words = ["cut.csv.gz", "cannot be read any further at line", "the rows before it are good"];
    assert!(words.iter().all(|word| finished.stderr.contains(word)), "{}", finished.stderr);
    let stored: usize = database.value("SELECT count(*) FROM video_stats_processed").parse().expect("a number");
    assert!((5_000..20_000).contains(&stored), "{stored}");
    viewtide(["verify", "--database-url", &database.url()]).wait(DEADLINE).expect_code(0);
}

#[test]
fn a_line_of_a_gigabyte_is_one_dead_letter_and_takes_no_memory() {
    const LINE_BYTES: usize = 1_000_000_000;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("long.csv.gz");
    let file = std::fs::File::create(&path).expect("a file");
    let mut gzip = GzEncoder::new(file, Compression::fast());
    let good = |minute: usize| format!("2025-07-01 00:{minute:02}:00,{ID},{minute},,\n");
    gzip.write_all((HEADER.to_owned() + &good(1)).as_bytes()).expect("compress");
    let part = vec![b'x'; 1_000_000];
    for _ in 0..LINE_BYTES / part.len() {
        gzip.write_all(&part).expect("compress");
    }
    gzip.write_all(("\n".to_owned() + &good(2)).as_bytes()).expect("compress");
    gzip.finish().expect("compress");

    let (database, input) = (Database::fresh(), Input::Csv(path));
    let mut run = viewtide(run_args(&input, &database, &[]));
    run.wait_for_output("CSV file read", DEADLINE);
    let status = std::fs::read_to_string(format!("/proc/{}/status", run.pid())).expect("a running process");
    let peak = status.lines().find(|line| line.starts_with("VmHWM:")).expect("its peak memory");
    let peak_kb: u64 = peak.split_whitespace().nth(1).and_then(|kb| kb.parse().ok()).expect("in kB");
    assert!(peak_kb < 200_000, "{peak}");
    drop(run);

    let summary = run_to_end(&input, &database, Size { workers: 1, processes: 1 }, &[]);
    // What the first run has committed, the second does not read again.
    assert!(summary["dead_letters"].as_u64().is_some_and(|letters| letters <= 1), "{summary}");
    assert_eq!(database.value("SELECT count(*) FROM dead_letters"), "1");
    assert_eq!(database.value("SELECT count(*) FROM video_stats_processed"), "2");
    let letter = database.rows("SELECT kafka_offset, length(payload), reason FROM dead_letters");
    assert_eq!((letter[0][0].as_deref(), letter[0][1].as_deref()), (Some("3"), Some("65536")));
    assert!(letter[0][2].as_ref().is_some_and(|said| said.contains("1000000000 bytes")), "{letter:?}");
    assert_verified(&database, &input);
}
