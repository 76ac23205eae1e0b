//! One Postgres server per test binary, one fresh database per test.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio_postgres::{Client, Error, NoTls, SimpleQueryMessage};
use viewtide::postgres::managed::ManagedPostgres;

/// The server that all tests share; it goes when the process ends.
pub fn shared() -> &'static ManagedPostgres {
    static SERVER: OnceLock<ManagedPostgres> = OnceLock::new();
    SERVER.get_or_init(|| ManagedPostgres::temporary().expect("a temporary Postgres (make setup installs one)"))
}

/// A database of its own on the shared server, dropped with this value.
pub struct Database {
    name: String,
}

impl Database {
    /// A new, empty database.
    pub fn fresh() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        rows(&shared().url(), &format!("CREATE DATABASE {name}")).expect("create a database");
        Self { name }
    }

    /// For `--database-url`.
    pub fn url(&self) -> String {
        shared().url_of(&self.name)
    }

    /// Runs `sql`, which may be several statements, and returns the rows of all of them as text; None is NULL.
    pub fn rows(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        rows(&self.url(), sql).unwrap_or_else(|error| panic!("{sql}: {error:?}"))
    }

    /// The one value that `sql` returns, as text.
    pub fn value(&self, sql: &str) -> String {
        match self.rows(sql).as_slice() {
            [row] if row.len() == 1 => row[0].clone().unwrap_or_else(|| panic!("{sql}: NULL")),
            rows => panic!("{sql}: one value expected, got {rows:?}"),
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // A test that failed may have left a process connected; nothing is to be done where this fails.
        drop(rows(&shared().url(), &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)));
    }
}

/// Runs `sql` on the database at `url`, on a connection of its own.
pub fn rows(url: &str, sql: &str) -> Result<Vec<Vec<Option<String>>>, Error> {
    with_client(url, async |client| rows_by(client, sql).await)
}

/// The same on a connection that there is.
pub async fn rows_by(client: &Client, sql: &str) -> Result<Vec<Vec<Option<String>>>, Error> {
    let messages = client.simple_query(sql).await?;
    let rows = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some((0..row.len()).map(|i| row.get(i).map(str::to_owned)).collect()),
        _ => None,
    });
    Ok(rows.collect())
}

/// Connects to `url` and runs `work`, on this thread.
pub fn with_client<T>(url: &str, work: impl AsyncFnOnce(&mut Client) -> Result<T, Error>) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let (mut client, connection) = tokio_postgres::connect(url, NoTls).await?;
        let connection = tokio::spawn(connection);
        let result = work(&mut client).await;
        drop(client);
        drop(connection.await);
        result
    })
}
