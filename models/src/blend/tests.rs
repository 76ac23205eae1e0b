//! The blend: what it learns, what its intervals hold, and what comes of bad input.

use proptest::prelude::*;
use viewtide_dataflows::snapshot::HOUR_US;

use super::hedge::Hedge;
use super::*;
use crate::naive::Past;
use crate::task::{HORIZONS_HOURS, Metric};

const ALL: [bool; MEMBERS] = [true; MEMBERS];
const EVEN: [f64; MEMBERS] = [1.0; MEMBERS];

fn losses(best: usize) -> [f64; MEMBERS] {
    std::array::from_fn(|member| if member == best { 1.0 } else { 2.0 })
}

#[test]
fn before_anything_is_learned_the_prior_holds_among_those_that_are_there() {
    let hedge = Hedge::default();
    let prior = std::array::from_fn(|member| if member == 0 { 8.0 } else { 1.0 });
    assert_eq!(hedge.weights(&ALL, &prior)[..2], [0.5, 1.0 / 16.0]);
    let mut there = ALL;
    there[0] = false;
    assert_eq!(hedge.weights(&there, &prior)[..2], [0.0, 0.125]);
    assert_eq!(hedge.weights(&[false; MEMBERS], &prior), [0.0; MEMBERS]);
}

#[test]
fn the_better_member_takes_over_and_the_others_keep_a_share() {
    let mut hedge = Hedge::default();
    (0..100).for_each(|hour| hedge.learn(&losses(3), 0.0, hour * HOUR_US));
    let weights = hedge.weights(&ALL, &EVEN);
    assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    assert!(weights[3] > 0.98, "{weights:?}");
    assert!(weights[4] >= 0.01 / MEMBERS as f64, "{weights:?}");
    // Another one is better from then on: what is old fades, and it takes over within three half-lives.
    (100..316).for_each(|hour| hedge.learn(&losses(5), 0.0, hour * HOUR_US));
    let weights = hedge.weights(&ALL, &EVEN);
    assert!(weights[5] > 0.9, "{weights:?}");
}

#[test]
fn weights_have_no_unit() {
    let (mut small, mut large) = (Hedge::default(), Hedge::default());
    for hour in 0..20 {
        let losses: [f64; MEMBERS] = std::array::from_fn(|member| 1.0 + f64::from((hour * 7 + member as i32 * 5) % 11));
        small.learn(&losses, 0.0, i64::from(hour) * HOUR_US);
        large.learn(&losses.map(|loss| 1e6 * loss), 0.0, i64::from(hour) * HOUR_US);
    }
    for (small, large) in small.weights(&ALL, &EVEN).iter().zip(large.weights(&ALL, &EVEN)) {
        assert!((small - large).abs() < 1e-9, "{small} is not {large}");
    }
}

/// On a video that the network is wrong about the naive forecasts take over, and give way where it is right again.
#[test]
fn a_guard_turns_to_the_better_blend_within_a_day() {
    let mut guard = Guard::default();
    let before = guard.share();
    assert!((0.5..1.0).contains(&before));
    (0..24).for_each(|hour| guard.learn(12.0, 10.0, hour * HOUR_US));
    assert!(guard.share() < 0.02, "{}", guard.share());
    (24..120).for_each(|hour| guard.learn(8.0, 10.0, hour * HOUR_US));
    assert!(guard.share() > 0.98, "{}", guard.share());
    let mut even = Guard::default();
    (0..200).for_each(|hour| even.learn(0.0, 0.0, hour * HOUR_US));
    assert!((even.share() - before).abs() < 1e-12);
}

