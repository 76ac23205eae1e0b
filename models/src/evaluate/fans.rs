//! What was forecast of some videos' views day by day, beside what came of it: the last five days, as a picture shows them.

use viewtide_dataflows::snapshot::{EventTime, HOUR_US};
use viewtide_dataflows::video_id::VideoId;

use super::replay::{Replayed, replay};
use super::{Given, Method, NAIVE_BLEND, blend_name};
use crate::blend::ForecastCounts;
use crate::score::{Target, active_videos};
use crate::task::{DAY_STEPS, HORIZONS_HOURS, Metric, Video, Videos};

/// What is forecast.
const METRIC: Metric = Metric::Views;

/// The index of the farthest horizon, a day.
const DAY: usize = HORIZONS_HOURS.len() - 1;
const DAY_US: i64 = DAY_STEPS as i64 * HOUR_US;

/// Forecasts of a video, a day apart.
const FANS_MAX: i64 = 5;

/// Some videos' views, and what one method forecast of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Fans {
    /// The method, as the table names it.
    pub method: String,
    /// The video that gains most first.
    pub videos: Vec<VideoFans>,
}

/// One video's views, and what was forecast of them.
#[derive(Clone, Debug, PartialEq)]
pub struct VideoFans {
    /// Which video.
    pub id: VideoId,
    /// Its mean gain in a day, over all of its scored origins.
    pub day_gain: f64,
    /// In order of time; at least one.
    pub fans: Vec<Fan>,
}

/// One forecast for all horizons.
#[derive(Clone, Debug, PartialEq)]
pub struct Fan {
    /// When it was issued, microseconds.
    pub issued_at: EventTime,
    /// The count then.
    pub base: f64,
    /// What was forecast, by horizon.
    pub forecasts: [ForecastCounts; HORIZONS_HOURS.len()],
    /// The count so many hours later, from 0 to those of the farthest horizon; `None` where it is missing.
    pub actual: Vec<Option<f64>>,
}

/// The fans of at most `videos_max` videos by the blend of `network` and the naive forecasts, or of these alone.
///
/// The videos are active ones, spread evenly from the one that gains most in a day to the one that gains least; where none is
/// active, those with a scored forecast of a day that came to be known. They end with the last such forecast.
pub fn fans(videos: &Videos, network: Option<&Method>, videos_max: usize) -> Fans {
    let given = network.map(|network| &network.forecasts);
    let of_video = |(video, day_gain): &(&Video, f64)| VideoFans::of(video, *day_gain, given);
    Fans {
        method: network.map_or_else(|| NAIVE_BLEND.to_owned(), |network| blend_name(&network.name)),
        videos: spread(&by_day_gain(videos), videos_max).filter_map(of_video).collect(),
    }
}

/// The videos that may be shown with their mean gains in a day, the largest first.
fn by_day_gain(videos: &Videos) -> Vec<(&Video, f64)> {
    let targets: Vec<Vec<Target>> = (0..).zip(videos.iter()).map(|(index, video)| day_targets(index, video)).collect();
    let all = targets.concat();
    let active = active_videos(METRIC, &all, &all);
    let mut shown: Vec<(&Video, f64)> = (0..)
        .zip(videos.iter().zip(&targets))
        .filter(|(index, _)| active.is_empty() || active.contains(index))
        .filter_map(|(_, (video, targets))| {
            let gains: Vec<f64> = targets.iter().filter_map(|target| target.gain).collect();
            (!gains.is_empty()).then(|| (video, gains.iter().sum::<f64>() / gains.len() as f64))
        })
        .collect();
    shown.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    shown
}

/// What is scored of `video` a day ahead.
fn day_targets(index: u32, video: &Video) -> Vec<Target> {
    let origins = video.origins().map(|time| video.origin(time)).filter(|origin| origin.is_scored(METRIC));
    origins.filter_map(|origin| Target::of(index, video, &origin, METRIC, HORIZONS_HOURS[DAY])).collect()
}

/// At most so many of `ranked`, the first and the last among them where there is room for two.
fn spread<T>(ranked: &[T], count_max: usize) -> impl Iterator<Item = &T> {
    let count = ranked.len().min(count_max);
    (0..count).map(move |place| &ranked[place * (ranked.len() - 1) / (count - 1).max(1)])
}

impl VideoFans {
    /// `None` where no forecast of a day came to be known.
    fn of(video: &Video, day_gain: f64, network: Option<&Given>) -> Option<Self> {
        let mut replayed = Vec::new();
        replay(0, video, network, &mut |of_origin| {
            if of_origin.metric == METRIC {
                replayed.push(of_origin);
            }
        });
        let by_origin: Vec<&[Replayed]> = replayed.chunk_by(|a, b| a.target.issued_at == b.target.issued_at).collect();
        let last = by_origin.iter().rfind(|of_origin| of_origin[DAY].target.gain.is_some())?;
        let end = last[0].target.issued_at;
        // The latest of each day before the last one.
        let mut fans: Vec<Fan> = Vec::new();
        let mut day = None;
        for of_origin in by_origin.iter().rev() {
            let before_us = end - of_origin[0].target.issued_at;
            if (0..FANS_MAX * DAY_US).contains(&before_us) && day != Some(before_us / DAY_US) {
                day = Some(before_us / DAY_US);
                fans.push(Fan::of(video, of_origin));
            }
        }
        fans.reverse();
        Some(Self { id: video.id, day_gain, fans })
    }
}

impl Fan {
    /// Of what was issued at one origin, for all horizons.
    fn of(video: &Video, of_origin: &[Replayed]) -> Self {
        let Target { issued_at, base, .. } = of_origin[0].target;
        let forecasts = std::array::from_fn(|horizon| of_origin[horizon].issued.counts(base));
        let actual = (0..=HORIZONS_HOURS[DAY]).map(|hours| video.actual(METRIC, issued_at, hours).count).collect();
        Self { issued_at, base, forecasts, actual }
    }
}
