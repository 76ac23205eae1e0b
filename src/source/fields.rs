//! The fields of one snapshot, whatever form it comes in: how they are spelled, and which values they may have.
//!
//! A form (JSON, CSV) puts the values that it finds into [`Fields`] and lets [`Fields::judge`] decide. So the same input is
//! accepted, or refused with the same words, in every form.

use std::borrow::Cow;
use std::fmt;

use jiff::fmt::temporal::Pieces;
use jiff::tz::Offset;
use viewtide_dataflows::snapshot::{COUNT_MAX, Counts, EventTime, Nullable, Snapshot};
use viewtide_dataflows::video_id::{VideoId, VideoIdError};

use crate::limits::{RECORD_BYTES_MAX, SHOWN_CHARS_MAX};

/// The first day on which a video was public: 2005-04-23T00:00:00Z, microseconds.
pub const FIRST_EVENT_TIME: EventTime = 1_114_214_400_000_000;

/// A field that means something here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// When it was observed.
    Timestamp,
    /// The video that was observed.
    VideoId,
    /// Views.
    ViewCount,
    /// Likes.
    LikeCount,
    /// Comments.
    CommentCount,
    /// The record's own word on where it comes from.
    FileSource,
}

impl Field {
    /// Every field, in the order of their discriminants.
    pub const ALL: [Self; 6] =
        [Self::Timestamp, Self::VideoId, Self::ViewCount, Self::LikeCount, Self::CommentCount, Self::FileSource];
    /// The counts, in the order of [`Counts`].
    pub const COUNTS: [Self; 3] = [Self::ViewCount, Self::LikeCount, Self::CommentCount];

    /// The field that `name` is a spelling of.
    pub fn named(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"timestamp" => Self::Timestamp,
            b"video_id" | b"videoId" => Self::VideoId,
            b"viewCount" | b"view_count" | b"views" => Self::ViewCount,
            b"likeCount" | b"like_count" | b"likes" => Self::LikeCount,
            b"commentCount" | b"comment_count" | b"comments" => Self::CommentCount,
            b"file_source" | b"fileSource" => Self::FileSource,
            _ => return None,
        })
    }

    /// The spelling that messages and `replay` use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Timestamp => "timestamp",
            Self::VideoId => "video_id",
            Self::ViewCount => "viewCount",
            Self::LikeCount => "likeCount",
            Self::CommentCount => "commentCount",
            Self::FileSource => "file_source",
        }
    }
}

/// A value as a form gives it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Absent on purpose.
    Null,
    /// Text; empty text is as good as NULL.
    Text(Cow<'a, str>),
    /// A whole number.
    Whole(u64),
    /// A whole number below 0.
    Negative(i64),
    /// A number with a fraction or an exponent, or one beyond 64 bits.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// A list or an object.
    Nested(&'static str),
}

impl Value<'_> {
    fn is_null(&self) -> bool {
        matches!(self, Self::Null) || matches!(self, Self::Text(text) if text.is_empty())
    }
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Text(text) => f.write_str(&shown(text)),
            Self::Whole(number) => fmt::Display::fmt(number, f),
            Self::Negative(number) => fmt::Display::fmt(number, f),
            Self::Float(number) => fmt::Debug::fmt(number, f),
            Self::Bool(value) => fmt::Display::fmt(value, f),
            Self::Nested(kind) => f.write_str(kind),
        }
    }
}

/// `text` made fit for a message: control characters escaped (a NUL would not go into Postgres), and shortened.
pub fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len().min(4 * SHOWN_CHARS_MAX));
    let mut chars = text.chars();
    shown.extend(chars.by_ref().take(SHOWN_CHARS_MAX).flat_map(char::escape_debug));
    if chars.next().is_some() {
        shown.push_str("...");
    }
    shown
}

