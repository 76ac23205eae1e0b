//! A retraining, as it stands in the tables and as MLflow takes it.

use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::mlflow::client::{RETRAINING_TAG, named};
use crate::registry::RegistryError;

/// All retrainings, the oldest first; those whose name could end a text in a filter were written by somebody else.
const RUN_IDS: &str = r#"
    SELECT run_id FROM model_metrics
    WHERE metric_name = 'version' AND run_id ~ '^[[:alnum:]_.:-]+$' ORDER BY "timestamp", run_id"#;

const FIGURES: &str = r#"
    SELECT model_name, metric_name, metric_value, (extract(epoch FROM "timestamp") * 1000)::bigint
    FROM model_metrics WHERE run_id = $1 ORDER BY metric_name"#;

const MODEL: &str = "SELECT artifact, manifest::text FROM models WHERE model_name = $1 AND version = $2";

/// What MLflow takes of parameters in one call.
const PARAMS_MAX: usize = 100;

/// A retraining of one model.
pub(super) struct Retraining {
    pub(super) run_id: String,
    pub(super) start_ms: i64,
    pub(super) end_ms: i64,
    pub(super) tags: Vec<Value>,
    pub(super) metrics: Vec<Value>,
    /// What it was trained with; nothing where the model is not kept any more.
    pub(super) params: Vec<Value>,
    /// The model's file and its name, likewise.
    pub(super) file: Option<(String, Vec<u8>)>,
}

/// The names of all of them, the oldest first.
pub(super) async fn run_ids(client: &Client) -> Result<Vec<String>, RegistryError> {
    let rows = client.query(RUN_IDS, &[]).await.map_err(RegistryError::while_doing("reading the retrainings"))?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// One of them.
pub(super) async fn read(client: &Client, run_id: String) -> Result<Retraining, RegistryError> {
    let db = RegistryError::while_doing("reading a retraining");
    let rows = client.query(FIGURES, &[&run_id]).await.map_err(&db)?;
    let figures: Vec<(&str, f64)> = rows.iter().map(|row| (row.get(1), row.get(2))).collect();
    let figure = |name: &str| figures.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    let model: &str = rows.first().map_or("", |row| row.get(0));
    let end_ms: i64 = rows.first().map_or(0, |row| row.get(3));
    let version = figure("version").unwrap_or_default() as i32;
    let stored = client.query_opt(MODEL, &[&model, &version]).await.map_err(&db)?;
    let tags = [
        (RETRAINING_TAG, run_id.as_str()),
        ("viewtide.model", model),
        ("viewtide.version", &version.to_string()),
        ("viewtide.promoted", if figure("promoted") == Some(1.0) { "true" } else { "false" }),
        ("mlflow.source.name", concat!("viewtide ", env!("CARGO_PKG_VERSION"))),
    ];
    let metric = |(name, value): &(&str, f64)| json!({"key": name, "value": value, "timestamp": end_ms, "step": 0});
    Ok(Retraining {
        start_ms: end_ms - (figure("seconds").unwrap_or_default() * 1_000.0) as i64,
        end_ms,
        tags: tags.map(|(key, value)| named(key, value)).to_vec(),
        metrics: figures.iter().filter(|(_, value)| value.is_finite()).map(metric).collect(),
        params: stored.as_ref().map(|row| params(row.get(1))).unwrap_or_default(),
        file: stored.map(|row| (format!("{model}-{version}.safetensors"), row.get(0))),
        run_id,
    })
}

/// What a manifest says, each number and text under the path to it.
fn params(manifest: &str) -> Vec<Value> {
    let mut params = Vec::new();
    if let Ok(Value::Object(mut manifest)) = serde_json::from_str(manifest) {
        // Thousands of them, and the scores are metrics.
        let videos = manifest.remove("training_videos").as_ref().and_then(Value::as_array).map(Vec::len);
        manifest.remove("scores");
        if let Some(videos) = videos {
            params.push(named("training_videos", &videos.to_string()));
        }
        flatten("", &Value::Object(manifest), &mut params);
    }
    params.truncate(PARAMS_MAX);
    params
}

fn flatten(path: &str, value: &Value, params: &mut Vec<Value>) {
    match value {
        Value::Object(fields) => {
            let separator = if path.is_empty() { "" } else { "." };
            fields.iter().for_each(|(name, value)| flatten(&format!("{path}{separator}{name}"), value, params));
        }
        Value::Null => {}
        Value::String(text) => params.push(named(path, text)),
        other => params.push(named(path, &other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn params_are_texts_under_the_path_to_them() {
        let manifest = r#"{"recipe": {"epochs": 5, "rate": 0.5, "more": {"on": true}}, "seeds": [1, 2], "metric": "views",
                           "validated_from_us": null, "training_videos": ["a", "b"], "scores": {"loss": 1}}"#;
        let mut found = params(manifest);
        found.sort_by_key(|param| param["key"].to_string());
        let expected = [
            ("metric", "views"),
            ("recipe.epochs", "5"),
            ("recipe.more.on", "true"),
            ("recipe.rate", "0.5"),
            ("seeds", "[1,2]"),
            ("training_videos", "2"),
        ];
        assert_eq!(found, expected.map(|(key, value)| named(key, value)));
        assert_eq!(params("[1"), Vec::<Value>::new());
    }
}
