//! How far each input was read.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use viewtide_dataflows::metadata::MetadataSource;

/// One of the inputs that a run reads side by side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// The topic, or the CSV files, of snapshots.
    #[default]
    Snapshots,
    /// The topic of videos.
    VideosTopic,
    /// The CSV file of videos.
    VideosFile,
}

impl Input {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Snapshots, Self::VideosTopic, Self::VideosFile];

    /// What is known of videos from this input has this rank.
    pub fn metadata_source(self) -> MetadataSource {
        match self {
            Self::Snapshots => MetadataSource::Snippet,
            Self::VideosTopic => MetadataSource::VideosTopic,
            Self::VideosFile => MetadataSource::VideosFile,
        }
    }

    /// The input that metadata of this rank comes from.
    pub fn of_metadata(source: MetadataSource) -> Self {
        match source {
            MetadataSource::Snippet => Self::Snapshots,
            MetadataSource::VideosTopic => Self::VideosTopic,
            MetadataSource::VideosFile => Self::VideosFile,
        }
    }

    /// Its name in the positions that are stored; partitions of snapshots go without.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Snapshots => "snapshots",
            Self::VideosTopic => "videos_topic",
            Self::VideosFile => "videos_file",
        }
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One partition of one input. A file is one partition, 0, whose offsets are rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition {
    /// The input.
    pub input: Input,
    /// Its number there.
    pub number: u32,
}

impl Partition {
    /// A partition of the snapshots.
    pub const fn of_snapshots(number: u32) -> Self {
        Self { input: Input::Snapshots, number }
    }
}

/// As a key of JSON: `3` for the snapshots, `videos_topic/3` for another input.
impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.input {
            Input::Snapshots => write!(f, "{}", self.number),
            input => write!(f, "{}/{}", input.name(), self.number),
        }
    }
}

impl FromStr for Partition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, number) = text.split_once('/').unwrap_or((Input::Snapshots.name(), text));
        let input = Input::ALL.into_iter().find(|input| input.name() == name);
        match (input, number.parse()) {
            (Some(input), Ok(number)) => Ok(Self { input, number }),
            _ => Err(format!("`{text}` is no partition")),
        }
    }
}

impl Serialize for Partition {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Partition {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// How far one partition was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The offset at which the very first start began to read.
    pub first: u64,
    /// The next offset to read.
    pub next: u64,
}

/// How far the partitions of one input were read, by number.
pub type Spans = BTreeMap<u32, Span>;

/// How far each partition of each input was read.
pub type Positions = BTreeMap<Partition, Span>;

/// The part of `positions` that is about `input`.
pub fn spans_of(positions: &Positions, input: Input) -> Spans {
    let of_input = positions.iter().filter(|(partition, _)| partition.input == input);
    of_input.map(|(partition, &span)| (partition.number, span)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn are_stored_as_json_and_read_again() {
        let span = Span { first: 0, next: 42 };
        let positions: Positions = Input::ALL.into_iter().map(|input| (Partition { input, number: 3 }, span)).collect();
        let json = serde_json::to_string(&positions).unwrap();
        let expected = r#"{"3":{"first":0,"next":42},"videos_topic/3":{"first":0,"next":42},"videos_file/3":{"first":0,"next":42}}"#;
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_str::<Positions>(&json).unwrap(), positions);
        for wrong in ["", "x", "-1", "videos_topic", "videos_topic/", "other/3"] {
            assert!(wrong.parse::<Partition>().is_err(), "{wrong}");
        }
        assert_eq!(spans_of(&positions, Input::VideosTopic), Spans::from([(3, span)]));
    }
}
