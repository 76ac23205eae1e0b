//! The start of a sink: who may write, and from where it goes on.
//!
//! The new one first ends the server backend of the one before it, whose process id and start time stand in progress, then
//! takes a new incarnation, then migrates. From the incarnation on, a paused or duplicated process can neither write (its
//! transactions begin with progress WHERE incarnation = its own) nor block (its backend is gone, and its locks with it).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio_postgres::{Client, Row};
use viewtide_dataflows::Tick;
use viewtide_models::forecasting::When;

use crate::limits::{BACKEND_END_SECONDS_MAX, TAKEOVER_ATTEMPTS_MAX};
use crate::postgres::connect::connect;
use crate::postgres::migrate;
use crate::registry::stored::put_pretrained;
use crate::sink::anew::begin_anew;
use crate::sink::transaction::Statements;
use crate::sink::{SinkConfig, SinkError};
use crate::source::{Beside, Input, Positions, SourceIdentity, spans_of};

/// What was stored when a sink started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// The incarnation that this start took.
    pub incarnation: i64,
    /// The last committed tick; 0 before the first.
    pub tick: Tick,
    /// Where each partition is to be read from.
    pub positions: Positions,
    /// The clock of the very first start, microseconds since 1970.
    pub first_started_at_us: i64,
    /// Gaps that this start has written, where it began a topic anew.
    pub gaps: u64,
}

/// A retention and where it began to be in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetentionInForce {
    /// Microseconds.
    pub retention_us: i64,
    /// The next offset of every partition at that moment; those that are missing had none.
    pub since: std::collections::BTreeMap<u32, u64>,
}

/// Ends the backend that progress names, unless it is this one or that of another incarnation than $2; waits until it is
/// gone. One statement, so that incarnation and backend are those of one moment.
const END_BACKEND: &str = "
    SELECT a.pid, pg_terminate_backend(a.pid, $1)
    FROM viewtide_progress p
    JOIN pg_stat_activity a ON a.pid = p.backend_pid AND a.backend_start = p.backend_started_at
    WHERE a.pid <> pg_backend_pid() AND p.incarnation = coalesce($2, p.incarnation)";

/// The session's own backend, as progress names it.
pub(super) const THIS_BACKEND: &str = "backend_pid = pg_backend_pid(),
     backend_started_at = (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid())";

const READ: &str = "
    SELECT source::text, outputs, future_max_us, retentions::text, incarnation, tick, positions::text,
           (extract(epoch FROM first_started_at) * 1000000)::bigint,
           to_jsonb(viewtide_progress) ->> 'beside'
    FROM viewtide_progress";

/// Connects, takes over, migrates; returns the connection that may write now, with its statements. They are prepared before
/// anybody else may start: who is replaced meanwhile is to say so, and not that its connection was ended.
pub async fn take_over(config: &SinkConfig) -> Result<(Client, Statements, Stored), SinkError> {
    let mut client = connect(&config.database, "viewtide").await?;
    let db = SinkError::while_doing("taking over the tables");
    migrate::lock_start(&client).await?;
    migrate::check(&client).await?;
    let exists = migrate::has_progress(&client).await?;
    let stored = if exists { client.query_opt(READ, &[]).await.map_err(&db)? } else { None };
    let stored = match stored {
        Some(row) => {
            check(config, &row)?;
            // A schema of before this column has none.
            let beside = check_beside(config, row.get(8))?;
            let before = identities(&row)?;
            let stored = take_incarnation(&mut client, config).await?;
            migrate::migrate(&mut client).await?;
            let stored = begin_anew(&mut client, config, &before, stored).await?;
            client
                .execute("UPDATE viewtide_progress SET beside = $1::text::jsonb", &[&json(&beside)?])
                .await
                .map_err(&db)?;
            stored
        }
        None => {
            migrate::migrate(&mut client).await?;
            first_start(&client, config).await?
        }
    };
    prepare_forecasts(&client, config).await?;
    let statements = Statements::prepare(&client).await?;
    migrate::unlock_start(&client).await?;
    Ok((client, statements, stored))
}

/// Forecasts that were made are kept true, or the start is refused; a first start gets the models that come with viewtide.
async fn prepare_forecasts(client: &Client, config: &SinkConfig) -> Result<(), SinkError> {
    let db = SinkError::while_doing("looking for forecasts");
    if config.forecasts.when == When::Off {
        let row = client.query_one("SELECT EXISTS (SELECT FROM predictions)", &[]).await.map_err(&db)?;
        return if row.get(0) { Err(SinkError::ForecastsOff) } else { Ok(()) };
    }
    if config.forecasts.pretrained { Ok(put_pretrained(client).await?) } else { Ok(()) }
}

/// Ends the backend that progress names, within a limit; with `incarnation` only while it is that one's.
pub async fn end_backend(client: &Client, incarnation: Option<i64>) -> Result<(), SinkError> {
    let wait_ms = i64::try_from(BACKEND_END_SECONDS_MAX * 1_000).unwrap_or(i64::MAX);
    let ended = client
        .query_opt(END_BACKEND, &[&wait_ms, &incarnation])
        .await
        .map_err(SinkError::while_doing("ending the sink before this one"))?;
    match ended {
        Some(row) if !row.get::<_, bool>(1) => {
            Err(SinkError::Backend { pid: row.get(0), seconds: BACKEND_END_SECONDS_MAX })
        }
        Some(row) => {
            tracing::warn!(pid = row.get::<_, i32>(0), "ended the server process of the sink before this one");
            Ok(())
        }
        None => Ok(()),
    }
}

