//! Adding models, and putting others into use. Each change is one transaction, and one after the other.

use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Transaction};
use viewtide_models::artifact::Artifact;
use viewtide_models::task::Metric;

use crate::registry::stored::{as_json, horizons, usable};
use crate::registry::{RegistryError, model_name};

/// What became of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switched {
    /// Which model.
    pub model: &'static str,
    /// The version that is in use now.
    pub version: i32,
    /// The one that was; the same where nothing changed.
    pub before: Option<i32>,
}

/// Where a model is added as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Not used yet.
    Candidate,
    /// Not better than what is in use.
    Rejected,
}

/// Nobody else changes models meanwhile; reading goes on.
const LOCK: &str = "LOCK TABLE models IN SHARE ROW EXCLUSIVE MODE";

const ADD: &str = "
    INSERT INTO models (model_name, version, metric, horizon_hours, artifact, manifest, status, trained_at)
    SELECT $1, coalesce(max(version), 0) + 1, $1, $2, $3, $4::text::jsonb, $5, CASE WHEN $6 THEN now() END
    FROM models WHERE model_name = $1
    RETURNING version";

const RETIRE: &str = "UPDATE models SET status = 'retired' WHERE model_name = $1 AND status = 'active'";

const ACTIVATE: &str = "UPDATE models SET status = 'active' WHERE model_name = $1 AND version = $2";

const REPLACES: &str = "UPDATE models SET replaces = $3 WHERE model_name = $1 AND version = $2";

/// Begins a change.
///
/// # Errors
/// The server's.
pub async fn begin(client: &mut Client) -> Result<Transaction<'_>, RegistryError> {
    let db = RegistryError::while_doing("changing models");
    let transaction = client.transaction().await.map_err(&db)?;
    transaction.batch_execute(LOCK).await.map_err(&db)?;
    Ok(transaction)
}

/// Ends a change.
///
/// # Errors
/// The server's; nothing was changed then.
pub async fn commit(transaction: Transaction<'_>) -> Result<(), RegistryError> {
    transaction.commit().await.map_err(RegistryError::while_doing("changing models"))
}

/// Adds a model under a version of its own, which is returned; `is_new` where it has just been trained.
///
/// # Errors
/// The server's.
pub async fn add(
    transaction: &Transaction<'_>,
    artifact: &Artifact,
    bytes: &[u8],
    status: Status,
    is_new: bool,
) -> Result<i32, RegistryError> {
    let status = match status {
        Status::Candidate => "candidate",
        Status::Rejected => "rejected",
    };
    let model = model_name(artifact.manifest.metric);
    let manifest = as_json(&artifact.manifest);
    let horizons = horizons();
    let params: [&(dyn ToSql + Sync); 6] = [&model, &horizons.as_slice(), &bytes, &manifest, &status, &is_new];
    let row = transaction.query_one(ADD, &params).await.map_err(RegistryError::while_doing("adding a model"))?;
    Ok(row.get(0))
}

/// Puts a version into use.
///
/// # Errors
/// A version that is not there, or does not work; the server's.
pub async fn promote(transaction: &Transaction<'_>, metric: Metric, version: i32) -> Result<Switched, RegistryError> {
    let before = in_use(transaction, metric).await?;
    let switched = activate(transaction, metric, version, before).await?;
    if let Some(replaced) = before.filter(|before| *before != version) {
        transaction
            .execute(REPLACES, &[&switched.model, &version, &replaced])
            .await
            .map_err(RegistryError::while_doing("promoting a model"))?;
    }
    Ok(switched)
}

/// Puts the version into use that was before the one that is.
///
/// # Errors
/// Where there is none, or it does not work; the server's.
pub async fn roll_back(transaction: &Transaction<'_>, metric: Metric) -> Result<Switched, RegistryError> {
    let active = active(transaction, metric).await?;
    let before = active.map(|(version, _)| version);
    let replaced = active.and_then(|(_, replaces)| replaces);
    let version = replaced.ok_or(RegistryError::NothingBefore { model: model_name(metric), version: before })?;
    activate(transaction, metric, version, before).await
}

/// The version in use.
///
/// # Errors
/// The server's.
pub async fn in_use(transaction: &Transaction<'_>, metric: Metric) -> Result<Option<i32>, RegistryError> {
    Ok(active(transaction, metric).await?.map(|(version, _)| version))
}

/// The version in use, and the one that was before it.
async fn active(transaction: &Transaction<'_>, metric: Metric) -> Result<Option<(i32, Option<i32>)>, RegistryError> {
    let sql = "SELECT version, replaces FROM models WHERE model_name = $1 AND status = 'active'";
    let row = transaction.query_opt(sql, &[&model_name(metric)]).await;
    let row = row.map_err(RegistryError::while_doing("reading the model in use"))?;
    Ok(row.map(|row| (row.get(0), row.get(1))))
}

async fn activate(
    transaction: &Transaction<'_>,
    metric: Metric,
    version: i32,
    before: Option<i32>,
) -> Result<Switched, RegistryError> {
    let db = RegistryError::while_doing("putting a model into use");
    let model = model_name(metric);
    let sql = "SELECT artifact FROM models WHERE model_name = $1 AND version = $2";
    let Some(row) = transaction.query_opt(sql, &[&model, &version]).await.map_err(&db)? else {
        let sql = "SELECT version FROM models WHERE model_name = $1 ORDER BY version";
        let there = transaction.query(sql, &[&model]).await.map_err(&db)?;
        let there = there.iter().map(|row| row.get(0)).collect();
        return Err(RegistryError::NoVersion { model, version, there });
    };
    usable(metric, row.get(0)).map_err(|reason| RegistryError::Unusable { model, version, reason })?;
    if before != Some(version) {
        transaction.execute(RETIRE, &[&model]).await.map_err(&db)?;
        transaction.execute(ACTIVATE, &[&model, &version]).await.map_err(&db)?;
    }
    Ok(Switched { model, version, before })
}
