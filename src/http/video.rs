//! One video: its counts, what it gained hour by hour, and what was forecast of it beside what came.

mod fan;
mod parts;

use std::time::Duration;

use jiff::Timestamp;
use maud::{Markup, html};
use serde::{Deserialize, Serialize};
use viewtide_models::task::Metric;

use crate::http::metric;
use crate::http::view::{Kept, Question, View, Views};

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub(super) struct Asked {
    id: String,
    /// Whose gains and forecasts.
    #[serde(default = "metric::usual")]
    metric: Metric,
}

/// The page.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Video {
    video_id: String,
    title: Option<String>,
    channel_id: Option<String>,
    channel_title: Option<String>,
    category_id: Option<String>,
    published_at: Option<Timestamp>,
    newest: Option<Newest>,
    trend: Option<Trend>,
    /// Of the last 168 hours those that have snapshots.
    hours: Vec<Hour>,
    /// The newest first.
    snapshots: Vec<Snapshot>,
    /// The newest of which all is known, and the newest.
    fans: Vec<Fan>,
    /// Counts around them.
    line: Vec<(Timestamp, i64)>,
    scores: Vec<Score>,
}

/// Its newest snapshot.
#[derive(Debug, Serialize, Deserialize)]
struct Newest {
    at: Timestamp,
    views: Option<i64>,
    likes: Option<i64>,
    comments: Option<i64>,
}

/// Of views, over 1, 6, 24 and 168 hours.
#[derive(Debug, Serialize, Deserialize)]
struct Trend {
    label: Option<String>,
    as_of: Timestamp,
    gained: [i64; 4],
    per_hour: [Option<f64>; 4],
    outlier_score: Option<f64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Hour {
    hour: Timestamp,
    gained: Option<i64>,
    last_count: Option<i64>,
}

/// Of views, likes and comments each.
#[derive(Debug, Serialize, Deserialize)]
struct Snapshot {
    at: Timestamp,
    counts: [Option<i64>; 3],
    deltas: [Option<i64>; 3],
    /// Percent.
    growth_rates: [Option<f64>; 3],
}

/// The forecasts of one origin.
#[derive(Debug, Serialize, Deserialize)]
struct Fan {
    issued_at: Timestamp,
    base: i64,
    made_by: Option<String>,
    horizons: Vec<Horizon>,
}

/// Counts at a target.
#[derive(Debug, Serialize, Deserialize)]
struct Horizon {
    horizon_hours: u32,
    predicted: i64,
    low: Option<i64>,
    high: Option<i64>,
    actual: Option<i64>,
    /// Gains, in the order of the columns `members_*`.
    members: Option<Vec<Option<f64>>>,
}

/// How far a member was off over the last week.
#[derive(Debug, Serialize, Deserialize)]
struct Score {
    /// From 1, in the order of the columns `members_*`; the one after the last is what was issued.
    member: usize,
    horizon_hours: u32,
    forecasts: i64,
    mae: Option<f64>,
}

impl View for Video {
    const NAME: &'static str = "video";
    const NONE: &'static str = "No video of this id has been seen.";
    const AGE_MAX: Duration = Duration::from_secs(1);
    type Asked = Asked;

    fn kept(views: &Views) -> &Kept<Self> {
        &views.videos
    }

    fn question(asked: &Asked) -> Question {
        Question {
            sql: metric::named_in(asked.metric, include_str!("video/video.sql")),
            params: vec![Question::param(asked.id.clone())],
        }
    }

    fn title(&self, _: &Asked) -> String {
        self.title.clone().unwrap_or_else(|| self.video_id.clone())
    }

    fn main(&self, asked: &Asked) -> Markup {
        html! {
            (parts::known(self))
            (parts::counts(self))
            (parts::gains(self, asked))
            (parts::forecasts(self, asked.metric))
            (parts::members(self, asked.metric))
            (parts::snapshots(self))
        }
    }
}
