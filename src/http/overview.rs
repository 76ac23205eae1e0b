//! What is coming in and how fresh it is, the fastest risers, and the videos that stand out from their channel.

mod parts;

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::{Deserialize, Serialize};
use viewtide_dataflows::trends::WINDOWS_HOURS;

use crate::http::cached::{Cached, Found};
use crate::http::readers::{ReadError, Readers};
use crate::http::sparkline::HOURS;
use crate::http::{Shown, figures, page};

/// How the windows of trends and ranks are called.
const WINDOW_NAMES: [&str; WINDOWS_HOURS.len()] = ["1 hour", "6 hours", "24 hours", "7 days"];

/// The place of the usual one.
const WINDOW_DEFAULT: usize = 2;

/// Ranks change with every commit.
const RISERS_AGE_MAX: Duration = Duration::from_secs(1);

/// The median of every channel is looked at, and moves slowly.
const OUTLIERS_AGE_MAX: Duration = Duration::from_secs(30);

const RISERS: &str = "
    SELECT r.video_id, v.title, v.channel_title, r.views_gained, r.views_per_hour, t.label,
           (extract(epoch FROM t.as_of) * 1000000)::bigint,
           ARRAY(SELECT h.total_views_gained
                 FROM generate_series(date_trunc('hour', t.as_of) - $2::integer * interval '1 hour', t.as_of, '1 hour') AS hour
                 LEFT JOIN hourly_aggregations h ON h.video_id = r.video_id AND h.hour_start = hour
                 ORDER BY hour)
    FROM trending r LEFT JOIN videos v USING (video_id) LEFT JOIN trends t USING (video_id)
    WHERE r.scope = 'all' AND r.window_hours = $1 ORDER BY r.rank LIMIT 20";

const OUTLIERS: &str = "
    SELECT video_id, title, channel_title, views_gained_24h, label, outlier_score
    FROM video_trends WHERE outlier_score IS NOT NULL ORDER BY outlier_score DESC, video_id LIMIT 10";

/// A video that gained much.
#[derive(Clone, Debug, Serialize)]
struct Riser {
    video_id: String,
    title: Option<String>,
    channel_title: Option<String>,
    views_gained: i64,
    views_per_hour: Option<f64>,
    label: Option<String>,
    /// Its newest snapshot, microseconds since 1970.
    as_of_us: Option<i64>,
    /// Of the 48 hours up to that, the newest last.
    views_gained_hourly: Vec<Option<i64>>,
}

/// A video that gains much more than others of its channel.
#[derive(Clone, Debug, Serialize)]
struct Outlier {
    video_id: String,
    title: Option<String>,
    channel_title: Option<String>,
    views_gained_24h: i64,
    label: Option<String>,
    outlier_score: f64,
}

/// What the tables are read for.
pub(super) struct OverviewTables {
    risers: [Cached<Vec<Riser>>; WINDOWS_HOURS.len()],
    outliers: Cached<Vec<Outlier>>,
}

impl OverviewTables {
    pub(super) fn new() -> Self {
        Self { risers: WINDOWS_HOURS.map(|_| Cached::new(RISERS_AGE_MAX)), outliers: Cached::new(OUTLIERS_AGE_MAX) }
    }
}

/// The engine's own figures, which need no table.
#[derive(Clone, Debug, Serialize)]
struct Now {
    is_loaded: bool,
    durable_at: Option<String>,
    durable_age_seconds: Option<f64>,
    lag_records: Option<u64>,
    records_per_second: Option<f64>,
    /// Since the start of the run, as all that follows.
    records: u64,
    dead_letters: u64,
    late_rows: u64,
    forecasts_issued: u64,
}

/// All of it.
struct Overview {
    window: usize,
    now: Now,
    risers: Found<Vec<Riser>>,
    outliers: Found<Vec<Outlier>>,
}

impl Overview {
    /// Why something of it is not of now.
    fn trouble(&self) -> Option<&str> {
        self.risers.trouble.as_deref().or(self.outliers.trouble.as_deref())
    }
}

/// What is asked for.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    /// Hours.
    window: Option<u32>,
}

impl Asked {
    /// The place of the window.
    pub(super) fn window(&self) -> Result<usize, NoWindow> {
        let Some(hours) = self.window else { return Ok(WINDOW_DEFAULT) };
        WINDOWS_HOURS.iter().position(|known| *known == hours).ok_or(NoWindow)
    }
}

