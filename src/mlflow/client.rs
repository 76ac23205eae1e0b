//! What an MLflow tracking server is asked, over its REST API 2.0.
//!
//! <https://mlflow.org/docs/latest/rest-api.html>. Tried with MLflow 3.17: a value that it cannot read (a number that is not finite, a
//! parameter that is no text, a time that is not whole) is answered with 200, and dropped with all that comes after it; a run's
//! status that it does not know is answered with 200 and not taken. What is sent here is therefore as it is wanted, and where the
//! answer says what was taken that is compared.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use crate::limits::{MLFLOW_ANSWER_BYTES_MAX, MLFLOW_ANSWER_CHARS_MAX, MLFLOW_ANSWER_SECONDS_MAX};
use crate::mlflow::MlflowError;
use crate::web_answer::{beginning, body, in_words};
use crate::web_server::WebServer;

/// A run of the server.
#[derive(Debug)]
pub(super) struct MlflowRun {
    id: String,
    /// Where its files go.
    artifact_uri: String,
}

/// What the server has of a retraining.
pub(super) enum Found {
    /// Nothing.
    Nothing,
    /// A run, of which something may be missing.
    Begun(MlflowRun),
    /// All of it.
    Mirrored,
}

/// The tag by which a run is known.
pub(super) const RETRAINING_TAG: &str = "viewtide.run_id";

/// The tag that says that all of a run is there.
const MIRRORED_TAG: &str = "viewtide.mirrored";

/// Speaks to a tracking server.
pub(super) struct MlflowClient {
    server: WebServer,
    http: Client,
}

/// A text that MLflow keeps under a name: a tag or a parameter.
pub(super) fn named(key: &str, value: &str) -> Value {
    json!({"key": key, "value": value})
}

impl MlflowClient {
    pub(super) fn new(server: WebServer) -> Result<Self, MlflowError> {
        let http = Client::builder().redirect(Policy::none()).timeout(Duration::from_secs(MLFLOW_ANSWER_SECONDS_MAX));
        Ok(Self { server, http: http.build().map_err(|error| MlflowError::Unreachable(in_words(error)))? })
    }

    /// The id of an experiment, which is made where there is none of that name.
    pub(super) async fn experiment(&self, name: &'static str) -> Result<String, MlflowError> {
        match self.experiment_there(name).await {
            Err(error) if error.has_code("RESOURCE_DOES_NOT_EXIST") => {}
            there => return there,
        }
        let call = "experiments/create";
        match self.post(call, &json!({"name": name})).await {
            // Somebody else was quicker.
            Err(error) if error.has_code("RESOURCE_ALREADY_EXISTS") => self.experiment_there(name).await,
            made => text(&made?, call, "/experiment_id"),
        }
    }

    async fn experiment_there(&self, name: &'static str) -> Result<String, MlflowError> {
        let call = "experiments/get-by-name";
        let mut url = self.server.url_of(&format!("/api/2.0/mlflow/{call}"));
        url.query_pairs_mut().append_pair("experiment_name", name);
        let there = self.answer(call, self.http.get(url)).await?;
        if there["experiment"]["lifecycle_stage"] == "deleted" {
            return Err(MlflowError::DeletedExperiment(name));
        }
        text(&there, call, "/experiment/experiment_id")
    }

    /// What the server has of retraining `run_id`, which holds no quotes.
    pub(super) async fn find(&self, experiment: &str, run_id: &str) -> Result<Found, MlflowError> {
        let call = "runs/search";
        let search = json!({
            "experiment_ids": [experiment],
            "max_results": 1,
            "run_view_type": "ACTIVE_ONLY",
            "filter": format!("tags.`{RETRAINING_TAG}` = '{run_id}'"),
        });
        let answer = self.post(call, &search).await?;
        // Empty lists are left out.
        let Some(run) = answer.pointer("/runs/0") else { return Ok(Found::Nothing) };
        let tags = run.pointer("/data/tags").and_then(Value::as_array);
        if tags.is_some_and(|tags| tags.iter().any(|tag| tag["key"] == MIRRORED_TAG)) {
            return Ok(Found::Mirrored);
        }
        run_of(run, call).map(Found::Begun)
    }

