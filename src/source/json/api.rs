//! An item of the YouTube Data API as `videos.list` returns it: `id`, and the parts `statistics` and `snippet`.
//!
//! Counts are strings there. `likeCount` is absent where likes are hidden, `commentCount` where comments are off. Nothing
//! in an item tells when it was fetched: that is when its record arrived.

use viewtide_dataflows::snapshot::Snapshot;

use super::{Refusal, Wanted, Word};
use crate::source::field::Field;
use crate::source::fields::{Fields, Observation};
use crate::source::value::Value;

/// A part of an item that is looked into.
#[derive(Clone, Copy)]
pub(super) enum Part {
    /// The counts.
    Statistics,
    /// Title, channel, category.
    Snippet,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::Statistics => "statistics",
            Self::Snippet => "snippet",
        }
    }

    /// Its fields by the names that the API gives them.
    pub(super) fn fields(self) -> fn(&[u8]) -> Option<Field> {
        match self {
            Self::Statistics => |name| match name {
                b"viewCount" => Some(Field::ViewCount),
                b"likeCount" => Some(Field::LikeCount),
                b"commentCount" => Some(Field::CommentCount),
                _ => None,
            },
            Self::Snippet => |name| match name {
                b"title" => Some(Field::Title),
                b"channelId" => Some(Field::ChannelId),
                b"channelTitle" => Some(Field::ChannelTitle),
                b"categoryId" => Some(Field::CategoryId),
                b"publishedAt" => Some(Field::PublishedAt),
                _ => None,
            },
        }
    }
}

/// The parts of an item.
#[derive(Default)]
pub(super) struct ApiItem<'a> {
    /// The fields of both parts.
    pub(super) fields: Fields<'a>,
    parts: [Option<Value<'a>>; 2],
}

impl<'a> ApiItem<'a> {
    /// Takes note that `part` was there; its fields, if it had any, are in `fields`.
    pub(super) fn put(&mut self, part: Part, value: Value<'a>) {
        if self.parts[part as usize].replace(value).is_some() {
            self.fields.twice(part.name());
        }
    }

    /// What it says. A part that is malformed takes the other one with it.
    pub(super) fn judge(&self, wanted: &Wanted) -> Result<Word, Refusal> {
        self.fields.check_once()?;
        let video = self.fields.video()?;
        let metadata = if self.has(Part::Snippet)? { Some(self.fields.metadata()?.into()) } else { None };
        let Wanted::Snapshots(horizon) = wanted else {
            return metadata
                .map(|metadata| Word { video, observation: None, metadata: Some(metadata) })
                .ok_or(Refusal::NoSnippet);
        };
        let counts = if self.has(Part::Statistics)? { self.fields.counts()? } else { None };
        let observation = match counts {
            Some(counts) => Some(Snapshot { time: horizon.arrival()?, counts }),
            None if metadata.is_none() => return Err(Refusal::NothingSaid),
            None => None,
        };
        let observation = observation.map(|snapshot| Observation { snapshot, file_source: None });
        Ok(Word { video, observation, metadata })
    }

    fn has(&self, part: Part) -> Result<bool, Refusal> {
        match &self.parts[part as usize] {
            Some(Value::Object) => Ok(true),
            None => Ok(false),
            Some(value) if value.is_null() => Ok(false),
            Some(value) => {
                Err(Refusal::WrongPart { part: part.name(), expected: "an object", value: value.to_string() })
            }
        }
    }
}
