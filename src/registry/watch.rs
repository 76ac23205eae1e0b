//! A thread that looks at the table of models while forecasts are made, over a connection of its own, so that the sink never waits
//! for it.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use tokio_postgres::Client;
use viewtide_models::forecasting::StoredModel;

use crate::async_thread::AsyncThread;
use crate::limits::MODELS_POLL_SECONDS;
use crate::postgres::connect::{DatabaseUrl, connect};
use crate::registry::RegistryError;
use crate::registry::stored::InUse;
use crate::trouble::Trouble;

/// What changes in the models in use. Looks no more once this is dropped.
#[derive(Debug)]
pub struct Watch {
    changes: Receiver<Vec<StoredModel>>,
    _thread: AsyncThread,
}

impl Watch {
    /// Begins to look; `in_use` is known already.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub fn start(database: DatabaseUrl, in_use: InUse) -> io::Result<Self> {
        let (sender, changes) = channel();
        let thread = AsyncThread::start("models", move || watch(database, in_use, sender))?;
        Ok(Self { changes, _thread: thread })
    }

    /// What is to be used from now on; nothing where nothing has changed since the last call.
    pub fn changes(&self) -> Vec<StoredModel> {
        self.changes.try_iter().flatten().collect()
    }
}

/// Looks again and again, until nobody listens any more.
async fn watch(database: DatabaseUrl, mut in_use: InUse, changes: Sender<Vec<StoredModel>>) {
    let mut client = None;
    let mut trouble = Trouble::default();
    loop {
        tokio::time::sleep(Duration::from_secs(MODELS_POLL_SECONDS)).await;
        match look(&database, &mut client, &mut in_use).await {
            Ok(changed) => {
                trouble.ends();
                if !changed.is_empty() && changes.send(changed).is_err() {
                    return;
                }
            }
            Err(error) => {
                client = None;
                if trouble.is_news(&error) {
                    tracing::warn!("cannot look which models are in use, those that were stay: {error}");
                }
            }
        }
    }
}

async fn look(
    database: &DatabaseUrl,
    client: &mut Option<Client>,
    in_use: &mut InUse,
) -> Result<Vec<StoredModel>, RegistryError> {
    let client = match client {
        Some(client) => client,
        None => client.insert(connect(database, "viewtide models").await?),
    };
    in_use.changes(client).await
}
