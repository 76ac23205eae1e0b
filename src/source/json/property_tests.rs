//! Whatever a record is, each of its items says something or has a reason.

use proptest::prelude::*;
use viewtide_dataflows::metadata::Metadata;

use super::*;
use crate::limits::METADATA_TEXT_BYTES_MAX;
use crate::source::refusal::Clock;
use crate::source::times::{Horizon, event_time};

fn wanted() -> [Wanted; 3] {
    let at = |arrived_us| Wanted::Snapshots(Horizon { arrived_us, future_max_us: 3_600_000_000, clock: Clock::Kafka });
    [at(Some(event_time("2025-07-01T00:00:00Z").unwrap())), at(None), Wanted::Videos]
}

/// One object of these names, and perhaps one byte that is another one.
fn object_of(
    names: &'static [&'static str],
    value: impl Strategy<Value = String>,
    entries: usize,
) -> impl Strategy<Value = String> {
    prop::collection::vec((prop::sample::select(names), value), 0..entries).prop_map(|entries| {
        let body: Vec<_> = entries.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", body.join(","))
    })
}

/// Values that are right in some place.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => Just(r#""2025-07-01 00:00:44""#.to_owned()),
        3 => Just(r#""7tbWmYUZLX4""#.to_owned()),
        3 => any::<u64>().prop_map(|number| number.to_string()),
        2 => any::<u32>().prop_map(|number| format!("\"{number}\"")),
        1 => any::<f64>().prop_map(|number| number.to_string()),
        1 => any::<String>().prop_map(|text| serde_json::Value::String(text).to_string()),
        1 => prop::sample::select(vec!["null", "true", "[{}]", "{\"a\":[]}", "\"\\u0000\"", "\"\\ud800\"", "\"17.14.11\""])
            .prop_map(str::to_owned),
    ]
}

/// Items that look almost right.
fn item() -> impl Strategy<Value = String> {
    let statistics = object_of(&["viewCount", "likeCount", "commentCount", "favoriteCount"], value(), 4);
    let snippet =
        object_of(&["title", "channelId", "channelTitle", "categoryId", "publishedAt", "thumbnails"], value(), 6);
    let id = prop_oneof![4 => Just(r#""7tbWmYUZLX4""#.to_owned()), 1 => value()];
    // Without a part that is not null (and empty text is as good as null) it were no item where it stands alone.
    let other = || value().prop_filter("a part", |value| !["null", "\"\""].contains(&value.as_str()));
    let statistics = prop_oneof![4 => statistics, 1 => other()];
    let snippet = prop_oneof![4 => snippet, 1 => other()];
    (id, statistics, snippet, 1_usize..4, prop::sample::select(vec!["", r#","etag":"x""#, r#","video_id":"y""#]))
        .prop_map(|(id, statistics, snippet, which, more)| {
            let part = |bit, name, value| if which & bit > 0 { format!(",\"{name}\":{value}") } else { String::new() };
            format!("{{\"id\":{id}{}{}{more}}}", part(1, "statistics", statistics), part(2, "snippet", snippet))
        })
}

/// Records of every shape that look almost right, so that the properties below reach every branch.
fn near_miss() -> impl Strategy<Value = Vec<u8>> {
    const PLAIN: &[&str] = &[
        "timestamp",
        "trending_date",
        "video_id",
        "videoId",
        "views",
        "likes",
        "comments_disabled",
        "file_source",
        "title",
        "channel_id",
        "published_at",
        "id",
        "items",
        "snippet",
        "statistics",
        "x",
    ];
    let response = prop::collection::vec(prop_oneof![5 => item(), 1 => value()], 0..5)
        .prop_map(|items| format!("{{\"items\": [{}]}}", items.join(" , ")));
    let record = prop_oneof![object_of(PLAIN, value(), 6), item(), response];
    (record, any::<prop::sample::Index>(), any::<u8>(), prop::bool::weighted(0.3)).prop_map(
        |(record, at, byte, spoil)| {
            let mut payload = record.into_bytes();
            if spoil {
                let at = at.index(payload.len());
                payload[at] = byte;
            }
            payload
        },
    )
}

fn check(payload: &[u8], wanted: &Wanted) -> Result<(), TestCaseError> {
    let mut items = Vec::new();
    read(payload, wanted, |item| items.push(item));
    match &items[..] {
        [whole] if whole.number == 0 => prop_assert_eq!(whole.payload, payload),
        items => {
            let mut rest = payload;
            for (number, item) in (1..).zip(items) {
                prop_assert_eq!(item.number, number);
                // Each has bytes of its own, in their order.
                let at = rest.windows(item.payload.len()).position(|bytes| bytes == item.payload);
                prop_assert!(at.is_some(), "{:?}", String::from_utf8_lossy(item.payload));
                rest = &rest[at.unwrap_or(0) + item.payload.len()..];
            }
        }
    }
    for item in &items {
        match &item.said {
            Ok(word) => check_word(word, wanted)?,
            // A reason goes into a text column, which cannot hold NUL.
            Err(refusal) => prop_assert!(!refusal.to_string().contains('\0') && refusal.to_string().len() < 1_000),
        }
    }
    Ok(())
}

fn check_word(word: &Word, wanted: &Wanted) -> Result<(), TestCaseError> {
    prop_assert!(word.observation.is_some() || word.metadata.is_some());
    let left_out = word.left_out.is_some();
    prop_assert!(!left_out || (word.observation.is_some() && word.metadata.is_none()));
    if let Some(observed) = &word.observation {
        prop_assert!(matches!(wanted, Wanted::Snapshots(_)));
        prop_assert!(observed.snapshot.counts.iter().any(|count| count.get().is_some()));
    }
    if let Some(metadata) = &word.metadata {
        let Metadata { title, channel_id, channel_title, category_id, published_at: _ } = &**metadata;
        for text in [title, channel_id, channel_title, category_id].into_iter().flatten() {
            prop_assert!(!text.is_empty() && !text.contains('\0') && text.len() <= METADATA_TEXT_BYTES_MAX);
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_bytes_say_something_or_have_a_reason(payload: Vec<u8>) {
        for wanted in wanted() {
            check(&payload, &wanted)?;
        }
    }

    #[test]
    fn any_near_miss_says_something_or_has_a_reason(payload in near_miss()) {
        for wanted in wanted() {
            check(&payload, &wanted)?;
        }
    }

    /// An item says alone what it says in a response.
    #[test]
    fn a_response_says_what_its_items_say(items in prop::collection::vec(item(), 0..6)) {
        for wanted in wanted() {
            let mut together = Vec::new();
            let response = format!("{{\"kind\":\"x\",\"items\":[{}]}}", items.join(","));
            let parses = serde_json::from_str::<serde::de::IgnoredAny>(&response).is_ok();
            read(response.as_bytes(), &wanted, |item| together.push(item.said));
            if parses {
                let mut alone = Vec::new();
                items.iter().for_each(|item| read(item.as_bytes(), &wanted, |item| alone.push(item.said)));
                prop_assert_eq!(together, alone);
            } else {
                prop_assert_eq!(together.len(), 1);
            }
        }
    }
}
