//! `forecast_score_hours`: sums of what forecasts missed, kept additively.

use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement, Transaction};
use viewtide_models::forecasting::terms::Terms;

use crate::limits::MERGE_ROWS_MAX;
use crate::sink::SinkError;
use crate::sink::columns::placeholders;
use crate::sink::encode::TimeParam;
use crate::sink::forecasts::{ScoreChanges, ScoreKey};

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

/// Its statements.
pub struct ScoreTable {
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
            add: client.prepare(&add).await.map_err(&db)?,
            drop_empty: client.prepare(&drop_empty).await.map_err(&db)?,
        })
    }

    /// Adds `changes` to the sums; rows with nothing left go.
    pub async fn add(&self, transaction: &Transaction<'_>, changes: &ScoreChanges) -> Result<(), SinkError> {
        let db = SinkError::while_doing("adding to forecast_score_hours");
        let changes: Vec<(&ScoreKey, &Terms)> = changes.iter().filter(|(_, terms)| !terms.is_zero()).collect();
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
