//! Forecasts that another program made, as a CSV file: scored by the same code as all others.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;

use anyhow::{Context, anyhow};
use viewtide_dataflows::snapshot::EventTime;
use viewtide_dataflows::video_id::{VideoId, VideoIdError};
use viewtide_models::evaluate::{Given, Method, NAIVE_BLEND};
use viewtide_models::naive::Naive;
use viewtide_models::score::Forecast;
use viewtide_models::task::{HORIZONS_HOURS, Metric, Videos};

use crate::source::csv_file::unpacked;
use crate::source::csv_rows::{CsvRows, Row};
use crate::source::refusal::Refusal;
use crate::source::times::event_time;
use crate::source::value::shown;

const COLUMNS: [&str; 5] = ["video_id", "issued_at", "metric", "horizon_hours", "gain"];
/// Ends of the 80 % interval; a file has both or neither.
const INTERVAL: [&str; 2] = ["low", "high"];

/// A file of forecasts, and what the table calls them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ForecastsFile {
    name: String,
    path: String,
}

/// Why a row is no forecast.
#[derive(Debug, PartialEq, thiserror::Error)]
enum NoForecast {
    #[error("the row has {0} fields, and the header {1}")]
    Fields(usize, usize),
    #[error("the row is too large")]
    TooLarge,
    #[error("{0} is not UTF-8")]
    NotUtf8(&'static str),
    #[error("video_id {0}: {1}")]
    Video(String, VideoIdError),
    #[error("issued_at: {0}")]
    IssuedAt(Refusal),
    #[error("metric {0}: it is views, likes or comments")]
    Metric(String),
    #[error("horizon_hours {0}: it is 1, 6 or 24")]
    Horizon(String),
    #[error("{0} {1}: it is a finite number")]
    Number(&'static str, String),
    #[error("low and high: both are given, or neither")]
    HalfAnInterval,
    #[error("low {0} is above high {1}")]
    Interval(f64, f64),
    #[error("the forecast of this video, origin, metric and horizon was given before")]
    Twice,
}

/// What a row says.
#[derive(Debug, PartialEq)]
struct Word {
    video: VideoId,
    issued_at: EventTime,
    metric: Metric,
    /// The index of the horizon.
    horizon: usize,
    forecast: Forecast,
}

impl ForecastsFile {
    /// Parses `NAME=FILE`. The name is none that the table has anyway.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (name, path) = text.split_once('=').ok_or("write a name for the table, =, and the file")?;
        if name.is_empty() || path.is_empty() {
            return Err("a name for the table, =, and the file; one of the two is empty".to_owned());
        }
        if name == NAIVE_BLEND || Naive::ALL.iter().any(|naive| naive.name() == name) {
            return Err(format!("the table has a line `{name}` of its own; choose another name"));
        }
        Ok(Self { name: name.to_owned(), path: path.to_owned() })
    }

    /// Reads the forecasts of origins of `videos`; others are left out with a warning.
    ///
    /// # Errors
    /// A file that cannot be read or has not the columns, and the first row that is no forecast.
    pub(super) fn read(&self, videos: &Videos) -> anyhow::Result<Method> {
        let origins: BTreeMap<VideoId, BTreeSet<EventTime>> =
            videos.iter().map(|video| (video.id, video.origins().collect())).collect();
        let open = || Ok(unpacked(File::open(&self.path)?)?);
        let (forecasts, left_out) = open()
            .and_then(|file| read(file, |video, time| origins.get(&video).is_some_and(|times| times.contains(&time))))
            .with_context(|| format!("cannot read the forecasts of {} from {}", self.name, self.path))?;
        if let LeftOut { rows: 1.., first_line } = left_out {
            tracing::warn!(
                rows = left_out.rows,
                "forecasts of {} are of no origin in the CSV files and were left out, the first one is in {}, line \
                 {first_line}; issued_at has to be the time of the first snapshot of a video in its hour",
                self.name,
                self.path
            );
        }
        Ok(Method { name: self.name.clone(), forecasts, is_blended: false })
    }
}

/// Reads every file, in the order given.
///
/// # Errors
/// Two of the same name, and as [`ForecastsFile::read`].
pub(super) fn read_all(files: &[ForecastsFile], videos: &Videos) -> anyhow::Result<Vec<Method>> {
    for (index, file) in files.iter().enumerate() {
        if files[..index].iter().any(|other| other.name == file.name) {
            return Err(anyhow!("--forecasts-file names two files {}; give each a name of its own", file.name));
        }
    }
    files.iter().map(|file| file.read(videos)).collect()
}

/// Forecasts of what is no origin.
#[derive(Debug, Default, PartialEq)]
struct LeftOut {
    rows: u64,
    first_line: u64,
}

/// Every forecast of an origin, of which `is_origin` says so, and how many others there are.
fn read(file: impl Read, is_origin: impl Fn(VideoId, EventTime) -> bool) -> anyhow::Result<(Given, LeftOut)> {
    let mut rows = CsvRows::new(file);
    let header = rows.next_row()?.ok_or_else(|| anyhow!("it is empty; {}", needed()))?;
    let columns = Columns::of(&header)?;
    let (mut given, mut left_out) = (Given::new(), LeftOut::default());
    loop {
        let line = rows.line();
        let Some(row) = rows.next_row().with_context(|| format!("line {line}"))? else { break };
        let at = || format!("line {}", row.line);
        let Word { video, issued_at, metric, horizon, forecast } = columns.word(&row).with_context(at)?;
        if !is_origin(video, issued_at) {
            left_out.rows += 1;
            left_out.first_line = if left_out.rows == 1 { row.line } else { left_out.first_line };
            continue;
        }
        let of_origin = given.entry((video, issued_at, metric)).or_default();
        if of_origin[horizon].replace(forecast).is_some() {
            return Err(NoForecast::Twice).with_context(at);
        }
    }
    Ok((given, left_out))
}

fn needed() -> String {
    format!("a header with {} is needed, and {} where there are intervals", COLUMNS.join(", "), INTERVAL.join(" and "))
}

/// Which column holds what.
struct Columns {
    count: usize,
    places: [usize; COLUMNS.len()],
    interval: Option<[usize; 2]>,
}

impl Columns {
    fn of(header: &Row<'_>) -> anyhow::Result<Self> {
        let place = |name: &str| {
            let mut places = (0..header.len()).filter(|index| header.field(*index) == Some(name.as_bytes()));
            match (places.next(), places.next()) {
                (place, None) => Ok(place),
                _ => Err(anyhow!("the column {name} is there twice; {}", needed())),
            }
        };
        let mut places = [0; COLUMNS.len()];
        for (name, found) in COLUMNS.into_iter().zip(&mut places) {
            *found = place(name)?.ok_or_else(|| anyhow!("it has no column {name}; {}", needed()))?;
        }
        let interval = match INTERVAL.map(place) {
            [Ok(Some(low)), Ok(Some(high))] => Some([low, high]),
            [Ok(None), Ok(None)] => None,
            [Err(error), _] | [_, Err(error)] => return Err(error),
            _ => return Err(anyhow!("it has only one of the columns low and high; {}", needed())),
        };
        Ok(Self { count: header.len(), places, interval })
    }

