//! Forecasts as a picture: counts as they were observed, and what was forecast from two origins.

use jiff::Timestamp;
use maud::{Markup, html};
use viewtide_dataflows::snapshot::HOUR_US;

use crate::http::chart::Chart;
use crate::http::figures;
use crate::http::video::Fan;

impl Fan {
    /// When a horizon's target is, microseconds since 1970.
    fn target_us(&self, horizon_hours: u32) -> i64 {
        self.issued_at.as_microsecond() + i64::from(horizon_hours) * HOUR_US
    }

    /// Times and counts from the origin on: of each horizon what `count` takes of it.
    fn points(&self, count: impl Fn(&super::Horizon) -> Option<i64>) -> Vec<(i64, f64)> {
        let at_origin = (self.issued_at.as_microsecond(), self.base as f64);
        let horizons = self
            .horizons
            .iter()
            .filter_map(|horizon| Some((self.target_us(horizon.horizon_hours), count(horizon)? as f64)));
        std::iter::once(at_origin).chain(horizons).collect()
    }
}

/// The picture of `fans` of `metric`, and of the counts in `line` around them.
pub(super) fn picture(fans: &[Fan], line: &[(Timestamp, i64)], metric: &str) -> Markup {
    let observed: Vec<(i64, f64)> = line.iter().map(|(at, count)| (at.as_microsecond(), *count as f64)).collect();
    let medians: Vec<_> = fans.iter().map(|fan| fan.points(|horizon| Some(horizon.predicted))).collect();
    let highs: Vec<_> = fans.iter().map(|fan| fan.points(|horizon| horizon.high)).collect();
    let lows: Vec<_> = fans.iter().map(|fan| fan.points(|horizon| horizon.low)).collect();
    let all = || [&medians, &highs, &lows].into_iter().flatten().flatten().chain(&observed);
    let times = all().map(|(us, _)| *us);
    let (Some(first), Some(last)) = (times.clone().min(), times.max()) else { return html! {} };
    let ends =
        all().fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], (_, count)| [low.min(*count), high.max(*count)]);
    let chart = Chart::new([first, last], ends);
    let content = html! {
        @for (high, low) in highs.iter().zip(&lows) {
            polygon.interval points=(chart.points(high.iter().chain(low.iter().skip(1).rev()).copied())) {}
        }
        polyline.observed points=(chart.points(observed.iter().copied())) {}
        @for median in &medians {
            polyline.median points=(chart.points(median.iter().copied())) {}
            @for (us, count) in &median[1..] {
                circle.median cx=(format!("{:.1}", chart.x(*us))) cy=(format!("{:.1}", chart.y(*count))) r="4" {
                    title { (figures::time(*us)) " UTC: " (figures::count(*count as i64)) }
                }
            }
        }
    };
    let said = format!(
        "{metric} as observed, and what was forecast of them, from {} to {} UTC; the same is in the table below",
        figures::time(first),
        figures::time(last)
    );
    html! {
        (chart.draw(&said, &content))
        ul.legend {
            li { svg.key viewBox="0 0 24 10" aria-hidden="true" { polyline.observed points="0,5 24,5" {} } "observed" }
            li {
                svg.key viewBox="0 0 24 10" aria-hidden="true" {
                    polyline.median points="0,5 24,5" {}
                    circle.median cx="12" cy="5" r="4" {}
                }
                "forecast 1, 6 and 24 hours ahead"
            }
            li { svg.key viewBox="0 0 24 10" aria-hidden="true" { polygon.interval points="0,0 24,0 24,10 0,10" {} } "its 80 % interval" }
        }
    }
}
