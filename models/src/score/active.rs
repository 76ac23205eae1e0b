//! The videos that count: of one on which nothing happens, every ratio of errors is noise.

use std::collections::BTreeMap;

use super::Target;
use crate::task::Metric;

/// Origins with an actual that a video has at least.
const ORIGINS_MIN: usize = 100;

/// How many of them move at least, and by more than how much.
const MOVING_MIN: usize = 20;
const MOVE_MIN: f64 = 0.5;

/// The indices of the active videos at a horizon: those with at least 100 origins with an actual, at least 20 of them moving by
/// more than half a count, and a mean gain in 24 hours of at least 10 views, 1 like or 1 comment. `day` are the targets of 24
/// hours.
pub fn active_videos(metric: Metric, at_horizon: &[Target], day: &[Target]) -> Vec<u32> {
    let gain_min = match metric {
        Metric::Views => 10.0,
        Metric::Likes | Metric::Comments => 1.0,
    };
    let day = gains(day);
    let is_active = |(video, gains): (u32, Vec<f64>)| {
        let moving = gains.iter().filter(|gain| gain.abs() > MOVE_MIN).count();
        let of_day = day.get(&video).map_or(0.0, |gains| gains.iter().sum::<f64>() / gains.len() as f64);
        (gains.len() >= ORIGINS_MIN && moving >= MOVING_MIN && of_day >= gain_min).then_some(video)
    };
    gains(at_horizon).into_iter().filter_map(is_active).collect()
}

/// The gains that are known, by video.
fn gains(targets: &[Target]) -> BTreeMap<u32, Vec<f64>> {
    let mut gains = BTreeMap::<u32, Vec<f64>>::new();
    for target in targets {
        if let Some(gain) = target.gain {
            gains.entry(target.video).or_default().push(gain);
        }
    }
    gains
}
