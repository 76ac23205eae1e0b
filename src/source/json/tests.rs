//! The plain form.

use viewtide_dataflows::snapshot::Nullable;

use super::*;
use crate::source::fields::Observation;
use crate::source::refusal::Clock;
use crate::source::times::{Horizon, event_time};

const GOOD: &str = r#"{"timestamp": "2025-07-01 00:00:44", "video_id": "7tbWmYUZLX4", "viewCount": 451234,
    "likeCount": 7542, "commentCount": 1165, "file_source": "x.csv"}"#;

fn snapshots() -> Wanted {
    let arrived_us = Some(event_time("2025-07-01T00:00:00Z").unwrap());
    Wanted::Snapshots(Horizon { arrived_us, future_max_us: 3_600_000_000, clock: Clock::Kafka })
}

/// What a record that is no response says, wanted for its snapshot.
fn said(payload: &[u8]) -> Result<Word, Refusal> {
    let mut said = Vec::new();
    read(payload, &snapshots(), |item| {
        assert_eq!((item.number, item.payload), (0, payload));
        said.push(item.said);
    });
    assert_eq!(said.len(), 1);
    said.remove(0)
}

fn observed(payload: &str) -> Observation {
    let word = said(payload.as_bytes()).unwrap();
    assert_eq!((word.video.to_string().as_str(), word.metadata), ("7tbWmYUZLX4", None));
    word.observation.unwrap()
}

fn reason(payload: impl AsRef<[u8]>) -> String {
    said(payload.as_ref()).unwrap_err().to_string()
}

/// A good record but for what `more` adds to it.
fn with(more: &str) -> String {
    format!(r#"{{"timestamp":"2025-07-01 00:00:44","video_id":"7tbWmYUZLX4"{more}}}"#)
}

#[test]
fn reads_the_plain_form() {
    let read = observed(GOOD);
    assert_eq!(read.snapshot.time, 1_751_328_044_000_000);
    assert_eq!(read.snapshot.counts, [451_234, 7_542, 1_165].map(Nullable::some));
    assert_eq!(read.file_source.as_deref(), Some("x.csv"));
}

#[test]
fn reads_other_spellings_strings_escapes_and_unknown_fields() {
    let text = r#" {"title": {"a": [1, {"b": null}], "a": 2}, "videoId": "7tbWmYUZLX\u0034", "views": "451234",
        "like_count": null, "comments": "", "timestamp": "2025-07-01T00:00:44Z", "fileSource": "\"x\".csv"} "#;
    let read = observed(text);
    assert_eq!(read.snapshot.counts, [Nullable::some(451_234), Nullable::NULL, Nullable::NULL]);
    assert_eq!(read.file_source.as_deref(), Some("\"x\".csv"));
}

