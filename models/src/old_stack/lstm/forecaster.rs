//! Forecasts at origins, and errors as the old stack counted them, of many videos.

use std::sync::atomic::{AtomicBool, Ordering};

use viewtide_dataflows::snapshot::EventTime;
use viewtide_dataflows::video_id::VideoId;

use super::sequences::{HourlyWindow, Sequence, Window, hourly_windows, sequences};
use super::training::{OldLstm, OldLstmError, SEQUENCES_MIN, ScaledErrors};
use crate::evaluate::{Given, Method};
use crate::lstm::threads::share_out;
use crate::score::Forecast;
use crate::task::{HORIZONS_HOURS, Metric, Video, Videos};

/// What the table calls it.
const NAME: &str = "old stack's LSTM";

/// Likewise with one file for all videos.
const SAVED_NAME: &str = "old stack's LSTM, one file";

/// A training that is asked for, and what came of it.
struct Job<'a> {
    /// Of which video, by its place among those that are trained on.
    video: usize,
    sequences: &'a [Sequence],
    metric: Metric,
    trained: Option<Result<OldLstm, OldLstmError>>,
}

/// An LSTM for each counter and each of the videos that have enough sequences, by metric, then in the order of `videos`.
fn train_all(
    videos: &[Vec<Sequence>],
    seed: u64,
    threads: usize,
    stop: &AtomicBool,
) -> Result<Vec<(usize, Metric, OldLstm)>, OldLstmError> {
    let enough = || videos.iter().enumerate().filter(|(_, sequences)| sequences.len() >= SEQUENCES_MIN);
    let of_metric = |metric| enough().map(move |(video, sequences)| Job { video, sequences, metric, trained: None });
    let mut jobs: Vec<Job> = Metric::ALL.into_iter().flat_map(of_metric).collect();
    share_out(threads, &mut jobs, |jobs| {
        for job in jobs {
            job.trained = Some(match stop.load(Ordering::Relaxed) {
                true => Err(OldLstmError::Stopped),
                false => OldLstm::train(job.sequences, job.metric, seed),
            });
        }
    });
    let trained = jobs.into_iter().filter_map(|Job { video, metric, trained, .. }| Some((video, metric, trained?)));
    trained.map(|(video, metric, trained)| Ok((video, metric, trained?))).collect()
}

/// The errors of each counter as the old stack counted them, the mean over the videos that have enough snapshots; `None` where none
/// has. They are the same on any number of threads.
///
/// # Errors
/// `stop` was set before all were trained; what candle's operations return.
pub fn lstm_errors(
    videos: &Videos,
    seed: u64,
    threads: usize,
    stop: &AtomicBool,
) -> Result<[Option<ScaledErrors>; 3], OldLstmError> {
    let sequences: Vec<Vec<Sequence>> = videos.iter().map(|video| sequences(video.snapshots())).collect();
    let trained = train_all(&sequences, seed, threads, stop)?;
    Ok(Metric::ALL.map(|metric| {
        let of_metric = trained.iter().filter(|(_, other, _)| *other == metric);
        let errors: Vec<ScaledErrors> = of_metric.map(|(_, _, lstm)| lstm.errors()).collect();
        let mean = |of: fn(&ScaledErrors) -> f64| errors.iter().map(of).sum::<f64>() / errors.len() as f64;
        (!errors.is_empty()).then(|| ScaledErrors { mae: mean(|errors| errors.mae), mse: mean(|errors| errors.mse) })
    }))
}

/// A video's origins: what is learned from, and what is forecast then.
struct Split {
    past: Vec<Sequence>,
    forecast: Vec<(EventTime, Window)>,
}

impl Split {
    /// At 80 % of the origins of `video` that have a window of all counters. The past is what is known at the first of those that
    /// are forecast.
    fn of(video: &Video) -> Self {
        let mut past: Vec<HourlyWindow> = hourly_windows(video).collect();
        let forecast = past.split_off(past.len() * 4 / 5);
        let now = forecast.first().map_or(EventTime::MIN, |first| first.time);
        let known = past.into_iter().filter_map(|HourlyWindow { window, next, .. }| {
            let (next, learned_at) = next?;
            (learned_at <= now).then_some(Sequence { window, next })
        });
        Self {
            past: known.collect(),
            forecast: forecast.into_iter().map(|HourlyWindow { time, window, .. }| (time, window)).collect(),
        }
    }
}

/// Forecasts at the last 20 % of the origins of each video, by an LSTM that was trained on what was known there of the video's
/// hours before them, scaler and early stopping included; and by the one that was trained last, with its scaler, as a single file
/// for all videos holds it. The gain of the next hour is taken to go on. The forecasts are the same on any number of threads.
///
/// # Errors
/// `stop` was set before all were trained; what candle's operations return.
pub fn lstm_methods(
    videos: &Videos,
    seed: u64,
    threads: usize,
    stop: &AtomicBool,
) -> Result<[Method; 2], OldLstmError> {
    let (pasts, to_forecast): (Vec<_>, Vec<_>) = videos
        .iter()
        .map(|video| {
            let Split { past, forecast } = Split::of(video);
            (past, (video.id, forecast))
        })
        .unzip();
    let trained = train_all(&pasts, seed, threads, stop)?;
    let [mut own, mut saved] = [Given::new(), Given::new()];
    for (video, metric, lstm) in &trained {
        let (id, origins) = &to_forecast[*video];
        forecast(lstm, *id, *metric, origins, &mut own)?;
        if let Some((.., last)) = trained.iter().rfind(|(_, other, _)| other == metric) {
            forecast(last, *id, *metric, origins, &mut saved)?;
        }
    }
    let method = |name: &str, forecasts| Method { name: name.to_owned(), forecasts, is_blended: false };
    Ok([method(NAME, own), method(SAVED_NAME, saved)])
}

fn forecast(
    lstm: &OldLstm,
    id: VideoId,
    metric: Metric,
    origins: &[(EventTime, Window)],
    forecasts: &mut Given,
) -> Result<(), OldLstmError> {
    let windows: Vec<Window> = origins.iter().map(|(_, window)| *window).collect();
    for ((time, window), next) in origins.iter().zip(lstm.next(&windows)?) {
        let gain = next - window[window.len() - 1][metric as usize];
        let gains = HORIZONS_HOURS.map(|hours| Some(Forecast::of(gain * f64::from(hours))));
        forecasts.insert((id, *time, metric), gains);
    }
    Ok(())
}
