//! Features against their definition, and on input of every kind.

use proptest::prelude::*;
use viewtide_dataflows::snapshot::{EventTime, HOUR_US, Nullable, Snapshot};

use super::*;
use crate::task::MEMORY_STEPS;

/// 2023-11-14T22:00:00Z.
const FIRST: EventTime = 1_699_999_200_000_000;

/// Hourly snapshots with these counts, the last of which is the origin.
fn origin(counts: &[[Option<i64>; 3]]) -> Origin {
    let snapshot = |(hour, counts): (usize, &[Option<i64>; 3])| Snapshot {
        time: FIRST + hour as i64 * HOUR_US,
        counts: counts.map(Nullable::from),
    };
    let snapshots: Vec<_> = counts.iter().enumerate().map(snapshot).collect();
    Origin::observe(FIRST, snapshots[snapshots.len() - 1].time, &snapshots)
}

fn inputs(origin: &Origin, metric: Metric, set: FeatureSet) -> Inputs {
    let mut inputs = Inputs::default();
    assert!(Seen::of(origin).append(metric, set, &mut inputs));
    assert_eq!(
        (inputs.window.len(), inputs.context.len(), inputs.base.len()),
        (WINDOW_LEN, set.context_len(), HORIZONS_HOURS.len())
    );
    inputs
}

fn asinh4(rate: f64) -> f64 {
    (4.0 * rate).asinh()
}

fn assert_near(found: f32, expected: f64) {
    assert!((f64::from(found) - expected).abs() < 1e-6 * expected.abs().max(1.0), "{found} is not {expected}");
}

/// Eight days; hour `k` back views gain k + 1, likes gain 2, and there are no comments.
fn eight_days() -> Origin {
    let views = |hour: i64| 1_000_000 - (192 - hour) * (193 - hour) / 2;
    origin(&(0..=192).map(|hour| [Some(views(hour)), Some(500 + 2 * hour), None]).collect::<Vec<_>>())
}

#[test]
fn the_window_is_as_the_recipe_says() {
    let origin = eight_days();
    let Inputs { window, base, .. } = inputs(&origin, Metric::Likes, FeatureSet::Levels);
    let mean = 10.5;
    for (row, step) in window.chunks_exact(CHANNELS).enumerate() {
        let gained = (WINDOW_STEPS - row) as f64;
        assert_near(step[0], asinh4(2.0) / 4.0 - 1.0);
        assert_near(step[1], 0.0);
        assert_near(step[2], asinh4(mean) / 4.0 - 1.0);
        assert_near(step[3], asinh4(gained) - asinh4(mean));
        assert_eq!(step[4..], [0.0; 2], "what is missing is 0");
    }
    for (base, hours) in base.iter().zip(HORIZONS_HOURS) {
        assert_near(*base, (2.0 * f64::from(hours)).asinh());
    }
}

#[test]
fn the_context_is_as_the_recipe_says() {
    let origin = eight_days();
    let Inputs { context, .. } = inputs(&origin, Metric::Views, FeatureSet::Levels);
    // 192 hours after ten in the evening it is ten in the evening.
    let angle = 22.0 / 24.0 * std::f64::consts::TAU;
    assert_near(context[0], angle.sin());
    assert_near(context[1], angle.cos());
    assert_near(context[2], 169.0_f64.ln() / 4.0 - 1.3);
    let (rate, count) = (asinh4(10.5), 1_000_001.0_f64.ln());
    assert_near(context[3], rate / 4.0 - 1.0);
    assert_near(context[4], count / 5.0 - 2.0);
    assert_near(context[5], (count - rate) / 4.0);
    let (rate, count) = (asinh4(2.0), 885.0_f64.ln());
    assert_near(context[6], rate / 4.0 - 1.0);
    assert_near(context[7], count / 5.0 - 2.0);
    assert_near(context[8], (count - rate) / 4.0);
    assert_eq!(context[9..12], [0.0; 3]);
    // The mean over hours from..to back is the middle of from + 1 and to.
    let parts = [(0, 24), (0, 48), (0, 168), (20, 24), (18, 24), (23, 24), (20, 48), (24, 48)]
        .map(|(from, to)| f64::from(from + 1 + to) / 2.0);
    for (found, rate) in context[12..].iter().zip(parts) {
        assert_near(*found, asinh4(rate) - asinh4(10.5));
    }
}

