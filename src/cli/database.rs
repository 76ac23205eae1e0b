//! Which Postgres: the one given, or one of our own.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use crate::postgres::connect::DatabaseUrl;
use crate::postgres::managed::{ManagedConfig, ManagedPostgres};

/// Where the tables are.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Database")]
pub struct DatabaseArgs {
    /// Postgres to write to, as postgresql://user:password@host/database; without it viewtide runs one of its own
    #[arg(long, env = "VIEWTIDE_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    database_url: Option<String>,
    /// File that holds the database URL, so that its password stands on no command line
    #[arg(long, env = "VIEWTIDE_DATABASE_URL_FILE", value_name = "FILE", conflicts_with = "database_url")]
    database_url_file: Option<PathBuf>,
    /// Certificate of the authority that signed the server's, to verify it by (PEM)
    #[arg(long, env = "VIEWTIDE_DATABASE_CA", value_name = "FILE")]
    database_ca: Option<PathBuf>,
    /// Folder of viewtide's own Postgres, used without a database URL
    #[arg(long, env = "VIEWTIDE_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// A database that can be reached, for as long as this value lives where it is viewtide's own.
pub struct Database {
    /// How to reach it.
    pub url: DatabaseUrl,
    /// The server, where it is viewtide's own.
    pub managed: Option<ManagedPostgres>,
}

impl DatabaseArgs {
    /// The database, starting viewtide's own where none is given.
    pub fn open(&self) -> anyhow::Result<Database> {
        if let Some(url) = self.given()? {
            return Ok(Database { url, managed: None });
        }
        let managed = ManagedPostgres::start(ManagedConfig { data_dir: self.data_dir.clone(), port: None })
            .context("no --database-url is given, and viewtide's own Postgres does not start")?;
        tracing::info!(psql = managed.psql_command(), "viewtide's own Postgres is up");
        let url = DatabaseUrl::parse(&managed.url()).context("the URL of viewtide's own Postgres")?;
        Ok(Database { url, managed: Some(managed) })
    }

    fn given(&self) -> anyhow::Result<Option<DatabaseUrl>> {
        let text = match (&self.database_url, &self.database_url_file) {
            (Some(url), _) => url.clone(),
            (None, Some(file)) => {
                std::fs::read_to_string(file).with_context(|| format!("--database-url-file {}", file.display()))?
            }
            (None, None) => return Ok(None),
        };
        let mut url = DatabaseUrl::parse(text.trim()).context("--database-url")?;
        if let Some(ca) = &self.database_ca {
            url = url.with_ca(ca);
        }
        Ok(Some(url))
    }
}

/// A runtime for the commands that only talk to Postgres.
pub fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the I/O runtime")
}
