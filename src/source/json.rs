//! The plain form: one snapshot as one JSON object.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::fields::{Field, Fields, Horizon, Observation, Refusal, Value, shown};
use crate::limits::RECORD_BYTES_MAX;

/// Reads one record's value.
///
/// # Errors
/// Why it is no snapshot.
pub fn parse(payload: &[u8], horizon: &Horizon) -> Result<Observation, Refusal> {
    if payload.is_empty() {
        return Err(Refusal::Empty);
    }
    if payload.len() > RECORD_BYTES_MAX {
        return Err(Refusal::TooLarge { bytes: payload.len() as u64 });
    }
    // Checked over the whole record first: serde_json would not look at the text of fields that it skips.
    let text = std::str::from_utf8(payload).map_err(|error| Refusal::NotUtf8 { at: error.valid_up_to() })?;
    if let Some(first) = text.trim_ascii_start().chars().next().filter(|first| *first != '{') {
        return Err(Refusal::NotAnObject(shown(first.encode_utf8(&mut [0; 4]))));
    }
    let Plain(fields) = serde_json::from_str(text).map_err(|error| Refusal::NotJson(error.to_string()))?;
    fields.judge(horizon)
}

/// The fields of an object, borrowed from its text; those that mean nothing here are skipped.
struct Plain<'a>(Fields<'a>);

impl<'de> Deserialize<'de> for Plain<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PlainVisitor)
    }
}

struct PlainVisitor;

impl<'de> Visitor<'de> for PlainVisitor {
    type Value = Plain<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Fields::default();
        while let Some(Name(field)) = map.next_key()? {
            match field {
                Some(field) => fields.put(field, map.next_value::<Given<'de>>()?.0),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Plain(fields))
    }
}

/// A key, looked up without being copied.
struct Name(Option<Field>);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;
        impl Visitor<'_> for NameVisitor {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_str<E>(self, name: &str) -> Result<Name, E> {
                Ok(Name(Field::named(name.as_bytes())))
            }
        }
        deserializer.deserialize_str(NameVisitor)
    }
}

/// Any value; text is borrowed where it has no escapes.
struct Given<'a>(Value<'a>);

impl<'de> Deserialize<'de> for Given<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(GivenVisitor)
    }
}

struct GivenVisitor;

impl<'de> Visitor<'de> for GivenVisitor {
    type Value = Given<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Given(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Given(Value::Bool(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Given(Value::Whole(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Given(u64::try_from(value).map_or(Value::Negative(value), Value::Whole)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Given(Value::Float(value)))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Given(Value::Text(Cow::Borrowed(text))))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Given(Value::Text(Cow::Owned(text.to_owned()))))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Given(Value::Nested("a list")))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Given(Value::Nested("an object")))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use viewtide_dataflows::snapshot::Nullable;

    use super::super::fields::{Clock, event_time};
    use super::*;

    const GOOD: &str = r#"{"timestamp": "2025-07-01 00:00:44", "video_id": "7tbWmYUZLX4", "viewCount": 451234,
        "likeCount": 7542, "commentCount": 1165, "file_source": "x.csv"}"#;

    fn horizon() -> Horizon {
        Horizon {
            arrived_us: Some(event_time("2025-07-01T00:00:00Z").unwrap()),
            future_max_us: 3_600_000_000,
            clock: Clock::Kafka,
        }
    }

    fn reason(payload: impl AsRef<[u8]>) -> String {
        parse(payload.as_ref(), &horizon()).unwrap_err().to_string()
    }

    /// A good record but for what `more` adds to it.
    fn with(more: &str) -> String {
        format!(r#"{{"timestamp":"2025-07-01 00:00:44","video_id":"7tbWmYUZLX4"{more}}}"#)
    }

    #[test]
    fn reads_the_plain_form() {
        let read = parse(GOOD.as_bytes(), &horizon()).unwrap();
        assert_eq!(read.video.to_string(), "7tbWmYUZLX4");
        assert_eq!(read.snapshot.time, 1_751_328_044_000_000);
        assert_eq!(read.snapshot.counts, [451_234, 7_542, 1_165].map(Nullable::some));
        assert_eq!(read.file_source.as_deref(), Some("x.csv"));
    }

    #[test]
    fn reads_other_spellings_strings_escapes_and_unknown_fields() {
        let text = r#" {"title": {"a": [1, {"b": null}], "a": 2}, "videoId": "7tbWmYUZLX\u0034", "views": "451234",
            "like_count": null, "comments": "", "timestamp": "2025-07-01T00:00:44Z", "fileSource": "\"x\".csv"} "#;
        let read = parse(text.as_bytes(), &horizon()).unwrap();
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
        parse(padded(RECORD_BYTES_MAX).as_bytes(), &horizon()).unwrap();
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

    /// Objects that look almost right, so that the property below reaches every branch.
    fn near_miss() -> impl Strategy<Value = Vec<u8>> {
        let name = prop::sample::select(vec!["timestamp", "video_id", "videoId", "views", "likes", "file_source", "x"]);
        let value = prop_oneof![
            3 => Just(r#""2025-07-01 00:00:44""#.to_owned()),
            3 => Just(r#""7tbWmYUZLX4""#.to_owned()),
            3 => any::<u64>().prop_map(|number| number.to_string()),
            1 => any::<f64>().prop_map(|number| number.to_string()),
            1 => any::<String>().prop_map(|text| serde_json::Value::String(text).to_string()),
            1 => Just("null".to_owned()),
            1 => Just("[{}]".to_owned()),
            1 => Just("\"\\u0000\"".to_owned()),
        ];
        let entries = prop::collection::vec((name, value), 0..6);
        (entries, any::<prop::sample::Index>(), any::<u8>(), any::<bool>()).prop_map(|(entries, at, byte, spoil)| {
            let body: Vec<_> = entries.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
            let mut payload = format!("{{{}}}", body.join(",")).into_bytes();
            if spoil {
                let at = at.index(payload.len());
                payload[at] = byte;
            }
            payload
        })
    }

    fn no_nul(payload: &[u8]) -> Result<(), TestCaseError> {
        match parse(payload, &horizon()) {
            Ok(read) => prop_assert!(read.snapshot.counts.iter().any(|count| count.get().is_some())),
            // A reason goes into a text column, which cannot hold NUL.
            Err(refusal) => prop_assert!(!refusal.to_string().contains('\0') && refusal.to_string().len() < 1_000),
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_snapshot_or_have_a_reason(payload: Vec<u8>) {
            no_nul(&payload)?;
        }

        #[test]
        fn any_near_miss_is_a_snapshot_or_has_a_reason(payload in near_miss()) {
            no_nul(&payload)?;
        }
    }
}
