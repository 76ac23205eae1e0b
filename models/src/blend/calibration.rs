//! Widths of the 80 % intervals, calibrated online.
//!
//! Adaptive conformal inference (Gibbs & Candes 2021, <https://arxiv.org/abs/2106.00170>), on the logarithm of a factor for each
//! side: an actual outside makes its side wider, one inside a little narrower, so that in the long run each side misses one in
//! ten, whatever the widths are that it starts from.

use super::stored::double;

/// How many actuals each side shall miss.
const MISSED: f64 = 0.1;

/// How far an actual moves the logarithm of a side's factor, by the part of it that was not expected: up by 0.045 where it is missed,
/// down by 0.005 where not. A day ahead two dozen forecasts are on their way when the first of them turns out bad; larger steps
/// would make the widths swing.
const STEP: f64 = 0.05;

/// An interval reaches at least so far to each side: counts are whole.
pub const HALF_WIDTH_MIN: f64 = 0.5;

/// Factors stay within e^-5 to e^5: what is beyond says that the widths before them are no widths.
const LOG_FACTOR_MAX: f64 = 5.0;

/// What one blend knows of its intervals.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Calibration {
    /// Logarithms of what the lower and the upper half width are multiplied by.
    log_factors: [f64; 2],
}

impl Calibration {
    /// Numbers that it is stored as.
    pub(super) const NUMBERS: usize = 2;

    pub(super) fn numbers(&self) -> [u64; Self::NUMBERS] {
        self.log_factors.map(f64::to_bits)
    }

    pub(super) fn of_numbers(numbers: &mut impl Iterator<Item = u64>) -> Self {
        Self { log_factors: std::array::from_fn(|_| double(numbers)) }
    }

    /// What the half widths below and above are multiplied by.
    pub fn factors(&self) -> [f64; 2] {
        self.log_factors.map(f64::exp)
    }

    /// Learns that `gain` came of what was forecast with this interval.
    pub fn learn(&mut self, [low, high]: [f64; 2], gain: f64) {
        for (log_factor, missed) in self.log_factors.iter_mut().zip([gain < low, gain > high]) {
            let step = STEP * (f64::from(u8::from(missed)) - MISSED);
            *log_factor = (*log_factor + step).clamp(-LOG_FACTOR_MAX, LOG_FACTOR_MAX);
        }
    }
}
