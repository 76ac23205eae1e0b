//! `viewtide metabase`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use serde_json::json;

use crate::cli::database::{Database, DatabaseArgs, runtime};
use crate::cli::durations::parse_duration_us;
use crate::cli::{Outcome, UsageError};
use crate::metabase::definitions::{Definitions, Files};
use crate::metabase::provision::{DatabasePlace, Plan, provision};
use crate::metabase::session::Login;
use crate::postgres::connect::{DEFAULT_PORT, connect};
use crate::postgres::reader_login::ReaderLogin;
use crate::postgres::{migrate, reader_role};
use crate::secret::Secret;
use crate::web_server::WebServer;

/// Which Metabase, who logs in there, and how it reaches the tables.
#[derive(Clone, Debug, Args)]
pub struct MetabaseArgs {
    /// The Metabase, as http://localhost:3000
    #[arg(long, env = "VIEWTIDE_URL", value_name = "URL", hide_env_values = true)]
    url: String,
    /// How long it may take to be up; a first start takes minutes
    #[arg(long, env = "VIEWTIDE_WAIT", value_name = "TIME", default_value = "5m", value_parser = parse_patience)]
    wait: Duration,
    /// Name of the collection that everything is put into, and of the database in Metabase
    #[arg(long, env = "VIEWTIDE_COLLECTION", value_name = "NAME", default_value = "viewtide")]
    collection: String,
    /// Folder with definitions of one's own, in place of those that come with viewtide (cluster/metabase/)
    #[arg(long, env = "VIEWTIDE_DEFINITIONS", value_name = "DIR")]
    definitions: Option<PathBuf>,
    #[command(flatten)]
    login: LoginArgs,
    #[command(flatten)]
    reader: ReaderArgs,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// Who logs in.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Logging in")]
struct LoginArgs {
    /// E-mail address of an admin; on a server that is not set up yet, of the one that is made
    #[arg(long, env = "VIEWTIDE_EMAIL", value_name = "EMAIL")]
    email: Option<String>,
    /// The admin's password
    #[arg(long, env = "VIEWTIDE_PASSWORD", value_name = "PASSWORD", hide_env_values = true)]
    password: Option<String>,
    /// File that holds the admin's password, so that it stands on no command line
    #[arg(long, env = "VIEWTIDE_PASSWORD_FILE", value_name = "FILE", conflicts_with = "password")]
    password_file: Option<PathBuf>,
    /// Key of the API, in place of e-mail address and password; it has to be of the group Administrators
    #[arg(long, env = "VIEWTIDE_API_KEY", value_name = "KEY", hide_env_values = true)]
    api_key: Option<String>,
    /// File that holds the key
    #[arg(long, env = "VIEWTIDE_API_KEY_FILE", value_name = "FILE", conflicts_with = "api_key")]
    api_key_file: Option<PathBuf>,
}

/// How Metabase reaches the tables.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "How Metabase reaches the database")]
struct ReaderArgs {
    /// Host of the database, where Metabase reaches it by another name than viewtide
    #[arg(long, env = "VIEWTIDE_DATABASE_HOST", value_name = "HOST")]
    database_host: Option<String>,
    /// Port of the database, where Metabase reaches it by another one than viewtide
    #[arg(long, env = "VIEWTIDE_DATABASE_PORT", value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    database_port: Option<u16>,
    /// Password of the role metabase_ro; without one it gets a new one where Metabase has none that works
    #[arg(long, env = "VIEWTIDE_READER_PASSWORD", value_name = "PASSWORD", hide_env_values = true)]
    reader_password: Option<String>,
    /// File that holds the password of metabase_ro
    #[arg(long, env = "VIEWTIDE_READER_PASSWORD_FILE", value_name = "FILE", conflicts_with = "reader_password")]
    reader_password_file: Option<PathBuf>,
}

fn usage(words: impl Into<String>) -> anyhow::Error {
    UsageError(words.into(), "metabase").into()
}

fn parse_patience(text: &str) -> Result<Duration, String> {
    parse_duration_us(text).map(|us| Duration::from_micros(us.unsigned_abs()))
}

/// Provisions it.
pub fn execute(args: MetabaseArgs) -> anyhow::Result<Outcome> {
    let server = WebServer::parse(&args.url).map_err(|wrong| usage(format!("--url: {wrong}")))?;
    let login = args.login.login()?;
    let given = secret(
        "--reader-password",
        args.reader.reader_password.as_deref(),
        args.reader.reader_password_file.as_deref(),
    )?;
    let files = args.definitions.as_deref().map_or_else(Files::built_in, Files::folder);
    let definitions = Definitions::read(&files).with_context(|| match &args.definitions {
        Some(folder) => format!("--definitions {}", folder.display()),
        None => "the definitions that come with viewtide".to_owned(),
    })?;
    let database = args.database.open()?;
    let place = args.reader.place(&database)?;
    let provisioned = runtime()?.block_on(async {
        let schema = schema(&database).await?;
        let reader = ReaderLogin::new(database.url.clone(), database.managed.as_ref(), given)?;
        let (collection, patience) = (args.collection, args.wait);
        let place = DatabasePlace { schema, ..place };
        let plan = Plan { server: server.clone(), login, patience, place, reader, collection, definitions };
        provision(&plan).await.with_context(|| format!("Metabase at {server}"))
    })?;
    if database.managed.is_some() {
        tracing::info!(
            "viewtide's own Postgres is up while a viewtide uses it; Metabase has no tables to read at other times"
        );
    }
    eprint!("{}", provisioned.tally);
    let collection = format!("{server}/collection/{}", provisioned.collection);
    println!("{}", json!({"collection": collection, "done": provisioned.tally}));
    Ok(Outcome::Done)
}

impl LoginArgs {
    fn login(&self) -> anyhow::Result<Login> {
        let password = secret("--password", self.password.as_deref(), self.password_file.as_deref())?;
        let key = secret("--api-key", self.api_key.as_deref(), self.api_key_file.as_deref())?;
        match (key, self.email.clone(), password) {
            (Some(key), None, None) => Ok(Login::ApiKey(key)),
            (None, Some(email), Some(password)) => Ok(Login::Admin { email, password }),
            _ => Err(usage("give --email and --password (or --password-file) of an admin, or --api-key alone")),
        }
    }
}

impl ReaderArgs {
    /// Where Metabase finds the database; the schema is yet to be asked for.
    fn place(&self, database: &Database) -> anyhow::Result<DatabasePlace> {
        let found = match &database.managed {
            Some(managed) => Some(("127.0.0.1".to_owned(), managed.port())),
            None => database.url.tcp_place(),
        };
        let (host, port) = match (&self.database_host, found) {
            (Some(host), found) => (host.clone(), found.map_or(DEFAULT_PORT, |(_, port)| port)),
            (None, Some(found)) => found,
            (None, None) => {
                let reason = "viewtide reaches the database by a socket, and Metabase cannot: give --database-host";
                return Err(usage(reason));
            }
        };
        Ok(DatabasePlace {
            host,
            port: self.database_port.unwrap_or(port),
            database: database.url.database().to_owned(),
            schema: String::new(),
            requires_tls: database.url.requires_tls(),
        })
    }
}

/// A secret that is given as it is, or in a file.
fn secret(flag: &str, given: Option<&str>, file: Option<&Path>) -> anyhow::Result<Option<Secret>> {
    let text = match (given, file) {
        (Some(text), _) => text.to_owned(),
        (None, Some(file)) => {
            std::fs::read_to_string(file).with_context(|| format!("{flag}-file {}", file.display()))?
        }
        (None, None) => return Ok(None),
    };
    let secret = Secret::new(text.trim_end_matches(['\r', '\n']));
    secret.map(Some).ok_or_else(|| usage(format!("{flag}: it is empty")))
}

/// The schema of the tables, which have to be there, and who reads them sees to it that all of them are seen.
async fn schema(database: &Database) -> anyhow::Result<String> {
    let client = connect(&database.url, "viewtide metabase").await?;
    if !migrate::has_progress(&client).await? || !migrate::is_current(&client).await? {
        anyhow::bail!(
            "{} lacks tables of this viewtide: `viewtide migrate` or `viewtide run` makes them",
            database.url
        );
    }
    reader_role::grant(&client).await;
    let row = client.query_one("SELECT current_schema()::text", &[]).await.context("asking for the schema")?;
    Ok(row.get(0))
}