/// Something else was asked for.
pub(super) struct NoWindow;

impl IntoResponse for NoWindow {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, "window: write 1, 6, 24 or 168 (hours)\n").into_response()
    }
}

/// The page.
pub(super) async fn overview(State(shown): State<Arc<Shown>>, Query(asked): Query<Asked>) -> Result<Markup, NoWindow> {
    let window = asked.window()?;
    let query = format!("window={}", WINDOWS_HOURS[window]);
    Ok(page::page("Overview", &query, main(&shown, window).await))
}

/// The same as JSON.
pub(super) async fn as_json(State(shown): State<Arc<Shown>>, Query(asked): Query<Asked>) -> Result<Response, NoWindow> {
    let overview = read(&shown, asked.window()?).await;
    let trouble = overview.trouble();
    let Overview { window, now, risers, outliers } = &overview;
    let rows = serde_json::json!({
        "now": now,
        "window_hours": WINDOWS_HOURS[*window],
        "risers": risers.value.as_ref().map(|(rows, _)| rows.as_ref()),
        "outliers": outliers.value.as_ref().map(|(rows, _)| rows.as_ref()),
        "trouble": trouble,
    });
    Ok(Json(rows).into_response())
}

/// What the page shows at this moment.
pub(super) async fn main(shown: &Shown, window: usize) -> Markup {
    let overview = read(shown, window).await;
    let Overview { window, now, risers, outliers } = &overview;
    html! {
        h1 { "Overview" }
        @if let Some(trouble) = overview.trouble() {
            // Not an alert: it would be read out again with every second.
            p.trouble {
                "The tables cannot be read: " (trouble) ". "
                @match &risers.value {
                    Some((_, at)) => { "What follows was read " (figures::age(at.elapsed())) " ago." }
                    None => { "Nothing was read yet." }
                }
            }
        }
        (parts::tiles(now))
        (parts::risers(*window, risers))
        (parts::outliers(outliers))
    }
}

async fn read(shown: &Shown, window: usize) -> Overview {
    let (tables, readers) = (&shown.overview, shown.readers.as_ref());
    let (risers, outliers) = tokio::join!(
        tables.risers[window].get(read_risers(readers, WINDOWS_HOURS[window])),
        tables.outliers.get(read_outliers(readers))
    );
    Overview { window, now: now(shown), risers, outliers }
}

fn now(shown: &Shown) -> Now {
    let observed = &shown.observed;
    let totals = observed.totals();
    let tick = i64::try_from(totals.durable_tick).unwrap_or(i64::MAX);
    Now {
        is_loaded: observed.is_loaded(),
        durable_at: (tick > 0).then(|| figures::time(tick.saturating_mul(1_000))),
        durable_age_seconds: observed.durable_age_ms().map(|age_ms| age_ms as f64 / 1_000.0),
        lag_records: observed.lag(),
        records_per_second: shown.pace.records_per_second(),
        records: totals.records(),
        dead_letters: totals.dead_letters,
        late_rows: totals.late,
        forecasts_issued: totals.forecasts_issued,
    }
}

async fn read_risers(readers: Option<&Readers>, window_hours: u32) -> Result<Vec<Riser>, ReadError> {
    let Some(readers) = readers else { return Ok(Vec::new()) };
    let rows = readers.query(RISERS, &[&(window_hours as i32), &(HOURS as i32 - 1)]).await?;
    let riser = |row: &tokio_postgres::Row| Riser {
        video_id: row.get(0),
        title: row.get(1),
        channel_title: row.get(2),
        views_gained: row.get(3),
        views_per_hour: row.get(4),
        label: row.get(5),
        as_of_us: row.get(6),
        views_gained_hourly: row.get(7),
    };
    Ok(rows.iter().map(riser).collect())
}

async fn read_outliers(readers: Option<&Readers>) -> Result<Vec<Outlier>, ReadError> {
    let Some(readers) = readers else { return Ok(Vec::new()) };
    let rows = readers.query(OUTLIERS, &[]).await?;
    let outlier = |row: &tokio_postgres::Row| Outlier {
        video_id: row.get(0),
        title: row.get(1),
        channel_title: row.get(2),
        views_gained_24h: row.get(3),
        label: row.get(4),
        outlier_score: row.get(5),
    };
    Ok(rows.iter().map(outlier).collect())
}
