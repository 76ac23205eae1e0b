//! Weights of the members of a blend, learned online from what each of them missed.
//!
//! Hedge (Freund & Schapire 1997, <https://doi.org/10.1006/jcss.1997.1504>) with losses that fade, relative to the best
//! member's: so it needs no unit, and follows a video that changes.

use viewtide_dataflows::snapshot::{EventTime, HOUR_US};

use super::MEMBERS;
use super::stored::{double, time};

/// Losses this old count half, hours.
const HALF_LIFE_HOURS: f64 = 48.0;

/// The share of all weight that is dealt out as before anything was learned, so that no member is ever lost.
pub(super) const SHARED_OUT: f64 = 0.01;

/// What is taken for the loss of the best member at least, counts: that of a counter that stands still is 0, and any excess over
/// 0 would decide everything.
pub(super) const LOSS_MIN: f64 = 0.1;

/// What one blend knows of its members, and of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Hedge {
    /// Sums of the members' absolute errors, fading.
    losses: [f64; MEMBERS],
    /// The same of the blend's errors, in widths that it was given.
    missed: f64,
    /// How many errors are in the sums, fading alike.
    count: f64,
    /// When the newest of them was learned, microseconds.
    learned_at: EventTime,
}

impl Hedge {
    /// Numbers that it is stored as.
    pub(super) const NUMBERS: usize = MEMBERS + 3;

    pub(super) fn numbers(&self) -> [u64; Self::NUMBERS] {
        let mut numbers = [0; Self::NUMBERS];
        let sums = self.losses.iter().chain([&self.missed, &self.count]);
        numbers.iter_mut().zip(sums).for_each(|(number, sum)| *number = sum.to_bits());
        numbers[MEMBERS + 2] = self.learned_at as u64;
        numbers
    }

    pub(super) fn of_numbers(numbers: &mut impl Iterator<Item = u64>) -> Self {
        Self {
            losses: std::array::from_fn(|_| double(numbers)),
            missed: double(numbers),
            count: double(numbers),
            learned_at: time(numbers),
        }
    }

    /// The weights of the members; 0 for those that are not there. They sum to 1 unless none is. `prior` is what each weighs
    /// before anything is learned.
    pub fn weights(&self, there: &[bool; MEMBERS], prior: &[f64; MEMBERS]) -> [f64; MEMBERS] {
        let mut prior: [f64; MEMBERS] = std::array::from_fn(|member| if there[member] { prior[member] } else { 0.0 });
        normalise(&mut prior);
        if self.count <= 0.0 {
            return prior;
        }
        let loss = |member: usize| self.losses[member] / self.count;
        let best = (0..MEMBERS).filter(|member| there[*member]).map(loss).fold(f64::INFINITY, f64::min);
        let excess = |member: usize| (loss(member) - best) / best.max(LOSS_MIN);
        let mut weights = std::array::from_fn(|member| match prior[member] {
            0.0 => 0.0,
            prior => prior * (-self.count.sqrt() * excess(member)).exp(),
        });
        normalise(&mut weights);
        std::array::from_fn(|member| (1.0 - SHARED_OUT) * weights[member] + SHARED_OUT * prior[member])
    }

    /// By how many of the widths that it was given the blend was off lately, as if it had been off by `prior` so many `times`
    /// before.
    pub fn missed(&self, prior: f64, times: f64) -> f64 {
        (self.missed + prior * times) / (self.count + times)
    }

    /// Learns at a time what each member missed, and by how many widths the blend was off.
    pub fn learn(&mut self, losses: &[f64; MEMBERS], missed: f64, at: EventTime) {
        let fade = fade(self.count, self.learned_at, at);
        for (sum, loss) in self.losses.iter_mut().zip(losses) {
            *sum = *sum * fade + loss;
        }
        self.missed = self.missed * fade + missed;
        self.count = self.count * fade + 1.0;
        self.learned_at = self.learned_at.max(at);
    }
}

/// What sums over `count` losses, the newest learned at one time, are worth at a later one.
pub(super) fn fade(count: f64, learned_at: EventTime, at: EventTime) -> f64 {
    let hours = at.saturating_sub(learned_at).max(0) as f64 / HOUR_US as f64;
    if count > 0.0 { (-hours / HALF_LIFE_HOURS).exp2() } else { 0.0 }
}

fn normalise(weights: &mut [f64; MEMBERS]) {
    let sum: f64 = weights.iter().sum();
    if sum > 0.0 {
        weights.iter_mut().for_each(|weight| *weight /= sum);
    }
}
