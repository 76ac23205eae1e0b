//! The role that reads the tables and does nothing else, for Metabase and other tools.
//!
//! It can log in once somebody has given it a password. It sees neither bytes of records that were no snapshots, since anything may
//! stand in them, nor those of models and of what was learned, which nobody reads as a table.

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error};

use crate::postgres::connect::in_words;
use crate::postgres::migrate::OUR_TABLES;

/// Its name.
pub const READER_ROLE: &str = "metabase_ro";

const OUR_VIEWS: [&str; 3] = ["video_trends", "channel_medians", "forecast_scores"];

/// A table of which it sees nothing.
const HIDDEN_TABLE: &str = "forecaster_state";

/// Columns that it does not see, with their tables.
const HIDDEN: [&str; 3] = ["dead_letters.key", "dead_letters.payload", "models.artifact"];

/// What it is to see and does not: tables and views, and those columns of them where some are hidden.
const LACKING: &str = "
    SELECT format('%I', c.relname),
           CASE WHEN bool_or(h.is_hidden)
                THEN format('(%s)', string_agg(format('%I', a.attname), ', ') FILTER (WHERE NOT h.is_hidden)) END
    FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    CROSS JOIN LATERAL (SELECT c.relname || '.' || a.attname = ANY($3)) AS h (is_hidden)
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = ANY($2) AND pg_has_role(c.relowner, 'USAGE')
    GROUP BY c.relname
    HAVING bool_or(NOT h.is_hidden AND NOT has_column_privilege($1, c.oid, a.attnum, 'SELECT'))";

/// Makes the role where there is none, and lets it see what it is to see. Without the right to make one there is none, which is
/// said, and is of no consequence for anything else.
pub async fn grant(client: &Client) {
    match try_grant(client).await {
        Ok(true) => {}
        Ok(false) => tracing::info!(
            "there is no role {READER_ROLE}, for Metabase and others who only read, and this user may not make one; as a \
             superuser: CREATE ROLE {READER_ROLE}; then `viewtide migrate`"
        ),
        Err(error) => tracing::warn!("the role {READER_ROLE} does not see all that it might: {}", in_words(&error)),
    }
}

/// False where there is no role and none can be made.
async fn try_grant(client: &Client) -> Result<bool, Error> {
    let exists = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)";
    if !client.query_one(exists, &[&READER_ROLE]).await?.get::<_, bool>(0) && !create(client).await? {
        return Ok(false);
    }
    let seen: Vec<&str> = OUR_TABLES.iter().chain(&OUR_VIEWS).copied().filter(|name| *name != HIDDEN_TABLE).collect();
    let lacking = client.query(LACKING, &[&READER_ROLE, &seen, &HIDDEN.as_slice()]).await?;
    if lacking.is_empty() {
        return Ok(true);
    }
    let place =
        client.query_one("SELECT format('%I', current_database()), format('%I', current_schema())", &[]).await?;
    let (database, schema): (&str, &str) = (place.get(0), place.get(1));
    // Anybody may make temporary tables unless that is taken from all, and up to PostgreSQL 14 others as well.
    let mut grants = format!(
        "GRANT CONNECT ON DATABASE {database} TO {READER_ROLE};
         REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC;
         REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC;
         GRANT USAGE ON SCHEMA {schema} TO {READER_ROLE};"
    );
    for row in &lacking {
        let (table, columns): (&str, Option<&str>) = (row.get(0), row.get(1));
        grants += &format!("GRANT SELECT {} ON {table} TO {READER_ROLE};", columns.unwrap_or_default());
    }
    client.batch_execute(&grants).await.map(|()| true)
}

async fn create(client: &Client) -> Result<bool, Error> {
    match client.batch_execute(&format!("CREATE ROLE {READER_ROLE} NOLOGIN")).await {
        Ok(()) => Ok(true),
        Err(error) => match error.code() {
            // A start on another database of this server was quicker.
            Some(&SqlState::DUPLICATE_OBJECT | &SqlState::UNIQUE_VIOLATION) => Ok(true),
            Some(&SqlState::INSUFFICIENT_PRIVILEGE) => Ok(false),
            _ => Err(error),
        },
    }
}
