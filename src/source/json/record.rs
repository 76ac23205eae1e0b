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
        self.items.is_some()
    }

    /// The items of a response.
    pub(super) fn take_items(&mut self) -> Result<Vec<&'a RawValue>, Refusal> {
        self.plain.check_once()?;
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
        if self.item.is_some() { self.judge_item(wanted) } else { self.plain.judge(wanted) }
    }

    /// What it says as an item, of which only the video's id and the parts are looked at.
    pub(super) fn judge_item(&mut self, wanted: &Wanted) -> Result<Word, Refusal> {
        self.plain.check_once()?;
        let mut item = self.item.take().unwrap_or_default();
        for id in [self.id.take(), self.plain.take(Field::VideoId)].into_iter().flatten() {
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
    match if videos { Field::of_videos(name) } else { Field::of_snapshots(name) } {
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
