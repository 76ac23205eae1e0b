//! A CSV row as a record in the plain JSON form.

use std::io::Write;

use viewtide_dataflows::snapshot::EventTime;

use crate::source::csv_file::Columns;
use crate::source::csv_rows::Row;
use crate::source::field::Field;
use crate::source::refusal::Refusal;
use crate::source::times::event_time_of;

/// Digits that are sent as a number; more are sent as text, since not every reader of JSON keeps larger numbers whole.
const NUMBER_DIGITS_MAX: usize = 15;

/// Makes records of rows; keeps its memory from row to row.
pub(super) struct Encoder {
    columns: Columns,
    value: Vec<u8>,
}

/// A record.
pub(super) struct Encoded<'a> {
    /// The video's id as it stands in the row; absent where it is empty.
    pub(super) key: Option<&'a [u8]>,
    /// The plain JSON form.
    pub(super) value: &'a [u8],
    /// The event time, if it is one.
    pub(super) event_time: Option<EventTime>,
}

impl Encoder {
    pub(super) fn new(columns: Columns) -> Self {
        Self { columns, value: Vec::new() }
    }

    /// The record of a row.
    ///
    /// # Errors
    /// Why the row has no fields that could be sent.
    pub(super) fn encode<'a>(&'a mut self, row: &Row<'a>) -> Result<Encoded<'a>, Refusal> {
        // Checks that there are fields, and that they are text.
        drop(self.columns.fields(row)?);
        self.value.clear();
        let mut encoded_time = None;
        for field in Field::ALL {
            let text = self.columns.place(field).and_then(|column| row.field(column)).unwrap_or_default();
            let Ok(text) = std::str::from_utf8(text) else { continue };
            // An empty field is an absent one, in CSV as in JSON.
            if text.is_empty() {
                continue;
            }
            self.value.push(if self.value.is_empty() { b'{' } else { b',' });
            self.put(field, text);
            // Where there are both, the timestamp counts, which comes first.
            let is_time = matches!(field, Field::Timestamp | Field::TrendingDate);
            if is_time && encoded_time.is_none() {
                encoded_time = Some(event_time_of(field, text).ok());
            }
        }
        if self.value.is_empty() {
            self.value.push(b'{');
        }
        self.value.push(b'}');
        let key = self.columns.place(Field::VideoId).and_then(|column| row.field(column));
        Ok(Encoded { key: key.filter(|key| !key.is_empty()), value: &self.value, event_time: encoded_time.flatten() })
    }

    fn put(&mut self, field: Field, text: &str) {
        let name = field.name();
        let is_number = Field::COUNTS.contains(&field)
            && text.len() <= NUMBER_DIGITS_MAX
            && text.bytes().all(|byte| byte.is_ascii_digit())
            && (text == "0" || !text.starts_with('0'));
        // Writing into memory does not fail, nor does text as JSON.
        let _ = write!(self.value, "\"{name}\":");
        if is_number {
            self.value.extend_from_slice(text.as_bytes());
        } else {
            let _ = serde_json::to_writer(&mut self.value, text);
        }
    }
}
