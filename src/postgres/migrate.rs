//! Migrations, embedded in the binary and applied under a lock.

use refinery::Runner;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error, GenericClient};

use crate::limits::LOCK_TIMEOUT_SECONDS;
use crate::postgres::connect::{in_words, is_transient};
use crate::postgres::reader_role;

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// The advisory lock under which a start takes over and migrates: "viewtide" in ASCII.
const START_LOCK: i64 = 0x7669_6577_7469_6465;

/// Tables of ours, by which another program's database is recognised.
pub(super) const OUR_TABLES: [&str; 16] = [
    "video_stats_processed",
    "hourly_aggregations",
    "dead_letters",
    "lost_offsets",
    "viewtide_progress",
    "videos",
    "channel_hourly",
    "category_hourly",
    "total_hourly",
    "trends",
    "trending",
    "predictions",
    "forecast_score_hours",
    "forecaster_state",
    "models",
    "model_metrics",
];

/// The oldest server whose `pg_terminate_backend` waits.
const POSTGRES_MIN: i32 = 14;

/// Why the schema cannot be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The tables are somebody else's.
    #[error(
        "the database has tables that viewtide did not make ({0}); nothing was changed. Give viewtide a database of its \
         own (createdb viewtide)"
    )]
    Foreign(String),
    /// A newer viewtide was here.
    #[error(
        "the database has schema version {stored}, this viewtide knows versions up to {known}; nothing was changed. \
         Use the viewtide that migrated it, or a newer one"
    )]
    Newer {
        /// In the database.
        stored: i32,
        /// In this binary.
        known: i32,
    },
    /// The server lacks what the sink needs.
    #[error(
        "the server is PostgreSQL {found}, and viewtide needs {POSTGRES_MIN} or later (it ends the sink before it, and waits \
         until that is gone); nothing was changed"
    )]
    Server {
        /// Its version.
        found: i32,
    },
    /// Titles would not go in.
    #[error(
        "the database has the encoding {found}, and titles are in every script: viewtide needs UTF8 (createdb -E UTF8 -T \
         template0); nothing was changed"
    )]
    Encoding {
        /// As the server names it.
        found: String,
    },
    /// Another one starts or migrates, and does not get on with it.
    #[error(
        "another viewtide is starting on this database and has not got on for {LOCK_TIMEOUT_SECONDS} s ({holder}); end that \
         one, with SELECT pg_terminate_backend(..) where its process cannot be reached, then start again"
    )]
    Locked {
        /// Its server process, and from where it connects.
        holder: String,
    },
    /// A migration failed; each is a transaction.
    #[error("a migration failed, and was rolled back: {0}")]
    Failed(String),
    /// The server said no.
    #[error("cannot look at the schema: {}", in_words(.0))]
    Db(#[from] Error),
}

fn runner() -> Runner {
    embedded::migrations::runner().set_abort_divergent(true).set_abort_missing(true)
}

/// Takes [`START_LOCK`] for the session; waits for another start, within a limit.
pub async fn lock_start(client: &Client) -> Result<(), MigrateError> {
    match client.execute("SELECT pg_advisory_lock($1)", &[&START_LOCK]).await {
        Ok(_) => Ok(()),
        Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => {
            // An advisory lock of 64 bits is shown in two halves; 1 says that it is one of 64.
            let holder = client
                .query_opt(
                    "SELECT format('server process %s of %s', a.pid, coalesce(host(a.client_addr), 'this host'))
                     FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
                     WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
                       AND (l.classid::bigint << 32 | l.objid::bigint) = $1
                       AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())",
                    &[&START_LOCK],
                )
                .await?;
            Err(MigrateError::Locked { holder: holder.map_or_else(|| "gone by now".to_owned(), |row| row.get(0)) })
        }
        Err(error) => Err(error.into()),
    }
}

/// Lets go of [`START_LOCK`]. Who waits for it may end this connection before the answer has come: then it is let go of all
/// the same, and what comes next finds out.
pub async fn unlock_start(client: &Client) -> Result<(), MigrateError> {
    match client.execute("SELECT pg_advisory_unlock($1)", &[&START_LOCK]).await {
        Err(error) if !is_transient(&error) => Err(error.into()),
        _ => Ok(()),
    }
}

/// Whether a viewtide has ever stored something here.
pub async fn has_progress(client: &Client) -> Result<bool, MigrateError> {
    Ok(client.query_one("SELECT to_regclass('viewtide_progress') IS NOT NULL", &[]).await?.get(0))
}

/// Whether every migration has been applied; there must have been one.
pub async fn is_current(client: &impl GenericClient) -> Result<bool, Error> {
    let stored: Option<i32> =
        client.query_one("SELECT max(version)::int FROM refinery_schema_history", &[]).await?.get(0);
    Ok(stored >= runner().get_migrations().iter().map(|migration| migration.version()).max())
}

/// Looks whether the database can be migrated, and changes nothing.
pub async fn check(client: &Client) -> Result<(), MigrateError> {
    let found = client.query_one("SELECT current_setting('server_version_num')::int / 10000", &[]).await?.get(0);
    if found < POSTGRES_MIN {
        return Err(MigrateError::Server { found });
    }
    let encoding: String = client.query_one("SELECT current_setting('server_encoding')", &[]).await?.get(0);
    if encoding != "UTF8" {
        return Err(MigrateError::Encoding { found: encoding });
    }
    let has_history: bool =
        client.query_one("SELECT to_regclass('refinery_schema_history') IS NOT NULL", &[]).await?.get(0);
    let stored = if has_history {
        client.query("SELECT version::int, name::text FROM refinery_schema_history ORDER BY version", &[]).await?
    } else {
        Vec::new()
    };
    let known: Vec<(i32, String)> =
        runner().get_migrations().iter().map(|migration| (migration.version(), migration.name().to_owned())).collect();
    let newest = known.iter().map(|(version, _)| *version).max().unwrap_or(0);
    for row in &stored {
        let applied: (i32, String) = (row.get(0), row.get(1));
        if applied.0 > newest {
            return Err(MigrateError::Newer { stored: applied.0, known: newest });
        }
        if !known.contains(&applied) {
            return Err(MigrateError::Foreign(format!("a migration {} named {}", applied.0, applied.1)));
        }
    }
    if stored.is_empty() {
        let tables = client
            .query(
                "SELECT table_name::text FROM information_schema.tables
                 WHERE table_schema = current_schema() AND table_name = ANY($1) ORDER BY 1",
                &[&OUR_TABLES.as_slice()],
            )
            .await?;
        if !tables.is_empty() {
            let names: Vec<String> = tables.iter().map(|row| row.get(0)).collect();
            return Err(MigrateError::Foreign(names.join(", ")));
        }
    }
    Ok(())
}

/// Applies what is missing, each migration as a transaction, and returns how many; who only reads sees what is new. The caller
/// holds [`START_LOCK`].
pub async fn migrate(client: &mut Client) -> Result<usize, MigrateError> {
    check(client).await?;
    let report = runner().run_async(client).await.map_err(|error| MigrateError::Failed(error.to_string()))?;
    reader_role::grant(client).await;
    Ok(report.applied_migrations().len())
}
