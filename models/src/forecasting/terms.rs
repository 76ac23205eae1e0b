//! What a forecast adds to sums of scores: integers, so that sums are exact in any order, and a term can be taken out again.

use std::ops::{AddAssign, SubAssign};

use super::row::CounterForecast;
use crate::blend::{Basis, GAINS, NAIVE_MEMBERS};
use crate::naive::Naive;

/// Sums over forecasts of one counter, horizon and model. With a for what a counter gained by the target, p for the gain that was
/// forecast, and e = p - a.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// Forecasts whose actual is known.
    pub forecasts: i128,
    /// Of |e|.
    pub absolute_errors: i128,
    /// Of e^2.
    pub squared_errors: i128,
    /// Of a.
    pub gains: i128,
    /// Of |a|.
    pub absolute_gains: i128,
    /// Of a^2.
    pub squared_gains: i128,
    /// Forecasts of which a is not 0.
    pub with_gain: i128,
    /// Of |e / a| in millionths of a percent, each half to even, where a is not 0.
    pub relative_errors: i128,
    /// Forecasts whose gain over as many hours before the origin is known.
    pub with_last_increment: i128,
    /// Of them those that came out on the side of that gain that was forecast.
    pub right_directions: i128,
    /// Forecasts with an interval.
    pub with_interval: i128,
    /// Of them those whose actual lies in it.
    pub covered: i128,
}

/// A hundred percent, in millionths of one.
const PERCENT_MILLIONTHS: i128 = 100 * 1_000_000;

impl Terms {
    /// Numbers of terms.
    pub const LEN: usize = 12;

    /// All of them, in the order of the fields.
    pub fn numbers(mut self) -> [i128; Self::LEN] {
        self.numbers_mut().map(|number| *number)
    }

    fn numbers_mut(&mut self) -> [&mut i128; Self::LEN] {
        [
            &mut self.forecasts,
            &mut self.absolute_errors,
            &mut self.squared_errors,
            &mut self.gains,
            &mut self.absolute_gains,
            &mut self.squared_gains,
            &mut self.with_gain,
            &mut self.relative_errors,
            &mut self.with_last_increment,
            &mut self.right_directions,
            &mut self.with_interval,
            &mut self.covered,
        ]
    }

    /// Whether nothing is left of the sums.
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    fn of(forecast: &CounterForecast, said: i64, actual: i64, interval: Option<[i64; 2]>) -> Self {
        let [gain, said] = [actual - forecast.base, said].map(i128::from);
        let error = said - gain;
        let last_increment = forecast.last_increment.get().map(i128::from);
        let is_right = |last: i128| (said - last).signum() == (gain - last).signum();
        let covers = |[low, high]: [i64; 2]| i128::from(low) <= gain && gain <= i128::from(high);
        Self {
            forecasts: 1,
            absolute_errors: error.abs(),
            squared_errors: error * error,
            gains: gain,
            absolute_gains: gain.abs(),
            squared_gains: gain * gain,
            with_gain: i128::from(gain != 0),
            relative_errors: if gain == 0 { 0 } else { half_to_even(error.abs() * PERCENT_MILLIONTHS, gain.abs()) },
            with_last_increment: i128::from(last_increment.is_some()),
            right_directions: i128::from(last_increment.is_some_and(is_right)),
            with_interval: i128::from(interval.is_some()),
            covered: i128::from(interval.is_some_and(covers)),
        }
    }
}

impl AddAssign<&Self> for Terms {
    fn add_assign(&mut self, other: &Self) {
        self.numbers_mut().into_iter().zip(other.numbers()).for_each(|(sum, term)| *sum += term);
    }
}

impl SubAssign<&Self> for Terms {
    fn sub_assign(&mut self, other: &Self) {
        self.numbers_mut().into_iter().zip(other.numbers()).for_each(|(sum, term)| *sum -= term);
    }
}

/// `dividend` / `divisor`, which are not negative, half to even.
fn half_to_even(dividend: i128, divisor: i128) -> i128 {
    let (quotient, twice_rest) = (dividend / divisor, dividend % divisor * 2);
    match twice_rest.cmp(&divisor) {
        std::cmp::Ordering::Less => quotient,
        std::cmp::Ordering::Equal => quotient + quotient % 2,
        std::cmp::Ordering::Greater => quotient + 1,
    }
}

/// Whose forecast it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ModelName {
    /// What was issued, whoever made it.
    Issued,
    /// What was issued on this basis, by a model of this version.
    Made(Basis, u32),
    /// The member of this index among the gains that are kept.
    Member(u8),
}

/// As columns name naive members.
fn naive_name(naive: Naive) -> &'static str {
    match naive {
        Naive::LastValue => "last_value",
        Naive::LastIncrement => "last_increment",
        Naive::Mean10 => "mean_10",
        Naive::Mean24 => "mean_24",
        Naive::Mean72 => "mean_72",
        Naive::Median24 => "median_24",
        Naive::SameHoursYesterday => "same_hours_yesterday",
        Naive::Ewma3 => "ewma_3",
        Naive::Ewma6 => "ewma_6",
        Naive::Ewma12 => "ewma_12",
        Naive::PowerLaw => "power_law",
        Naive::GrowthTrend => "growth_trend",
    }
}

/// The names of the gains that are kept of a forecast, in their order.
pub fn member_names() -> [&'static str; GAINS] {
    let blends = ["blend_of_all", "blend_of_naives"];
    let mut names = ["lstm"].into_iter().chain(NAIVE_MEMBERS.map(naive_name)).chain(blends);
    std::array::from_fn(|_| names.next().unwrap_or_default())
}

impl std::fmt::Display for ModelName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Issued => f.write_str("issued"),
            Self::Made(Basis::Blend, version) => write!(f, "blend:{version}"),
            Self::Made(Basis::Trend, _) => f.write_str("trend"),
            Self::Made(Basis::LastValue, _) => f.write_str("last_value"),
            Self::Member(index) => write!(f, "member:{}", member_names()[usize::from(*index)]),
        }
    }
}

impl CounterForecast {
    /// Who made it.
    pub fn model(&self) -> ModelName {
        ModelName::Made(self.basis, self.model_version)
    }

    /// What it adds to sums of scores where the count came to be `actual`: as it was issued, and each member's word.
    pub fn terms(&self, actual: i64) -> impl Iterator<Item = (ModelName, Terms)> {
        let kept = &self.outstanding;
        let issued = Terms::of(self, kept.gain, actual, Some(kept.interval));
        let members = (0..).zip(kept.gains).filter(|(_, gain)| !gain.is_nan());
        let of_member = move |(index, gain): (u8, f32)| {
            let said = f64::from(gain).round_ties_even() as i64;
            (ModelName::Member(index), Terms::of(self, said, actual, None))
        };
        [(ModelName::Issued, issued), (self.model(), issued)].into_iter().chain(members.map(of_member))
    }
}
