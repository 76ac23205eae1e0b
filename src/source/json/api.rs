//! An item of the YouTube Data API as `videos.list` returns it: `id`, and the parts `statistics` and `snippet`.
//!
//! Counts are strings there. `likeCount` is absent where likes are hidden, `commentCount` where comments are off. Nothing
//! in an item tells when it was fetched: that is when its record arrived, unless a collector put fields of the plain form beside
//! the parts. Those count as if they stood in them.

use viewtide_dataflows::metadata::Metadata;
use viewtide_dataflows::snapshot::Counts;

use super::{Refusal, Wanted, Word};
use crate::source::field::Field;
use crate::source::fields::Fields;
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
    /// The fields of both parts, and those beside them.
    pub(super) fields: Fields<'a>,
    parts: [Option<Value<'a>>; 2],
}

impl<'a> ApiItem<'a> {
    /// Takes note that `part` was there; its fields, if it had any, are in `fields`.
    pub(super) fn put(&mut self, part: Part, value: Value<'a>) {
        if self.parts[part as usize].replace(value).is_some() {
            match part {
                Part::Statistics => self.fields.twice(part.name()),
                Part::Snippet => self.fields.metadata_twice(part.name()),
            }
        }
    }

    /// Whether there is a part that is not null, which makes it an item.
    pub(super) fn has_parts(&self) -> bool {
        self.parts.iter().flatten().any(|value| !value.is_null())
    }

    /// What it says. Counts that are malformed take the snippet with them, but not the other way round.
    pub(super) fn judge(&self, wanted: &Wanted) -> Result<Word, Refusal> {
        self.fields.check_once()?;
        let video = self.fields.video()?;
        let metadata = self.metadata();
        let Wanted::Snapshots(horizon) = wanted else {
            return metadata?.map(|metadata| Word::of_video(video, metadata)).ok_or(Refusal::NoSnippet);
        };
        let Some(counts) = self.counts()? else {
            return metadata?.map(|metadata| Word::of_video(video, metadata)).ok_or(Refusal::NothingSaid);
        };
        let time = match self.fields.time(horizon)? {
            Some(time) => time,
            None => horizon.arrival()?,
        };
        Ok(Word::of_snapshot(video, self.fields.observation(time, counts)?, metadata))
    }

    /// A snippet is a word on the video even where it is empty.
    fn metadata(&self) -> Result<Option<Metadata>, Refusal> {
        let is_said = self.has(Part::Snippet)? || self.fields.has_metadata();
        if is_said { self.fields.metadata().map(Some) } else { Ok(None) }
    }

    fn counts(&self) -> Result<Option<Counts>, Refusal> {
        self.has(Part::Statistics)?;
        self.fields.counts()
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
