//! What is joined to the network's last state.

use std::f64::consts::TAU;

use viewtide_dataflows::snapshot::HOUR_US;

use super::FeatureSet;
use super::rates::{Rates, scaled};
use super::window::level_channel;
use crate::naive::{median, weighted_mean};
use crate::task::{DAY_STEPS as DAY, HORIZONS_HOURS, MEMORY_STEPS, Origin, WINDOW_STEPS};

/// The age counts up to this, hours: beyond it would be a calendar date in disguise, and tell videos apart.
const AGE_HOURS_MAX: f64 = 168.0;

/// Parts of the past whose mean rates a network is given, hours back.
const LEVEL_PARTS: [(usize, usize); 8] =
    [(0, DAY), (0, 2 * DAY), (0, MEMORY_STEPS), (20, DAY), (18, DAY), (23, DAY), (20, 2 * DAY), (DAY, 2 * DAY)];

/// Likewise those that a tree is given beside the single steps.
const LAG_PARTS: [(usize, usize); 5] = [(0, 3), (0, 6), (0, 12), (0, 3 * DAY), (2 * DAY, MEMORY_STEPS)];

/// Days back whose same hours are looked at.
const DAYS_BACK: [usize; 3] = [1, 2, 7];

/// What exponentially weighted means fall by 1/e over, hours.
const TAUS: [f64; 3] = [3.0, 6.0, 12.0];

/// How far back the distribution of steps is looked at, hours.
const DISTRIBUTIONS: [usize; 2] = [WINDOW_STEPS, MEMORY_STEPS];

/// What a tree would be given is divided by the one and clipped to the other on both sides: deviations of single steps reach 13,
/// and a network that was trained on few such made a forecast explode.
const LAG_SCALE: f64 = 4.0;
const LAG_MAX: f64 = 2.5;

/// An hour that gains less than this is quiet.
const QUIET_BELOW: f64 = 0.5;

/// Hour of day, age, three of each counter, parts of the past.
pub(super) const LEVELS_LEN: usize = 2 + 1 + 3 * 3 + LEVEL_PARTS.len();

/// Steps of a day, same hours, parts of the past, weighted means and the median, distributions.
pub(super) const LAGS_LEN: usize =
    DAY + DAYS_BACK.len() * HORIZONS_HOURS.len() + LAG_PARTS.len() + TAUS.len() + 1 + 3 * DISTRIBUTIONS.len();

/// Appends the context: `counters` begin with the one that is forecast.
pub(super) fn append(origin: &Origin, counters: [&Rates; 3], set: FeatureSet, context: &mut Vec<f32>) {
    let mut push = |value: f64| context.push(value as f32);
    let hour = origin.time.rem_euclid(DAY as i64 * HOUR_US) as f64 / (DAY as i64 * HOUR_US) as f64;
    push((TAU * hour).sin());
    push((TAU * hour).cos());
    push(origin.age_hours.min(AGE_HOURS_MAX).ln_1p() / 4.0 - 1.3);
    for rates in counters {
        let (level, size) = (rates.level(), Some(rates.count).filter(|count| !count.is_nan()).map(f64::ln_1p));
        push(level.map_or(0.0, level_channel));
        push(size.map_or(0.0, |size| size / 5.0 - 2.0));
        push(level.zip(size).map_or(0.0, |(level, size)| (size - level) / 4.0));
    }
    let rates = counters[0];
    LEVEL_PARTS.iter().for_each(|(from, to)| push(rates.deviation(rates.mean(*from..*to))));
    if set == FeatureSet::Lags {
        append_lags(rates, &mut push);
    }
}

fn append_lags(rates: &Rates, push: &mut impl FnMut(f64)) {
    rates.deviations.iter().for_each(|deviation| push(lag(*deviation)));
    for hours in HORIZONS_HOURS.map(|hours| hours as usize) {
        for back in DAYS_BACK.map(|days| days * DAY) {
            push(lag(rates.deviation(rates.mean(back - hours..back))));
        }
    }
    LAG_PARTS.iter().for_each(|(from, to)| push(lag(rates.deviation(rates.mean(*from..*to)))));
    TAUS.iter().for_each(|tau| push(lag(rates.deviation(weighted_mean(&rates.steps, *tau)))));
    push(lag(rates.deviation(median(&rates.steps[..DAY]))));
    DISTRIBUTIONS.iter().for_each(|hours| append_distribution(rates, *hours, push));
}

/// Spread, maximum, and share of quiet hours of the steps that are there.
fn append_distribution(rates: &Rates, hours: usize, push: &mut impl FnMut(f64)) {
    let there = || rates.steps[..hours].iter().copied().filter(|step| !step.is_nan());
    let count = there().count().max(1) as f64;
    let (sum, squares) =
        there().map(scaled).fold((0.0, 0.0), |(sum, squares), step| (sum + step, squares + step * step));
    let mean = sum / count;
    push(lag((squares / count - mean * mean).max(0.0).sqrt()));
    push(lag(rates.deviation(there().reduce(f64::max))));
    push(there().filter(|step| step.abs() < QUIET_BELOW).count() as f64 / count - 0.5);
}

/// A deviation or a spread as a network is given it beside the levels.
fn lag(deviation: f64) -> f64 {
    (deviation / LAG_SCALE).clamp(-LAG_MAX, LAG_MAX)
}
