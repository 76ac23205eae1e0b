//! `predictions`: what was forecast, and what came of it.

use std::collections::BTreeMap;

use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row, Statement, Transaction};
use viewtide_dataflows::snapshot::Nullable;
use viewtide_dataflows::video_id::VideoId;
use viewtide_models::blend::{Basis, GAINS, Outstanding};
use viewtide_models::forecasting::{CounterForecast, ForecastRow, ForecastUpdate, Place};
use viewtide_models::task::HORIZONS_HOURS;

use crate::limits::MERGE_ROWS_MAX;
use crate::sink::SinkError;
use crate::sink::copy::TableCopy;
use crate::sink::encode::{CopyBuffer, CountParam, IdParam, PREDICTION_COLUMNS, TimeParam};
use crate::sink::forecasts::{ForecastRows, ScoreChanges, add_scores};
use crate::sink::tables::expect_rows;

const TABLE: &str = "predictions";

/// What a row is read with; [`read_row`] knows the order.
pub const READ_COLUMNS: &str = "p.video_id, (extract(epoch FROM p.issued_at) * 1000000)::bigint, p.horizon_hours,
    p.base_views, p.predicted_views, p.predicted_views_low, p.predicted_views_high, p.last_increment_views, p.views_model,
    p.views_has_20_steps, p.members_views, p.actual_views,
    p.base_likes, p.predicted_likes, p.predicted_likes_low, p.predicted_likes_high, p.last_increment_likes, p.likes_model,
    p.likes_has_20_steps, p.members_likes, p.actual_likes,
    p.base_comments, p.predicted_comments, p.predicted_comments_low, p.predicted_comments_high, p.last_increment_comments,
    p.comments_model, p.comments_has_20_steps, p.members_comments, p.actual_comments";

/// Columns before those of the counters, and columns of a counter.
const KEY_COLUMNS: usize = 3;
const COUNTER_COLUMNS: usize = 9;

/// Its statements.
pub struct PredictionTable {
    copy: TableCopy,
    delete: Statement,
    read: Statement,
    update: Statement,
}

impl PredictionTable {
    /// Prepares them.
    pub async fn prepare(client: &Client) -> Result<Self, SinkError> {
        let db = SinkError::while_doing("preparing the statements of predictions");
        let by_key = "unnest($1::text[], $2::timestamptz[], $3::integer[]";
        let is_key = "p.video_id = k.video_id AND p.issued_at = k.issued_at AND p.horizon_hours = k.horizon_hours";
        let delete = format!(
            "DELETE FROM predictions p USING {by_key}) AS k(video_id, issued_at, horizon_hours) WHERE {is_key}"
        );
        let read = format!(
            "SELECT {READ_COLUMNS} FROM {by_key}) AS k(video_id, issued_at, horizon_hours) JOIN predictions p ON {is_key}"
        );
        let update = format!(
            "UPDATE predictions p SET actual_views = k.views, actual_likes = k.likes, actual_comments = k.comments
             FROM {by_key}, $4::bigint[], $5::bigint[], $6::bigint[])
                  AS k(video_id, issued_at, horizon_hours, views, likes, comments)
             WHERE {is_key}"
        );
        Ok(Self {
            copy: TableCopy::prepare(client, TABLE, PREDICTION_COLUMNS).await?,
            delete: client.prepare(&delete).await.map_err(&db)?,
            read: client.prepare(&read).await.map_err(&db)?,
            update: client.prepare(&update).await.map_err(&db)?,
        })
    }

    /// Writes `rows`; what changes in sums of scores by it joins `scores`, beside what [`ForecastRows::scores`] knows.
    pub async fn write(
        &self,
        transaction: &Transaction<'_>,
        rows: &ForecastRows,
        scores: &mut ScoreChanges,
    ) -> Result<(), SinkError> {
        let db = SinkError::while_doing("changing rows of predictions");
        for rows in rows.revised.chunks(MERGE_ROWS_MAX) {
            let found = transaction.execute(&self.delete, &Keys::of(rows).params()).await.map_err(&db)?;
            expect_rows(TABLE, rows.len(), found)?;
        }
        self.copy.write(transaction, &rows.new, CopyBuffer::prediction).await?;
        self.copy.write(transaction, &rows.revised, CopyBuffer::prediction).await?;
        for rows in rows.kept.chunks(MERGE_ROWS_MAX) {
            self.score_stored(transaction, rows, scores).await?;
            let keys = Keys::of(rows);
            let actual = |counter: usize| -> Vec<CountParam> {
                let of = |update: &ForecastUpdate| update.actual.map_or(Nullable::NULL, |actual| actual[counter]);
                rows.iter().map(|update| CountParam(of(update))).collect()
            };
            let [views, likes, comments] = [0, 1, 2].map(actual);
            let mut params = keys.params();
            params.extend([&views as &(dyn ToSql + Sync), &likes, &comments]);
            let found = transaction.execute(&self.update, &params).await.map_err(&db)?;
            expect_rows(TABLE, rows.len(), found)?;
        }
        Ok(())
    }

    /// What changes in sums of scores by actuals of forecasts that were frozen before and stand in the table alone.
    async fn score_stored(
        &self,
        transaction: &Transaction<'_>,
        rows: &[ForecastUpdate],
        scores: &mut ScoreChanges,
    ) -> Result<(), SinkError> {
        let of_table = rows.iter().filter(|update| update.forecast.is_none());
        let of_table: BTreeMap<_, _> = of_table.map(|update| ((update.video, update.place), update)).collect();
        if of_table.is_empty() {
            return Ok(());
        }
        let db = SinkError::while_doing("reading rows of predictions");
        let keys = Keys::of(of_table.values().copied());
        let stored = transaction.query(&self.read, &keys.params()).await.map_err(&db)?;
        expect_rows(TABLE, of_table.len(), stored.len() as u64)?;
        for row in &stored {
            let StoredForecast { video, place, row, actual } = read_row(row)?;
            let after = of_table.get(&(video, place)).and_then(|update| update.actual).unwrap_or(actual);
            add_scores(scores, place, &row, &actual, false);
            add_scores(scores, place, &row, &after, true);
        }
        Ok(())
    }
}

