//! What is never shown.

use std::fmt;

/// A password or a key. Neither [`fmt::Debug`] nor anything else but [`Secret::reveal`] shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps `text`, which must not be empty.
    pub fn new(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        (!text.is_empty()).then_some(Self(text))
    }

    /// 192 random bits in hexadecimal.
    pub fn random() -> Self {
        Self(rand::random::<[u8; 24]>().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The text, for who is to get it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