/// Why something in the input is no snapshot. The text of it becomes the reason of a dead letter.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// No bytes where a record should be.
    #[error("the record has no value (a tombstone)")]
    NoValue,
    /// A value of no bytes.
    #[error("the record is empty")]
    Empty,
    /// More than [`RECORD_BYTES_MAX`].
    #[error("the record has {bytes} bytes, more than the {RECORD_BYTES_MAX} allowed; its first 64 KiB are kept")]
    TooLarge {
        /// Its size.
        bytes: u64,
    },
    /// Not text at all.
    #[error("not UTF-8: the byte at {at} is invalid")]
    NotUtf8 {
        /// The first invalid byte, from 0.
        at: usize,
    },
    /// Not JSON.
    #[error("not JSON: {0}")]
    NotJson(String),
    /// JSON, but not an object.
    #[error("not a JSON object: it starts with {0}")]
    NotAnObject(String),
    /// A CSV row that does not fit its header.
    #[error("the row has {fields} fields, the header {columns}")]
    WrongNumberOfFields {
        /// In the row.
        fields: usize,
        /// In the header.
        columns: usize,
    },
    /// One field in two spellings, or twice in one.
    #[error("{} is given twice (spellings count as one field)", .0.name())]
    GivenTwice(Field),
    /// A field that has to be there.
    #[error("no {}", .0.name())]
    Missing(Field),
    /// A field that has to be text.
    #[error("{} must be text, not {value}", .field.name())]
    NotText {
        /// Which.
        field: Field,
        /// What it is.
        value: String,
    },
    /// No video id.
    #[error("video_id {value}: {error}")]
    BadVideoId {
        /// What it is.
        value: String,
        /// What is wrong with it.
        error: VideoIdError,
    },
    /// No timestamp.
    #[error("timestamp {value}: {why}")]
    BadTimestamp {
        /// What it is.
        value: String,
        /// What is wrong with it.
        why: String,
    },
    /// Earlier than any video.
    #[error("timestamp {value}: before 2005-04-23, when the first video went public")]
    TooEarly {
        /// What it is.
        value: String,
    },
    /// Observed long after it arrived.
    #[error("timestamp {value}: more than {allowed} after {clock}, {arrived}")]
    TooLate {
        /// What it is.
        value: String,
        /// The clock that says so.
        clock: Clock,
        /// What the clock said.
        arrived: String,
        /// How much is allowed.
        allowed: String,
    },
    /// No count.
    #[error("{} must be a whole number from 0 to {COUNT_MAX}, not {value}", .field.name())]
    BadCount {
        /// Which.
        field: Field,
        /// What it is.
        value: String,
    },
    /// None of the three counts.
    #[error("no count at all: at least one of viewCount, likeCount, commentCount is needed")]
    NoCount,
    /// Postgres text cannot hold it.
    #[error("file_source contains a NUL character, which Postgres text cannot hold")]
    NulInFileSource,
}

/// Which clock tells when a record arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The timestamp that Kafka keeps with each record.
    Kafka,
    /// The clock of the first start, which judges CSV.
    FirstStart,
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kafka => "the record's Kafka timestamp",
            Self::FirstStart => "the clock of the first start",
        })
    }
}

/// How far ahead an event time may be.
#[derive(Clone, Copy, Debug)]
pub struct Horizon {
    /// When the record arrived, microseconds; `None` where nothing tells, and then nothing is too late.
    pub arrived_us: Option<EventTime>,
    /// How much later than that the event time may be, microseconds.
    pub future_max_us: i64,
    /// Whose word that is.
    pub clock: Clock,
}

/// What is left of a record that is a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// The video.
    pub video: VideoId,
    /// When, and the counts.
    pub snapshot: Snapshot,
    /// Its own word on where it comes from.
    pub file_source: Option<Box<str>>,
}

/// The values of one record, as they are found.
#[derive(Clone, Debug, Default)]
pub struct Fields<'a> {
    values: [Option<Value<'a>>; Field::ALL.len()],
    twice: Option<Field>,
}

impl<'a> Fields<'a> {
    /// Takes the value of `field`.
    pub fn put(&mut self, field: Field, value: Value<'a>) {
        if self.values[field as usize].replace(value).is_some() && self.twice.is_none() {
            self.twice = Some(field);
        }
    }

