//! The figures of one method at one metric and horizon.

use serde::Serialize;

use super::Target;
use super::bootstrap::mean_interval;

/// A forecast of a gain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forecast {
    /// The median.
    pub gain: f64,
    /// The ends of the 80 % interval, where the method has one.
    pub interval: Option<[f64; 2]>,
}

impl Forecast {
    /// Without an interval.
    pub fn of(gain: f64) -> Self {
        Self { gain, interval: None }
    }
}

/// An error below this is none: ratios of errors stay finite.
const ERROR_MIN: f64 = 1e-9;

/// The figures of one method. What says nothing of videos is over all scored origins, and of gains, not counts. A figure that
/// nothing is known for is `None`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Scores {
    /// Origins with a forecast and an actual.
    pub origins: usize,
    /// Active videos with such an origin.
    pub active_videos: usize,
    /// The geometric mean over the active videos of the mean absolute error over that of the reference.
    pub relative_error: Option<f64>,
    /// The interval that 95 % of such means lie in over videos drawn anew.
    pub relative_error_interval: Option<[f64; 2]>,
    /// The greatest such ratio of an active video.
    pub relative_error_max: Option<f64>,
    /// 1 less the geometric mean over the active videos of the mean absolute error over that of "the count stays".
    pub skill: Option<f64>,
    /// Like the relative error, over all videos with an error of the reference.
    pub relative_error_all_videos: Option<f64>,
    /// Mean absolute error.
    pub mae: Option<f64>,
    /// Mean squared error.
    pub mse: Option<f64>,
    /// Root of the mean squared difference of log1p of the gains, those below 0 taken for 0.
    pub rmsle: Option<f64>,
    /// 1 less the squared errors over the squared deviations of the gains from their mean.
    pub r2: Option<f64>,
    /// The share of origins where forecast and actual lie on the same side of the gain of as many hours before.
    pub directional_accuracy: Option<f64>,
    /// The mean over the active videos of the share of actuals in the interval.
    pub coverage: Option<f64>,
    /// The least such share of an active video.
    pub coverage_min: Option<f64>,
    /// The share of all actuals in the interval, also those of videos on which nothing happens.
    pub coverage_all_videos: Option<f64>,
    /// The mean width of the interval.
    pub width: Option<f64>,
    /// The geometric mean over the active videos of the mean width over the mean absolute error of the reference.
    pub relative_width: Option<f64>,
}

/// Scores `forecasts`, one for each target, where both are there. Errors are divided by those of `reference` on the same
/// targets; the targets of a video stand together.
pub fn score(
    targets: &[Target],
    active: &[u32],
    forecasts: &[Option<Forecast>],
    reference: &[Option<Forecast>],
) -> Scores {
    assert!(targets.len() == forecasts.len() && targets.len() == reference.len(), "a forecast for each target");
    let rows: Vec<Row> = targets.iter().zip(forecasts).zip(reference).filter_map(Row::of).collect();
    let by_video: Vec<Errors> = rows.chunk_by(|a, b| a.target.video == b.target.video).map(Errors::of).collect();
    let of_active: Vec<&Errors> = by_video.iter().filter(|errors| active.contains(&errors.video)).collect();
    let mean_log = |logs: Vec<f64>| mean(logs.into_iter()).map(f64::exp);
    let logs: Vec<f64> = of_active.iter().map(|errors| ratio_log(errors.mae, errors.reference_mae)).collect();
    let of_all = by_video.iter().filter(|errors| errors.reference_mae > ERROR_MIN);
    let square = |number: f64| number * number;
    let gains = || rows.iter().map(|row| row.gain);
    let deviation = mean(gains()).map(|center| gains().map(|gain| square(gain - center)).sum::<f64>());
    let squares: f64 = rows.iter().map(|row| square(row.error())).sum();
    Scores {
        origins: rows.len(),
        active_videos: of_active.len(),
        relative_error_interval: mean_interval(&logs).map(|ends| ends.map(f64::exp)),
        relative_error_max: logs.iter().copied().max_by(f64::total_cmp).map(f64::exp),
        relative_error: mean_log(logs),
        skill: mean_log(of_active.iter().map(|errors| ratio_log(errors.mae, errors.stay_mae)).collect())
            .map(|ratio| 1.0 - ratio),
        relative_error_all_videos: mean_log(of_all.map(|errors| ratio_log(errors.mae, errors.reference_mae)).collect()),
        mae: mean(rows.iter().map(|row| row.error().abs())),
        mse: mean(rows.iter().map(|row| square(row.error()))),
        rmsle: mean(rows.iter().map(|row| square(row.forecast.gain.max(0.0).ln_1p() - row.gain.max(0.0).ln_1p())))
            .map(f64::sqrt),
        r2: deviation.filter(|deviation| *deviation > 0.0).map(|deviation| 1.0 - squares / deviation),
        directional_accuracy: mean(rows.iter().filter_map(Row::has_direction)),
        coverage: mean(of_active.iter().filter_map(|errors| errors.coverage)),
        coverage_all_videos: mean(rows.iter().filter_map(Row::is_covered)),
        coverage_min: of_active.iter().filter_map(|errors| errors.coverage).min_by(f64::total_cmp),
        width: mean(rows.iter().filter_map(Row::width)),
        relative_width: mean_log(
            of_active.iter().filter_map(|errors| Some(ratio_log(errors.width?, errors.reference_mae))).collect(),
        ),
    }
}

/// A target with its forecasts.
struct Row<'a> {
    target: &'a Target,
    gain: f64,
    forecast: Forecast,
    reference: f64,
}

impl<'a> Row<'a> {
    fn of(((target, forecast), reference): ((&'a Target, &Option<Forecast>), &Option<Forecast>)) -> Option<Self> {
        Some(Self { target, gain: target.gain?, forecast: (*forecast)?, reference: (*reference)?.gain })
    }

    fn error(&self) -> f64 {
        self.forecast.gain - self.gain
    }

    fn has_direction(&self) -> Option<f64> {
        let before = self.target.gained_before?;
        let side = |gain: f64| gain.partial_cmp(&before);
        Some(f64::from(u8::from(side(self.forecast.gain) == side(self.gain))))
    }

    fn is_covered(&self) -> Option<f64> {
        let [low, high] = self.forecast.interval?;
        Some(f64::from(u8::from((low..=high).contains(&self.gain))))
    }

    fn width(&self) -> Option<f64> {
        self.forecast.interval.map(|[low, high]| high - low)
    }
}

/// One video's errors.
struct Errors {
    video: u32,
    mae: f64,
    reference_mae: f64,
    stay_mae: f64,
    coverage: Option<f64>,
    width: Option<f64>,
}

impl Errors {
    /// Of rows of one video; there is at least one.
    fn of(rows: &[Row<'_>]) -> Self {
        let mean_of = |error: &dyn Fn(&Row<'_>) -> f64| rows.iter().map(error).sum::<f64>() / rows.len() as f64;
        Self {
            video: rows[0].target.video,
            mae: mean_of(&|row| row.error().abs()),
            reference_mae: mean_of(&|row| (row.reference - row.gain).abs()),
            stay_mae: mean_of(&|row| row.gain.abs()),
            coverage: mean(rows.iter().filter_map(Row::is_covered)),
            width: mean(rows.iter().filter_map(Row::width)),
        }
    }
}

fn ratio_log(error: f64, reference: f64) -> f64 {
    (error.max(ERROR_MIN) / reference.max(ERROR_MIN)).ln()
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0_u32), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}
