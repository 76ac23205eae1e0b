//! A password for the role that only reads, so that it can log in.

use postgres_protocol::password::scram_sha_256;
use tokio_postgres::error::SqlState;

use crate::postgres::connect::{ConnectError, DatabaseUrl, connect, in_words};
use crate::postgres::managed::{ManagedError, ManagedPostgres};
use crate::postgres::reader_role::READER_ROLE;
use crate::secret::Secret;

/// Why the role has no password that is known.
#[derive(Debug, thiserror::Error)]
pub enum ReaderLoginError {
    /// The database cannot be reached.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// Who viewtide connects as may not set passwords.
    #[error(
        "{database} may not give {READER_ROLE} a password ({reason}). As a superuser: ALTER ROLE {READER_ROLE} LOGIN PASSWORD '..'; \
         then give the same one by --reader-password-file"
    )]
    NotAllowed {
        /// The database, and who connects to it.
        database: String,
        /// The server's word.
        reason: String,
    },
    /// There is no such role.
    #[error(
        "there is no role {READER_ROLE}. As a superuser: CREATE ROLE {READER_ROLE}; then `viewtide migrate`, and this again"
    )]
    NoRole,
    /// The role is there, and is still not let in.
    #[error(
        "{READER_ROLE} has a new password and is not let in all the same: {0}. Does pg_hba.conf let it log in by a password?"
    )]
    NotLetIn(ConnectError),
    /// The superuser's password cannot be read.
    #[error(transparent)]
    Managed(#[from] ManagedError),
    /// The server said no.
    #[error("cannot set the password of {READER_ROLE}: {}", in_words(.0))]
    Db(tokio_postgres::Error),
}

/// Sees to it that the role can log in.
#[derive(Debug)]
pub struct ReaderLogin {
    database: DatabaseUrl,
    /// The superuser of viewtide's own server, whose ordinary user may not alter roles.
    superuser: Option<DatabaseUrl>,
    given: Option<Secret>,
}

impl ReaderLogin {
    /// For the role of `database`, with the password `given` or one that is made when it is needed.
    ///
    /// # Errors
    /// Where the superuser's password of a `managed` server cannot be read.
    pub fn new(
        database: DatabaseUrl,
        managed: Option<&ManagedPostgres>,
        given: Option<Secret>,
    ) -> Result<Self, ReaderLoginError> {
        let superuser = match managed {
            Some(managed) => Some(DatabaseUrl::parse(&managed.superuser_url()?)?),
            None => None,
        };
        Ok(Self { database, superuser, given })
    }

    /// A password that the role can log in with from now on. The one that was given, which is set only where it does not work yet;
    /// else a new one, and who used another one has to be told.
    ///
    /// # Errors
    /// Where it cannot be set, or does not work all the same.
    pub async fn password(&self) -> Result<Secret, ReaderLoginError> {
        if let Some(given) = &self.given
            && self.works(given).await.is_ok()
        {
            return Ok(given.clone());
        }
        let password = self.given.clone().unwrap_or_else(Secret::random);
        let could_log_in = self.set(&password).await?;
        self.works(&password).await.map_err(ReaderLoginError::NotLetIn)?;
        match (could_log_in, &self.given) {
            (true, None) => tracing::warn!(
                "{READER_ROLE} has a new password, which Metabase alone knows; who else logs in as it has to be given one, here too, \
                 by --reader-password-file"
            ),
            _ => tracing::info!("{READER_ROLE} has a new password"),
        }
        Ok(password)
    }

    /// Whether a password is given that the role cannot log in with yet.
    pub async fn has_other_password(&self) -> bool {
        match &self.given {
            Some(given) => self.works(given).await.is_err(),
            None => false,
        }
    }

    async fn works(&self, password: &Secret) -> Result<(), ConnectError> {
        let reader = self.database.with_login(READER_ROLE, password.reveal());
        connect(&reader, "viewtide metabase").await.map(drop)
    }

    /// Sets the password, and returns whether the role could log in before. What is sent is what the server stores of a password,
    /// and not the password, which it may write to its log.
    async fn set(&self, password: &Secret) -> Result<bool, ReaderLoginError> {
        let database = self.superuser.as_ref().unwrap_or(&self.database);
        let client = connect(database, "viewtide metabase").await?;
        let role = client.query_opt("SELECT rolcanlogin FROM pg_roles WHERE rolname = $1", &[&READER_ROLE]).await;
        let could_log_in = role.map_err(ReaderLoginError::Db)?.ok_or(ReaderLoginError::NoRole)?.get(0);
        let verifier = scram_sha_256(password.reveal().as_bytes());
        let alter = format!("ALTER ROLE {READER_ROLE} LOGIN PASSWORD '{verifier}'");
        client.batch_execute(&alter).await.map_err(|error| match error.code() {
            Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
                ReaderLoginError::NotAllowed { database: database.to_string(), reason: in_words(&error) }
            }
            _ => ReaderLoginError::Db(error),
        })?;
        Ok(could_log_in)
    }
}
