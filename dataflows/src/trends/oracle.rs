//! Trends by definition, from scratch and without a thought for speed. Shares nothing with the operator but the row
//! types.

use crate::snapshot::EventTime;
use crate::video_id::VideoId;

use super::{Label, TrendRow, TrendWindow};

const HOUR_US: i64 = 3_600_000_000;

/// The trend of a video with these folded-in snapshots, in order of time and with their view counts.
pub fn trend(video: VideoId, folded_in: &[(EventTime, Option<i64>)]) -> Option<TrendRow> {
    let viewed: Vec<(i64, i64)> =
        folded_in.iter().filter(|(_, views)| views.is_some()).map(|&(time, views)| (time, views.unwrap())).collect();
    let &(as_of, count) = viewed.last()?;
    let newest = folded_in.last().unwrap().0;
    if newest - as_of > 30 * HOUR_US {
        return None;
    }
    let first = viewed[0].0;
    let windows = [1, 6, 24, 168].map(|hours: i64| {
        let (window, q, m) = (hours * HOUR_US, (as_of - hours * HOUR_US).max(first), as_of - hours * HOUR_US / 2);
        let gain = count as f64 - y(&viewed, q);
        let per_hour = if viewed.len() == 1 { None } else { Some(gain / ((as_of - q) as f64 / 3600000000.0)) };
        let acceleration = if first <= as_of - window {
            let half = hours as f64 / 2.0;
            Some(((count as f64 - y(&viewed, m)) / half) - ((y(&viewed, m) - y(&viewed, as_of - window)) / half))
        } else {
            None
        };
        TrendWindow { gained: half_to_even(gain), per_hour, acceleration }
    });
    let label = windows[2].acceleration.map(|acceleration| {
        let (per_hour_1h, per_hour_24h) = (windows[0].per_hour.unwrap(), windows[2].per_hour.unwrap());
        if per_hour_1h >= 3.0 * per_hour_24h && windows[0].gained >= 100 {
            Label::Spiking
        } else if acceleration > 0.1 * per_hour_24h.abs() {
            Label::Rising
        } else if acceleration < -(0.1 * per_hour_24h.abs()) {
            Label::Falling
        } else {
            Label::Steady
        }
    });
    Some(TrendRow { video, as_of, label, windows })
}

fn y(viewed: &[(i64, i64)], q: i64) -> f64 {
    if let Some(&(_, count)) = viewed.iter().find(|&&(time, _)| time == q) {
        return count as f64;
    }
    let &(s0, c0) = viewed.iter().rfind(|&&(time, _)| time < q).unwrap();
    let &(s1, c1) = viewed.iter().find(|&&(time, _)| time > q).unwrap();
    c0 as f64 + (c1 - c0) as f64 * ((q - s0) as f64 / (s1 - s0) as f64)
}

fn half_to_even(value: f64) -> i64 {
    let below = value.floor();
    let rest = value - below;
    let below = below as i64;
    if rest > 0.5 || (rest == 0.5 && below % 2 != 0) { below + 1 } else { below }
}
