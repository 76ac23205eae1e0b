//! Items of the YouTube Data API and responses with them, and the plain form of a topic of videos.

use viewtide_dataflows::metadata::Metadata;
use viewtide_dataflows::snapshot::Nullable;

use super::*;
use crate::limits::METADATA_TEXT_BYTES_MAX;
use crate::source::refusal::Clock;
use crate::source::times::{Horizon, event_time};

const RESPONSE: &[u8] = include_bytes!("../../../tests/data/videos_list.json");
const FIFTY: &[u8] = include_bytes!("../../../tests/data/videos_list_50.json");
const BAD_ITEM: &[u8] = include_bytes!("../../../tests/data/videos_list_bad_item.json");
const ARRIVED: &str = "2025-07-01T00:00:00.123Z";

fn snapshots() -> Wanted {
    let arrived_us = Some(event_time(ARRIVED).unwrap());
    Wanted::Snapshots(Horizon { arrived_us, future_max_us: 0, clock: Clock::Kafka })
}

/// Number, bytes and what is said of every item.
fn items<'a>(payload: &'a (impl AsRef<[u8]> + ?Sized), wanted: &Wanted) -> Vec<(u32, &'a [u8], Result<Word, String>)> {
    let mut items = Vec::new();
    read(payload.as_ref(), wanted, |item| {
        items.push((item.number, item.payload, item.said.map_err(|refusal| refusal.to_string())));
    });
    items
}

/// What one record that is no response says.
fn said(payload: &str, wanted: &Wanted) -> Result<Word, String> {
    let mut items = items(payload, wanted);
    assert_eq!(items.len(), 1);
    assert_eq!((items[0].0, items[0].1), (0, payload.as_bytes()));
    items.remove(0).2
}

fn reason(payload: &str, wanted: &Wanted) -> String {
    said(payload, wanted).unwrap_err()
}

fn counts(word: &Word) -> Option<[Option<i64>; 3]> {
    word.observation.as_ref().map(|observed| observed.snapshot.counts.map(Nullable::get))
}

fn text(text: &str) -> Option<Box<str>> {
    Some(text.into())
}

/// An item of a good id with these parts.
fn item(parts: &str) -> String {
    format!(r#"{{"kind":"youtube#video","etag":"x","id":"7tbWmYUZLX4"{parts}}}"#)
}

const STATISTICS: &str = r#","statistics":{"viewCount":"123","likeCount":"4","favoriteCount":"0","commentCount":"5"}"#;
const SNIPPET: &str = r#","snippet":{"title":"A","channelId":"UC1","channelTitle":"B","categoryId":"22","tags":["a"],
    "publishedAt":"2025-06-30T14:00:06Z","thumbnails":{"default":{"url":"u","width":120}}}"#;

fn snippet() -> Option<Box<Metadata>> {
    Some(Box::new(Metadata {
        title: text("A"),
        channel_id: text("UC1"),
        channel_title: text("B"),
        category_id: text("22"),
        published_at: Some(event_time("2025-06-30T14:00:06Z").unwrap()),
    }))
}

#[test]
fn a_response_is_as_many_snapshots_as_it_has_items() {
    let read = items(RESPONSE, &snapshots());
    assert_eq!(read.iter().map(|(number, ..)| *number).collect::<Vec<_>>(), [1, 2, 3, 4]);
    let words: Vec<_> = read.iter().map(|(_, _, said)| said.as_ref().unwrap()).collect();
    let expected = [
        ("7tbWmYUZLX4", [Some(451_234), Some(7_542), Some(1_165)]),
        ("x_BjvhMW9TE", [Some(1_255_689), None, Some(3_210)]),
        ("Oi-piOr_9AY", [Some(98_765_432), Some(310_000), None]),
        ("dQw4w9WgXcQ", [Some(0), Some(12), Some(0)]),
    ];
    for (word, (video, expected)) in words.iter().zip(expected) {
        assert_eq!((word.video.to_string().as_str(), counts(word)), (video, Some(expected)));
        let observed = word.observation.as_ref().unwrap();
        assert_eq!((Ok(observed.snapshot.time), &observed.file_source), (event_time(ARRIVED), &None));
    }
    assert_eq!(
        words[0].metadata.as_deref(),
        Some(&Metadata {
            title: text("How a clock ticks: “escapement”, explained — part 1/3"),
            channel_id: text("UCqVcOAphDfOmV2lJYahufbj"),
            channel_title: text("Small Machines"),
            category_id: text("27"),
            published_at: Some(event_time("2025-06-30T14:00:06Z").unwrap()),
        })
    );
    // On the topic of videos the same record says the same of them, and nothing of counts.
    for ((_, _, beside), (_, _, alone)) in read.iter().zip(items(RESPONSE, &Wanted::Videos)) {
        assert_eq!(alone.unwrap(), Word { observation: None, ..beside.clone().unwrap() });
    }
}

