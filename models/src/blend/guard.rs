//! A guard over a blend with a network: where the naive forecasts alone do better on a video, they take over.
//!
//! A network may be wrong about one video for good, and a blend that weighs it among many members takes days to find out. Between
//! two it is found out within a few known actuals: Hedge again (see [`super::Hedge`]), with the full blend and that of the naive
//! members for its two experts, and steep.

use viewtide_dataflows::snapshot::EventTime;

use super::hedge::{LOSS_MIN, SHARED_OUT, fade};
use super::stored::{double, time};

/// What the full blend weighs before anything is learned.
const PRIOR: f64 = 0.9;

/// How much steeper than [`super::Hedge`]'s the weights fall with what is missed.
const STEEPNESS: f64 = 16.0;

/// What one guard knows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Guard {
    /// Sum of the full blend's absolute errors, fading.
    full: f64,
    /// The same of the naive blend's.
    naive: f64,
    /// How many errors are in each sum, fading alike.
    count: f64,
    /// When the newest of them was learned, microseconds.
    learned_at: EventTime,
}

impl Guard {
    /// Numbers that it is stored as.
    pub(super) const NUMBERS: usize = 4;

    pub(super) fn numbers(&self) -> [u64; Self::NUMBERS] {
        [self.full.to_bits(), self.naive.to_bits(), self.count.to_bits(), self.learned_at as u64]
    }

    pub(super) fn of_numbers(numbers: &mut impl Iterator<Item = u64>) -> Self {
        Self { full: double(numbers), naive: double(numbers), count: double(numbers), learned_at: time(numbers) }
    }

    /// The share of the full blend in what is issued, within 0 and 1.
    pub fn share(&self) -> f64 {
        if self.count <= 0.0 {
            return PRIOR;
        }
        let [full, naive] = [self.full, self.naive].map(|loss| loss / self.count);
        let best = full.min(naive);
        let weight = |loss: f64| (-STEEPNESS * self.count.sqrt() * (loss - best) / best.max(LOSS_MIN)).exp();
        let [full, naive] = [PRIOR * weight(full), (1.0 - PRIOR) * weight(naive)];
        (1.0 - SHARED_OUT) * full / (full + naive) + SHARED_OUT * PRIOR
    }

    /// Learns at a time by how much each of the two was off.
    pub fn learn(&mut self, full: f64, naive: f64, at: EventTime) {
        let fade = fade(self.count, self.learned_at, at);
        self.full = self.full * fade + full;
        self.naive = self.naive * fade + naive;
        self.count = self.count * fade + 1.0;
        self.learned_at = self.learned_at.max(at);
    }
}
