//! The LSTM against PyTorch's, and as a forecaster.

use std::sync::atomic::AtomicBool;

use serde_json::Value;
use viewtide_dataflows::snapshot::{EventTime, HOUR_US, Nullable, Snapshot};
use viewtide_dataflows::video_id::VideoId;

use super::scaler::Scaler;
use super::sequences::Sequence;
use super::*;
use crate::evaluate::Method;
use crate::old_stack::sample::sample;
use crate::task::{HORIZONS_HOURS, Metric, Videos, WINDOW_STEPS};

const START: EventTime = 1_700_000_000_000_000 / HOUR_US * HOUR_US;

static GO: AtomicBool = AtomicBool::new(false);

/// Of the random numbers that the fixture's program drew too.
const SEED: u64 = 1;

#[test]
fn the_lstm_is_as_good_as_that_of_pytorch() {
    let fixture: Value = serde_json::from_str(include_str!("../fixtures/lstm.json")).expect("the fixture");
    let videos = sample();
    let of_videos: Vec<Vec<Sequence>> = videos.iter().map(|video| sequences(video.snapshots())).collect();
    let found = lstm_errors(&videos, SEED, 2, &GO).unwrap();
    for metric in Metric::ALL {
        let expected = &fixture[metric.name()];
        let list = |name: &str| -> Vec<f64> {
            expected[name].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
        };
        let figure = |name: &str| expected[name].as_f64().expect("a figure");
        let lengths: Vec<f64> = of_videos.iter().map(|sequences| sequences.len() as f64).collect();
        assert_eq!(lengths, list("sequences"));
        let scaler = Scaler::fit(&of_videos[0]);
        let row: Vec<f32> = scaler.scale_window(&of_videos[0][7].window).skip((WINDOW_STEPS - 1) * 6).collect();
        let is_near = |(found, expected): (&f32, &f64)| (f64::from(*found) - expected).abs() < 1e-6;
        assert!(row.iter().zip(&list("window_7_last_step")).all(is_near), "{row:?}");
        assert!(is_near((&scaler.scale_count(metric, &of_videos[0][7].next), &figure("next_7"))));

        let ScaledErrors { mae, mse } = found[metric as usize].expect("errors");
        for (name, found) in [("mae", mae), ("mse", mse)] {
            let expected = figure(name);
            assert!((found / expected - 1.0).abs() < 0.01, "{metric:?}: {name} {found} is not {expected}");
        }
    }
}

/// A video that is polled on every hour: growth that slows down, with a day's ups and downs.
fn hourly(hours: i64, changed: impl Fn(i64) -> i64) -> Videos {
    let mut videos = Videos::default();
    for hour in 0..hours {
        let day = (hour as f64 / 24.0 * std::f64::consts::TAU).sin();
        let views = (10_000.0 * (1.0 + hour as f64).ln() + 300.0 * day) as i64 + changed(hour);
        let counts = [views, views / 20, views / 300].map(Nullable::some);
        videos.observe(VideoId(7), Snapshot { time: START + hour * HOUR_US, counts });
    }
    videos
}

/// (time, metric, gains).
fn forecasts(method: &Method) -> Vec<(EventTime, Metric, [f64; 3])> {
    let forecasts = method.forecasts.iter();
    forecasts
        .map(|((_, time, metric), said)| (*time, *metric, said.map(|forecast| forecast.expect("a forecast").gain)))
        .collect()
}

/// Where snapshots are an hour apart, the rows of an origin are its snapshots, and the past of the forecasts is plain.
#[test]
fn the_forecasts_are_those_of_a_training_on_the_first_four_fifths() {
    let videos = hourly(120, |_| 0);
    let sequences = sequences(videos.iter().next().unwrap().snapshots());
    let forecasts = forecasts(&lstm_methods(&videos, 3, 2, &GO).unwrap()[0]);
    // 100 origins have 20 steps; the first one's window is the second sequence's, which has a growth in every row.
    assert_eq!(forecasts.len(), 3 * 20);
    for metric in Metric::ALL {
        let lstm = OldLstm::train(&sequences[1..=80], metric, 3).unwrap();
        let windows: Vec<Window> = sequences[81..].iter().map(|sequence| sequence.window).collect();
        let next = lstm.next(&windows).unwrap();
        let of_metric = forecasts.iter().filter(|forecast| forecast.1 == metric);
        for (index, ((time, _, gains), next)) in of_metric.zip(&next).enumerate() {
            assert_eq!(*time, START + (100 + index as i64) * HOUR_US);
            let gain = next - windows[index][WINDOW_STEPS - 1][metric as usize];
            assert_eq!(*gains, HORIZONS_HOURS.map(|hours| gain * f64::from(hours)));
        }
        assert_eq!(next.len(), 19);
    }
}

