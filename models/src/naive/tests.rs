//! The naive forecasts by hand, and on input of every kind.

use proptest::prelude::*;

use super::*;

const HOURS: [u32; 3] = [1, 6, 24];

fn assert_near(found: Option<f64>, expected: f64) {
    let found = found.expect("there is a forecast");
    assert!((found - expected).abs() < 1e-9 * expected.abs().max(1.0), "{found} is not {expected}");
}

#[test]
fn rates_are_taken_over_their_part_of_the_past() {
    // 1 in the last hour, 2 in the one before, and so on.
    let past = Past::with(1e6, 500.0, &(1..=168).map(f64::from).collect::<Vec<_>>());
    for hours in HOURS {
        let lead = f64::from(hours);
        assert_eq!(past.gain(Naive::LastValue, hours), Some(0.0));
        assert_near(past.gain(Naive::LastIncrement, hours), lead);
        assert_near(past.gain(Naive::Mean10, hours), 5.5 * lead);
        assert_near(past.gain(Naive::Mean24, hours), 12.5 * lead);
        assert_near(past.gain(Naive::Mean72, hours), 36.5 * lead);
        assert_near(past.gain(Naive::Median24, hours), 12.5 * lead);
        for (naive, tau) in [(Naive::Ewma3, 3.0), (Naive::Ewma6, 6.0), (Naive::Ewma12, 12.0)] {
            let weight = |back: i32| (-f64::from(back) / tau).exp();
            let sum: f64 = (0..168).map(|back| weight(back) * f64::from(back + 1)).sum();
            assert_near(past.gain(naive, hours), lead * sum / (0..168).map(weight).sum::<f64>());
        }
    }
    // Yesterday at this hour is 24 hours back: the step that ended 23 hours ago, counted from 1.
    assert_near(past.gain(Naive::SameHoursYesterday, 1), 24.0);
    assert_near(past.gain(Naive::SameHoursYesterday, 6), f64::from(19 + 20 + 21 + 22 + 23 + 24));
    assert_near(past.gain(Naive::SameHoursYesterday, 24), 300.0);
}

#[test]
fn the_growth_trend_grows_by_the_mean_of_its_rates() {
    // 10 % an hour for ten hours, nothing known before.
    let counts: Vec<f64> = (0..=10).map(|hour| 100.0 * 1.1_f64.powi(10 - hour)).collect();
    let steps: Vec<f64> = counts.windows(2).map(|pair| pair[0] - pair[1]).collect();
    let past = Past::with(counts[0], 50.0, &steps);
    assert_near(past.gain(Naive::GrowthTrend, 1), 0.1 * counts[0]);
    assert_near(past.gain(Naive::GrowthTrend, 6), 0.6 * counts[0]);
}

#[test]
fn the_power_law_goes_on_as_it_was() {
    let age = 400.0;
    // The mean over an hour of a rate of 1000 x age^-decay.
    let law =
        |decay: f64, from: f64, to: f64| 1_000.0 * (to.powf(1.0 - decay) - from.powf(1.0 - decay)) / (1.0 - decay);
    for decay in [0.3, 0.8, 1.4] {
        let steps: Vec<f64> =
            (0..168).map(|back| law(decay, age - f64::from(back) - 1.0, age - f64::from(back))).collect();
        let past = Past::with(1e6, age, &steps);
        for hours in HOURS {
            let expected = law(decay, age, age + f64::from(hours));
            let found = past.gain(Naive::PowerLaw, hours).unwrap();
            assert!((found / expected - 1.0).abs() < 0.02, "{decay} {hours}: {found} is not {expected}");
        }
    }
    // A video that gets faster is not taken to do so for ever.
    let rising: Vec<f64> = (0..168).map(|back| f64::from(168 - back)).collect();
    let faster = Past::with(1e6, age, &rising);
    assert_eq!(faster.gain(Naive::PowerLaw, 24), faster.gain(Naive::Mean24, 24));
}

#[test]
fn without_steps_there_is_the_last_value_alone() {
    let past = Past::with(5.0, 0.0, &[]);
    for (naive, hours) in Naive::ALL.into_iter().flat_map(|naive| HOURS.map(|hours| (naive, hours))) {
        assert_eq!(past.gain(naive, hours), (naive == Naive::LastValue).then_some(0.0), "{naive:?}");
    }
}

proptest! {
    /// Whatever is missing, falls or jumps: what is said is a number.
    #[test]
    fn every_forecast_is_finite(
        count in prop_oneof![Just(0.0), 0.0..1e3, Just(1e12)],
        age in prop_oneof![Just(0.0), 0.0..50.0, 0.0..1e5],
        steps in prop::collection::vec(
            prop_oneof![3 => -5.0..500.0, 2 => Just(f64::NAN), 1 => Just(0.0), 1 => Just(1e12), 1 => Just(-1e12)],
            0..168,
        ),
    ) {
        let past = Past::with(count, age, &steps);
        for (naive, hours) in Naive::ALL.into_iter().flat_map(|naive| HOURS.map(|hours| (naive, hours))) {
            let gain = past.gain(naive, hours);
            prop_assert!(gain.is_none_or(f64::is_finite), "{:?} {}: {:?}", naive, hours, gain);
        }
    }

    /// What is missing is left out of a mean, wherever it lies.
    #[test]
    fn missing_steps_are_left_out(steps in prop::collection::vec(prop::option::of(0.0..100.0), 24)) {
        let there: Vec<f64> = steps.iter().copied().flatten().collect();
        let past = Past::with(1e4, 300.0, &steps.iter().map(|step| step.unwrap_or(f64::NAN)).collect::<Vec<_>>());
        let mean = there.iter().sum::<f64>() / there.len() as f64;
        match past.gain(Naive::Mean24, 6) {
            Some(gain) => prop_assert!((gain - 6.0 * mean).abs() < 1e-6),
            None => prop_assert!(there.is_empty()),
        }
        let mut sorted = there.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        if let Some(gain) = past.gain(Naive::Median24, 1) {
            let below = sorted.iter().filter(|step| **step < gain - 1e-9).count();
            let above = sorted.iter().filter(|step| **step > gain + 1e-9).count();
            prop_assert!(below <= sorted.len() / 2 && above <= sorted.len() / 2);
        }
    }
}
