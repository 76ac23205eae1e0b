//! Read-only connections to Postgres, a few, with a deadline for everything.

use std::collections::HashMap;
use std::time::Duration;

use deadpool::managed::{Manager, Metrics, Pool, RecycleError, RecycleResult, Timeouts};
use deadpool::{Runtime, managed::PoolError};
use serde::de::DeserializeOwned;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Row, Statement};

use crate::limits::{HTTP_READ_SECONDS_MAX, HTTP_READERS_MAX};
use crate::postgres::connect::{ConnectError, DatabaseUrl, connect, in_words};

/// Why something was not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    /// No connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// All connections are in use, or the server does not answer.
    #[error("Postgres has not answered within {HTTP_READ_SECONDS_MAX} s")]
    TooSlow,
    /// The server said no.
    #[error("Postgres says: {0}")]
    Db(String),
    /// The tables hold what no page can show.
    #[error("the tables hold what cannot be shown: {0}")]
    Document(#[source] serde_json::Error),
}

/// Connections that are made when they are needed.
pub(super) struct Readers {
    pool: Pool<Connections>,
}

struct Connections {
    database: DatabaseUrl,
}

/// A connection, and the statements that it knows by now: there are a dozen, and planning one takes as long as a look.
struct Connection {
    client: Client,
    statements: HashMap<String, Statement>,
}

/// The server ends a query as well, which nobody waits for any more then. No look takes a second core from the sink, and none is
/// so long that compiling it would pay.
fn session() -> String {
    format!(
        "SET default_transaction_read_only = on; SET statement_timeout = '{HTTP_READ_SECONDS_MAX}s';
         SET max_parallel_workers_per_gather = 0; SET jit = off"
    )
}

impl Manager for Connections {
    type Type = Connection;
    type Error = ReadError;

    async fn create(&self) -> Result<Connection, ReadError> {
        let client = connect(&self.database, "viewtide http").await?;
        client.batch_execute(&session()).await?;
        Ok(Connection { client, statements: HashMap::new() })
    }

    async fn recycle(&self, connection: &mut Connection, _: &Metrics) -> RecycleResult<ReadError> {
        if connection.client.is_closed() { Err(RecycleError::message("the server is gone")) } else { Ok(()) }
    }
}

impl Connection {
    async fn query(&mut self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Error> {
        let statement = match self.statements.get(sql) {
            Some(statement) => statement,
            None => {
                let statement = self.client.prepare(sql).await?;
                self.statements.entry(sql.to_owned()).or_insert(statement)
            }
        };
        self.client.query(statement, params).await
    }
}

impl From<Error> for ReadError {
    fn from(error: Error) -> Self {
        Self::Db(in_words(&error))
    }
}

impl Readers {
    pub(super) fn new(database: DatabaseUrl) -> Self {
        let deadline = Some(Duration::from_secs(HTTP_READ_SECONDS_MAX));
        let pool = Pool::builder(Connections { database })
            .max_size(HTTP_READERS_MAX)
            .timeouts(Timeouts { wait: deadline, create: deadline, recycle: deadline })
            .runtime(Runtime::Tokio1)
            .build()
            .expect("timeouts and a runtime to wait with");
        Self { pool }
    }

    /// The one document that `sql` gives as text of JSON; `None` where it gives no row.
    pub(super) async fn document<T: DeserializeOwned>(
        &self,
        sql: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<T>, ReadError> {
        let rows = self.query(sql, params).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        serde_json::from_str(row.get(0)).map(Some).map_err(ReadError::Document)
    }

    /// Rows, within the deadline.
    pub(super) async fn query(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, ReadError> {
        let read = async {
            let mut connection = self.pool.get().await.map_err(|error| match error {
                PoolError::Backend(error) => error,
                _ => ReadError::TooSlow,
            })?;
            Ok(connection.query(sql, params).await?)
        };
        tokio::time::timeout(Duration::from_secs(HTTP_READ_SECONDS_MAX), read).await.unwrap_or(Err(ReadError::TooSlow))
    }
}
