//! Records that were gone before they were read: by the topic's retention, or with a topic that was created again.
//!
//! A gap is data, as positions are: it comes in the batch whose positions lie behind it, and is stored in the transaction
//! that stores them. So it is known exactly once, whatever crashes in between.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Input, SourceIdentity};

/// What to do where records are gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnLostOffsets {
    /// Say so, and end.
    #[default]
    Stop,
    /// Read on at the first record that the broker has, and keep the gap.
    Earliest,
}

impl FromStr for OnLostOffsets {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "stop" => Ok(Self::Stop),
            "earliest" => Ok(Self::Earliest),
            _ => Err("write `stop` or `earliest`".to_owned()),
        }
    }
}

/// Why records are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LostReason {
    /// The broker deleted them, by the topic's retention or because somebody said so.
    Deleted,
    /// The topic was deleted and created again.
    CreatedAgain,
    /// The partition is shorter than what was read from it: the broker lost its end.
    Truncated,
}

impl LostReason {
    /// As it is stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::CreatedAgain => "created_again",
            Self::Truncated => "truncated",
        }
    }
}

/// Records of one partition that were gone before they were read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Which input the topic is.
    pub input: Input,
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: u32,
    /// The first offset that was not read.
    pub first_lost: u64,
    /// Where reading goes on; `None` where there is no such partition any more.
    pub next_read: Option<u64>,
    /// Why.
    pub reason: LostReason,
    /// The id of the topic that was read, where it has one.
    pub topic_id_before: Option<String>,
    /// The id of the topic that is read on.
    pub topic_id_after: Option<String>,
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { topic, partition, first_lost, next_read, reason, .. } = self;
        write!(f, "Kafka topic {topic} partition {partition}: ")?;
        match (reason, next_read) {
            (LostReason::Deleted, Some(next)) => {
                let last = next.saturating_sub(1);
                write!(
                    f,
                    "its records {first_lost} to {last} were deleted before they were read; it is read on at {next}"
                )
            }
            (LostReason::Truncated, Some(next)) => {
                write!(f, "it was read up to offset {first_lost}, and is shorter now; it is read again from {next}")
            }
            (_, Some(next)) => write!(
                f,
                "the topic was created again; the old one was read up to offset {first_lost}, the new one is read from {next}"
            ),
            (_, None) => {
                write!(f, "the topic was created again without this partition; it was read up to offset {first_lost}")
            }
        }
    }
}

impl SourceIdentity {
    /// The ids of a topic before and after it was created again: `self` is what was read, `now` what there is. Another
    /// cluster or another name is another input, and not the same one created again.
    pub fn created_again<'a>(&'a self, now: &'a Self) -> Option<(&'a str, &'a str)> {
        match (self, now) {
            (
                Self::Kafka { cluster_id: cluster_before, topic: topic_before, topic_id: Some(before) },
                Self::Kafka { cluster_id, topic, topic_id: Some(after) },
            ) if (cluster_before, topic_before) == (cluster_id, topic) && before != after => Some((before, after)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_topic_of_the_same_cluster_is_created_again() {
        let kafka = |cluster: &str, topic: &str, id: Option<&str>| SourceIdentity::Kafka {
            cluster_id: cluster.to_owned(),
            topic: topic.to_owned(),
            topic_id: id.map(str::to_owned),
        };
        let before = kafka("c", "t", Some("a"));
        assert_eq!(before.created_again(&kafka("c", "t", Some("b"))), Some(("a", "b")));
        for other in [
            before.clone(),
            kafka("c", "t", None),
            kafka("d", "t", Some("b")),
            kafka("c", "u", Some("b")),
            SourceIdentity::Csv { files: Vec::new() },
        ] {
            assert_eq!(before.created_again(&other), None, "{other}");
        }
    }
}
