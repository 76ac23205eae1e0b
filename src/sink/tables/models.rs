//! `models`: what forecasts are made by.

use tokio_postgres::Client;
use tokio_postgres::types::ToSql;
use viewtide_models::artifact::Artifact;
use viewtide_models::forecasting::StoredModel;
use viewtide_models::pretrained::pretrained_files;
use viewtide_models::task::{HORIZONS_HOURS, Metric};

use crate::sink::SinkError;
use crate::sink::takeover::json;

/// All or none of them, in one statement.
const PUT_PRETRAINED: &str = "
    INSERT INTO models (model_name, version, metric, horizon_hours, artifact, manifest, status)
    SELECT metric, 1, metric, $1, artifact, manifest::jsonb, 'active'
    FROM unnest($2::text[], $3::bytea[], $4::text[]) AS file (metric, artifact, manifest)
    WHERE NOT EXISTS (SELECT FROM models)
    ON CONFLICT DO NOTHING";

/// Puts the models that come with viewtide into a table that has none.
pub async fn put_pretrained(client: &Client) -> Result<(), SinkError> {
    let db = SinkError::while_doing("storing the models that come with viewtide");
    // Nearly every start finds some; the files are not read for nothing.
    if client.query_one("SELECT EXISTS (SELECT FROM models)", &[]).await.map_err(&db)?.get(0) {
        return Ok(());
    }
    let horizons = HORIZONS_HOURS.map(|hours| hours as i32);
    let (mut metrics, mut files, mut manifests) = (Vec::new(), Vec::new(), Vec::new());
    for file in pretrained_files() {
        // A test excludes that they cannot be read.
        let Ok(Artifact { manifest, .. }) = Artifact::from_bytes(file) else { continue };
        metrics.push(manifest.metric.name());
        files.push(file);
        manifests.push(json(&manifest)?);
    }
    let params: [&(dyn ToSql + Sync); 4] = [&horizons.as_slice(), &metrics, &files, &manifests];
    client.execute(PUT_PRETRAINED, &params).await.map_err(db).map(drop)
}

/// The models in use. One that cannot be read is left out, and the log says why: forecasts are made without it.
pub async fn active(client: &Client) -> Result<Vec<StoredModel>, SinkError> {
    let rows = client
        .query("SELECT metric, version, artifact FROM models WHERE status = 'active' ORDER BY metric", &[])
        .await
        .map_err(SinkError::while_doing("reading the models in use"))?;
    let mut models = Vec::new();
    for row in rows {
        let (name, version, bytes): (&str, i32, &[u8]) = (row.get(0), row.get(1), row.get(2));
        let refused = match Artifact::from_bytes(bytes) {
            Ok(Artifact { manifest, .. }) if manifest.metric.name() != name => {
                format!("it is a model of {}", manifest.metric.name())
            }
            Ok(Artifact { manifest, .. }) => {
                let (metric, version) = (manifest.metric, version.unsigned_abs());
                models.push(StoredModel { metric, version, artifact: Some(bytes.into()) });
                continue;
            }
            Err(error) => error.to_string(),
        };
        tracing::warn!(model = name, version, "the model is not used, forecasts of {name} are made without: {refused}");
    }
    for metric in Metric::ALL.into_iter().filter(|metric| !models.iter().any(|model| model.metric == *metric)) {
        tracing::warn!("no model of {} is in use: its forecasts are naive ones", metric.name());
    }
    Ok(models)
}
