//! One counter: each method's error by horizon.

use viewtide_models::evaluate::Line;
use viewtide_models::naive::Naive;
use viewtide_models::task::{HORIZONS_HOURS, Metric};

use super::legend::Key;
use super::number::short;
use super::palette::{FRAME, mark, whisker};
use super::panel::{Panel, plot};
use super::scale::Scale;
use super::svg::{Area, Stroke, Svg};

/// The naive forecast with the least error, another one at each place.
const BEST_NAIVE: &str = "best naive forecast in hindsight";

/// Of the width that a horizon has, methods share this much, and are this many pixels apart at most.
const SHARE: f64 = 0.8;
const APART_MAX: f64 = 14.0;

/// Some lines of the table under one name: at most one for each counter and horizon.
pub(super) struct ErrorSeries<'a> {
    name: &'a str,
    lines: Vec<&'a Line>,
}

impl<'a> ErrorSeries<'a> {
    /// The best of the naive forecasts at each counter and horizon, then every other method.
    pub(super) fn all(lines: &'a [Line]) -> Vec<Self> {
        let is_naive = |line: &&Line| Naive::ALL.iter().any(|naive| naive.name() == line.method);
        let place = |line: &&Line| (line.metric, line.horizon_hours);
        let mut best: Vec<&Line> = Vec::new();
        for line in lines.iter().filter(is_naive).filter(|line| error(line).is_some()) {
            match best.iter_mut().find(|best| place(best) == place(&line)) {
                Some(best) if error(line) < error(best) => *best = line,
                Some(_) => {}
                None => best.push(line),
            }
        }
        let mut series = vec![Self { name: BEST_NAIVE, lines: best }];
        for line in lines.iter().filter(|line| !is_naive(line)) {
            match series[1..].iter_mut().find(|series| series.name == line.method) {
                Some(series) => series.lines.push(line),
                None => series.push(Self { name: &line.method, lines: vec![line] }),
            }
        }
        series
    }
}

/// What can be drawn on a logarithmic axis.
fn error(line: &Line) -> Option<f64> {
    line.scores.relative_error.filter(|error| error.is_finite() && *error > 0.0)
}

/// Likewise; the error itself where there is none.
fn interval(line: &Line) -> Option<[f64; 2]> {
    let error = error(line)?;
    let is_drawn = |ends: &[f64; 2]| ends.iter().all(|end| end.is_finite() && *end > 0.0);
    Some(line.scores.relative_error_interval.filter(is_drawn).unwrap_or([error; 2]))
}

/// The least and the most that is drawn, 1 among it, and a little more; `None` where nothing is.
pub(super) fn ends(series: &[ErrorSeries<'_>]) -> Option<[f64; 2]> {
    const MORE: f64 = 1.03;
    let intervals = series.iter().flat_map(|series| &series.lines).filter_map(|line| interval(line));
    let ends = intervals.reduce(|[low, high], [from, to]| [low.min(from), high.max(to)]);
    ends.map(|[low, high]| [low.min(1.0) / MORE, high.max(1.0) * MORE])
}

/// What the marks are.
pub(super) fn keys(series: &[ErrorSeries<'_>]) -> Vec<Key> {
    let of_series = |(index, series): (usize, &ErrorSeries<'_>)| Key {
        name: series.name.to_owned(),
        sample: Box::new(move |svg: &mut Svg, [from, to]: [f64; 2], y: f64| {
            let x = (from + to) / 2.0 + 4.0;
            whisker(svg, x, [y - 8.0, y + 8.0], index);
            mark(svg, (x, y), index);
        }),
    };
    series.iter().enumerate().map(of_series).collect()
}

/// Draws the errors of `metric`, on an axis between `ends` that all counters share.
pub(super) fn error_panel(svg: &mut Svg, area: Area, metric: Metric, series: &[ErrorSeries<'_>], ends: [f64; 2]) {
    let plot = plot(area);
    let y = Scale::log(ends, [plot.bottom(), plot.top]);
    let width = plot.width / HORIZONS_HOURS.len() as f64;
    let middle = |horizon: usize| plot.left + (horizon as f64 + 0.5) * width;
    let x_ticks: Vec<_> = (0..).zip(HORIZONS_HOURS).map(|(at, hours)| (middle(at), format!("{hours} h"))).collect();
    Panel {
        title: metric.name(),
        note: &active(metric, series),
        x_label: "time ahead",
        y_label: "relative error (log scale)",
    }
    .draw(svg, plot, &y, |tick| short(tick, 4), &x_ticks);
    let reference = Stroke { is_dashed: true, ..Stroke::of(FRAME, 1.2) };
    svg.line((plot.left, y.at(1.0)), (plot.right(), y.at(1.0)), reference);
    let apart = (SHARE * width / series.len() as f64).min(APART_MAX);
    for (index, one) in series.iter().enumerate() {
        let aside = (index as f64 - (series.len() - 1) as f64 / 2.0) * apart;
        let at = |line: &Line| HORIZONS_HOURS.iter().position(|hours| *hours == line.horizon_hours).map(middle);
        for line in one.lines.iter().filter(|line| line.metric == metric) {
            if let (Some(middle), Some(error), Some(interval)) = (at(line), error(line), interval(line)) {
                svg.titled(&figures(line, error, interval), |svg| {
                    whisker(svg, middle + aside, interval.map(|end| y.at(end)), index);
                    mark(svg, (middle + aside, y.at(error)), index);
                });
            }
        }
    }
}

/// How many videos the means are over.
fn active(metric: Metric, series: &[ErrorSeries<'_>]) -> String {
    let lines = series.iter().flat_map(|series| &series.lines);
    let counts = || lines.clone().filter(|line| line.metric == metric).map(|line| line.scores.active_videos);
    match (counts().min().unwrap_or(0), counts().max().unwrap_or(0)) {
        (0, 0) => "no active video".to_owned(),
        (1, 1) => "1 active video".to_owned(),
        (least, most) if least == most => format!("{most} active videos"),
        (least, most) => format!("{least} to {most} active videos"),
    }
}

/// What a mark stands for.
fn figures(line: &Line, error: f64, [low, high]: [f64; 2]) -> String {
    let Line { metric, horizon_hours, method, .. } = line;
    let [error, low, high] = [error, low, high].map(|figure| short(figure, 3));
    format!("{method}, {} {horizon_hours} h ahead: {error} ({low} to {high})", metric.name())
}
