//! One video: what it gained day by day, and what was forecast of it.

use viewtide_dataflows::snapshot::HOUR_US;
use viewtide_models::evaluate::{Fan, VideoFans};
use viewtide_models::task::HORIZONS_HOURS;

use super::date;
use super::legend::Key;
use super::number::short;
use super::palette::{BLACK, INTERVAL, MEDIAN};
use super::panel::{Panel, plot};
use super::scale::Scale;
use super::svg::{Area, Stroke, Svg};

const DAY_US: i64 = 24 * HOUR_US;
const DOT_RADIUS: f64 = 3.2;
const ACTUAL: Stroke<'static> = Stroke::of(BLACK, 1.6);
const MEDIAN_LINE: Stroke<'static> = Stroke::of(MEDIAN, 1.6);

/// What the marks are, for forecasts of `method`.
pub(super) fn keys(method: &str) -> Vec<Key> {
    let key = |name: String, sample: fn(&mut Svg, [f64; 2], f64)| Key { name, sample: Box::new(sample) };
    vec![
        key("what came to be".to_owned(), |svg, [from, to], y| svg.line((from, y), (to, y), ACTUAL)),
        key(format!("forecast of 1, 6 and 24 hours by the {method}"), |svg, [from, to], y| {
            svg.line((from, y), (to, y), MEDIAN_LINE);
            svg.disc(((from + to) / 2.0, y), DOT_RADIUS, MEDIAN);
        }),
        key("its 80 % interval".to_owned(), |svg, [from, to], y| {
            svg.polygon(&[(from, y - 6.0), (to, y - 6.0), (to, y + 6.0), (from, y + 6.0)], INTERVAL);
        }),
    ]
}

/// Draws what `video` gained from each of its forecasts on.
pub(super) fn fan_panel(svg: &mut Svg, area: Area, video: &VideoFans) {
    let plot = plot(area);
    let (Some(first), Some(last)) = (video.fans.first(), video.fans.last()) else { return };
    let (start_us, end_us) = (first.issued_at, due_us(last, HORIZONS_HOURS[HORIZONS_HOURS.len() - 1]));
    let x = Scale::linear([0.0, (end_us - start_us) as f64], [plot.left, plot.right()]);
    let y = Scale::linear(ends(video), [plot.bottom(), plot.top]);
    let x_of = |time_us: i64| x.at((time_us - start_us) as f64);
    let at = |fan: &Fan, hours: u32, count: f64| (x_of(due_us(fan, hours)), y.at(count - fan.base));
    let midnights = (start_us.div_euclid(DAY_US) + 1..=end_us.div_euclid(DAY_US)).map(|day| day * DAY_US);
    let x_ticks: Vec<_> = midnights.map(|time_us| (x_of(time_us), date(time_us, "%-d %b"))).collect();
    let note = format!("{} at first, {} a day", short(first.base, 3), short(video.day_gain, 3));
    let (title, x_label) = (video.id.to_string(), date(start_us, "UTC, %Y"));
    Panel { title: &title, note: &note, x_label: &x_label, y_label: "views gained" }.draw(
        svg,
        plot,
        &y,
        |tick| short(tick, 4),
        &x_ticks,
    );
    for fan in &video.fans {
        interval(svg, fan, &at);
        actual(svg, fan, &at);
        medians(svg, fan, &at);
    }
}

/// Where a count is that a fan's video has so many hours later.
type Place<'a> = &'a dyn Fn(&Fan, u32, f64) -> (f64, f64);

fn interval(svg: &mut Svg, fan: &Fan, at: Place<'_>) {
    let with_hours = || HORIZONS_HOURS.into_iter().zip(fan.forecasts);
    let mut corners = vec![at(fan, 0, fan.base)];
    corners.extend(with_hours().map(|(hours, counts)| at(fan, hours, counts.high as f64)));
    let mut low: Vec<_> = with_hours().map(|(hours, counts)| at(fan, hours, counts.low as f64)).collect();
    low.reverse();
    svg.polygon(&[corners, low].concat(), INTERVAL);
}

/// A line with a gap where the counts have one.
fn actual(svg: &mut Svg, fan: &Fan, at: Place<'_>) {
    let with_hours: Vec<(u32, Option<f64>)> = (0..).zip(fan.actual.iter().copied()).collect();
    for there in with_hours.split(|(_, count)| count.is_none()) {
        let points: Vec<_> = there.iter().filter_map(|(hours, count)| Some(at(fan, *hours, (*count)?))).collect();
        if !points.is_empty() {
            svg.polyline(&points, ACTUAL);
        }
    }
}

fn medians(svg: &mut Svg, fan: &Fan, at: Place<'_>) {
    let counts = HORIZONS_HOURS.into_iter().zip(fan.forecasts);
    let mut points = vec![at(fan, 0, fan.base)];
    points.extend(counts.map(|(hours, counts)| at(fan, hours, counts.median as f64)));
    svg.polyline(&points, MEDIAN_LINE);
    points[1..].iter().for_each(|point| svg.disc(*point, DOT_RADIUS, MEDIAN));
}

/// The least and the most gain that is drawn, 0 among it, and a little more above.
fn ends(video: &VideoFans) -> [f64; 2] {
    const MORE: f64 = 0.04;
    let gains = video.fans.iter().flat_map(|fan| {
        let forecast = fan.forecasts.iter().flat_map(|counts| [counts.low as f64, counts.high as f64]);
        fan.actual.iter().copied().flatten().chain(forecast).map(|count| count - fan.base)
    });
    let [low, high] = gains.fold([0.0_f64, 0.0], |[low, high], gain| [low.min(gain), high.max(gain)]);
    [low, high + MORE * (high - low)]
}

fn due_us(fan: &Fan, hours: u32) -> i64 {
    fan.issued_at + i64::from(hours) * HOUR_US
}
