//! YouTube video ids.
//!
//! An id is 11 characters of base64url (RFC 4648, section 5) without padding. They carry 66 bits, of which the last two
//! are always zero, so an id is exactly 64 bits; kept as a `u64` it is lossless, `Copy`, and quick to route and
//! compare.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Characters in a video id.
pub const VIDEO_ID_CHARS: usize = 11;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const INVALID: u8 = 0xff;
const VALUE: [u8; 256] = {
    let mut value = [INVALID; 256];
    let mut index = 0;
    while index < ALPHABET.len() {
        value[ALPHABET[index] as usize] = index as u8;
        index += 1;
    }
    value
};

/// The place of each value's character among those of the alphabet in order of bytes.
const RANK: [u8; 64] = ranks(1);
/// Likewise of the last character's values, which are multiples of 4.
const LAST_RANK: [u8; 16] = ranks(4);
const OF_RANK: [u8; 64] = inverse(RANK);
const OF_LAST_RANK: [u8; 16] = inverse(LAST_RANK);

const fn ranks<const N: usize>(step: usize) -> [u8; N] {
    let mut ranks = [0; N];
    let mut index = 0;
    while index < N * N {
        let (value, other) = (index / N, index % N);
        ranks[value] += (ALPHABET[other * step] < ALPHABET[value * step]) as u8;
        index += 1;
    }
    ranks
}

const fn inverse<const N: usize>(ranks: [u8; N]) -> [u8; N] {
    let mut values = [0; N];
    let mut value = 0;
    while value < N {
        values[ranks[value] as usize] = value as u8;
        value += 1;
    }
    values
}

/// A YouTube video id, decoded to its 64 bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VideoId(pub u64);

/// Why a text is no video id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VideoIdError {
    /// It does not have 11 characters.
    Length,
    /// A character is not of the base64url alphabet.
    Character,
    /// The last character carries bits beyond the 64th (it must be one of `048AEIMQUYcgkosw`).
    LastCharacter,
}

impl fmt::Display for VideoIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Length => "a video id has 11 characters",
            Self::Character => "a video id is made of A-Z, a-z, 0-9, - and _",
            Self::LastCharacter => "the last character of a video id is one of 048AEIMQUYcgkosw",
        })
    }
}

impl std::error::Error for VideoIdError {}

impl VideoId {
    /// Decodes the 11 characters of an id.
    pub fn from_bytes(text: &[u8]) -> Result<Self, VideoIdError> {
        let text: &[u8; VIDEO_ID_CHARS] = text.try_into().map_err(|_| VideoIdError::Length)?;
        let mut bits: u64 = 0;
        for &byte in &text[..VIDEO_ID_CHARS - 1] {
            let value = VALUE[byte as usize];
            if value == INVALID {
                return Err(VideoIdError::Character);
            }
            bits = bits << 6 | u64::from(value);
        }
        let last = VALUE[text[VIDEO_ID_CHARS - 1] as usize];
        match last {
            INVALID => Err(VideoIdError::Character),
            last if last & 0b11 != 0 => Err(VideoIdError::LastCharacter),
            last => Ok(Self(bits << 4 | u64::from(last >> 2))),
        }
    }

    /// The id as YouTube writes it.
    pub fn to_chars(self) -> [u8; VIDEO_ID_CHARS] {
        let mut text = [0; VIDEO_ID_CHARS];
        for (index, char) in text[..VIDEO_ID_CHARS - 1].iter_mut().enumerate() {
            *char = ALPHABET[(self.0 >> (58 - 6 * index) & 0x3f) as usize];
        }
        text[VIDEO_ID_CHARS - 1] = ALPHABET[((self.0 & 0xf) << 2) as usize];
        text
    }

    /// A number that orders ids as their texts are ordered byte by byte, which the 64 bits do not: the alphabet is not
    /// in order of ASCII. Each id has one of its own.
    pub fn text_order(self) -> u64 {
        let ranks = |bits, index| bits << 6 | u64::from(RANK[(self.0 >> (58 - 6 * index) & 0x3f) as usize]);
        (0..VIDEO_ID_CHARS - 1).fold(0, ranks) << 4 | u64::from(LAST_RANK[(self.0 & 0xf) as usize])
    }

    /// The id with this [`Self::text_order`].
    pub fn from_text_order(order: u64) -> Self {
        let values = |bits, index| bits << 6 | u64::from(OF_RANK[(order >> (58 - 6 * index) & 0x3f) as usize]);
        Self((0..VIDEO_ID_CHARS - 1).fold(0, values) << 4 | u64::from(OF_LAST_RANK[(order & 0xf) as usize]))
    }
}

impl fmt::Display for VideoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.to_chars()).expect("the alphabet is ASCII"))
    }
}

impl fmt::Debug for VideoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for VideoId {
    type Err = VideoIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_bytes(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decodes_and_encodes_real_ids() {
        for id in ["x_BjvhMW9TE", "7tbWmYUZLX4", "dQw4w9WgXcQ", "Oi-piOr_9AY", "AAAAAAAAAAA"] {
            assert_eq!(id.parse::<VideoId>().unwrap().to_string(), id);
        }
        assert_eq!("AAAAAAAAAAA".parse(), Ok(VideoId(0)));
        assert_eq!("__________8".parse(), Ok(VideoId(u64::MAX)));
    }

    #[test]
    fn refuses_what_is_no_id() {
        for (text, error) in [
            ("", VideoIdError::Length),
            ("dQw4w9WgXc", VideoIdError::Length),
            ("dQw4w9WgXcQQ", VideoIdError::Length),
            ("dQw4w9WgXcR", VideoIdError::LastCharacter),
            ("dQw4w9WgXc+", VideoIdError::Character),
            ("dQw4 9WgXcQ", VideoIdError::Character),
            ("dQw4w9WgXé", VideoIdError::Character),
        ] {
            assert_eq!(text.parse::<VideoId>(), Err(error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_64_bits_are_one_id(bits: u64) {
            let id = VideoId(bits);
            prop_assert_eq!(VideoId::from_bytes(&id.to_chars()), Ok(id));
        }

        #[test]
        fn the_order_of_texts_is_that_of_bytes(a: u64, b: u64, shared in 0..64u32) {
            // Ids that share a prefix differ late, also in the last character alone.
            let b = VideoId(a ^ b.checked_shr(shared).unwrap_or(0));
            let a = VideoId(a);
            prop_assert_eq!(a.text_order().cmp(&b.text_order()), a.to_chars().cmp(&b.to_chars()));
            prop_assert_eq!(VideoId::from_text_order(a.text_order()), a);
        }
    }
}
