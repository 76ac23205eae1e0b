//! `forecast_score_hours`: sums of what forecasts missed, kept additively.
//!
//! The rows of an hour that has none go by COPY: a back-fill of old hours makes a hundred rows for each of them, and would take
//! most of its time to look for each.

use std::collections::BTreeSet;

use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement, Transaction};
use viewtide_dataflows::snapshot::EventTime;
use viewtide_models::forecasting::terms::Terms;

use crate::limits::MERGE_ROWS_MAX;
use crate::sink::SinkError;
use crate::sink::columns::placeholders;
use crate::sink::copy::TableCopy;
use crate::sink::encode::TimeParam;
use crate::sink::forecasts::ScoreChanges;

const KEY: &str = "model, metric, horizon_hours, basis, target_hour";

/// The columns of sums, in the order of [`Terms::numbers`].
pub const SUMS: [&str; Terms::LEN] = [
    "forecasts",
    "absolute_errors",
    "squared_errors",
    "gains",
    "absolute_gains",
    "squared_gains",
    "with_gain",
    "relative_errors",
    "with_last_increment",
    "right_directions",
    "with_interval",
    "covered",
];

/// How the table names whether the last 20 hourly steps were there.
fn basis_name(has_20_steps: bool) -> &'static str {
    if has_20_steps { "full" } else { "short" }
}

/// The hours that may have rows.
#[derive(Debug, Default)]
pub struct ScoredHours(BTreeSet<EventTime>);

impl ScoredHours {
    /// Those that have some: an hour that has any has one of what was issued.
    pub async fn read(client: &Client) -> Result<Self, SinkError> {
        let sql = "SELECT DISTINCT (extract(epoch FROM target_hour) * 1000000)::bigint FROM forecast_score_hours
                   WHERE model = 'issued'";
        let rows = client.query(sql, &[]).await.map_err(SinkError::while_doing("reading the hours of scores"))?;
        Ok(Self(rows.iter().map(|row| row.get(0)).collect()))
    }
}

/// Its statements.
pub struct ScoreTable {
    copy: TableCopy,
    add: Statement,
    drop_empty: Statement,
}

impl ScoreTable {
    /// Prepares them.
    pub async fn prepare(client: &Client) -> Result<Self, SinkError> {
        let key_types = "text[], text[], integer[], text[], timestamptz[]";
        let sums = SUMS.join(", ");
        let cast: Vec<String> = SUMS.iter().map(|sum| format!("changed.{sum}::numeric")).collect();
        let added: Vec<String> = SUMS.iter().map(|sum| format!("{sum} = stored.{sum} + EXCLUDED.{sum}")).collect();
        let add = format!(
            "INSERT INTO forecast_score_hours AS stored ({KEY}, {sums})
             SELECT {KEY}, {} FROM unnest({}) AS changed({KEY}, {sums})
             ON CONFLICT ({KEY}) DO UPDATE SET {}",
            cast.join(", "),
            placeholders(&format!("{key_types}, {}", ["text[]"; Terms::LEN].join(", "))),
            added.join(", ")
        );
        let drop_empty = format!(
            "DELETE FROM forecast_score_hours AS stored USING unnest({}) AS changed({KEY})
             WHERE stored.model = changed.model AND stored.metric = changed.metric
                   AND stored.horizon_hours = changed.horizon_hours AND stored.basis = changed.basis
                   AND stored.target_hour = changed.target_hour AND stored.forecasts = 0",
            placeholders(key_types)
        );
        let db = SinkError::while_doing("preparing the statements of forecast_score_hours");
        Ok(Self {
            copy: TableCopy::prepare(client, "forecast_score_hours", &format!("{KEY}, {sums}")).await?,
            add: client.prepare(&add).await.map_err(&db)?,
            drop_empty: client.prepare(&drop_empty).await.map_err(&db)?,
        })
    }

    /// Adds `changes` to the sums; rows with nothing left go. Their hours join `hours`, which does no harm where this is not
    /// committed: what may be there is looked for.
    pub async fn add(
        &self,
        transaction: &Transaction<'_>,
        changes: &ScoreChanges,
        hours: &mut ScoredHours,
    ) -> Result<(), SinkError> {
        let db = SinkError::while_doing("adding to forecast_score_hours");
        let changes = changes.iter().filter(|(_, terms)| !terms.is_zero());
        let (changes, new): (Vec<_>, Vec<_>) = changes.partition(|(key, _)| hours.0.contains(&key.target_hour));
        self.copy
            .write(transaction, &new, |buffer, (key, terms)| buffer.score(key, basis_name(key.has_20_steps), terms))
            .await?;
        hours.0.extend(new.iter().map(|(key, _)| key.target_hour));
        for changes in changes.chunks(MERGE_ROWS_MAX) {
            let models: Vec<String> = changes.iter().map(|(key, _)| key.model.to_string()).collect();
            let metrics: Vec<&str> = changes.iter().map(|(key, _)| key.metric.name()).collect();
            let horizons: Vec<i32> = changes.iter().map(|(key, _)| key.horizon_hours as i32).collect();
            let bases: Vec<&str> = changes.iter().map(|(key, _)| basis_name(key.has_20_steps)).collect();
            let hours: Vec<TimeParam> = changes.iter().map(|(key, _)| TimeParam(key.target_hour)).collect();
            let key: [&(dyn ToSql + Sync); 5] = [&models, &metrics, &horizons, &bases, &hours];
            let sum = |at: usize| changes.iter().map(|(_, terms)| terms.numbers()[at].to_string()).collect();
            let sums: Vec<Vec<String>> = (0..Terms::LEN).map(sum).collect();
            let mut params = key.to_vec();
            params.extend(sums.iter().map(|sum| sum as &(dyn ToSql + Sync)));
            transaction.execute(&self.add, &params).await.map_err(&db)?;
            if changes.iter().any(|(_, terms)| terms.forecasts < 0) {
                transaction.execute(&self.drop_empty, &key).await.map_err(&db)?;
            }
        }
        Ok(())
    }
}