    fn word(&self, row: &Row<'_>) -> Result<Word, NoForecast> {
        if row.is_too_large() {
            return Err(NoForecast::TooLarge);
        }
        if row.len() != self.count {
            return Err(NoForecast::Fields(row.len(), self.count));
        }
        let text = |place: usize, name| {
            std::str::from_utf8(row.field(place).unwrap_or_default()).map_err(|_| NoForecast::NotUtf8(name))
        };
        let mut texts = [""; COLUMNS.len()];
        for ((place, name), found) in self.places.into_iter().zip(COLUMNS).zip(&mut texts) {
            *found = text(place, name)?;
        }
        let [video, issued_at, metric, horizon, gain] = texts;
        let interval = match self.interval {
            Some([low, high]) => interval(text(low, INTERVAL[0])?, text(high, INTERVAL[1])?)?,
            None => None,
        };
        Ok(Word {
            video: video.parse().map_err(|error| NoForecast::Video(shown(video), error))?,
            issued_at: event_time(issued_at).map_err(NoForecast::IssuedAt)?,
            metric: Metric::ALL
                .into_iter()
                .find(|known| known.name() == metric)
                .ok_or_else(|| NoForecast::Metric(shown(metric)))?,
            horizon: HORIZONS_HOURS
                .iter()
                .position(|hours| horizon.parse() == Ok(*hours))
                .ok_or_else(|| NoForecast::Horizon(shown(horizon)))?,
            forecast: Forecast { gain: number("gain", gain)?, interval },
        })
    }
}

/// The ends of an interval; both are empty where there is none.
fn interval(low: &str, high: &str) -> Result<Option<[f64; 2]>, NoForecast> {
    match (low, high) {
        ("", "") => return Ok(None),
        ("", _) | (_, "") => return Err(NoForecast::HalfAnInterval),
        _ => {}
    }
    let [low, high] = [number(INTERVAL[0], low)?, number(INTERVAL[1], high)?];
    if low > high { Err(NoForecast::Interval(low, high)) } else { Ok(Some([low, high])) }
}

fn number(name: &'static str, text: &str) -> Result<f64, NoForecast> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| NoForecast::Number(name, shown(text)))
}

#[cfg(test)]
#[path = "forecasts_file_tests.rs"]
mod tests;
