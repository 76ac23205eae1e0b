//! Why something in the input is not taken.

use std::fmt;

use viewtide_dataflows::snapshot::COUNT_MAX;
use viewtide_dataflows::video_id::VideoIdError;

use super::field::Field;
use crate::limits::{RECORD_BYTES_MAX, RESPONSE_ITEMS_MAX};

/// Why something in the input is not taken. The text of it becomes the reason of a dead letter. Made only where it is returned:
/// to drop one for each good record, as `ok_or` does, would be noticed.
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
    /// A part of an item of the YouTube Data API, or of its response, that is of another kind.
    #[error("{part} must be {expected}, not {value}")]
    WrongPart {
        /// Which.
        part: &'static str,
        /// What it has to be.
        expected: &'static str,
        /// What it is.
        value: String,
    },
    /// More items than [`RESPONSE_ITEMS_MAX`].
    #[error("the response has {items} items, more than the {RESPONSE_ITEMS_MAX} allowed")]
    TooManyItems {
        /// How many.
        items: usize,
    },
    /// A CSV row that does not fit its header.
    #[error("the row has {fields} fields, the header {columns}")]
    WrongNumberOfFields {
        /// In the row.
        fields: usize,
        /// In the header.
        columns: usize,
    },
    /// One field in two spellings, or twice in one.
    #[error("{0} is given twice (spellings count as one field)")]
    GivenTwice(&'static str),
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
    /// A field that has to be true or false.
    #[error("{} must be true or false, not {value}", .field.name())]
    NotAFlag {
        /// Which.
        field: Field,
        /// What it is.
        value: String,
    },
    /// Text that is too long.
    #[error("{} has {bytes} bytes, more than the {allowed} allowed", .field.name())]
    TooLong {
        /// Which.
        field: Field,
        /// Its size.
        bytes: usize,
        /// How many it may have.
        allowed: usize,
    },
    /// Postgres text cannot hold it.
    #[error("{} contains a NUL character, which Postgres text cannot hold", .0.name())]
    Nul(Field),
    /// No video id.
    #[error("video_id {value}: {error}")]
    BadVideoId {
        /// What it is.
        value: String,
        /// What is wrong with it.
        error: VideoIdError,
    },
    /// No time.
    #[error("{} {value}: {why}", .field.name())]
    BadTime {
        /// Which.
        field: Field,
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
    /// An item of the YouTube Data API, which does not say when it was fetched.
    #[error("no event time: the record has no Kafka timestamp, which is that of an item of the YouTube Data API")]
    NoArrival,
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
    /// A record on a topic of videos that says nothing of one: snapshots that went there, say.
    #[error(
        "nothing of the video: one of title, channel_id, channel_title, category_id, published_at is needed, or null"
    )]
    NoMetadata,
    /// A category that cannot be told from all of them.
    #[error("category_id all: all is the name of the list over all categories")]
    ReservedCategory,
    /// A snapshot, or a part of one, beside a list of items: taken for a response, it would be lost.
    #[error("{0} stands beside items: a response has nothing of a snapshot itself; put it into each item")]
    BesideItems(&'static str),
    /// An item of the YouTube Data API that says nothing.
    #[error("the item has neither counts in statistics nor a snippet; ask for part=snippet,statistics")]
    NothingSaid,
    /// An item of the YouTube Data API that says nothing of what is known of videos.
    #[error("the item has no snippet; ask for part=snippet")]
    NoSnippet,
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