    /// Makes a run; the tags are there from its first moment.
    pub(super) async fn create(
        &self,
        experiment: &str,
        name: &str,
        start_ms: i64,
        tags: &[Value],
    ) -> Result<MlflowRun, MlflowError> {
        let call = "runs/create";
        let run = json!({"experiment_id": experiment, "run_name": name, "start_time": start_ms, "tags": tags});
        let answer = self.post(call, &run).await?;
        run_of(answer.get("run").unwrap_or(&Value::Null), call)
    }

    /// Adds figures and parameters to a run. The same ones again change nothing.
    pub(super) async fn log(&self, run: &MlflowRun, metrics: &[Value], params: &[Value]) -> Result<(), MlflowError> {
        let batch = json!({"run_id": run.id, "metrics": metrics, "params": params});
        self.post("runs/log-batch", &batch).await.map(drop)
    }

    /// Puts a file beside a run, `name` of letters, digits, `-` and `.`. False where the server takes none: then it is told by
    /// its settings to have its clients write to a store of their own.
    pub(super) async fn upload(&self, run: &MlflowRun, name: &str, bytes: Vec<u8>) -> Result<bool, MlflowError> {
        let path = run.artifact_uri.strip_prefix("mlflow-artifacts:/").filter(|path| !path.starts_with('/'));
        let Some(path) = path else { return Ok(false) };
        let path = format!("/api/2.0/mlflow-artifacts/artifacts/{path}/model/{name}");
        let request = self.http.request(Method::PUT, self.server.url_of(&path));
        let request = request.header(CONTENT_TYPE, "application/octet-stream").body(bytes);
        self.taken("artifacts", request).await.map(|_| true)
    }

    /// Ends a run, and marks that all of it is there.
    pub(super) async fn finish(&self, run: &MlflowRun, end_ms: i64) -> Result<(), MlflowError> {
        let call = "runs/update";
        let update = json!({"run_id": run.id, "status": "FINISHED", "end_time": end_ms});
        let answer = self.post(call, &update).await?;
        if text(&answer, call, "/run_info/status")? != "FINISHED" {
            return Err(not_understood(call, &answer.to_string()));
        }
        self.post("runs/set-tag", &json!({"run_id": run.id, "key": MIRRORED_TAG, "value": "1"})).await.map(drop)
    }

    async fn post(&self, call: &'static str, body: &Value) -> Result<Value, MlflowError> {
        let url = self.server.url_of(&format!("/api/2.0/mlflow/{call}"));
        self.answer(call, self.http.post(url).json(body)).await
    }

    async fn answer(&self, call: &'static str, request: RequestBuilder) -> Result<Value, MlflowError> {
        let body = self.taken(call, request).await?;
        serde_json::from_slice(&body).map_err(|_| not_understood(call, &String::from_utf8_lossy(&body)))
    }

    /// The body of what is answered, where the server did what it was asked.
    async fn taken(&self, call: &'static str, request: RequestBuilder) -> Result<Vec<u8>, MlflowError> {
        let away = |error| MlflowError::Unreachable(in_words(error));
        let response = request.send().await.map_err(away)?;
        let status = response.status();
        let body = body(response, MLFLOW_ANSWER_BYTES_MAX).await.map_err(away)?;
        if status.is_success() {
            return Ok(body);
        }
        let said: Value = serde_json::from_slice(&body).unwrap_or_default();
        let word = |name: &str| said[name].as_str().map(str::to_owned);
        let message = word("message").or(word("detail")).unwrap_or_else(|| String::from_utf8_lossy(&body).into_owned());
        Err(MlflowError::Refused {
            call,
            status: status.as_u16(),
            code: word("error_code"),
            message: beginning(&message, MLFLOW_ANSWER_CHARS_MAX),
        })
    }
}

/// A run as an answer describes it.
fn run_of(run: &Value, call: &'static str) -> Result<MlflowRun, MlflowError> {
    Ok(MlflowRun { id: text(run, call, "/info/run_id")?, artifact_uri: text(run, call, "/info/artifact_uri")? })
}

/// A text in an answer, which has to be there.
fn text(answer: &Value, call: &'static str, pointer: &str) -> Result<String, MlflowError> {
    let text = answer.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    text.map(str::to_owned).ok_or_else(|| not_understood(call, &answer.to_string()))
}

fn not_understood(call: &'static str, answer: &str) -> MlflowError {
    MlflowError::Answer { call, answer: beginning(answer, MLFLOW_ANSWER_CHARS_MAX) }
}