#[test]
fn what_is_no_record_is_refused() {
    assert_eq!(reason(""), "the record is empty");
    assert!(reason("   ").starts_with("not JSON: EOF"));
    assert_eq!(reason("null"), "not a JSON object: it starts with n");
    assert_eq!(reason("[1]"), "not a JSON object: it starts with [");
    assert_eq!(reason("\0"), "not a JSON object: it starts with \\0");
    assert_eq!(reason(format!("[{GOOD}]")), "not a JSON object: it starts with [");
    assert!(reason(format!("{GOOD}{GOOD}")).starts_with("not JSON: trailing characters"));
    assert!(reason(&GOOD[..GOOD.len() - 1]).starts_with("not JSON: EOF"));
    assert!(reason("{'a': 1}").starts_with("not JSON: key must be a string"));
    assert!(reason(with(r#","views":NaN"#)).starts_with("not JSON: expected value"));
    assert!(reason(with(r#","views":1e999"#)).starts_with("not JSON: number out of range"));
    assert!(reason(with(r#","views":007"#)).starts_with("not JSON: invalid number"));
    assert!(reason(with(r#","views":1,"file_source":"\uD800""#)).starts_with("not JSON: "));
    assert_eq!(reason("{}"), "no video_id");
}

#[test]
fn bytes_that_are_no_text_are_refused_even_in_a_field_that_is_skipped() {
    let mut payload = with(r#","views":1,"title":"?""#).into_bytes();
    let at = payload.iter().position(|byte| *byte == b'?').unwrap();
    payload[at] = 0xff;
    assert_eq!(reason(&payload), format!("not UTF-8: the byte at {at} is invalid"));
}

#[test]
fn nesting_however_deep_does_not_overflow_the_stack() {
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(50_000), close.repeat(50_000));
    assert_eq!(reason(deep("[", "]")), "not a JSON object: it starts with [");
    assert!(reason(deep("{\"video_id\":", "}")).starts_with("not JSON: "));
    assert_eq!(
        reason(with(&format!(r#","views":{}"#, deep("[", "]")))),
        "viewCount must be a whole number from 0 to 1000000000000, not a list"
    );
}

#[test]
fn a_record_too_large_is_refused_and_one_at_the_limit_is_not() {
    let padded = |bytes: usize| {
        let mut text = with(r#","views":1"#);
        text.push_str(&" ".repeat(bytes - text.len()));
        text
    };
    observed(&padded(RECORD_BYTES_MAX));
    assert!(reason(padded(RECORD_BYTES_MAX + 1)).starts_with("the record has 1048577 bytes"));
}

#[test]
fn a_field_given_twice_is_refused() {
    let twice = |field| format!("{field} is given twice (spellings count as one field)");
    assert_eq!(reason(with(r#","views":1,"views":1"#)), twice("viewCount"));
    assert_eq!(reason(with(r#","views":1,"view_count":null"#)), twice("viewCount"));
    assert_eq!(reason(with(r#","views":1,"videoId":"7tbWmYUZLX4""#)), twice("video_id"));
    assert_eq!(reason(with(r#","views":1,"timestamp":"2025-07-01 00:00:44""#)), twice("timestamp"));
}

#[test]
fn counts_that_are_none_are_refused() {
    for (value, shown) in [
        (r#""1e9""#, "1e9"),
        ("1e9", "1000000000.0"),
        (r#""-1""#, "-1"),
        ("-1", "-1"),
        (r#""12,345""#, "12,345"),
        ("10000000000000", "10000000000000"),
        ("100000000000000000000000", "1e23"),
        ("1.5", "1.5"),
        ("[1]", "a list"),
        (r#"{"a":1}"#, "an object"),
        ("true", "true"),
    ] {
        assert_eq!(
            reason(with(&format!(r#","views":1,"likes":{value}"#))),
            format!("likeCount must be a whole number from 0 to 1000000000000, not {shown}")
        );
    }
}

#[test]
fn tables_of_trending_videos_may_be_sent_as_they_are() {
    let text = r#"{"video_id":"7tbWmYUZLX4","trending_date":"17.14.11","views":748374,"likes":57527,"comment_count":0,
        "comments_disabled":"True","ratings_disabled":false,"video_error_or_removed":"False"}"#;
    let read = observed(text);
    assert_eq!(read.snapshot.counts, [Nullable::some(748_374), Nullable::some(57_527), Nullable::NULL]);
    assert_eq!(Ok(read.snapshot.time), event_time("2017-11-14T00:00:00Z"));
}

#[test]
fn what_is_known_of_the_video_is_read_from_the_plain_form_as_well() {
    for text in [
        r#","views":1,"title":"A","channel_id":"UC1","channel_title":"B","category_id":"22","published_at":"2025-06-30""#,
        r#","title":"A","channelId":"UC1","channelTitle":"B","categoryId":22,"publishedAt":"2025-06-30","views":1,"id":"y""#,
    ] {
        let word = said(with(text).as_bytes()).unwrap();
        let known = word.metadata.unwrap();
        let texts = [&known.title, &known.channel_id, &known.channel_title, &known.category_id];
        assert_eq!(texts.map(|text| text.as_deref()), [Some("A"), Some("UC1"), Some("B"), Some("22")]);
        assert_eq!(known.published_at.map(Ok), Some(event_time("2025-06-30T00:00:00Z")));
        assert_eq!(word.observation.unwrap().snapshot.counts[0], Nullable::some(1));
    }
    observed(&with(r#","views":1,"title":null,"channelId":"""#));
    for (bad, why) in [
        (r#","title":5"#, "title must be text, not 5"),
        (r#","channelId":"a\u0000b""#, "channel_id contains a NUL character"),
        (r##","published_at":"#NAME?""##, "published_at #NAME?: "),
        (r#","title":"a","title":"a""#, "title is given twice"),
        (r#","channel_id":"a","channelId":null"#, "channel_id is given twice"),
    ] {
        let word = said(with(&format!(r#","views":1{bad}"#)).as_bytes()).unwrap();
        assert!(word.observation.is_some() && word.metadata.is_none(), "the counts are none the worse for {bad}");
        assert!(word.left_out.unwrap().to_string().starts_with(why), "{bad}");
    }
}

#[test]
fn a_plain_record_beside_parts_of_an_item_loses_nothing() {
    let time = event_time("2025-07-01T00:00:44Z");
    let snippet = r#""snippet":{"title":"A"}"#;
    let counts = |more: &str| {
        let word = said(with(more).as_bytes()).unwrap();
        let snapshot = word.observation.unwrap().snapshot;
        assert_eq!(Ok(snapshot.time), time, "{more}");
        (snapshot.counts.map(Nullable::get), word.metadata.and_then(|known| known.title))
    };
    let title = || Some("A".into());
    assert_eq!(counts(&format!(r#","views":1,"likes":"2",{snippet}"#)), ([Some(1), Some(2), None], title()));
    // No Kafka timestamp is needed.
    let later = Wanted::Snapshots(Horizon { arrived_us: None, future_max_us: 0, clock: Clock::Kafka });
    read(with(r#","statistics":{"viewCount":"5"}"#).as_bytes(), &later, |item| {
        assert_eq!(Ok(item.said.unwrap().observation.unwrap().snapshot.time), time);
    });
    let both = r#","comments":3,"statistics":{"viewCount":"5","likeCount":"6"},"title":"A""#;
    assert_eq!(counts(both), ([Some(5), Some(6), Some(3)], title()));
    assert_eq!(counts(r#","likes":2,"ratings_disabled":true,"statistics":{"viewCount":"5"}"#).0, [Some(5), None, None]);
    let word = said(with(r#","file_source":"x.csv","statistics":{"viewCount":"5"}"#).as_bytes()).unwrap();
    assert_eq!(word.observation.unwrap().file_source.as_deref(), Some("x.csv"));
    let twice = "viewCount is given twice (spellings count as one field)";
    assert_eq!(reason(with(r#","views":5,"statistics":{"viewCount":"5"}"#)), twice);
    assert_eq!(reason(with(r#","statistics":{"viewCount":"5"},"view_count":null"#)), twice);
    assert!(reason(with(r#","views":"x",RECORD"#).replace("RECORD", snippet)).starts_with("viewCount must be"));
    let untimely = with(r#","statistics":{"viewCount":"5"}"#).replace("2025-07-01 00:00:44", "2025-07-01");
    assert!(reason(untimely).starts_with("timestamp 2025-07-01: a date alone"));
}

#[test]
fn what_is_null_makes_a_plain_record_no_other() {
    for null in [r#""snippet":null"#, r#""statistics":null"#, r#""items":null"#, r#""snippet":null,"items":null"#] {
        assert_eq!(observed(&with(&format!(r#",{null},"views":1"#))).snapshot.counts[0], Nullable::some(1), "{null}");
    }
}

#[test]
fn a_snapshot_beside_items_is_no_response_without_a_word() {
    let beside = |name: &str| format!("{name} stands beside items: ");
    assert!(reason(with(r#","views":1,"items":[]"#)).starts_with(&beside("video_id")));
    assert!(reason(r#"{"timestamp":"2025-07-01 00:00:44","items":[{}]}"#).starts_with(&beside("timestamp")));
    assert!(reason(r#"{"statistics":{"viewCount":"1"},"items":[]}"#).starts_with(&beside("a part of an item")));
}
