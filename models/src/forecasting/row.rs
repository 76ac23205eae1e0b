//! What is stored of a forecast.

use serde::{Deserialize, Serialize};
use viewtide_dataflows::snapshot::{EventTime, Nullable};
use viewtide_dataflows::video_id::VideoId;

use crate::blend::{Basis, Outstanding};
use crate::task::{HORIZONS_HOURS, Metric};

/// The forecasts of one origin for one horizon, by [`crate::task::Metric`]; `None` where the count at the origin is missing.
pub type ForecastRow = [Option<CounterForecast>; 3];

/// The forecast of one counter at one origin for one horizon.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CounterForecast {
    /// The count at the origin.
    pub base: i64,
    /// What it gained over as many hours before the origin, half to even; NULL where missing.
    pub last_increment: Nullable,
    /// Whether the last 20 hourly steps of the views and of this counter are there, as a network needs them.
    pub has_20_steps: bool,
    /// What it rests on.
    pub basis: Basis,
    /// The version of the model that spoke; 0 where none did.
    pub model_version: u32,
    /// Gains that were forecast.
    pub outstanding: Outstanding,
}

/// Which forecast: of a video at an origin for a horizon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The origin.
    pub issued_at: EventTime,
    /// The index of the horizon.
    pub horizon: u8,
}

/// How a forecast's row changes in a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ForecastChange {
    /// It is new.
    Issued,
    /// What it rests on changed while its target was ahead.
    Revised,
    /// The forecast stays; only what came of it may change.
    Kept,
}

/// What a tick changes of one forecast; each place at most once in a tick.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForecastUpdate {
    /// Of which video.
    pub video: VideoId,
    /// Which forecast.
    pub place: Place,
    /// How the row changes.
    pub change: ForecastChange,
    /// The forecast; absent where it is kept, and was frozen in an earlier tick: it stands in the table.
    pub forecast: Option<Box<ForecastRow>>,
    /// The counts at the target, half to even, NULL where missing; `None` where they stay as they are.
    pub actual: Option<[Nullable; 3]>,
}

/// What a tick changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Update {
    /// Of a forecast.
    Forecast(ForecastUpdate),
    /// Of what is learned of a video.
    Learned(LearnedState),
}

/// What was learned of a video's forecasts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LearnedState {
    /// Of which video.
    pub video: VideoId,
    /// As [`crate::blend::Forecaster::to_bytes`] gives it.
    pub bytes: Box<[u8]>,
}

/// A model as it is stored, which every worker reads for itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredModel {
    /// Of which counter.
    pub metric: Metric,
    /// Its version, from 1.
    pub version: u32,
    /// The artifact; `None` where there is no model any more.
    pub artifact: Option<Box<[u8]>>,
}

/// What an earlier run stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum State {
    /// The time of the video's first folded-in snapshot.
    First(VideoId, EventTime),
    /// What was learned of the video.
    Learned(LearnedState),
    /// A forecast that was issued; with all of it where its target is ahead.
    Issued(VideoId, Place, Option<Box<ForecastRow>>),
}

impl Place {
    /// All horizons of an origin.
    pub fn all_of(issued_at: EventTime) -> impl Iterator<Item = Self> {
        (0..HORIZONS_HOURS.len() as u8).map(move |horizon| Self { issued_at, horizon })
    }

    /// When what is forecast comes, microseconds.
    pub fn target(self) -> EventTime {
        self.issued_at + self.horizon_us()
    }

    /// How far ahead is forecast, microseconds.
    pub fn horizon_us(self) -> i64 {
        i64::from(self.horizon_hours()) * viewtide_dataflows::snapshot::HOUR_US
    }

    /// The same in hours.
    pub fn horizon_hours(self) -> u32 {
        HORIZONS_HOURS[usize::from(self.horizon)]
    }
}
