//! What is known of a video beside its counts, and which word on it counts.

use serde::{Deserialize, Serialize};

use crate::snapshot::{EventTime, Place};
use crate::video_id::VideoId;

/// Title, channel and category of a video; NULL where not given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Metadata {
    /// Title.
    pub title: Option<Box<str>>,
    /// The channel's id.
    pub channel_id: Option<Box<str>>,
    /// The channel's name.
    pub channel_title: Option<Box<str>>,
    /// The category's id, as YouTube gives it: digits.
    pub category_id: Option<Box<str>>,
    /// When it was published, microseconds since 1970.
    pub published_at: Option<EventTime>,
}

/// Where a word on a video comes from, the weakest first: a weaker one never overwrites a stronger one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum MetadataSource {
    /// A CSV file of videos, read beside the snapshots.
    VideosFile,
    /// The `snippet` of an item of the YouTube Data API, in the stream of snapshots.
    Snippet,
    /// The topic of videos.
    VideosTopic,
}

/// A word on a video, as a source read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetadataRecord {
    /// The video.
    pub video: VideoId,
    /// Where the record stands in its input; each source of metadata is one input, so places of one source compare.
    pub place: Place,
    /// Where it comes from.
    pub source: MetadataSource,
    /// What it says, whole: what it leaves out is not known.
    pub metadata: Metadata,
}

/// A row of the table of videos.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VideoRow {
    /// The video.
    pub video: VideoId,
    /// Where the row comes from.
    pub source: MetadataSource,
    /// What is known.
    pub metadata: Metadata,
}