    /// The snapshot that the values are, or why they are none.
    pub fn judge(self, horizon: &Horizon) -> Result<Observation, Refusal> {
        if let Some(field) = self.twice {
            return Err(Refusal::GivenTwice(field));
        }
        let text = self.text(Field::VideoId)?.ok_or(Refusal::Missing(Field::VideoId))?;
        let video =
            VideoId::from_bytes(text.as_bytes()).map_err(|error| Refusal::BadVideoId { value: shown(text), error })?;
        let text = self.text(Field::Timestamp)?.ok_or(Refusal::Missing(Field::Timestamp))?;
        let time = event_time(text)?;
        within(text, time, horizon)?;
        let counts = self.counts()?;
        let file_source = self.text(Field::FileSource)?;
        if file_source.is_some_and(|text| text.contains('\0')) {
            return Err(Refusal::NulInFileSource);
        }
        Ok(Observation { video, snapshot: Snapshot { time, counts }, file_source: file_source.map(Box::from) })
    }

    fn given(&self, field: Field) -> Option<&Value<'a>> {
        self.values[field as usize].as_ref().filter(|value| !value.is_null())
    }

    fn text(&self, field: Field) -> Result<Option<&str>, Refusal> {
        match self.given(field) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(value) => Err(Refusal::NotText { field, value: value.to_string() }),
        }
    }

    fn counts(&self) -> Result<Counts, Refusal> {
        let mut counts = [Nullable::NULL; 3];
        let mut any = false;
        for (count, field) in counts.iter_mut().zip(Field::COUNTS) {
            if let Some(value) = self.given(field) {
                let number = whole(value).ok_or_else(|| Refusal::BadCount { field, value: value.to_string() })?;
                *count = Nullable::some(number);
                any = true;
            }
        }
        if any { Ok(counts) } else { Err(Refusal::NoCount) }
    }
}

fn whole(value: &Value<'_>) -> Option<i64> {
    match value {
        Value::Whole(number) => i64::try_from(*number).ok().filter(|number| *number <= COUNT_MAX),
        Value::Text(digits) => digits.bytes().try_fold(0_i64, |number, byte| {
            let digit = byte.is_ascii_digit().then(|| i64::from(byte - b'0'))?;
            // `number` is at most COUNT_MAX, so ten times it cannot overflow.
            Some(number * 10 + digit).filter(|number| *number <= COUNT_MAX)
        }),
        _ => None,
    }
}

/// The event time that `text` names: a date and a time, UTC unless it has an offset; microseconds, finer digits cut off.
pub fn event_time(text: &str) -> Result<EventTime, Refusal> {
    let bad = |why: String| Refusal::BadTimestamp { value: shown(text), why };
    let pieces = Pieces::parse(text).map_err(|error| bad(shown_error(&error)))?;
    let time = pieces.time().ok_or_else(|| bad("a date alone is no time".to_owned()))?;
    if pieces.time_zone_annotation().is_some() {
        return Err(bad("a time zone name is not accepted, only an offset".to_owned()));
    }
    let offset = pieces.to_numeric_offset().unwrap_or(Offset::UTC);
    let timestamp = offset
        .to_timestamp(pieces.date().to_datetime(time))
        .map_err(|_| bad("beyond the last day of the year 9999, or before the first".to_owned()))?;
    Ok(timestamp.as_microsecond())
}

fn shown_error(error: &jiff::Error) -> String {
    let text = error.to_string();
    text.chars().flat_map(|char| char.escape_debug()).take(8 * SHOWN_CHARS_MAX).collect()
}

fn within(text: &str, time: EventTime, horizon: &Horizon) -> Result<(), Refusal> {
    if time < FIRST_EVENT_TIME {
        return Err(Refusal::TooEarly { value: shown(text) });
    }
    match horizon.arrived_us {
        Some(arrived_us) if time > arrived_us.saturating_add(horizon.future_max_us) => Err(Refusal::TooLate {
            value: shown(text),
            clock: horizon.clock,
            arrived: shown_time(arrived_us),
            allowed: humantime::format_duration(std::time::Duration::from_micros(
                u64::try_from(horizon.future_max_us).unwrap_or(0),
            ))
            .to_string(),
        }),
        _ => Ok(()),
    }
}

