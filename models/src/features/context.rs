//! What is joined to the network's last state.

use std::f64::consts::TAU;

use viewtide_dataflows::snapshot::HOUR_US;

use super::FeatureSet;
use super::distribution::Distribution;
use super::rates::{Recent, Sums};
use super::scale::ln_1p;
use super::window::level_channel;
use crate::naive::{median, weighted_mean};
use crate::task::{DAY_STEPS as DAY, HORIZONS_HOURS, MEMORY_STEPS, Origin, Steps, WINDOW_STEPS};

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

/// Hour of day, age, three of each counter, parts of the past.
pub(super) const LEVELS_LEN: usize = 2 + 1 + 3 * 3 + LEVEL_PARTS.len();

/// Steps of a day, same hours, parts of the past, weighted means and the median, distributions.
pub(super) const LAGS_LEN: usize =
    DAY + DAYS_BACK.len() * HORIZONS_HOURS.len() + LAG_PARTS.len() + TAUS.len() + 1 + 3 * DISTRIBUTIONS.len();

/// Hour of day as sine and cosine, and age.
pub(super) fn moment(origin: &Origin) -> [f64; 3] {
    let hour = origin.time.rem_euclid(DAY as i64 * HOUR_US) as f64 / (DAY as i64 * HOUR_US) as f64;
    [(TAU * hour).sin(), (TAU * hour).cos(), ln_1p(origin.age_hours.min(AGE_HOURS_MAX)) / 4.0 - 1.3]
}

/// Appends the context: `counters` begin with the one that is forecast, which has all steps of its window; `steps` are its own.
pub(super) fn append(moment: [f64; 3], counters: [&Recent; 3], steps: &Steps, set: FeatureSet, context: &mut Vec<f32>) {
    context.reserve(set.context_len());
    let mut push = |value: f64| context.push(value as f32);
    moment.into_iter().for_each(&mut push);
    for Recent { level, size, .. } in counters {
        push(level.map_or(0.0, level_channel));
        push(size.map_or(0.0, |size| size / 5.0 - 2.0));
        push(level.zip(*size).map_or(0.0, |(level, size)| (size - level) / 4.0));
    }
    let sums = Sums::of(steps);
    let parts = LEVEL_PARTS.map(|(from, to)| sums.mean(from..to));
    parts.iter().for_each(|rate| push(counters[0].deviation(*rate)));
    if set == FeatureSet::Lags {
        append_lags(counters[0], steps, &sums, &mut push);
    }
}

fn append_lags(recent: &Recent, steps: &Steps, sums: &Sums, push: &mut impl FnMut(f64)) {
    recent.deviations.iter().for_each(|deviation| push(lag(*deviation)));
    let mut push_rates = |rates: &[f64]| rates.iter().for_each(|rate| push(lag(recent.deviation(*rate))));
    for hours in HORIZONS_HOURS.map(|hours| hours as usize) {
        push_rates(&DAYS_BACK.map(|days| sums.mean(days * DAY - hours..days * DAY)));
    }
    push_rates(&LAG_PARTS.map(|(from, to)| sums.mean(from..to)));
    push_rates(&TAUS.map(|tau| weighted_mean(steps, tau).unwrap_or(f64::NAN)));
    push_rates(&[median(&steps[..DAY]).unwrap_or(f64::NAN)]);
    let deviations = recent.deviations(steps);
    for hours in DISTRIBUTIONS {
        let Distribution { spread, maximum, quiet } = Distribution::of(&steps[..hours], &deviations[..hours]);
        push(lag(spread));
        push(lag(maximum));
        push(quiet - 0.5);
    }
}

/// A deviation or a spread as a network is given it beside the levels.
fn lag(deviation: f64) -> f64 {
    (deviation / LAG_SCALE).clamp(-LAG_MAX, LAG_MAX)
}
