//! The models in use, as the table has them.

use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, GenericClient};
use viewtide_models::artifact::{Artifact, Manifest};
use viewtide_models::forecasting::StoredModel;
use viewtide_models::pretrained::pretrained_files;
use viewtide_models::task::{HORIZONS_HOURS, Metric};

use crate::registry::{RegistryError, model_name};

/// All or none of them, in one statement.
const PUT_PRETRAINED: &str = "
    INSERT INTO models (model_name, version, metric, horizon_hours, artifact, manifest, status)
    SELECT metric, 1, metric, $1, artifact, manifest::jsonb, 'active'
    FROM unnest($2::text[], $3::bytea[], $4::text[]) AS file (metric, artifact, manifest)
    WHERE NOT EXISTS (SELECT FROM models)
    ON CONFLICT DO NOTHING";

/// Which rows they are, and by xmin whether somebody wrote them since; not the artifacts, which are large.
const STAMPS: &str = "SELECT metric, version, xmin::text FROM models WHERE status = 'active'";

const ARTIFACT: &str = "SELECT artifact FROM models WHERE metric = $1 AND version = $2 AND status = 'active'";

/// Puts the models that come with viewtide into a table that has none.
pub async fn put_pretrained(client: &Client) -> Result<(), RegistryError> {
    let db = RegistryError::while_doing("storing the models that come with viewtide");
    // Nearly every start finds some; the files are not read for nothing.
    if client.query_one("SELECT EXISTS (SELECT FROM models)", &[]).await.map_err(&db)?.get(0) {
        return Ok(());
    }
    let (mut metrics, mut files, mut manifests) = (Vec::new(), Vec::new(), Vec::new());
    for file in pretrained_files() {
        // A test excludes that they cannot be read.
        let Ok(Artifact { manifest, .. }) = Artifact::from_bytes(file) else { continue };
        metrics.push(manifest.metric.name());
        files.push(file);
        manifests.push(as_json(&manifest));
    }
    let horizons = horizons();
    let params: [&(dyn ToSql + Sync); 4] = [&horizons.as_slice(), &metrics, &files, &manifests];
    client.execute(PUT_PRETRAINED, &params).await.map_err(db).map(drop)
}

/// Horizons as the table has them, hours.
pub(super) fn horizons() -> [i32; HORIZONS_HOURS.len()] {
    HORIZONS_HOURS.map(|hours| hours as i32)
}

pub(super) fn as_json(manifest: &Manifest) -> String {
    serde_json::to_string(manifest).expect("names, numbers and lists of them, whose keys are texts")
}

/// Reads a model that is to forecast `metric`.
///
/// # Errors
/// Why it cannot, in words.
pub fn usable(metric: Metric, bytes: &[u8]) -> Result<Artifact, String> {
    match Artifact::from_bytes(bytes) {
        Ok(artifact) if artifact.manifest.metric == metric => Ok(artifact),
        Ok(artifact) => Err(format!("it is a model of {}", artifact.manifest.metric.name())),
        Err(error) => Err(error.to_string()),
    }
}

/// A row that says which model is in use.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    version: i32,
    xmin: String,
}

/// What is known of the models in use, by metric.
#[derive(Clone, Debug, Default)]
pub struct InUse {
    /// The row last seen; `None` before anything was read.
    seen: [Option<Option<Stamp>>; 3],
    /// What forecasts are made by.
    versions: [Option<i32>; 3],
}

impl InUse {
    /// What is to be used now instead of what was. A model that cannot be read is left aside, and what was in use stays. The log
    /// says each change.
    ///
    /// # Errors
    /// The server's. What was not read then is read the next time.
    pub async fn changes(&mut self, client: &impl GenericClient) -> Result<Vec<StoredModel>, RegistryError> {
        let db = RegistryError::while_doing("reading the models in use");
        let mut stamps = [const { None }; 3];
        for row in client.query(STAMPS, &[]).await.map_err(&db)? {
            let (name, version, xmin): (&str, i32, String) = (row.get(0), row.get(1), row.get(2));
            if let Some(metric) = Metric::ALL.into_iter().find(|metric| metric.name() == name) {
                stamps[metric as usize] = Some(Stamp { version, xmin });
            }
        }
        // All is read before anything is taken for known.
        let mut found = Vec::new();
        for (metric, stamp) in Metric::ALL.into_iter().zip(stamps) {
            if self.seen[metric as usize].as_ref() == Some(&stamp) {
                continue;
            }
            let row = match &stamp {
                None => None,
                Some(Stamp { version, .. }) => {
                    match client.query_opt(ARTIFACT, &[&metric.name(), version]).await.map_err(&db)? {
                        Some(row) => Some((*version, row)),
                        // Gone since: the next look sees what is there instead.
                        None => continue,
                    }
                }
            };
            found.push((metric, stamp, row));
        }
        let changes = found.into_iter().filter_map(|(metric, stamp, row)| {
            self.seen[metric as usize] = Some(stamp);
            match row {
                None => self.none(metric),
                Some((version, row)) => self.model(metric, version, row.get(0)),
            }
        });
        Ok(changes.collect())
    }

    fn none(&mut self, metric: Metric) -> Option<StoredModel> {
        self.versions[metric as usize] = None;
        tracing::warn!("no model of {} is in use: its forecasts are naive ones", model_name(metric));
        Some(StoredModel { metric, version: 0, artifact: None })
    }

    fn model(&mut self, metric: Metric, version: i32, bytes: &[u8]) -> Option<StoredModel> {
        let model = model_name(metric);
        let before = self.versions[metric as usize];
        if let Err(refused) = usable(metric, bytes) {
            match before {
                Some(before) => {
                    tracing::warn!(model, version, "the model is not used, version {before} stays: {refused}")
                }
                None => tracing::warn!(
                    model,
                    version,
                    "the model is not used, forecasts of {model} are naive ones: {refused}"
                ),
            }
            return None;
        }
        self.versions[metric as usize] = Some(version);
        tracing::info!(model, version, before, "in use");
        Some(StoredModel { metric, version: version.unsigned_abs(), artifact: Some(bytes.into()) })
    }
}