/// A network that is always off costs a video a few hours, and less than where it is one member among many.
#[test]
fn a_network_that_errs_on_a_video_costs_little() {
    let mut forecaster = Forecaster::default();
    let (mut issued_missed, mut naive_missed, mut full_missed) = (0.0, 0.0, 0.0);
    for hour in 0..100 {
        let past = Past::with(1_000.0, 500.0, &[100.0; 30]);
        let network = Network { gain: 20.0, quantiles: [10.0, 30.0] };
        let issued = forecaster.issue(Metric::Views, 0, 1_000.0, Members::naive(&past, 1).with_network(Some(network)));
        let gain = if hour % 2 == 0 { 80.0 } else { 120.0 };
        issued_missed += (issued.gain - gain).abs();
        naive_missed += (issued.naive - gain).abs();
        full_missed += (issued.full - gain).abs();
        forecaster.learn(Metric::Views, 0, &issued.outstanding(1_000.0), gain, hour * HOUR_US);
    }
    let (cost, unguarded) = (issued_missed / naive_missed - 1.0, full_missed / naive_missed - 1.0);
    assert!(cost < 0.04 && cost < 0.7 * unguarded, "{cost} with a guard, {unguarded} without");
}

/// However wide the intervals are at first, in the long run each side misses one actual in ten.
#[test]
fn each_side_of_an_interval_misses_one_in_ten() {
    for first in [50.0, 1_000.0, 20_000.0] {
        let mut calibration = Calibration::default();
        let (mut state, mut missed, rounds) = (7_u64, [0, 0], 6_000);
        for round in 0..rounds {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // Evenly within -1000 and 3000: the sides differ.
            let gain = (state >> 33) as f64 / f64::from(1_u32 << 31) * 4_000.0 - 1_000.0;
            let [below, above] = calibration.factors();
            let interval = [-first * below, first * above];
            if round >= rounds / 2 {
                missed[0] += i32::from(gain < interval[0]);
                missed[1] += i32::from(gain > interval[1]);
            }
            calibration.learn(interval, gain);
        }
        for missed in missed {
            let share = f64::from(missed) / f64::from(rounds / 2);
            assert!((0.08..0.12).contains(&share), "{first}: {share}");
        }
    }
}

/// Any past: what is missing, falls, stands still or jumps.
fn any_past() -> impl Strategy<Value = (f64, Past)> {
    let step = prop_oneof![
        3 => -5.0..500.0, 2 => Just(f64::NAN), 2 => Just(0.0), 1 => Just(1e12), 1 => Just(-1e12),
    ];
    let count = prop_oneof![Just(0.0), 0.0..1e3, Just(1e12)];
    (count, 0.0..1e4, prop::collection::vec(step, 0..60))
        .prop_map(|(count, age, steps)| (count, Past::with(count, age, &steps)))
}

fn any_network() -> impl Strategy<Value = Option<Network>> {
    let number = || prop_oneof![4 => -1e3..1e6, 1 => Just(f64::NAN), 1 => Just(f64::INFINITY), 1 => Just(1e300)];
    prop::option::of(
        (number(), number(), number()).prop_map(|(gain, low, high)| Network { gain, quantiles: [low, high] }),
    )
}

proptest! {
    /// Whatever comes in, what is issued are counts in order: never a NaN, never below 0, views never below what they are.
    #[test]
    fn what_is_issued_is_a_forecast(
        rounds in prop::collection::vec((any_past(), any_network(), prop_oneof![0.0..1e3, Just(0.0), Just(1e12)]), 1..30),
        horizon in 0..3usize,
    ) {
        let mut forecaster = Forecaster::default();
        for (hour, ((base, past), network, actual)) in rounds.into_iter().enumerate() {
            for metric in Metric::ALL {
                let members = Members::naive(&past, HORIZONS_HOURS[horizon]).with_network(network);
                let issued = forecaster.issue(metric, horizon, base, members);
                let counts = issued.counts(base);
                let least = if metric == Metric::Views { base.round_ties_even() as i64 } else { 0 };
                prop_assert!(least <= counts.low && counts.low <= counts.median && counts.median <= counts.high);
                prop_assert!(counts.high <= 1_000_000_000_000, "{:?}", counts);
                prop_assert!(issued.gain.is_finite() && issued.interval.iter().all(|end| end.is_finite()));
                forecaster.learn(metric, horizon, &issued.outstanding(base), actual - base, hour as i64 * HOUR_US);
            }
        }
    }
}
