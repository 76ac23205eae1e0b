//! Values as a form (JSON, CSV) gives them.

use std::borrow::Cow;
use std::fmt;

use crate::limits::SHOWN_CHARS_MAX;

/// A value as a form gives it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Absent on purpose.
    Null,
    /// Text; empty text is as good as NULL.
    Text(Cow<'a, str>),
    /// A whole number.
    Whole(u64),
    /// A whole number below 0.
    Negative(i64),
    /// A number with a fraction or an exponent, or one beyond 64 bits.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// A list.
    List,
    /// An object.
    Object,
}

impl Value<'_> {
    /// Whether it is as good as absent.
    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Null) || matches!(self, Self::Text(text) if text.is_empty())
    }
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Text(text) => f.write_str(&shown(text)),
            Self::Whole(number) => fmt::Display::fmt(number, f),
            Self::Negative(number) => fmt::Display::fmt(number, f),
            Self::Float(number) => fmt::Debug::fmt(number, f),
            Self::Bool(value) => fmt::Display::fmt(value, f),
            Self::List => f.write_str("a list"),
            Self::Object => f.write_str("an object"),
        }
    }
}

/// `text` made fit for a message: control characters escaped (a NUL would not go into Postgres), and shortened.
pub fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len().min(4 * SHOWN_CHARS_MAX));
    let mut chars = text.chars();
    shown.extend(chars.by_ref().take(SHOWN_CHARS_MAX).flat_map(char::escape_debug));
    if chars.next().is_some() {
        shown.push_str("...");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_value_is_shown_shortened() {
        let long = "x".repeat(100_000);
        let reason = Value::Text(Cow::Owned(long)).to_string();
        assert_eq!(reason, format!("{}...", "x".repeat(SHOWN_CHARS_MAX)));
    }

    #[test]
    fn a_value_is_shown_so_that_any_text_column_takes_it() {
        assert_eq!(Value::Text(Cow::Borrowed("a\0b\n")).to_string(), "a\\0b\\n");
    }
}
