//! JSON records. Their shape tells what they are, without configuration: an object with `items` is a response of the YouTube
//! Data API, one with `statistics` or `snippet` an item of it, any other one the plain form. What is null is as absent.

mod api;
mod given;
mod record;

use serde::de::DeserializeSeed;

use super::fields::{Wanted, Word};
use super::refusal::Refusal;
use super::value::shown;
use crate::limits::{RECORD_BYTES_MAX, RESPONSE_ITEMS_MAX};
use record::{Record, RecordSeed};

/// What one item of a record says.
pub struct Item<'a> {
    /// Its number from 1 in a response; 0 is the whole record.
    pub number: u32,
    /// Its bytes.
    pub payload: &'a [u8],
    /// What it says, or why it is not taken.
    pub said: Result<Word, Refusal>,
}

/// Reads one record's value and hands its items to `each`, in their order; a response may have none.
pub fn read<'a>(payload: &'a [u8], wanted: &Wanted, mut each: impl FnMut(Item<'a>)) {
    let mut whole = |said| each(Item { number: 0, payload, said });
    let mut record = Record::default();
    if let Err(refusal) = text_of(payload).and_then(|text| parse(text, wanted, &mut record)) {
        return whole(Err(refusal));
    }
    if !record.is_response() {
        return whole(record.judge(wanted));
    }
    match record.take_items() {
        Ok(items) => {
            for (number, item) in (1..).zip(items) {
                let text = item.get();
                let mut item = Record::default();
                // Only the syntax of an item was looked at until now, and not what it is.
                let parsed = object(text).and_then(|text| parse(text, wanted, &mut item));
                let said = parsed.and_then(|()| item.judge_element(wanted));
                each(Item { number, payload: text.as_bytes(), said });
            }
        }
        Err(refusal) => whole(Err(refusal)),
    }
}

/// The text of a record, which is an object if it is JSON.
fn text_of(payload: &[u8]) -> Result<&str, Refusal> {
    if payload.is_empty() {
        return Err(Refusal::Empty);
    }
    if payload.len() > RECORD_BYTES_MAX {
        return Err(Refusal::TooLarge { bytes: payload.len() as u64 });
    }
    // Checked over the whole record first: serde_json would not look at the text of fields that it skips.
    let text = std::str::from_utf8(payload).map_err(|error| Refusal::NotUtf8 { at: error.valid_up_to() })?;
    object(text)
}

fn object(text: &str) -> Result<&str, Refusal> {
    match text.trim_ascii_start().chars().next().filter(|first| *first != '{') {
        Some(first) => Err(Refusal::NotAnObject(shown(first.encode_utf8(&mut [0; 4])))),
        None => Ok(text),
    }
}

fn parse<'a>(text: &'a str, wanted: &Wanted, record: &mut Record<'a>) -> Result<(), Refusal> {
    let mut json = serde_json::Deserializer::from_str(text);
    let seed = RecordSeed { videos: matches!(wanted, Wanted::Videos), record };
    seed.deserialize(&mut json).and_then(|()| json.end()).map_err(|error| Refusal::NotJson(error.to_string()))
}

#[cfg(test)]
mod api_tests;
#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod tests;
