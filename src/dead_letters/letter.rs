//! One dead letter, and as a line of a file that a person can repair with an editor.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::source::refusal::Refusal;

/// A dead letter, from the table or from a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Letter {
    /// The Kafka topic, or the CSV file as it was named.
    pub topic: String,
    /// The Kafka partition; 0 for CSV.
    pub partition: u32,
    /// The Kafka offset; for CSV the line.
    pub offset: u64,
    /// The item of a response; 0 is the whole record.
    pub item: u32,
    /// Where its partition began anew after it was read: the id of that gap; else 0.
    pub before_gap: u64,
    /// What was wrong with it.
    pub reason: String,
    /// The record's Kafka timestamp; absent where it had none, and where a file does not say so.
    pub kafka_timestamp: Option<Timestamp>,
    /// When it was stored; absent where a file does not say so.
    pub received_at: Option<Timestamp>,
    /// Whether it is a row of a CSV file.
    pub from_csv: bool,
    /// Whether the payload is only the beginning of what was read.
    pub is_cut: bool,
    /// Whether the key is only the beginning of the record's.
    pub key_is_cut: bool,
    /// The Kafka key.
    pub key: Option<Vec<u8>>,
    /// The bytes; absent where there were none.
    pub payload: Option<Vec<u8>>,
}

/// Its place, in words.
impl fmt::Display for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { topic, partition, offset, item, before_gap, from_csv, .. } = self;
        match (from_csv, item) {
            (true, _) => write!(f, "{topic}, line {offset}"),
            (false, 0) => write!(f, "topic {topic}, partition {partition}, offset {offset}"),
            (false, item) => write!(f, "topic {topic}, partition {partition}, offset {offset}, item {item}"),
        }?;
        match before_gap {
            0 => Ok(()),
            gap => write!(f, ", before gap {gap}"),
        }
    }
}

/// Whether `reason` says that only the beginning of the record was kept.
pub(super) fn says_cut(reason: &str) -> bool {
    let number = reason.split(|c: char| !c.is_ascii_digit()).find_map(|digits| digits.parse().ok());
    number.is_some_and(|bytes| Refusal::TooLarge { bytes }.to_string() == reason)
}

/// A line of a file. Bytes that are UTF-8 stand there as text, others as base64.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    topic: String,
    #[serde(default)]
    partition: u32,
    #[serde(default)]
    offset: u64,
    #[serde(default)]
    item: u32,
    #[serde(default, skip_serializing_if = "is_zero")]
    before_gap: u64,
    #[serde(default)]
    reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kafka_timestamp: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    received_at: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    from_csv: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    payload_is_cut: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    key_is_cut: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key_base64: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payload: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payload_base64: Option<String>,
}

fn is_false(value: &bool) -> bool {
    !value
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}

impl Letter {
    /// As a line, without its end.
    ///
    /// # Errors
    /// None that is known: text and numbers are JSON.
    pub fn to_line(&self) -> serde_json::Result<String> {
        let (key, key_base64) = text_or_base64(self.key.as_deref());
        let (payload, payload_base64) = text_or_base64(self.payload.as_deref());
        serde_json::to_string(&Line {
            topic: self.topic.clone(),
            partition: self.partition,
            offset: self.offset,
            item: self.item,
            before_gap: self.before_gap,
            reason: self.reason.clone(),
            kafka_timestamp: self.kafka_timestamp.map(|at| at.to_string()),
            received_at: self.received_at.map(|at| at.to_string()),
            from_csv: self.from_csv,
            payload_is_cut: self.is_cut,
            key_is_cut: self.key_is_cut,
            key,
            key_base64,
            payload,
            payload_base64,
        })
    }

    /// Reads a line.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn of_line(line: &str) -> Result<Self, String> {
        let line: Line = serde_json::from_str(line).map_err(|error| error.to_string())?;
        Ok(Self {
            topic: line.topic,
            partition: line.partition,
            offset: line.offset,
            item: line.item,
            before_gap: line.before_gap,
            reason: line.reason,
            kafka_timestamp: time("kafka_timestamp", line.kafka_timestamp)?,
            received_at: time("received_at", line.received_at)?,
            from_csv: line.from_csv,
            is_cut: line.payload_is_cut,
            key_is_cut: line.key_is_cut,
            key: bytes("key", line.key, line.key_base64)?,
            payload: bytes("payload", line.payload, line.payload_base64)?,
        })
    }
}

fn time(name: &str, text: Option<String>) -> Result<Option<Timestamp>, String> {
    let parse =
        |text: String| text.parse().map_err(|_| format!("{name} is {text}; write a time as 2025-07-01T00:00:00Z"));
    text.map(parse).transpose()
}