#[test]
fn a_whole_page_is_read() {
    let read = items(FIFTY, &snapshots());
    assert_eq!(read.iter().map(|(number, ..)| *number).collect::<Vec<_>>(), (1..=50).collect::<Vec<_>>());
    let mut videos: Vec<_> = read.iter().map(|(_, _, said)| said.as_ref().unwrap().video).collect();
    videos.sort_unstable();
    videos.dedup();
    assert_eq!(videos.len(), 50);
    assert!(read.iter().all(|(_, _, said)| said.as_ref().is_ok_and(|word| word.metadata.is_some())));
}

#[test]
fn a_bad_item_is_one_of_its_own_and_its_siblings_are_read() {
    let read = items(BAD_ITEM, &snapshots());
    assert_eq!(read.iter().map(|(number, ..)| *number).collect::<Vec<_>>(), [1, 2, 3]);
    let (_, bytes, said) = &read[1];
    let refused = "viewCount must be a whole number from 0 to 1000000000000, not 1.2M";
    assert_eq!(said.as_ref().unwrap_err(), refused);
    let bad: serde_json::Value = serde_json::from_slice(bytes).unwrap();
    assert_eq!(bad["id"], "x_BjvhMW9TE");
    assert_eq!(items(*bytes, &snapshots())[0].2, Err(refused.to_owned()), "sent again alone it is as bad");
    assert!(read[0].2.is_ok() && read[2].2.is_ok());
}

#[test]
fn a_response_without_items_says_nothing_and_is_no_error() {
    let empty = r#"{"kind":"youtube#videoListResponse","etag":"x","items":[ ],"pageInfo":{"totalResults":0}}"#;
    assert!(items(empty, &snapshots()).is_empty());
    assert!(items(empty, &Wanted::Videos).is_empty());
}

