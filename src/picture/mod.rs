//! Forecasts and their errors as a picture (SVG): forecast fans beside what came of them, and each method's error by horizon.
//!
//! | module | one concept |
//! |---|---|
//! | `svg` | elements of a picture as text |
//! | `scale` | values to places on an axis, and its ticks |
//! | `number` | numbers as people read them |
//! | `palette` | colours and marks that are told apart |
//! | `panel` | a plot's frame: title, axes, grid |
//! | `legend` | which mark stands for what |
//! | `fan_panel` | one video: what it gained day by day, and what was forecast of it |
//! | `error_panel` | one counter: each method's error by horizon |

mod error_panel;
mod fan_panel;
mod legend;
pub(crate) mod number;
mod palette;
mod panel;
pub(crate) mod scale;
mod svg;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use viewtide_models::evaluate::{Fans, Line};
use viewtide_models::task::{Metric, Videos};

use error_panel::{ErrorSeries, error_panel};
use fan_panel::fan_panel;
use legend::legend;
use svg::{Area, Svg, Text};

/// Panels side by side.
const COLUMNS: usize = 3;

/// Videos that have room: two rows of them.
pub const VIDEOS_MAX: usize = 2 * COLUMNS;

/// Sizes, in pixels.
const WIDTH: f64 = 1240.0;
const MARGIN: f64 = 28.0;
const GAP: f64 = 20.0;
const FAN_HEIGHT: f64 = 270.0;
const ERROR_HEIGHT: f64 = 340.0;

/// One evaluation, as it is drawn.
#[derive(Clone, Debug)]
pub struct Part {
    /// Of what.
    extent: String,
    caveat: Option<String>,
    lines: Vec<Line>,
    fans: Fans,
}

impl Part {
    /// Of `fans` and the errors among `lines`, which are an evaluation of `videos`; `caveat` is what is to be known of it.
    pub fn new(videos: &Videos, lines: Vec<Line>, fans: Fans, caveat: Option<&str>) -> Self {
        Self { extent: extent(videos), caveat: caveat.map(str::to_owned), lines, fans }
    }
}

/// Draws `parts`, one below the other.
pub fn draw(parts: &[Part]) -> String {
    let mut svg = Svg::default();
    svg.text(Text { size: 24.0, is_bold: true, ..Text::at(MARGIN, 46.0, TITLE) });
    let mut top = 70.0;
    for Part { extent, caveat, lines, fans } in parts {
        svg.text(Text { colour: palette::GREY, size: 14.0, ..Text::at(MARGIN, top, extent) });
        if let Some(caveat) = caveat {
            top += 20.0;
            svg.text(Text { colour: palette::WARNING, size: 14.0, is_bold: true, ..Text::at(MARGIN, top, caveat) });
        }
        top = draw_fans(&mut svg, fans, top + 42.0);
        top = draw_errors(&mut svg, lines, top + 34.0) + 50.0;
    }
    svg.finish(WIDTH, top - 34.0, TITLE)
}

const TITLE: &str = "Forecasts of 1, 6 and 24 hours, and what came of them";

/// Returns how far down it reaches.
fn draw_fans(svg: &mut Svg, fans: &Fans, top: f64) -> f64 {
    let note = "From the video that gains most to the one that gains least, the last five days that are known. Each forecast starts at 0";
    section(svg, top, "Views gained, and what was forecast of them once a day", note);
    if fans.videos.is_empty() {
        return nothing(svg, top + 56.0, "No forecast of a day has come to be known.");
    }
    let top = legend(svg, MARGIN, top + 48.0, WIDTH - 2.0 * MARGIN, &fan_panel::keys(&fans.method));
    let areas = grid(top + 8.0, FAN_HEIGHT);
    fans.videos.iter().zip(areas).for_each(|(video, area)| fan_panel(svg, area, video));
    top + 8.0 + fans.videos.len().div_ceil(COLUMNS) as f64 * (FAN_HEIGHT + GAP)
}

/// Returns how far down it reaches.
fn draw_errors(svg: &mut Svg, lines: &[Line], top: f64) -> f64 {
    let note = "Mean absolute error over that of a fixed naive forecast (1), geometric mean over the active videos; less is \
                better. Whiskers: where 95 % of such means lie over videos drawn anew";
    section(svg, top, "Error by horizon", note);
    let series = ErrorSeries::all(lines);
    let Some(ends) = error_panel::ends(&series) else {
        return nothing(svg, top + 56.0, "No video is active: there is no mean over them.");
    };
    let top = legend(svg, MARGIN, top + 48.0, WIDTH - 2.0 * MARGIN, &error_panel::keys(&series));
    let areas = grid(top + 8.0, ERROR_HEIGHT);
    Metric::ALL.into_iter().zip(areas).for_each(|(metric, area)| error_panel(svg, area, metric, &series, ends));
    top + 8.0 + ERROR_HEIGHT
}

fn section(svg: &mut Svg, top: f64, title: &str, note: &str) {
    svg.text(Text { size: 18.0, is_bold: true, ..Text::at(MARGIN, top, title) });
    svg.text(Text { colour: palette::GREY, ..Text::at(MARGIN, top + 20.0, note) });
}

fn nothing(svg: &mut Svg, top: f64, why: &str) -> f64 {
    svg.text(Text { size: 14.0, ..Text::at(MARGIN, top, why) });
    top + 20.0
}

/// The places of panels, row by row.
fn grid(top: f64, height: f64) -> impl Iterator<Item = Area> {
    let width = (WIDTH - 2.0 * MARGIN - (COLUMNS - 1) as f64 * GAP) / COLUMNS as f64;
    (0..).map(move |place: usize| {
        let [column, row] = [place % COLUMNS, place / COLUMNS].map(|index| index as f64);
        Area { left: MARGIN + column * (width + GAP), top: top + row * (height + GAP), width, height }
    })
}

/// How many videos and snapshots there are, and from when to when.
fn extent(videos: &Videos) -> String {
    let snapshots: usize = videos.iter().map(|video| video.snapshots().len()).sum();
    let noun = if videos.len() == 1 { "video" } else { "videos" };
    let counts = format!("{} {noun}, {} snapshots", videos.len(), number::grouped(snapshots as u64));
    let ends =
        videos.iter().filter_map(|video| Some([video.snapshots().first()?.time, video.snapshots().last()?.time]));
    let ends = ends.reduce(|[first, last], [from, to]| [first.min(from), last.max(to)]);
    match ends.map(|ends| ends.map(|time_us| date(time_us, "%-d %b %Y"))) {
        Some([from, to]) => format!("{counts}, {from} to {to} (UTC)"),
        None => counts,
    }
}

/// A time in UTC, in the format of strftime; empty where no calendar has it.
fn date(time_us: i64, format: &str) -> String {
    Timestamp::from_microsecond(time_us).map(|time| time.strftime(format).to_string()).unwrap_or_default()
}