/// No leak: whatever comes after an origin, what is said there is the same bit for bit.
#[test]
fn what_comes_after_an_origin_changes_nothing_there() {
    let said = |changed_after: i64| {
        let videos = hourly(80, |hour| if hour > changed_after { 100_000 + 7 * hour * hour } else { 0 });
        forecasts(&lstm_methods(&videos, 1, 2, &GO).unwrap()[0])
    };
    let known = said(80);
    for changed_after in [68, 73] {
        let until = START + changed_after * HOUR_US;
        let (before, after): (Vec<_>, Vec<_>) =
            known.iter().zip(said(changed_after)).partition(|(known, _)| known.0 <= until);
        assert_eq!(before.len(), 3 * (changed_after - 67) as usize);
        assert!(before.iter().all(|(known, changed)| *known == changed));
        assert!(after.iter().all(|(known, changed)| known.0 == changed.0 && known.2 != changed.2));
    }
}

#[test]
fn an_lstm_is_the_same_every_time() {
    let videos = sample();
    let sequences = sequences(videos.iter().next().unwrap().snapshots());
    let windows: Vec<Window> = sequences[200..].iter().map(|sequence| sequence.window).collect();
    let next = |seed| OldLstm::train(&sequences[..200], Metric::Likes, seed).unwrap().next(&windows).unwrap();
    assert_eq!(next(3), next(3));
    assert_ne!(next(3), next(4));
    let hourly = hourly(60, |_| 0);
    assert_eq!(lstm_errors(&hourly, 1, 1, &GO).unwrap(), lstm_errors(&hourly, 1, 5, &GO).unwrap());
}

#[test]
fn a_training_that_is_stopped_is_an_error() {
    let videos = hourly(60, |_| 0);
    let error = lstm_errors(&videos, 1, 2, &AtomicBool::new(true)).unwrap_err();
    assert!(matches!(error, OldLstmError::Stopped));
}

#[test]
fn scaling_is_from_the_least_to_the_largest_value_and_back() {
    let row = |views: f64, growth: f64| [views, 5.0, 0.0, growth, 0.0, 0.0];
    let mut sequence = Sequence { window: [row(150.0, 2.0); WINDOW_STEPS], next: row(300.0, -2.0) };
    sequence.window[3] = row(100.0, 0.0);
    let scaler = Scaler::fit(&[sequence.clone()]);
    let scaled: Vec<f32> = scaler.scale_window(&sequence.window).skip(3 * 6).take(12).collect();
    // What never changes is 0.
    assert_eq!(scaled, [0.0, 0.0, 0.0, 0.5, 0.0, 0.0, 0.25, 0.0, 0.0, 1.0, 0.0, 0.0]);
    assert_eq!(scaler.scale_count(Metric::Views, &sequence.next), 1.0);
    assert_eq!(scaler.scale_count(Metric::Likes, &row(0.0, 0.0)), 0.0);
    // Also beyond the ends.
    assert_eq!(scaler.scale_count(Metric::Views, &row(400.0, 0.0)), 1.5);
    assert_eq!([-0.5, 0.0, 1.5].map(|scaled| scaler.count(Metric::Views, scaled)), [0.0, 100.0, 400.0]);
}

#[test]
fn too_few_rows_are_an_error_and_no_panic() {
    let videos = hourly(WINDOW_STEPS as i64 + 5, |_| 0);
    let sequences = sequences(videos.iter().next().unwrap().snapshots());
    assert_eq!(sequences.len(), 5);
    assert!(OldLstm::train(&sequences, Metric::Views, 1).unwrap().next(&[]).unwrap().is_empty());
    for few in [&sequences[..4], &[]] {
        let error = OldLstm::train(few, Metric::Views, 1).unwrap_err().to_string();
        let start = format!("the old stack's LSTM cannot be trained on {} sequence(s) of 20 rows", few.len());
        assert!(error.starts_with(&start), "{error}");
    }
    assert!(lstm_methods(&Videos::default(), 1, 1, &GO).unwrap()[0].forecasts.is_empty());
    assert_eq!(lstm_errors(&Videos::default(), 1, 1, &GO).unwrap(), [None; 3]);
    assert!(lstm_methods(&videos, 1, 1, &GO).unwrap()[0].forecasts.is_empty());
    assert!(lstm_errors(&videos, 1, 1, &GO).unwrap().iter().all(Option::is_some));
}

/// All the same, all 0, falling, or a reset: figures, and never a NaN.
#[test]
fn whatever_the_counts_are_the_figures_are_numbers() {
    let counts: [&dyn Fn(i64) -> [i64; 3]; 4] =
        [&|_| [1_000, 30, 5], &|_| [0; 3], &|hour| [1_000 - hour, 100 - hour, 0], &|hour| {
            if hour == 40 { [0; 3] } else { [i64::MAX / 2, 1, 1] }
        }];
    for counts in counts {
        let mut videos = Videos::default();
        for hour in 0..60 {
            let counts = counts(hour).map(Nullable::some);
            videos.observe(VideoId(7), Snapshot { time: START + hour * HOUR_US, counts });
        }
        let said = forecasts(&lstm_methods(&videos, 1, 2, &GO).unwrap()[0]);
        assert!(!said.is_empty() && said.iter().all(|(.., gains)| gains.iter().all(|gain| gain.is_finite())));
        let errors = lstm_errors(&videos, 1, 2, &GO).unwrap().map(|errors| errors.expect("errors"));
        assert!(errors.iter().all(|errors| errors.mae.is_finite() && errors.mse.is_finite()), "{errors:?}");
    }
}
