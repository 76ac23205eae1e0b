//! Values of any kind. Lists and objects are skipped, but for one that is looked into.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::limits::RESPONSE_ITEMS_MAX;
use crate::source::field::Field;
use crate::source::fields::Fields;
use crate::source::value::Value;

/// Reads a value, and how far it is looked into; text is borrowed where it has no escapes.
pub(super) enum Given<'f, 'a> {
    /// Not at all.
    Whole,
    /// Into an object, for fields by their names.
    Object(&'f mut Fields<'a>, fn(&[u8]) -> Option<Field>),
    /// Into a list, for its elements as they stand.
    List(&'f mut Elements<'a>),
}

/// The elements of a list.
#[derive(Default)]
pub(super) struct Elements<'a> {
    /// As many as one response may have.
    pub(super) kept: Vec<&'a RawValue>,
    /// How many there are.
    pub(super) count: usize,
}

impl<'de> DeserializeSeed<'de> for Given<'_, 'de> {
    type Value = Value<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Given<'_, 'de> {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Value::Whole(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(u64::try_from(value).map_or(Value::Negative(value), Value::Whole))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        if let Self::List(elements) = self {
            while elements.kept.len() < RESPONSE_ITEMS_MAX
                && let Some(element) = list.next_element()?
            {
                elements.kept.push(element);
            }
            elements.count += elements.kept.len();
            while list.next_element::<IgnoredAny>()?.is_some() {
                elements.count += 1;
            }
        } else {
            while list.next_element::<IgnoredAny>()?.is_some() {}
        }
        Ok(Value::List)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        if let Self::Object(fields, named) = self {
            while let Some(field) = object.next_key_seed(Name(named))? {
                match field {
                    Some(field) => fields.put(field, object.next_value_seed(Given::Whole)?),
                    None => drop(object.next_value::<IgnoredAny>()?),
                }
            }
        } else {
            while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        }
        Ok(Value::Object)
    }
}

/// Looks a name up without copying it.
pub(super) struct Name<F>(pub(super) F);

impl<'de, T, F: FnOnce(&[u8]) -> T> DeserializeSeed<'de> for Name<F> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<T, F: FnOnce(&[u8]) -> T> Visitor<'_> for Name<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<T, E> {
        Ok((self.0)(name.as_bytes()))
    }
}