#[test]
fn the_lags_are_what_a_tree_would_be_given() {
    let origin = eight_days();
    let context = inputs(&origin, Metric::Views, FeatureSet::Lags).context;
    assert_eq!(context[..20], inputs(&origin, Metric::Views, FeatureSet::Levels).context);
    let lags = &context[20..];
    let deviation = |rate: f64| (asinh4(rate) - asinh4(10.5)) / 4.0;
    (0..24).for_each(|back| assert_near(lags[back], deviation(back as f64 + 1.0)));
    // The hours that a horizon covers, one, two and seven days before.
    for (at, (hours, days)) in
        [(1, 1), (1, 2), (1, 7), (6, 1), (6, 2), (6, 7), (24, 1), (24, 2), (24, 7)].iter().enumerate()
    {
        let (from, to) = (24 * days - hours, 24 * days);
        assert_near(lags[24 + at], deviation(f64::from(from + 1 + to) / 2.0));
    }
    for (at, rate) in [2.0, 3.5, 6.5, 36.5, f64::from(49 + 168) / 2.0].into_iter().enumerate() {
        assert_near(lags[33 + at], deviation(rate));
    }
    for (at, tau) in [3.0_f64, 6.0, 12.0].into_iter().enumerate() {
        let weight = |back: i32| (-f64::from(back) / tau).exp();
        let sum: f64 = (0..168).map(|back| weight(back) * f64::from(back + 1)).sum();
        assert_near(lags[38 + at], deviation(sum / (0..168).map(weight).sum::<f64>()));
    }
    assert_near(lags[41], deviation(12.5));
    for (at, hours) in [20, 168].into_iter().enumerate() {
        let steps = || (1..=hours).map(|step| asinh4(f64::from(step)));
        let mean = steps().sum::<f64>() / f64::from(hours);
        let spread = (steps().map(|step| (step - mean).powi(2)).sum::<f64>() / f64::from(hours)).sqrt();
        let found = &lags[42 + 3 * at..45 + 3 * at];
        assert!((f64::from(found[0]) - spread / 4.0).abs() < 1e-5, "{found:?}");
        assert_near(found[1], deviation(f64::from(hours)));
        assert_near(found[2], -0.5);
    }
    assert_eq!(lags.len(), 48);
    let quiet = origin_of_likes_that_stand_still();
    let lags = &inputs(&quiet, Metric::Likes, FeatureSet::Lags).context[20..];
    assert_eq!((lags[44], lags[47]), (0.5, 0.5), "all hours are quiet");
}

/// A step of a million where all others gain one stays within what a network is used to, and so does its negative.
#[test]
fn the_lags_of_a_jump_are_clipped() {
    for jump in [1_000_000, -1_000_000] {
        let likes = |hour: i64| 2_000_000 + hour + if hour >= 182 { jump } else { 0 };
        let origin = origin(&(0..=192).map(|hour| [Some(1_000 + hour), Some(likes(hour)), None]).collect::<Vec<_>>());
        let lags = &inputs(&origin, Metric::Likes, FeatureSet::Lags).context[20..];
        let deviation = asinh4(1.0) - asinh4(1.0 + jump as f64 / 20.0);
        assert!(deviation.abs() > 10.0);
        let clipped = 2.5 * -jump.signum() as f32;
        assert_eq!([lags[9], lags[11]], [clipped; 2], "hours of a like each");
        assert!(lags[..41].iter().all(|lag| lag.abs() <= 2.5));
        let of_jump = asinh4(jump as f64 + 1.0) - asinh4(1.0 + jump as f64 / 20.0);
        assert_near(lags[10], (of_jump / 4.0).clamp(-2.5, 2.5));
    }
}

fn origin_of_likes_that_stand_still() -> Origin {
    origin(&(0..=192).map(|hour| [Some(1_000 + hour), Some(50), None]).collect::<Vec<_>>())
}

#[test]
fn without_a_window_there_is_nothing() {
    let counts: Vec<_> = (0..=20).map(|hour| [Some(hour), Some(hour).filter(|hour| *hour != 3), None]).collect();
    let mut inputs = Inputs::default();
    let whole = origin(&counts);
    // A missing like count is bridged by its neighbours, one at the origin is not.
    assert!(Seen::of(&whole).append(Metric::Views, FeatureSet::Lags, &mut inputs));
    assert!(Seen::of(&whole).append(Metric::Likes, FeatureSet::Lags, &mut inputs));
    assert!(!Seen::of(&whole).append(Metric::Comments, FeatureSet::Lags, &mut inputs));
    let short = origin(&counts[1..]);
    let before = inputs.clone();
    assert!(Metric::ALL.iter().all(|metric| !Seen::of(&short).append(*metric, FeatureSet::Lags, &mut inputs)));
    assert_eq!(inputs, before);
}

#[test]
fn versions_are_told_apart() {
    for set in FeatureSet::ALL {
        assert_eq!(FeatureSet::of_version(set.version()), Some(set));
    }
    assert_eq!(FeatureSet::of_version(0), None);
}

proptest! {
    /// Whatever the counts do: numbers within what a network can take.
    #[test]
    fn features_are_finite_and_small(
        counts in prop::collection::vec(
            prop::array::uniform3(prop_oneof![
                4 => (0..1_000i64).prop_map(Some),
                2 => Just(Some(7)),
                1 => Just(Some(0)),
                1 => Just(None),
                1 => Just(Some(1_000_000_000_000)),
            ]),
            21..200,
        ),
    ) {
        let origin = origin(&counts);
        for (metric, set) in Metric::ALL.into_iter().flat_map(|metric| FeatureSet::ALL.map(|set| (metric, set))) {
            let mut inputs = Inputs::default();
            if Seen::of(&origin).append(metric, set, &mut inputs) {
                let lags = &inputs.context[FeatureSet::Levels.context_len()..];
                prop_assert!(lags.iter().all(|lag| lag.abs() <= 2.5));
                let all = inputs.window.iter().chain(&inputs.context).chain(&inputs.base);
                prop_assert!(all.into_iter().all(|value| value.is_finite() && value.abs() < 70.0));
            }
        }
        prop_assert!(origin.steps(Metric::Views).len() == MEMORY_STEPS);
    }
}
