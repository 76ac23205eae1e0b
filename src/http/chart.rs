//! Plots over time: a frame with round ticks, and what is drawn in it. Colours are the style sheet's.

use jiff::Timestamp;
use maud::{Markup, html};
use viewtide_dataflows::snapshot::HOUR_US;

use crate::picture::number::short;
use crate::picture::scale::Scale;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 240.0;
/// Room for labels.
const LEFT: f64 = 56.0;
const RIGHT: f64 = 10.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 26.0;

/// Steps of ticks of time, of which as few are taken as are enough.
const STEPS_HOURS: [i64; 9] = [1, 3, 6, 12, 24, 48, 96, 168, 336];
const TICKS_MAX: i64 = 9;

/// A plot of values over time.
pub(super) struct Chart {
    times_us: [i64; 2],
    x: Scale,
    y: Scale,
}

impl Chart {
    /// From the first to the last time, and from the least to the greatest value.
    pub(super) fn new(times_us: [i64; 2], values: [f64; 2]) -> Self {
        let x = Scale::linear(times_us.map(|us| (us - times_us[0]) as f64), [LEFT, WIDTH - RIGHT]);
        Self { times_us, x, y: Scale::linear(values, [HEIGHT - BOTTOM, TOP]) }
    }

    pub(super) fn x(&self, us: i64) -> f64 {
        self.x.at((us - self.times_us[0]) as f64)
    }

    pub(super) fn y(&self, value: f64) -> f64 {
        self.y.at(value)
    }

    /// Places of a line or an area, as SVG writes them.
    pub(super) fn points(&self, points: impl IntoIterator<Item = (i64, f64)>) -> String {
        let place = |(us, value)| format!("{:.1},{:.1}", self.x(us), self.y(value));
        points.into_iter().map(place).collect::<Vec<_>>().join(" ")
    }

    /// The picture, which is said as `said` where it is not seen.
    pub(super) fn draw(&self, said: &str, content: &Markup) -> Markup {
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        let place = |place: f64| format!("{place:.1}");
        html! {
            svg.chart viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(said) {
                @for value in self.y.ticks() {
                    line.grid x1=(LEFT) x2=(right) y1=(place(self.y(value))) y2=(place(self.y(value))) {}
                    text.tick x=(LEFT - 6.0) y=(place(self.y(value) + 4.0)) text-anchor="end" { (short(value, 4)) }
                }
                @for (us, name) in self.time_ticks() {
                    line.grid x1=(place(self.x(us))) x2=(place(self.x(us))) y1=(bottom) y2=(bottom + 4.0) {}
                    text.tick x=(place(self.x(us))) y=(HEIGHT - 8.0) text-anchor="middle" { (name) }
                }
                (content)
            }
        }
    }

    /// Whole hours or days in UTC: a date at midnight, the time else.
    fn time_ticks(&self) -> Vec<(i64, String)> {
        let [first, last] = self.times_us;
        let steps = STEPS_HOURS.map(|hours| hours * HOUR_US);
        let step =
            steps.into_iter().find(|step| (last - first) / step < TICKS_MAX).unwrap_or((last - first) / TICKS_MAX);
        let name = |us: i64| {
            let time = Timestamp::from_microsecond(us).ok()?;
            let form = if us.rem_euclid(24 * HOUR_US) == 0 { "%-d %b" } else { "%H:%M" };
            Some((us, time.strftime(form).to_string()))
        };
        let from = first.div_euclid(step) + i64::from(first.rem_euclid(step) > 0);
        (from..=last.div_euclid(step)).filter_map(|place| name(place * step)).collect()
    }
}

/// Bars of what was gained in each hour; hours that are not there have none.
pub(super) fn hourly_bars(gains: &[(Timestamp, i64)], what: &str) -> Markup {
    let (Some((first, _)), Some((last, _))) = (gains.first(), gains.last()) else {
        return html! { p { "No hour has gains yet." } };
    };
    let [first_us, last_us] = [first, last].map(|hour| hour.as_microsecond());
    let values = gains.iter().map(|(_, gain)| *gain as f64);
    let ends = values.fold([0.0_f64, 1.0], |[low, high], gain| [low.min(gain), high.max(gain)]);
    // Short histories have bars of a bearable width.
    let chart = Chart::new([first_us.min(last_us - 23 * HOUR_US), last_us + HOUR_US], ends);
    let zero = chart.y(0.0);
    let time = |hour: &Timestamp| hour.strftime("%Y-%m-%d %H:%M").to_string();
    let said = format!("{what} in each hour from {} to {} UTC", time(first), time(last));
    let bars = html! {
        @for (hour, gain) in gains {
            @let (left, right) = (chart.x(hour.as_microsecond()), chart.x(hour.as_microsecond() + HOUR_US));
            @let y = chart.y(*gain as f64);
            rect.bar x=(format!("{left:.1}")) width=(format!("{:.1}", (right - left - 0.6).max(0.6)))
                y=(format!("{:.1}", y.min(zero))) height=(format!("{:.1}", (y - zero).abs().max(0.5))) {
                title { (time(hour)) " UTC: " (super::figures::count(*gain)) }
            }
        }
    };
    chart.draw(&said, &bars)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(hours: i64) -> Vec<String> {
        let begin = "2025-07-01T22:30:00Z".parse::<Timestamp>().unwrap().as_microsecond();
        let chart = Chart::new([begin, begin + hours * HOUR_US], [0.0, 1.0]);
        chart.time_ticks().into_iter().map(|(_, name)| name).collect()
    }

    #[test]
    fn ticks_of_time_are_whole_hours_or_days() {
        assert_eq!(ticks(4), ["23:00", "2 Jul", "01:00", "02:00"]);
        assert_eq!(ticks(24), ["2 Jul", "03:00", "06:00", "09:00", "12:00", "15:00", "18:00", "21:00"]);
        assert_eq!(ticks(168).len(), 7);
        assert!((4..=9).contains(&ticks(5_000).len()), "{:?}", ticks(5_000));
    }

    #[test]
    fn bars_reach_from_zero_up_and_down() {
        let hour = |hour: i64| Timestamp::from_microsecond(hour * HOUR_US).unwrap();
        let svg = hourly_bars(&[(hour(100), 50), (hour(101), -50), (hour(105), 100)], "views gained").into_string();
        assert_eq!(svg.matches("<rect").count(), 3, "{svg}");
        let height =
            |at: usize| svg.split(" height=\"").nth(at).unwrap().split('"').next().unwrap().parse::<f64>().unwrap();
        assert!((height(1) - height(2)).abs() < 0.11 && (height(3) - 2.0 * height(1)).abs() < 0.11, "{svg}");
        assert!(svg.contains("1970-01-05 04:00 UTC: 50"), "{svg}");
        assert!(!hourly_bars(&[], "").into_string().contains("<svg"));
    }
}
