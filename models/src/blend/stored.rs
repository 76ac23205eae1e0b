//! What is learned of a video as bytes, so that a restart goes on as if there had been none.
//!
//! The version, then eight bytes a number, the least significant first: blend by blend, by metric, then horizon.

use super::forecaster::{BLENDS, Blend, Forecaster};
use super::{Calibration, Guard, Hedge};

/// Another number for every change of what is kept.
const VERSION: u8 = 1;

/// Numbers of a blend.
const NUMBERS: usize = Hedge::NUMBERS + Guard::NUMBERS + Calibration::NUMBERS;

/// Bytes that are not what a forecaster learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoredError {
    /// Of another version.
    #[error("what was learned is stored in version {found}, and this program reads version {VERSION}")]
    Version {
        /// Which one.
        found: u8,
    },
    /// Cut short, or something else.
    #[error("what was learned takes {} bytes, and {found} are stored", 1 + 8 * NUMBERS * BLENDS)]
    Length {
        /// How many there are.
        found: usize,
    },
}

impl Forecaster {
    /// All that was learned.
    pub fn to_bytes(&self) -> Box<[u8]> {
        let mut bytes = Vec::with_capacity(1 + 8 * NUMBERS * BLENDS);
        bytes.push(VERSION);
        for Blend { hedge, guard, calibration } in self.blends() {
            let mut put = |number: u64| bytes.extend(number.to_le_bytes());
            hedge.numbers().into_iter().for_each(&mut put);
            guard.numbers().into_iter().for_each(&mut put);
            calibration.numbers().into_iter().for_each(&mut put);
        }
        bytes.into()
    }

    /// A forecaster that has learned what `bytes` say.
    ///
    /// # Errors
    /// They are of another version, or too many or too few.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StoredError> {
        let length = StoredError::Length { found: bytes.len() };
        let (&found, numbers) = bytes.split_first().ok_or(length)?;
        if found != VERSION {
            return Err(StoredError::Version { found });
        }
        if numbers.len() != 8 * NUMBERS * BLENDS {
            return Err(length);
        }
        let mut numbers = numbers.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes));
        let mut forecaster = Self::default();
        for blend in forecaster.blends_mut() {
            *blend = Blend {
                hedge: Hedge::of_numbers(&mut numbers),
                guard: Guard::of_numbers(&mut numbers),
                calibration: Calibration::of_numbers(&mut numbers),
            };
        }
        Ok(forecaster)
    }
}

/// The next number, as a double.
pub(super) fn double(numbers: &mut impl Iterator<Item = u64>) -> f64 {
    f64::from_bits(numbers.next().unwrap_or_default())
}

/// The next number, as a time.
pub(super) fn time(numbers: &mut impl Iterator<Item = u64>) -> i64 {
    numbers.next().unwrap_or_default() as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blend::{MEMBERS, Members};
    use crate::naive::Past;
    use crate::task::Metric;

    #[test]
    fn what_is_read_is_what_was_learned() {
        let mut forecaster = Forecaster::default();
        let past = Past::with(1_000.0, 500.0, &[100.0, 90.0, 120.0, 70.0]);
        for hour in 0..7 {
            for (metric, horizon) in Metric::ALL.into_iter().zip([0, 2, 1]) {
                let issued = forecaster.issue(metric, horizon, 1_000.0, Members::naive(&past, 1));
                forecaster.learn(
                    metric,
                    horizon,
                    &issued.outstanding(1_000.0),
                    80.0 + f64::from(hour),
                    i64::from(hour),
                );
            }
        }
        let bytes = forecaster.to_bytes();
        assert_eq!(bytes.len(), 1 + 9 * 8 * (MEMBERS + 3 + 4 + 2));
        assert_eq!(Forecaster::from_bytes(&bytes), Ok(forecaster));
        assert_eq!(Forecaster::from_bytes(&bytes[1..]), Err(StoredError::Version { found: bytes[1] }));
        assert_eq!(Forecaster::from_bytes(&bytes[..9]), Err(StoredError::Length { found: 9 }));
        assert_eq!(Forecaster::from_bytes(&[]), Err(StoredError::Length { found: 0 }));
    }
}
