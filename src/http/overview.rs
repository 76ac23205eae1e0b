//! What is coming in and how fresh it is, the fastest risers, and the videos that stand out from their channel.

mod parts;

use std::time::Duration;

use axum::http::StatusCode;
use maud::{Markup, html};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};
use tokio_postgres::types::ToSql;
use viewtide_dataflows::trends::WINDOWS_HOURS;

use crate::http::cached::{Cached, Found};
use crate::http::pages::{Page, Seen};
use crate::http::readers::{ReadError, Readers};
use crate::http::sparkline::HOURS;
use crate::http::{Shown, figures, view};

/// The place of the usual one.
const WINDOW_DEFAULT: usize = 2;

/// Ranks change with every commit.
const RISERS_AGE_MAX: Duration = Duration::from_secs(1);

/// The median of every channel and the hours of every category are looked at, and move slowly.
const SLOW_AGE_MAX: Duration = Duration::from_secs(30);

const RISERS: &str = "
    SELECT r.video_id, v.title, v.channel_id, v.channel_title, r.views_gained, r.views_per_hour, t.label,
           (extract(epoch FROM t.as_of) * 1000000)::bigint AS as_of_us,
           ARRAY(SELECT h.total_views_gained
                 FROM generate_series(date_trunc('hour', t.as_of) - $2::integer * interval '1 hour', t.as_of, '1 hour') AS hour
                 LEFT JOIN hourly_aggregations h ON h.video_id = r.video_id AND h.hour_start = hour
                 ORDER BY hour) AS views_gained_hourly
    FROM trending r LEFT JOIN videos v USING (video_id) LEFT JOIN trends t USING (video_id)
    WHERE r.scope = 'all' AND r.window_hours = $1 ORDER BY r.rank LIMIT 20";

const OUTLIERS: &str = "
    SELECT video_id, title, channel_id, channel_title, views_gained_24h, label, outlier_score
    FROM video_trends WHERE outlier_score IS NOT NULL ORDER BY outlier_score DESC, video_id LIMIT 10";

const CATEGORIES: &str = "
    SELECT category_id, sum(views_gained)::bigint AS views_gained_24h, max(active_videos) AS active_videos
    FROM category_hourly, (SELECT max(hour_start) AS hour FROM category_hourly) AS newest
    WHERE hour_start > newest.hour - interval '24 hours'
    GROUP BY category_id ORDER BY 2 DESC, category_id LIMIT 50";

/// A video that gained much.
#[derive(Debug, Serialize, Deserialize)]
struct Riser {
    video_id: String,
    title: Option<String>,
    channel_id: Option<String>,
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
#[derive(Debug, Serialize, Deserialize)]
struct Outlier {
    video_id: String,
    title: Option<String>,
    channel_id: Option<String>,
    channel_title: Option<String>,
    views_gained_24h: i64,
    label: Option<String>,
    outlier_score: f64,
}

/// What its videos gained in the 24 hours up to the newest that any category has.
#[derive(Debug, Serialize, Deserialize)]
struct Category {
    category_id: String,
    views_gained_24h: i64,
    /// With snapshots, in the hour that had most.
    active_videos: i64,
}

/// What the tables are read for.
pub(super) struct OverviewTables {
    risers: [Cached<Vec<Riser>>; WINDOWS_HOURS.len()],
    outliers: Cached<Vec<Outlier>>,
    categories: Cached<Vec<Category>>,
}

impl OverviewTables {
    pub(super) fn new() -> Self {
        Self {
            risers: WINDOWS_HOURS.map(|_| Cached::new(RISERS_AGE_MAX)),
            outliers: Cached::new(SLOW_AGE_MAX),
            categories: Cached::new(SLOW_AGE_MAX),
        }
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
pub(super) struct Overview {
    window: usize,
    now: Now,
    risers: Found<Vec<Riser>>,
    outliers: Found<Vec<Outlier>>,
    categories: Found<Vec<Category>>,
}

/// What is asked for.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    /// Its place among all.
    #[serde(default = "usual_window", deserialize_with = "window", rename = "window")]
    window: usize,
}

fn usual_window() -> usize {
    WINDOW_DEFAULT
}

fn window<'de, D: Deserializer<'de>>(hours: D) -> Result<usize, D::Error> {
    let hours = u32::deserialize(hours)?;
    let place = WINDOWS_HOURS.iter().position(|known| *known == hours);
    place.ok_or_else(|| D::Error::custom("write 1, 6, 24 or 168 (hours)"))
}

impl Page for Overview {
    const NAME: &'static str = "overview";
    type Asked = Asked;

    async fn see(shown: &Shown, asked: &Asked) -> Seen {
        let overview = read(shown, asked.window).await;
        let (title, main) = ("Overview".to_owned(), overview.main());
        Seen { status: StatusCode::OK, title, main, json: Box::new(move || overview.json()) }
    }
}

impl Overview {
    fn json(&self) -> Value {
        let Self { window, now, risers, outliers, categories } = self;
        json!({
            "now": now,
            "window_hours": WINDOWS_HOURS[*window],
            "risers": risers.last(),
            "outliers": outliers.last(),
            "categories": categories.last(),
            "trouble": risers.trouble.as_deref().or(outliers.trouble.as_deref()),
        })
    }

    fn main(&self) -> Markup {
        html! {
            h1 { "Overview" }
            (view::trouble(&self.risers))
            (parts::tiles(&self.now))
            (parts::risers(self.window, &self.risers))
            (parts::outliers(&self.outliers))
            (parts::categories(&self.categories))
        }
    }
}

async fn read(shown: &Shown, window: usize) -> Overview {
    let (tables, readers) = (&shown.overview, shown.readers.as_ref());
    let [window_hours, hours_before] = [WINDOWS_HOURS[window] as i32, HOURS as i32 - 1];
    let of_risers: [&(dyn ToSql + Sync); 2] = [&window_hours, &hours_before];
    let (risers, outliers, categories) = tokio::join!(
        tables.risers[window].get(rows(readers, RISERS, &of_risers)),
        tables.outliers.get(rows(readers, OUTLIERS, &[])),
        tables.categories.get(rows(readers, CATEGORIES, &[]))
    );
    Overview { window, now: now(shown), risers, outliers, categories }
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

/// The rows that `sql` gives, in its order.
async fn rows<T: DeserializeOwned>(
    readers: Option<&Readers>,
    sql: &str,
    params: &[&(dyn ToSql + Sync)],
) -> Result<Vec<T>, ReadError> {
    let Some(readers) = readers else { return Ok(Vec::new()) };
    let sql = format!("SELECT json_agg(to_json(row))::text FROM ({sql}) AS row HAVING count(*) > 0");
    Ok(readers.document(&sql, params).await?.unwrap_or_default())
}
