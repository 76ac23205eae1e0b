//! Connecting to Postgres, and what its errors mean.

use std::error::Error as _;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use openssl::ssl::{SslConnector, SslMethod, SslVerifyMode};
use postgres_openssl::MakeTlsConnector;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, Error};

use crate::limits::{CONNECT_TIMEOUT_SECONDS, LOCK_TIMEOUT_SECONDS, TCP_USER_TIMEOUT_SECONDS};

/// Where a server listens that does not say otherwise.
pub const DEFAULT_PORT: u16 = 5432;

/// Where a database is, and how to log in. Neither [`fmt::Debug`] nor [`fmt::Display`] shows the password.
#[derive(Clone)]
pub struct DatabaseUrl {
    config: Config,
    ca: Option<PathBuf>,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The text is no URL; its parts are not shown, since one of them may be a password.
    #[error("the database URL is not understood ({0}); write postgresql://user:password@host:port/database")]
    Url(String),
    /// The certificate of the authority cannot be used.
    #[error("cannot use the certificate {}: {reason}", path.display())]
    Ca {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The server said no, or nobody is there.
    #[error("cannot connect to {database}: {reason}{hint}")]
    Refused {
        /// The database.
        database: String,
        /// In words.
        reason: String,
        /// What to do.
        hint: &'static str,
        /// Whether trying again may help.
        transient: bool,
    },
}

impl ConnectError {
    /// Whether trying again may help.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Refused { transient: true, .. })
    }
}