fn shown_time(time_us: EventTime) -> String {
    jiff::Timestamp::from_microsecond(time_us).map_or_else(|_| format!("{time_us} us"), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARRIVED: &str = "2025-07-01T00:00:00Z";

    fn horizon() -> Horizon {
        Horizon { arrived_us: Some(event_time(ARRIVED).unwrap()), future_max_us: 3_600_000_000, clock: Clock::Kafka }
    }

    fn text(text: &str) -> Value<'_> {
        Value::Text(Cow::Borrowed(text))
    }

    fn good() -> Fields<'static> {
        let mut fields = Fields::default();
        fields.put(Field::Timestamp, text("2025-07-01 00:00:44"));
        fields.put(Field::VideoId, text("7tbWmYUZLX4"));
        fields
    }

    fn judged(field: Field, value: Value<'static>) -> Result<Observation, String> {
        let mut fields = good();
        fields.values[field as usize] = None;
        fields.put(field, value);
        if Field::COUNTS[1..].contains(&field) || !Field::COUNTS.contains(&field) {
            fields.put(Field::ViewCount, Value::Whole(1));
        }
        fields.judge(&horizon()).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn every_spelling_names_its_field() {
        for (index, field) in Field::ALL.into_iter().enumerate() {
            assert_eq!(field as usize, index);
            assert_eq!(Field::named(field.name().as_bytes()), Some(field));
        }
        for (name, field) in [
            ("videoId", Field::VideoId),
            ("view_count", Field::ViewCount),
            ("views", Field::ViewCount),
            ("like_count", Field::LikeCount),
            ("likes", Field::LikeCount),
            ("comment_count", Field::CommentCount),
            ("comments", Field::CommentCount),
            ("fileSource", Field::FileSource),
        ] {
            assert_eq!(Field::named(name.as_bytes()), Some(field), "{name}");
        }
        for name in ["", "Timestamp", "id", "viewcount", "title", "views "] {
            assert_eq!(Field::named(name.as_bytes()), None, "{name}");
        }
    }

    #[test]
    fn counts_are_whole_numbers_up_to_the_limit() {
        for (value, count) in [
            (Value::Whole(0), Some(0)),
            (Value::Whole(COUNT_MAX as u64), Some(COUNT_MAX)),
            (text("1000000000000"), Some(COUNT_MAX)),
            (text("0000000000000000000000000000012"), Some(12)),
        ] {
            let counts = judged(Field::ViewCount, value.clone()).unwrap().snapshot.counts;
            assert_eq!(counts, [Nullable::from(count), Nullable::NULL, Nullable::NULL], "{value:?}");
        }
        for (value, shown) in [
            (text("1e9"), "1e9"),
            (text("-1"), "-1"),
            (text("12,345"), "12,345"),
            (text("10000000000000"), "10000000000000"),
            (text("1000000000001"), "1000000000001"),
            (text(" 1"), " 1"),
            (text("+1"), "+1"),
            (text("1.5"), "1.5"),
            (text("NaN"), "NaN"),
            (text("\u{661}"), "\u{661}"),
            (text("a\0b"), "a\\0b"),
            (Value::Whole(10_000_000_000_000), "10000000000000"),
            (Value::Whole(u64::MAX), "18446744073709551615"),
            (Value::Negative(-1), "-1"),
            (Value::Float(1.5), "1.5"),
            (Value::Float(1e9), "1000000000.0"),
            (Value::Bool(true), "true"),
            (Value::Nested("a list"), "a list"),
        ] {
            assert_eq!(
                judged(Field::ViewCount, value).unwrap_err(),
                format!("viewCount must be a whole number from 0 to 1000000000000, not {shown}")
            );
        }
    }

    #[test]
    fn null_and_empty_counts_are_absent_and_one_is_needed() {
        for value in [Value::Null, text("")] {
            let counts = judged(Field::LikeCount, value.clone()).unwrap().snapshot.counts;
            assert_eq!(counts, [Nullable::some(1), Nullable::NULL, Nullable::NULL]);
            assert!(judged(Field::ViewCount, value).unwrap_err().starts_with("no count at all"));
        }
        assert!(good().judge(&horizon()).is_err_and(|refusal| refusal == Refusal::NoCount));
    }

    #[test]
    fn a_long_value_is_shown_shortened() {
        let long = "x".repeat(100_000);
        let reason = Value::Text(Cow::Owned(long)).to_string();
        assert_eq!(reason, format!("{}...", "x".repeat(SHOWN_CHARS_MAX)));
    }

    #[test]
    fn ids_that_are_none_are_refused() {
        for (id, why) in [
            ("7tbWmYUZLX", "a video id has 11 characters"),
            ("7tbWmYUZLX44", "a video id has 11 characters"),
            ("7tbWmYUZLX5", "the last character of a video id is one of 048AEIMQUYcgkosw"),
            ("7tbWmYU LX4", "a video id is made of A-Z, a-z, 0-9, - and _"),
        ] {
            assert_eq!(judged(Field::VideoId, text(id)).unwrap_err(), format!("video_id {id}: {why}"));
        }
        assert_eq!(judged(Field::VideoId, Value::Null).unwrap_err(), "no video_id");
        assert_eq!(judged(Field::VideoId, Value::Whole(7)).unwrap_err(), "video_id must be text, not 7");
    }

    #[test]
    fn timestamps_are_utc_unless_they_say_otherwise() {
        const MICROS: i64 = 1_751_328_044_000_000;
        for (text, expected) in [
            ("2025-07-01 00:00:44", MICROS),
            ("2025-07-01T00:00:44Z", MICROS),
            ("2025-07-01T00:00:44z", MICROS),
            ("2025-07-01T09:00:44+09:00", MICROS),
            ("2025-06-30 20:30:44-03:30", MICROS),
            ("2025-07-01T00:00:44.5", MICROS + 500_000),
            ("2025-07-01T00:00:44.123456789Z", MICROS + 123_456),
            ("2025-07-01T00:00:44.9999999Z", MICROS + 999_999),
        ] {
            assert_eq!(event_time(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn times_that_cannot_be_are_refused() {
        for (value, why) in [
            ("2025-07-01", "a date alone is no time"),
            ("2025-07-01T00:00:44[Europe/Berlin]", "a time zone name"),
            ("0001-01-01T00:00:00Z", "before 2005-04-23"),
            ("2005-04-22T23:59:59.999999Z", "before 2005-04-23"),
            ("9999-12-31T23:59:59Z", "timestamp 9999-12-31T23:59:59Z: "),
            ("2025-07-01T02:00:00Z", "more than 1h after the record's Kafka timestamp, 2025-07-01T00:00:00Z"),
            ("2025-07-01T01:00:00.000001Z", "more than 1h after"),
            ("2025-13-01T00:00:00Z", "timestamp 2025-13-01T00:00:00Z: "),
            ("1751328044", "timestamp 1751328044: "),
            ("yesterday", "timestamp yesterday: "),
            ("2025-07-01T00:00:44Z trailing", "timestamp 2025-07-01T00:00:44Z trailing: "),
        ] {
            let reason = judged(Field::Timestamp, text(value)).unwrap_err();
            assert!(reason.contains(why), "{value}: {reason}");
        }
        assert_eq!(judged(Field::Timestamp, Value::Whole(5)).unwrap_err(), "timestamp must be text, not 5");
        for limit in ["2005-04-23T00:00:00Z", "2025-07-01T01:00:00Z"] {
            judged(Field::Timestamp, text(limit)).unwrap();
        }
    }

    #[test]
    fn nothing_is_too_late_where_no_clock_tells() {
        let mut fields = good();
        fields.values[Field::Timestamp as usize] = Some(text("2999-01-01T00:00:00Z"));
        fields.put(Field::ViewCount, Value::Whole(1));
        fields.judge(&Horizon { arrived_us: None, ..horizon() }).unwrap();
    }

    #[test]
    fn two_spellings_are_one_field() {
        let mut fields = good();
        fields.put(Field::ViewCount, Value::Null);
        fields.put(Field::ViewCount, Value::Whole(1));
        let refusal = fields.judge(&horizon()).unwrap_err();
        assert_eq!(refusal.to_string(), "viewCount is given twice (spellings count as one field)");
    }

    #[test]
    fn file_source_is_text_without_nul() {
        assert_eq!(judged(Field::FileSource, text("a.csv")).unwrap().file_source.as_deref(), Some("a.csv"));
        assert_eq!(judged(Field::FileSource, text("")).unwrap().file_source, None);
        assert_eq!(judged(Field::FileSource, Value::Bool(true)).unwrap_err(), "file_source must be text, not true");
        assert!(judged(Field::FileSource, text("a\0b")).unwrap_err().contains("NUL"));
    }
}
