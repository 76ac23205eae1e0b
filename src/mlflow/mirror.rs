//! The thread that tells MLflow what it lacks.

use std::collections::HashSet;
use std::io;
use std::time::Duration;

use tokio_postgres::Client;

use crate::async_thread::AsyncThread;
use crate::limits::MLFLOW_POLL_SECONDS;
use crate::mlflow::MlflowError;
use crate::mlflow::client::{Found, MlflowClient};
use crate::mlflow::retraining::{self, Retraining};
use crate::postgres::connect::{DatabaseUrl, connect};
use crate::registry::RegistryError;
use crate::trouble::Trouble;
use crate::web_server::WebServer;

/// The experiment that all runs are of.
const EXPERIMENT: &str = "viewtide";

/// Held by the one process that mirrors a database, for as long as its connection lasts, since MLflow would take a run twice:
/// "mlflow" in ASCII.
const LOCK: &str = "SELECT pg_try_advisory_lock(x'6d6c666c6f77'::bigint)";

/// Mirrors what stands in `database` until what is returned is dropped.
///
/// # Errors
/// Where no thread can be started.
pub fn start(database: DatabaseUrl, server: WebServer) -> io::Result<AsyncThread> {
    AsyncThread::start("mlflow", move || mirror(database, server))
}

async fn mirror(database: DatabaseUrl, server: WebServer) {
    let client = match MlflowClient::new(server.clone()) {
        Ok(client) => client,
        Err(error) => return tracing::warn!("retrainings are not mirrored to MLflow at {server}: {error}"),
    };
    let mut mirror = Mirror { database, client, session: None, experiment: None, mirrored: HashSet::new() };
    let mut trouble = Trouble::default();
    loop {
        match mirror.round().await {
            Ok(()) if trouble.ends() => tracing::info!("MLflow at {server} has all retrainings again"),
            Ok(()) => {}
            Err(error) => {
                // What is known of the server may be what is wrong.
                mirror.experiment = None;
                if trouble.is_news(&error) {
                    tracing::warn!("retrainings wait in model_metrics for MLflow at {server}: {error}");
                }
            }
        }
        tokio::time::sleep(Duration::from_secs(MLFLOW_POLL_SECONDS)).await;
    }
}

struct Mirror {
    database: DatabaseUrl,
    client: MlflowClient,
    /// A connection that holds the lock.
    session: Option<Client>,
    experiment: Option<String>,
    /// The retrainings that MLflow has.
    mirrored: HashSet<String>,
}

impl Mirror {
    /// Tells the server all that it lacks. A run that it refuses does not keep others from it.
    async fn round(&mut self) -> Result<(), MlflowError> {
        let session = match self.session.take() {
            Some(session) => session,
            None => match session(&self.database).await? {
                Some(session) => session,
                None => return Ok(()),
            },
        };
        let experiment = match self.experiment.take() {
            Some(experiment) => experiment,
            None => self.client.experiment(EXPERIMENT).await?,
        };
        let mut refused = None;
        for run_id in retraining::run_ids(&session).await? {
            if self.mirrored.contains(&run_id) {
                continue;
            }
            match self.tell(&session, &experiment, run_id.clone()).await {
                Ok(()) => drop(self.mirrored.insert(run_id)),
                Err(error) if error.is_of_run() => drop(refused.get_or_insert(error)),
                Err(error) => return Err(error),
            }
        }
        (self.session, self.experiment) = (Some(session), Some(experiment));
        refused.map_or(Ok(()), Err)
    }

    /// Tells the server of one retraining what it lacks.
    async fn tell(&self, session: &Client, experiment: &str, run_id: String) -> Result<(), MlflowError> {
        let begun = match self.client.find(experiment, &run_id).await? {
            Found::Mirrored => return Ok(()),
            Found::Begun(run) => Some(run),
            Found::Nothing => None,
        };
        let Retraining { run_id, start_ms, end_ms, tags, metrics, params, file } =
            retraining::read(session, run_id).await?;
        let run = match begun {
            Some(run) => run,
            None => self.client.create(experiment, &run_id, start_ms, &tags).await?,
        };
        self.client.log(&run, &metrics, &params).await?;
        if let Some((name, bytes)) = file
            && !self.client.upload(&run, &name, bytes).await?
        {
            tracing::info!(
                run_id,
                "MLflow takes no files (mlflow server --serve-artifacts); the model stands in models"
            );
        }
        self.client.finish(&run, end_ms).await?;
        tracing::info!(run_id, "mirrored to MLflow");
        Ok(())
    }
}

/// A connection that holds the lock; none where another process has it.
async fn session(database: &DatabaseUrl) -> Result<Option<Client>, RegistryError> {
    let session = connect(database, "viewtide mlflow").await?;
    let row =
        session.query_one(LOCK, &[]).await.map_err(RegistryError::while_doing("looking who mirrors to MLflow"))?;
    Ok(row.get::<_, bool>(0).then_some(session))
}