/// The keys of some rows.
struct Keys {
    ids: Vec<IdParam>,
    issued_at: Vec<TimeParam>,
    horizons: Vec<i32>,
}

impl Keys {
    fn of<'a>(rows: impl IntoIterator<Item = &'a ForecastUpdate>) -> Self {
        let mut keys = Self { ids: Vec::new(), issued_at: Vec::new(), horizons: Vec::new() };
        for ForecastUpdate { video, place, .. } in rows {
            keys.ids.push(IdParam(*video));
            keys.issued_at.push(TimeParam(place.issued_at));
            keys.horizons.push(place.horizon_hours() as i32);
        }
        keys
    }

    fn params(&self) -> Vec<&(dyn ToSql + Sync)> {
        vec![&self.ids, &self.issued_at, &self.horizons]
    }
}

/// A row of the table.
pub struct StoredForecast {
    /// Of which video.
    pub video: VideoId,
    /// Which forecast.
    pub place: Place,
    /// What was forecast.
    pub row: ForecastRow,
    /// What came of it.
    pub actual: [Nullable; 3],
}

/// The row that is read with [`READ_COLUMNS`].
///
/// # Errors
/// It is not as this program writes it.
pub fn read_row(row: &Row) -> Result<StoredForecast, SinkError> {
    let id: &str = row.get(0);
    let damaged = |what: String| SinkError::Progress(format!("stands beside a row of predictions of `{id}` {what}"));
    let video: VideoId = id.parse().map_err(|error| damaged(format!("whose video_id is none: {error}")))?;
    let hours: i32 = row.get(2);
    let horizon = HORIZONS_HOURS.iter().position(|known| i64::from(*known) == i64::from(hours));
    let horizon = horizon.ok_or_else(|| damaged(format!("{hours} hours ahead, which is no horizon")))?;
    let mut forecasts = [None; 3];
    for (counter, forecast) in forecasts.iter_mut().enumerate() {
        *forecast = read_counter(row, KEY_COLUMNS + COUNTER_COLUMNS * counter).map_err(&damaged)?;
    }
    let actual = |counter: usize| row.get::<_, Option<i64>>(KEY_COLUMNS + COUNTER_COLUMNS * (counter + 1) - 1);
    Ok(StoredForecast {
        video,
        place: Place { issued_at: row.get(1), horizon: horizon as u8 },
        row: forecasts,
        actual: [0, 1, 2].map(|counter| Nullable::from(actual(counter))),
    })
}

/// The forecast of one counter, whose columns begin with this one.
fn read_counter(row: &Row, first: usize) -> Result<Option<CounterForecast>, String> {
    let count = |column: usize| row.get::<_, Option<i64>>(first + column);
    let [base, predicted, low, high] = [0, 1, 2, 3].map(count);
    let (Some(base), Some(predicted), Some(low), Some(high)) = (base, predicted, low, high) else { return Ok(None) };
    let model: Option<&str> = row.get(first + 5);
    let named = model.and_then(read_model);
    let (basis, model_version) = named.ok_or_else(|| format!("by `{}`, which is no model", model.unwrap_or("NULL")))?;
    let members: Vec<Option<f32>> = row.get::<_, Option<_>>(first + 7).unwrap_or_default();
    let members: [Option<f32>; GAINS] =
        members.try_into().map_err(|found: Vec<_>| format!("with {} members", found.len()))?;
    Ok(Some(CounterForecast {
        base,
        last_increment: count(4).into(),
        has_20_steps: row.get::<_, Option<bool>>(first + 6).unwrap_or_default(),
        basis,
        model_version,
        outstanding: Outstanding {
            gains: members.map(|gain| gain.unwrap_or(f32::NAN)),
            gain: predicted - base,
            interval: [low - base, high - base],
        },
    }))
}

/// What a name of a model says.
fn read_model(name: &str) -> Option<(Basis, u32)> {
    match name {
        "trend" => Some((Basis::Trend, 0)),
        "last_value" => Some((Basis::LastValue, 0)),
        _ => Some((Basis::Blend, name.strip_prefix("blend:")?.parse().ok()?)),
    }
}
