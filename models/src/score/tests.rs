//! Scores by hand.

use super::*;

fn target(video: u32, gain: Option<f64>) -> Target {
    Target { video, issued_at: 0, base: 100.0, gained_before: Some(4.0), gain, learned_at: None }
}

fn forecasts(gains: &[f64]) -> Vec<Option<Forecast>> {
    gains.iter().map(|gain| Some(Forecast::of(*gain))).collect()
}

#[test]
fn the_figures_of_a_small_table() {
    let targets =
        [target(0, Some(2.0)), target(0, Some(6.0)), target(0, None), target(1, Some(10.0)), target(2, Some(1.0))];
    let mut said = forecasts(&[3.0, 6.0, 50.0, 6.0, 0.0]);
    said[0].as_mut().unwrap().interval = Some([2.0, 4.0]);
    said[1].as_mut().unwrap().interval = Some([6.5, 7.0]);
    said[3].as_mut().unwrap().interval = Some([0.0, 20.0]);
    let reference = forecasts(&[4.0, 6.0, 0.0, 9.0, 1.5]);
    // Video 2 is not active: it counts in what is over all origins, and not in ratios over videos.
    let scores = score(&targets, &[0, 1], &said, &reference);
    assert_eq!((scores.origins, scores.active_videos), (4, 2));
    // Errors 1, 0 | 4 | 1 against 2, 0 | 1 | 0.5 of the reference and 2, 6 | 10 | 1 of the last value.
    let near = |found: Option<f64>, expected: f64| assert!((found.unwrap() - expected).abs() < 1e-12, "{found:?}");
    near(scores.relative_error, (0.5_f64 * 4.0).sqrt());
    near(scores.relative_error_max, 4.0);
    near(scores.relative_error_all_videos, (0.5_f64 * 4.0 * 2.0).cbrt());
    near(scores.skill, 1.0 - (1.0_f64 / 8.0 * 0.4).sqrt());
    near(scores.mae, 1.5);
    near(scores.mse, 4.5);
    let log = |forecast: f64, gain: f64| ((1.0 + forecast).ln() - (1.0 + gain).ln()).powi(2);
    near(scores.rmsle, ((log(3.0, 2.0) + log(6.0, 10.0) + log(0.0, 1.0)) / 4.0).sqrt());
    // The mean gain is 4.75.
    near(scores.r2, 1.0 - 18.0 / (2.75_f64.powi(2) + 1.25_f64.powi(2) + 5.25_f64.powi(2) + 3.75_f64.powi(2)));
    near(scores.directional_accuracy, 1.0);
    near(scores.coverage, 0.75);
    near(scores.coverage_all_videos, 2.0 / 3.0);
    near(scores.coverage_min, 0.5);
    near(scores.width, 22.5 / 3.0);
    near(scores.relative_width, (1.25_f64 * 20.0).sqrt());
    let [low, high] = scores.relative_error_interval.unwrap();
    near(Some(low), 0.5);
    near(Some(high), 4.0);
}

#[test]
fn sides_of_the_gain_before() {
    let with = |before, gain| Target { gained_before: before, ..target(0, Some(gain)) };
    let targets = [with(Some(4.0), 5.0), with(Some(4.0), 3.0), with(Some(4.0), 4.0), with(None, 9.0)];
    for (said, share) in [([5.0, 3.0, 4.0, 0.0], 1.0), ([3.0, 5.0, 4.1, 0.0], 0.0), ([9.0, 4.0, 4.0, 0.0], 2.0 / 3.0)] {
        let said = forecasts(&said);
        assert_eq!(score(&targets, &[0], &said, &said).directional_accuracy, Some(share));
    }
}

#[test]
fn where_nothing_is_known_nothing_is_said() {
    assert_eq!(score(&[], &[], &[], &[]), Scores::default());
    let scores = score(&[target(0, None)], &[0], &forecasts(&[1.0]), &forecasts(&[1.0]));
    assert_eq!(scores, Scores::default());
    // A counter that stands still, forecast well and badly: no ratio is NaN or infinite.
    let still = [target(0, Some(0.0)), target(0, Some(0.0))];
    for said in [0.0, 1e12] {
        let scores = score(&still, &[0], &forecasts(&[said; 2]), &forecasts(&[0.0; 2]));
        assert!(scores.relative_error.unwrap().is_finite() && scores.skill.unwrap().is_finite());
        assert_eq!((scores.r2, scores.relative_error_all_videos), (None, None));
    }
}

#[test]
fn a_video_is_active_by_all_three_conditions() {
    let many = |video, gain: f64, count| (0..count).map(move |_| target(video, Some(gain)));
    let some_move = |video, moving, still| many(video, 1.0, moving).chain(many(video, 0.5, still));
    let at_horizon: Vec<_> = some_move(0, 20, 80)
        .chain(some_move(1, 19, 81))
        .chain(some_move(2, 20, 79))
        .chain([target(2, None)])
        .chain(some_move(3, 20, 80))
        .chain(some_move(4, 20, 80))
        .collect();
    let day: Vec<_> = [(0, 10.0), (1, 10.0), (2, 10.0), (3, 9.9)]
        .into_iter()
        .map(|(video, gain)| target(video, Some(gain)))
        .collect();
    assert_eq!(active_videos(Metric::Views, &at_horizon, &day), [0]);
    assert_eq!(active_videos(Metric::Likes, &at_horizon, &day), [0, 3]);
}