fn text_or_base64(bytes: Option<&[u8]>) -> (Option<String>, Option<String>) {
    match bytes.map(|bytes| std::str::from_utf8(bytes).map_err(|_| bytes)) {
        None => (None, None),
        Some(Ok(text)) => (Some(text.to_owned()), None),
        Some(Err(bytes)) => (None, Some(STANDARD.encode(bytes))),
    }
}

fn bytes(name: &str, text: Option<String>, base64: Option<String>) -> Result<Option<Vec<u8>>, String> {
    match (text, base64) {
        (Some(_), Some(_)) => Err(format!("it has both {name} and {name}_base64; keep one of them")),
        (Some(text), None) => Ok(Some(text.into_bytes())),
        (None, Some(base64)) => {
            STANDARD.decode(base64).map(Some).map_err(|error| format!("{name}_base64 is no base64: {error}"))
        }
        (None, None) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter() -> Letter {
        Letter {
            topic: "stats".to_owned(),
            partition: 3,
            offset: 17,
            reason: "no video_id".to_owned(),
            kafka_timestamp: Some("2025-06-30T23:59:59.999Z".parse().unwrap()),
            received_at: Some("2025-07-01T00:00:00.5Z".parse().unwrap()),
            key: Some(b"a \"b\"".to_vec()),
            payload: Some(b"{\0}".to_vec()),
            ..Letter::default()
        }
    }

    #[test]
    fn text_stands_as_text_and_other_bytes_as_base64() {
        assert_eq!(
            letter().to_line().unwrap(),
            "{\"topic\":\"stats\",\"partition\":3,\"offset\":17,\"item\":0,\"reason\":\"no video_id\",\
             \"kafka_timestamp\":\"2025-06-30T23:59:59.999Z\",\"received_at\":\"2025-07-01T00:00:00.5Z\",\"key\":\"a \\\"b\\\"\",\"payload\":\"{\\u0000}\"}"
        );
        let bytes = Letter { key: None, payload: Some(b"\xff\xfe".to_vec()), ..letter() };
        assert!(bytes.to_line().unwrap().ends_with(r#","payload_base64":"//4="}"#));
        let all: Vec<u8> = (0..=255).collect();
        for letter in [
            letter(),
            bytes,
            Letter { key: Some(all.clone()), payload: Some(all), item: 4, ..letter() },
            Letter { payload: None, kafka_timestamp: None, received_at: None, ..letter() },
            Letter { before_gap: 3, key_is_cut: true, ..letter() },
            Letter { payload: Some(Vec::new()), from_csv: true, is_cut: true, ..letter() },
        ] {
            let line = letter.to_line().unwrap();
            assert!(!line.contains('\n'));
            assert_eq!(Letter::of_line(&line), Ok(letter));
        }
    }

    #[test]
    fn a_line_that_is_no_letter_is_explained() {
        for (line, why) in [
            ("", "EOF"),
            ("{}", "missing field `topic`"),
            (r#"{"topic":"t","paylod":"x"}"#, "unknown field `paylod`"),
            (r#"{"topic":"t","payload":"x","payload_base64":"eA=="}"#, "both payload and payload_base64"),
            (r#"{"topic":"t","payload_base64":"?"}"#, "payload_base64 is no base64"),
            (r#"{"topic":"t","received_at":"noon"}"#, "received_at is noon; write a time"),
            (r#"{"topic":"t","kafka_timestamp":"1"}"#, "kafka_timestamp is 1; write a time"),
            (r#"{"topic":"t","payload":{"video_id":1}}"#, "expected a string"),
        ] {
            let said = Letter::of_line(line).unwrap_err();
            assert!(said.contains(why), "{line}: {said}");
        }
    }

    #[test]
    fn what_was_cut_is_known_by_its_reason() {
        assert!(says_cut(&Refusal::TooLarge { bytes: 1_048_577 }.to_string()));
        for other in [Refusal::NoValue, Refusal::Empty, Refusal::NotUtf8 { at: 1_048_577 }] {
            assert!(!says_cut(&other.to_string()), "{other}");
        }
    }

    #[test]
    fn places_are_said_as_they_are_looked_for() {
        assert_eq!(letter().to_string(), "topic stats, partition 3, offset 17");
        assert_eq!(Letter { item: 2, ..letter() }.to_string(), "topic stats, partition 3, offset 17, item 2");
        assert_eq!(
            Letter { before_gap: 4, ..letter() }.to_string(),
            "topic stats, partition 3, offset 17, before gap 4"
        );
        assert_eq!(Letter { from_csv: true, ..letter() }.to_string(), "stats, line 17");
    }
}