#[test]
fn a_response_that_is_none_is_refused_as_a_whole() {
    let of = |items: &str| format!(r#"{{"kind":"youtube#videoListResponse","items":{items}}}"#);
    for (items, shown) in [("5", "5"), (r#"{"a":[]}"#, "an object"), (r#""x""#, "x"), ("true", "true")] {
        assert_eq!(reason(&of(items), &snapshots()), format!("items must be a list, not {shown}"));
    }
    assert_eq!(reason(&of("[],\"items\":[]"), &snapshots()), "items is given twice (spellings count as one field)");
    assert!(reason(&of("[{}"), &snapshots()).starts_with("not JSON: "));
    let many = |items: usize| of(&format!("[{}]", vec!["{}"; items].join(",")));
    assert_eq!(items(&many(RESPONSE_ITEMS_MAX), &snapshots()).len(), RESPONSE_ITEMS_MAX);
    assert_eq!(
        reason(&many(RESPONSE_ITEMS_MAX + 2), &snapshots()),
        "the response has 1002 items, more than the 1000 allowed"
    );
}

#[test]
fn what_is_no_item_is_refused_with_its_bytes() {
    let good = item(STATISTICS);
    let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    let bad = [
        ("5", "not a JSON object: it starts with 5"),
        ("null", "not a JSON object: it starts with n"),
        (&deep, "not a JSON object: it starts with ["),
        ("{}", "no video_id"),
        (r#"{"statistics":{"viewCount":"1"}}"#, "no video_id"),
        (r#"{"id":"\ud800","statistics":{}}"#, "not JSON: "),
        (r#"{"id":{"kind":"youtube#video"},"snippet":{}}"#, "video_id must be text, not an object"),
        (r#"{"id":"7tbWmYUZLX4","items":[{}]}"#, "the item has neither counts in statistics nor a snippet"),
        // The plain form is a record of its own.
        (r#"{"timestamp":"2025-06-30 00:00:44","video_id":"7tbWmYUZLX4","views":1}"#, "the item has neither counts"),
    ];
    let list: Vec<&str> = bad.iter().flat_map(|(bad, _)| [*bad, good.as_str()]).collect();
    let response = format!(r#"{{"items":[ {} ]}}"#, list.join(" , "));
    let read = items(&response, &snapshots());
    assert_eq!(read.len(), 2 * bad.len());
    for (pair, (bytes, why)) in read.chunks(2).zip(bad) {
        assert_eq!(pair[0].1, bytes.as_bytes());
        let said = pair[0].2.as_ref().unwrap_err();
        assert!(said.starts_with(why), "{bytes}: {said}");
        assert_eq!(counts(pair[1].2.as_ref().unwrap()), Some([Some(123), Some(4), Some(5)]));
    }
}

#[test]
fn an_item_says_what_its_parts_say() {
    let both = said(&item(&format!("{SNIPPET}{STATISTICS}")), &snapshots()).unwrap();
    assert_eq!((counts(&both), both.metadata), (Some([Some(123), Some(4), Some(5)]), snippet()));
    let counted = said(&item(STATISTICS), &snapshots()).unwrap();
    assert_eq!((counts(&counted), counted.metadata), (Some([Some(123), Some(4), Some(5)]), None));
    for none in
        ["", r#","statistics":{}"#, r#","statistics":{"favoriteCount":"0","viewCount":null}"#, r#","statistics":null"#]
    {
        let known = said(&item(&format!("{SNIPPET}{none}")), &snapshots()).unwrap();
        assert_eq!((counts(&known), known.metadata), (None, snippet()), "{none}");
        // Where nothing tells that it is an item, it is none.
        if none.contains('{') {
            let nothing = reason(&item(none), &snapshots());
            assert!(nothing.starts_with("the item has neither counts in statistics nor a snippet"), "{nothing}");
        }
    }
    let empty = said(&item(r#","snippet":{}"#), &snapshots()).unwrap();
    assert_eq!((counts(&empty), empty.metadata), (None, Some(Box::default())));
}

#[test]
fn of_an_item_other_parts_are_not_looked_at() {
    let more = r#","contentDetails":{"id":"z"},"localizations":[],"favoriteCount":"x""#;
    let word = said(&item(&format!("{more}{STATISTICS}")), &snapshots()).unwrap();
    assert_eq!(counts(&word), Some([Some(123), Some(4), Some(5)]));
    assert_eq!(word.observation.unwrap().file_source, None);
    // The id may be spelled as in the plain form.
    let spelled = format!(r#"{{"videoId":"7tbWmYUZLX4"{STATISTICS}}}"#);
    assert_eq!(said(&spelled, &snapshots()).unwrap().video.to_string(), "7tbWmYUZLX4");
    // Where nothing tells that it is an item, `id` is a field like any other.
    assert_eq!(reason(&item(""), &snapshots()), "no video_id");
}

#[test]
fn malformed_counts_take_the_item_with_them_and_a_malformed_snippet_only_itself() {
    let twice = |name| format!("{name} is given twice (spellings count as one field)");
    let count = "must be a whole number from 0 to 1000000000000, not";
    let long = format!("{STATISTICS},\"snippet\":{{\"title\":\"{}\"}}", "x".repeat(METADATA_TEXT_BYTES_MAX + 1));
    for (parts, why) in [
        (format!(r#"{SNIPPET},"statistics":5"#), "statistics must be an object, not 5".to_owned()),
        (format!(r#"{SNIPPET},"statistics":[]"#), "statistics must be an object, not a list".to_owned()),
        (format!(r#"{SNIPPET},"statistics":{{"viewCount":"-1"}}"#), format!("viewCount {count} -1")),
        (format!(r#"{SNIPPET},"statistics":{{"likeCount":{{}}}}"#), format!("likeCount {count} an object")),
        (format!("{STATISTICS}{STATISTICS}"), twice("viewCount")),
        (format!(r#"{STATISTICS},"id":"7tbWmYUZLX4""#), twice("video_id")),
        (format!(r#"{STATISTICS},"video_id":"7tbWmYUZLX4""#), twice("video_id")),
    ] {
        let refused = reason(&item(&parts), &snapshots());
        assert!(refused.starts_with(&why), "{refused}");
    }
    for (parts, why) in [
        (format!(r#"{STATISTICS},"snippet":"x""#), "snippet must be an object, not x".to_owned()),
        (format!(r#"{STATISTICS},"snippet":{{"title":5}}"#), "title must be text, not 5".to_owned()),
        (format!(r#"{STATISTICS},"snippet":{{"channelId":["a"]}}"#), "channel_id must be text, not a list".to_owned()),
        (format!(r#"{STATISTICS},"snippet":{{"categoryId":2.5}}"#), "category_id must be text, not 2.5".to_owned()),
        (
            format!(r#"{STATISTICS},"snippet":{{"title":"a\u0000b"}}"#),
            "title contains a NUL character, which Postgres text cannot hold".to_owned(),
        ),
        (format!(r#"{STATISTICS},"snippet":{{"publishedAt":"1 year ago"}}"#), "published_at 1 year ago: ".to_owned()),
        (long, "title has 2001 bytes, more than the 2000 allowed".to_owned()),
        (format!(r#"{STATISTICS}{SNIPPET},"snippet":{{}}"#), twice("snippet")),
        (format!(r#"{STATISTICS}{SNIPPET},"title":"A""#), twice("title")),
        (format!(r#"{STATISTICS},"title":6"#), "title must be text, not 6".to_owned()),
        (format!(r#"{STATISTICS},"snippet":{{"categoryId":"all"}}"#), "category_id all: ".to_owned()),
    ] {
        let word = said(&item(&parts), &snapshots()).unwrap();
        assert_eq!((counts(&word), &word.metadata), (Some([Some(123), Some(4), Some(5)]), &None), "{parts}");
        let left_out = word.left_out.unwrap().to_string();
        assert!(left_out.starts_with(&why), "{left_out}");
        // Where nothing else is said, it is why nothing is taken.
        let alone = parts.replace(STATISTICS, "");
        for wanted in [snapshots(), Wanted::Videos] {
            let refused = reason(&item(&alone), &wanted);
            assert!(alone.contains("snippet") == refused.starts_with(&why), "{alone}: {refused}");
        }
    }
}

#[test]
fn the_event_time_of_an_item_is_that_of_its_arrival() {
    let at = |arrived_us| Wanted::Snapshots(Horizon { arrived_us, future_max_us: 0, clock: Clock::Kafka });
    let none = reason(&item(STATISTICS), &at(None));
    assert_eq!(
        none,
        "no event time: the record has no Kafka timestamp, which is that of an item of the YouTube Data API"
    );
    assert!(reason(&item(STATISTICS), &at(Some(5))).contains("before 2005-04-23"));
    // What is known of a video has no time.
    assert_eq!(said(&item(SNIPPET), &at(None)).unwrap().metadata, snippet());
    // In a response each item that needs it says so, and the others are read.
    let response = format!(r#"{{"items":[{},{}]}}"#, item(STATISTICS), item(SNIPPET));
    let read = items(&response, &at(None));
    assert_eq!((&read[0].2, read[1].2.is_ok()), (&Err(none), true));
}

#[test]
fn a_topic_of_videos_has_a_plain_form_too() {
    for text in [
        r#"{"video_id":"7tbWmYUZLX4","title":"A","channel_id":"UC1","channel_title":"B","category_id":"22",
            "published_at":"2025-06-30T14:00:06Z","viewCount":"x","timestamp":7,"comments_disabled":"maybe"}"#,
        r#"{"videoId":"7tbWmYUZLX4","title":"A","channelId":"UC1","channelTitle":"B","categoryId":22,
            "publishedAt":"2025-06-30 14:00:06","tags":[]}"#,
        &item(SNIPPET),
    ] {
        let word = said(text, &Wanted::Videos).unwrap();
        assert_eq!((word.video.to_string().as_str(), word.observation), ("7tbWmYUZLX4", None));
        assert_eq!(word.metadata, snippet());
    }
    let nothing = said(r#"{"video_id":"7tbWmYUZLX4","title":"","channelId":null}"#, &Wanted::Videos).unwrap();
    assert_eq!(nothing.metadata, Some(Box::default()), "nothing is known is a word too");
    for (text, why) in [
        ("", "the record is empty"),
        ("[]", "not a JSON object: it starts with ["),
        (r#"{"title":"A"}"#, "no video_id"),
        (r#"{"id":"7tbWmYUZLX4","title":"A"}"#, "no video_id"),
        (r#"{"timestamp":"2025-06-30 00:00:44","video_id":"7tbWmYUZLX4","views":1}"#, "nothing of the video: one of"),
        (r#"{"video_id":"7tbWmYUZLX4","title":5}"#, "title must be text, not 5"),
        (r#"{"video_id":"7tbWmYUZLX4","channelId":"a","channel_id":"a"}"#, "channel_id is given twice"),
        (r#"{"video_id":"7tbWmYUZLX4","published_at":"2025-06-31"}"#, "published_at 2025-06-31: "),
        (r#"{"video_id":"7tbWmYUZLX5","title":"A"}"#, "video_id 7tbWmYUZLX5: "),
        (&item(STATISTICS), "the item has no snippet; ask for part=snippet"),
    ] {
        let refused = reason(text, &Wanted::Videos);
        assert!(refused.starts_with(why), "{refused}");
    }
}
