//! One object, read once, whatever its shape turns out to be.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::api::{ApiItem, Part};
use super::given::{Elements, Given, Name};
use super::{RESPONSE_ITEMS_MAX, Refusal, Wanted, Word};
use crate::source::field::Field;
use crate::source::fields::Fields;
use crate::source::value::Value;

/// What makes a snapshot. A list of items beside one of them leaves open what the record is.
const BESIDE_NO_ITEMS: [Field; 6] =
    [Field::VideoId, Field::Timestamp, Field::TrendingDate, Field::ViewCount, Field::LikeCount, Field::CommentCount];

/// What an object has of each shape.
#[derive(Default)]
pub(super) struct Record<'a> {
    /// The fields of the plain form.
    plain: Fields<'a>,
    /// What names the video of an item.
    id: Option<Value<'a>>,
    /// The parts of an item; boxed, since most records are plain.
    item: Option<Box<ApiItem<'a>>>,
    /// The items of a response, and of which kind they are.
    items: Option<Box<(Value<'a>, Elements<'a>)>>,
}

impl<'a> Record<'a> {
    /// Whether it is a response of the YouTube Data API.
    pub(super) fn is_response(&self) -> bool {
        self.items.as_ref().is_some_and(|items| !items.0.is_null())
    }

    /// The items of a response.
    pub(super) fn take_items(&mut self) -> Result<Vec<&'a RawValue>, Refusal> {
        self.plain.check_once()?;
        let field = BESIDE_NO_ITEMS.into_iter().find(|field| self.plain.given(*field).is_some());
        let part = self.has_parts().then_some("a part of an item");
        if let Some(beside) = field.map(Field::name).or(part) {
            return Err(Refusal::BesideItems(beside));
        }
        match self.items.take().map(|items| *items) {
            Some((Value::List, Elements { count, .. })) if count > RESPONSE_ITEMS_MAX => {
                Err(Refusal::TooManyItems { items: count })
            }
            Some((Value::List, Elements { kept, .. })) => Ok(kept),
            Some((other, _)) => Err(Refusal::WrongPart { part: "items", expected: "a list", value: other.to_string() }),
            None => Ok(Vec::new()),
        }
    }

    /// What it says, in the plain form or as an item.
    pub(super) fn judge(&mut self, wanted: &Wanted) -> Result<Word, Refusal> {
        if self.has_parts() { self.judge_item(wanted) } else { self.plain.judge(wanted) }
    }

    /// What it says as an element of a response, which is an item or nothing: the plain form is a record of its own.
    pub(super) fn judge_element(&mut self, wanted: &Wanted) -> Result<Word, Refusal> {
        if !self.has_parts() {
            self.plain.keep_only(Field::VideoId);
        }
        self.judge_item(wanted)
    }

    fn has_parts(&self) -> bool {
        self.item.as_ref().is_some_and(|item| item.has_parts())
    }

    /// What it says as an item: its parts, and the fields beside them as if they stood in these.
    fn judge_item(&mut self, wanted: &Wanted) -> Result<Word, Refusal> {
        let mut item = self.item.take().unwrap_or_default();
        item.fields.put_all(std::mem::take(&mut self.plain));
        if let Some(id) = self.id.take() {
            item.fields.put(Field::VideoId, id);
        }
        item.judge(wanted)
    }
}

/// Reads a [`Record`], in place: it is large to be handed on.
pub(super) struct RecordSeed<'r, 'a> {
    /// Whether videos are wanted, and not snapshots.
    pub(super) videos: bool,
    /// Empty as yet.
    pub(super) record: &'r mut Record<'a>,
}

/// What a name means.
enum Key {
    Plain(Field),
    Id,
    Part(Part),
    Items,
    Unknown,
}

#[inline]
fn key(videos: bool, name: &[u8]) -> Key {
    match if videos { Field::of_videos(name) } else { Field::named(name) } {
        Some(field) => Key::Plain(field),
        None => match name {
            b"id" => Key::Id,
            b"statistics" => Key::Part(Part::Statistics),
            b"snippet" => Key::Part(Part::Snippet),
            b"items" => Key::Items,
            _ => Key::Unknown,
        },
    }
}

impl<'de> DeserializeSeed<'de> for RecordSeed<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RecordSeed<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { videos, record } = self;
        while let Some(key) = map.next_key_seed(Name(|name: &[u8]| key(videos, name)))? {
            match key {
                Key::Plain(field) => record.plain.put(field, map.next_value_seed(Given::Whole)?),
                Key::Unknown => drop(map.next_value::<IgnoredAny>()?),
                Key::Id => {
                    if record.id.replace(map.next_value_seed(Given::Whole)?).is_some() {
                        record.plain.twice(Field::VideoId.name());
                    }
                }
                Key::Part(part) => {
                    let item = record.item.get_or_insert_default();
                    let value = map.next_value_seed(Given::Object(&mut item.fields, part.fields()))?;
                    item.put(part, value);
                }
                Key::Items => {
                    let mut elements = Elements::default();
                    let value = map.next_value_seed(Given::List(&mut elements))?;
                    if record.items.replace(Box::new((value, elements))).is_some() {
                        record.plain.twice("items");
                    }
                }
            }
        }
        Ok(())
    }
}