impl DatabaseUrl {
    /// Parses a URL or `key=value` words, as libpq takes them.
    pub fn parse(text: &str) -> Result<Self, ConnectError> {
        let config: Config = text.parse().map_err(|error: Error| ConnectError::Url(in_words(&error)))?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(ConnectError::Url("it names no host".to_owned()));
        }
        Ok(Self { config, ca: None })
    }

    /// Verifies the server's certificate by the authority's in `path` (PEM). Without one a connection is encrypted where
    /// the server offers it, but nobody is verified, as libpq does under `sslmode=prefer` and `require`.
    pub fn with_ca(mut self, path: &Path) -> Self {
        self.ca = Some(path.to_owned());
        self
    }

    /// The same database for somebody else.
    pub fn with_login(&self, user: &str, password: &str) -> Self {
        let mut other = self.clone();
        other.config.user(user).password(password);
        other
    }

    /// Host and port by which another program on this machine reaches it; none where it is reached by a Unix socket.
    pub fn tcp_place(&self) -> Option<(String, u16)> {
        let host = match self.config.get_hosts().first() {
            Some(Host::Tcp(host)) => host.clone(),
            Some(Host::Unix(_)) => return None,
            None => self.config.get_hostaddrs().first()?.to_string(),
        };
        Some((host, self.config.get_ports().first().copied().unwrap_or(DEFAULT_PORT)))
    }

    /// The name of the database.
    pub fn database(&self) -> &str {
        self.config.get_dbname().or(self.config.get_user()).unwrap_or("?")
    }

    /// Whether a connection that is not encrypted is no connection.
    pub fn requires_tls(&self) -> bool {
        self.config.get_ssl_mode() == SslMode::Require
    }

    fn tls(&self) -> Result<MakeTlsConnector, ConnectError> {
        let failed = |error: openssl::error::ErrorStack| ConnectError::Ca {
            path: self.ca.clone().unwrap_or_default(),
            reason: error.to_string(),
        };
        let mut builder = SslConnector::builder(SslMethod::tls()).map_err(failed)?;
        match &self.ca {
            Some(ca) => builder.set_ca_file(ca).map_err(failed)?,
            None => builder.set_verify(SslVerifyMode::NONE),
        }
        Ok(MakeTlsConnector::new(builder.build()))
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = match self.config.get_hosts().first() {
            Some(Host::Tcp(host)) => host.clone(),
            Some(Host::Unix(folder)) => folder.display().to_string(),
            None => self.config.get_hostaddrs().first().map(ToString::to_string).unwrap_or_default(),
        };
        let port = self.config.get_ports().first().copied().unwrap_or(DEFAULT_PORT);
        let user = self.config.get_user().unwrap_or("?");
        write!(f, "database {} at {host}:{port} as {user}", self.database())
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Connects, and lets the connection's own work run on the current runtime.
///
/// The session sees a half-open connection within [`TCP_USER_TIMEOUT_SECONDS`], waits for locks at most
/// [`LOCK_TIMEOUT_SECONDS`], and is in UTC.
pub async fn connect(database: &DatabaseUrl, application_name: &str) -> Result<Client, ConnectError> {
    let mut config = database.config.clone();
    config
        .application_name(application_name)
        .connect_timeout(Duration::from_secs(CONNECT_TIMEOUT_SECONDS))
        .keepalives(true)
        .keepalives_idle(Duration::from_secs(TCP_USER_TIMEOUT_SECONDS))
        .tcp_user_timeout(Duration::from_secs(TCP_USER_TIMEOUT_SECONDS));
    let refused = |error: Error| refusal(database, &error);
    let (client, connection) = config.connect(database.tls()?).await.map_err(refused)?;
    tokio::spawn(async move {
        // The client's calls say what went wrong; here it is only the end.
        if let Err(error) = connection.await {
            tracing::debug!(error = in_words(&error), "a database connection ended");
        }
    });
    let session = format!(
        "SET TimeZone = 'UTC'; SET lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'; SET extra_float_digits = 1; \
         SET client_min_messages = warning; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; \
         SET tcp_user_timeout = '{TCP_USER_TIMEOUT_SECONDS}s'; SET tcp_keepalives_idle = {TCP_USER_TIMEOUT_SECONDS}"
    );
    client.batch_execute(&session).await.map_err(refused)?;
    Ok(client)
}

fn refusal(database: &DatabaseUrl, error: &Error) -> ConnectError {
    let hint = match error.code() {
        Some(&SqlState::INVALID_PASSWORD | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION) => {
            "; check user and password in --database-url, and pg_hba.conf"
        }
        Some(&SqlState::INVALID_CATALOG_NAME) => "; create the database first (createdb), or correct its name",
        Some(_) => "",
        None => "; is the server running, and are host and port right?",
    };
    ConnectError::Refused {
        database: database.to_string(),
        reason: in_words(error),
        hint,
        transient: is_transient(error),
    }
}

/// Whether the same statement may succeed when it is tried again: connection errors (class 08), lack of resources (53),
/// intervention (57), a server that became read-only (25006), serialisation, deadlock and lock time-outs, and every error
/// that is not the server's word.
pub fn is_transient(error: &Error) -> bool {
    match error.code() {
        Some(state) => {
            let code = state.code();
            ["08", "53", "57"].iter().any(|class| code.starts_with(class))
                || ["25006", "40001", "40P01", "55P03"].contains(&code)
        }
        None => error.is_closed() || error.source().is_some_and(|source| source.is::<std::io::Error>()),
    }
}

/// An error in words, with its SQLSTATE and what the server adds.
pub fn in_words(error: &Error) -> String {
    match error.as_db_error() {
        Some(db) => {
            let mut words = format!("{} (SQLSTATE {})", db.message(), db.code().code());
            for (name, more) in [("detail", db.detail()), ("hint", db.hint()), ("where", db.where_())] {
                if let Some(more) = more {
                    words += &format!("; {name}: {more}");
                }
            }
            words
        }
        None => match error.source() {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_shows_a_password() {
        let url = DatabaseUrl::parse("postgresql://ann:s3cret@db.example:5433/stats").unwrap();
        for shown in [format!("{url}"), format!("{url:?}")] {
            assert_eq!(shown, "database stats at db.example:5433 as ann");
        }
        let error = DatabaseUrl::parse("postgresql://ann:s3cret@[/stats").unwrap_err().to_string();
        assert!(!error.contains("s3cret"), "{error}");
        assert!(DatabaseUrl::parse("dbname=stats").is_err(), "without a host it could be anywhere");
    }
}
