//! A real MLflow tracking server from PyPI, on a free port, with a folder of its own.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use super::folder::Folder;
use super::{free_ports, target_dir, wait_for};

/// Names the release, for `make setup-test` too.
const REQUIREMENTS: &str = include_str!("../../mlflow/requirements.txt");

/// Longer than it takes on a busy machine; it takes 6 s on a quiet one.
const START_DEADLINE: Duration = Duration::from_secs(120);

/// Starts the server, which has children of its own, and kills them all at the end of the standard input, which comes with the end
/// of the test binary.
const SCRIPT: &str = r#"
setsid "$@" >mlflow.log 2>&1 &
read -r _
kill -KILL "-$!"
wait"#;

/// A server that can be killed and started again.
pub struct Mlflow {
    port: u16,
    running: Option<Child>,
    dir: Folder,
}

impl Mlflow {
    /// A server that does not run yet; its port was free just now.
    pub fn new() -> Self {
        let [port] = free_ports();
        Self { port, running: None, dir: Folder::new() }
    }

    /// For `--mlflow`.
    pub fn uri(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Starts it, with all that it had, and waits until it serves.
    pub fn start(&mut self) {
        let dir = self.dir.path().display();
        let child = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "mlflow"])
            .arg(python())
            .args(["-m", "mlflow", "server", "--host", "127.0.0.1", "--workers", "1", "--serve-artifacts"])
            .args(["--port", &self.port.to_string(), "--backend-store-uri", &format!("sqlite:///{dir}/mlflow.db")])
            .args(["--artifacts-destination", &format!("{dir}/artifacts")])
            .current_dir(self.dir.path())
            .env("MLFLOW_DISABLE_TELEMETRY", "true")
            .env("DO_NOT_TRACK", "true")
            // Eight more processes, which nothing here needs.
            .env("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
            .stdin(Stdio::piped())
            .spawn()
            .expect("start a shell");
        self.running = Some(child);
        wait_for("MLflow to serve", START_DEADLINE, || {
            let answer = self.request(reqwest::Method::GET, "/health", None);
            answer.is_ok_and(|answer| answer == b"OK").then_some(())
        });
    }

    /// Kills it.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.running.take() {
            drop(child.stdin.take());
            child.wait().expect("the shell ends");
        }
    }

    /// All runs of its one experiment of that name; none where it has none yet.
    pub fn runs(&self, experiment: &str) -> Vec<Value> {
        let of_name = format!("/api/2.0/mlflow/experiments/get-by-name?experiment_name={experiment}");
        let found = match self.request(reqwest::Method::GET, &of_name, None) {
            Err(error) if error.status() == Some(reqwest::StatusCode::NOT_FOUND) => return Vec::new(),
            found => json_of(&found.expect("an answer")),
        };
        let search = json!({"experiment_ids": [found["experiment"]["experiment_id"]], "max_results": 1_000});
        let found = self.request(reqwest::Method::POST, "/api/2.0/mlflow/runs/search", Some(search));
        json_of(&found.expect("an answer"))["runs"].as_array().cloned().unwrap_or_default()
    }

    /// A file that is beside a run.
    pub fn file(&self, run: &Value, name: &str) -> Vec<u8> {
        let uri = run["info"]["artifact_uri"].as_str().expect("a text");
        let path = uri.strip_prefix("mlflow-artifacts:").expect("a server that takes files");
        let path = format!("/api/2.0/mlflow-artifacts/artifacts{path}/{name}");
        self.request(reqwest::Method::GET, &path, None).expect("a file")
    }

    fn request(&self, method: reqwest::Method, path: &str, body: Option<Value>) -> reqwest::Result<Vec<u8>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let request = reqwest::Client::new().request(method, self.uri() + path).timeout(START_DEADLINE);
            let request = body.iter().fold(request, |request, body| request.json(body));
            Ok(request.send().await?.error_for_status()?.bytes().await?.to_vec())
        })
    }
}

impl Drop for Mlflow {
    fn drop(&mut self) {
        self.kill();
    }
}

fn json_of(answer: &[u8]) -> Value {
    serde_json::from_slice(answer).expect("JSON")
}

/// Where `make setup-test` puts it: beside what cargo builds.
fn python() -> PathBuf {
    let version = REQUIREMENTS.lines().find_map(|line| line.strip_prefix("mlflow==")).expect("a version");
    let python = target_dir().join(format!("tools/mlflow-server-{version}/bin/python"));
    assert!(fs::exists(&python).is_ok_and(|is| is), "no {}: run `make setup-test` first", python.display());
    python
}