/// Refuses to mix rows of one source or kind with those of another; returns the retentions that were in force.
fn check(config: &SinkConfig, row: &Row) -> Result<Vec<RetentionInForce>, SinkError> {
    let source: SourceIdentity = parse("source", row.get(0))?;
    config.anew.check("the source".to_owned(), &source, &config.source)?;
    let outputs: Vec<String> = row.get(1);
    if outputs != config.outputs.names() {
        return Err(SinkError::OtherOutputs { stored: outputs.join(","), ours: config.outputs.to_string() });
    }
    let future_max_us: i64 = row.get(2);
    if future_max_us != config.future_max_us {
        let words = |us: i64| humantime::format_duration(Duration::from_micros(us.unsigned_abs())).to_string();
        return Err(SinkError::Mismatch {
            what: "--future-max".to_owned(),
            stored: words(future_max_us),
            ours: words(config.future_max_us),
        });
    }
    parse("retentions", row.get(3))
}

fn parse<T: for<'a> Deserialize<'a>>(column: &str, json: &str) -> Result<T, SinkError> {
    serde_json::from_str(json).map_err(|error| SinkError::Progress(format!("has a damaged {column}: {error}")))
}

/// What was and is read beside the snapshots: an input may join later and may be left away, but not become another.
fn check_beside(config: &SinkConfig, stored: Option<&str>) -> Result<Beside, SinkError> {
    let mut beside: Beside = parse("beside", stored.unwrap_or("{}"))?;
    for (input, ours) in &config.beside {
        let stored = beside.entry(*input).or_insert_with(|| ours.clone());
        if *input == Input::VideosFile && stored != ours {
            return Err(SinkError::OtherVideosFile { stored: stored.to_string(), ours: ours.to_string() });
        }
        config.anew.check(format!("the input {input}"), stored, ours)?;
        stored.clone_from(ours);
    }
    Ok(beside)
}

/// Every input as it is stored.
fn identities(row: &Row) -> Result<Beside, SinkError> {
    let mut identities: Beside = parse("beside", row.get::<_, Option<&str>>(8).unwrap_or("{}"))?;
    identities.insert(Input::Snapshots, parse("source", row.get(0))?);
    Ok(identities)
}

/// Takes the next incarnation, once the backend before ours is gone; one that came back meanwhile is ended again.
async fn take_incarnation(client: &mut Client, config: &SinkConfig) -> Result<Stored, SinkError> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        end_backend(client, None).await?;
        match try_take_incarnation(client, config).await {
            Err(error) if error.is_transient() && attempt < TAKEOVER_ATTEMPTS_MAX => {
                tracing::warn!(attempt, "taking over again: {error}");
            }
            done => return done,
        }
    }
}

async fn try_take_incarnation(client: &mut Client, config: &SinkConfig) -> Result<Stored, SinkError> {
    let db = SinkError::while_doing("taking a new incarnation");
    let transaction = client.transaction().await.map_err(&db)?;
    let row = transaction
        .query_one(
            &format!("UPDATE viewtide_progress SET incarnation = incarnation + 1, {THIS_BACKEND} RETURNING singleton"),
            &[],
        )
        .await
        .map_err(&db)?;
    debug_assert!(row.get::<_, bool>(0));
    let row = transaction.query_one(READ, &[]).await.map_err(&db)?;
    // Once more, now that nobody else can change it: a rebuild may have set other outputs meanwhile.
    let mut retentions = check(config, &row)?;
    let stored = Stored {
        incarnation: row.get(4),
        tick: u64::try_from(row.get::<_, i64>(5)).unwrap_or(0),
        positions: parse("positions", row.get(6))?,
        first_started_at_us: row.get(7),
        gaps: 0,
    };
    if retentions.last().is_none_or(|last| last.retention_us != config.retention_us) {
        retentions.push(RetentionInForce {
            retention_us: config.retention_us,
            since: spans_of(&stored.positions, Input::Snapshots)
                .into_iter()
                .map(|(number, span)| (number, span.next))
                .collect(),
        });
        transaction
            .execute("UPDATE viewtide_progress SET retentions = $1::text::jsonb", &[&json(&retentions)?])
            .await
            .map_err(&db)?;
    }
    transaction.commit().await.map_err(&db)?;
    Ok(stored)
}

async fn first_start(client: &Client, config: &SinkConfig) -> Result<Stored, SinkError> {
    let retentions = [RetentionInForce { retention_us: config.retention_us, since: Default::default() }];
    client
        .execute(
            "INSERT INTO viewtide_progress (incarnation, tick, positions, source, outputs, retentions, future_max_us,
                                                first_started_at, beside, backend_pid, backend_started_at)
                 SELECT 1, 0, '{}', $1::text::jsonb, $2, $3::text::jsonb, $4,
                        'epoch'::timestamptz + $5 * interval '1 microsecond', $6::text::jsonb, pg_backend_pid(),
                        backend_start
                 FROM pg_stat_activity WHERE pid = pg_backend_pid()",
            &[
                &json(&config.source)?,
                &config.outputs.names(),
                &json(&retentions)?,
                &config.future_max_us,
                &(config.now_us as f64),
                &json(&config.beside)?,
            ],
        )
        .await
        .map_err(SinkError::while_doing("making the first start"))?;
    Ok(Stored { incarnation: 1, first_started_at_us: config.now_us, ..Stored::default() })
}

/// As a column of type jsonb takes it.
pub(super) fn json(value: &impl Serialize) -> Result<String, SinkError> {
    serde_json::to_string(value).map_err(|error| SinkError::Progress(format!("cannot be written: {error}")))
}
