//! The thread that owns the connection: it takes over, loads, and then writes one batch after the other.
//!
//! A batch is kept until its COMMIT is acknowledged. After a transient error, whatever it was and also where COMMIT got no
//! answer, the old server backend is ended, progress is read FOR UPDATE, and what stands there says whether the batch
//! was committed or is to be written again. Figures move after a commit, never before.

use std::sync::mpsc::{Receiver, Sender, SyncSender, TryRecvError, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use timely::scheduling::SyncActivator;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::Client;
use viewtide_dataflows::Tick;
use viewtide_dataflows::retention::Retention;
use viewtide_models::forecasting::When;

use crate::limits::{LOAD_CHUNKS_QUEUED_MAX, RETRY_MS_MAX, RETRY_MS_MIN};
use crate::postgres::connect::connect;
use crate::registry::stored::InUse;
use crate::registry::watch::Watch;
use crate::sink::gaps;
pub use crate::sink::load::LoadedRows;
use crate::sink::load::load;
use crate::sink::rollups::Directory;
use crate::sink::tables::scores::ScoredHours;
pub use crate::sink::takeover::Stored;
use crate::sink::takeover::{THIS_BACKEND, end_backend, take_over};
use crate::sink::totals::SinkTotals;
use crate::sink::transaction::{Commit, Statements, Turn, not_our_turn, write};
use crate::sink::{SinkConfig, SinkError, TickBatch};
use crate::source::Positions;

/// A started sink, not yet part of a dataflow.
pub struct Committer {
    parts: CommitterParts,
}

/// What a started sink consists of.
pub struct CommitterParts {
    /// What was stored when it started.
    pub stored: Stored,
    /// For the operator at the end of the dataflow.
    pub writer: Writer,
    /// For worker 0: the stored state.
    pub loader: Loader,
    /// The thread itself.
    pub thread: CommitterThread,
}

/// The operator's end: batches go out, acknowledgements come back.
pub struct Writer {
    orders: Sender<Order>,
    acks: Receiver<Tick>,
}

impl Writer {
    /// Hands over the next batch; `activator` is woken once it is durable. There is at most one at a time.
    pub fn commit(&self, batch: TickBatch, activator: SyncActivator) {
        // Without the thread there is an error already, and it stops the engine.
        let _ = self.orders.send(Order { batch, activator });
    }

    /// Whether the batch that was handed over has become durable.
    pub fn acknowledged(&self) -> bool {
        self.acks.try_recv().is_ok()
    }
}

/// What the stored state has next.
#[derive(Debug)]
pub enum LoadEvent {
    /// Rows.
    Chunk(LoadedRows),
    /// Nothing yet.
    Pending,
    /// That was all. Where forecasts are made, how the models change that they are made by.
    Done(Option<Watch>),
}

/// Worker 0's end: the stored state first, then the error that ended the sink, if one does.
pub struct Loader {
    events: Receiver<LoadEvent>,
    errors: Receiver<SinkError>,
}

impl Loader {
    /// What the stored state has next.
    ///
    /// # Errors
    /// The one that ended the sink.
    pub fn next(&self) -> Result<LoadEvent, SinkError> {
        match self.events.try_recv() {
            Ok(event) => Ok(event),
            // A sink that fails here says so in a moment; only its own word is the end of the state.
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => self.check().map(|()| LoadEvent::Pending),
        }
    }

    /// Whether the sink still works.
    ///
    /// # Errors
    /// The one that ended it.
    pub fn check(&self) -> Result<(), SinkError> {
        self.errors.try_recv().map_or(Ok(()), Err)
    }
}

/// The sink's thread.
pub struct CommitterThread(JoinHandle<()>);

impl CommitterThread {
    /// Waits for its end, which comes once the operator is gone and the last batch is durable.
    pub fn join(self) {
        // A panic has ended the process before this.
        let _ = self.0.join();
    }
}

struct Order {
    batch: TickBatch,
    activator: SyncActivator,
}

impl Committer {
    /// Takes over the database, and returns once it may be written to and before anything is loaded. What becomes durable is
    /// counted in `totals`.
    pub fn start(config: SinkConfig, totals: Arc<Mutex<SinkTotals>>) -> Result<Self, SinkError> {
        let (orders, inbox) = channel();
        let (ack, acks) = channel();
        let (load, events) = sync_channel(LOAD_CHUNKS_QUEUED_MAX);
        let (error, errors) = channel();
        let (started, start) = channel();
        let thread = std::thread::Builder::new()
            .name("sink".to_owned())
            .spawn(move || {
                let runtime = match Builder::new_current_thread().enable_all().build() {
                    Ok(runtime) => runtime,
                    Err(io) => return drop(started.send(Err(SinkError::Thread(io.to_string())))),
                };
                let session = match runtime.block_on(Session::start(config, totals)) {
                    Ok((session, stored)) => {
                        let _ = started.send(Ok(stored));
                        session
                    }
                    Err(error) => return drop(started.send(Err(error))),
                };
                if let Err(failure) = serve(&runtime, session, load, &inbox, &ack) {
                    let _ = error.send(failure);
                }
            })
            .map_err(|io| SinkError::Thread(io.to_string()))?;
        let stored = start.recv().map_err(|_| SinkError::Thread("ended before it had started".to_owned()))??;
        tracing::info!(incarnation = stored.incarnation, tick = stored.tick, "took over the tables");
        let writer = Writer { orders, acks };
        let loader = Loader { events, errors };
        Ok(Self { parts: CommitterParts { stored, writer, loader, thread: CommitterThread(thread) } })
    }

    /// What was stored when it started.
    pub fn stored(&self) -> &Stored {
        &self.parts.stored
    }

    /// Its parts, for the engine.
    pub fn into_parts(self) -> CommitterParts {
        self.parts
    }
}

/// Loads the stored state, then writes batches until the operator is gone.
fn serve(
    runtime: &Runtime,
    mut session: Session,
    load_to: SyncSender<LoadEvent>,
    orders: &Receiver<Order>,
    ack: &Sender<Tick>,
) -> Result<(), SinkError> {
    runtime.block_on(session.load(load_to))?;
    for Order { batch, activator } in orders {
        let tick = batch.tick;
        let written = runtime.block_on(session.commit(batch));
        if written.is_ok() {
            let _ = ack.send(tick);
        }
        // A worker that is gone needs no waking.
        let _ = activator.activate();
        written?;
    }
    Ok(())
}

/// The connection, and what is known of the database.
struct Session {
    config: SinkConfig,
    client: Client,
    statements: Statements,
    incarnation: i64,
    durable: Tick,
    positions: Positions,
    directory: Directory,
    scored_hours: ScoredHours,
    totals: Arc<Mutex<SinkTotals>>,
}

/// What a new connection found of the batch that was under way.
enum Found {
    Committed,
    NotCommitted,
}

impl Session {
    async fn start(config: SinkConfig, totals: Arc<Mutex<SinkTotals>>) -> Result<(Self, Stored), SinkError> {
        let (client, statements, stored) = take_over(&config).await?;
        totals.lock().unwrap_or_else(PoisonError::into_inner).gaps += stored.gaps;
        let session = Self {
            config,
            client,
            statements,
            incarnation: stored.incarnation,
            durable: stored.tick,
            positions: stored.positions.clone(),
            directory: Directory::default(),
            scored_hours: ScoredHours::default(),
            totals,
        };
        Ok((session, stored))
    }

    /// Hands over the stored state. Nothing is written yet, so after a transient error it just begins again: a snapshot
    /// that comes twice is the same state.
    async fn load(&mut self, load_to: SyncSender<LoadEvent>) -> Result<(), SinkError> {
        let retention = Retention { retention_us: self.config.retention_us };
        loop {
            let (directory, rollups) = (&mut self.directory, self.config.outputs.rollups);
            let take = |rows: LoadedRows| {
                if let (true, LoadedRows::Videos(videos)) = (rollups, &rows) {
                    videos.iter().for_each(|row| directory.note(row.video, &row.metadata));
                }
                load_to.send(LoadEvent::Chunk(rows)).is_ok()
            };
            let loaded = match load(&mut self.client, retention, self.config.forecasts, take).await {
                Ok(in_use) => ScoredHours::read(&self.client).await.map(|hours| (in_use, hours)),
                Err(error) => Err(error),
            };
            match loaded {
                Ok((in_use, hours)) => {
                    self.scored_hours = hours;
                    // A worker that is gone needs no state.
                    let _ = load_to.send(LoadEvent::Done(self.watch(in_use)?));
                    return Ok(());
                }
                Err(error) if error.is_transient() => {
                    self.recover(&error, self.durable).await?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Looks on at the models, where forecasts are made by them.
    fn watch(&self, in_use: InUse) -> Result<Option<Watch>, SinkError> {
        let watch = || Watch::start(self.config.database.clone(), in_use);
        let is_wanted = self.config.forecasts.when != When::Off;
        is_wanted.then(watch).transpose().map_err(|io| SinkError::Thread(io.to_string()))
    }

    async fn commit(&mut self, batch: TickBatch) -> Result<(), SinkError> {
        let began = Instant::now();
        let tallies = batch.tallies.clone();
        let commit = Commit::new(batch, &self.positions, self.config.outputs, &mut self.directory);
        loop {
            let turn = self.turn();
            match write(&mut self.client, &self.statements, turn, &commit, &mut self.scored_hours).await {
                Ok(()) => break,
                Err(error) if error.is_transient() => match self.recover(&error, commit.tick).await? {
                    Found::Committed => break,
                    Found::NotCommitted => {}
                },
                Err(error) => return Err(error),
            }
        }
        self.durable = commit.tick;
        tracing::debug!(tick = commit.tick, ms = began.elapsed().as_millis(), "committed");
        let mut totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        totals.commits += 1;
        totals.commit_times.add(began.elapsed());
        totals.durable_tick = commit.tick;
        totals.forecasts_issued += commit.forecasts.new.len() as u64;
        totals.dead_letters += commit.dead_letters.len() as u64;
        totals.gaps += commit.gaps.len() as u64;
        totals.add_tallies(&tallies);
        for (table, rows) in commit.rows() {
            *totals.rows.entry(table).or_default() += rows as u64;
        }
        drop(totals);
        self.directory.follow(&commit.rollups.moves);
        self.positions = commit.positions;
        gaps::say(&commit.gaps);
        Ok(())
    }

    fn turn(&self) -> Turn {
        Turn { incarnation: self.incarnation, durable: self.durable }
    }

    /// Connects again, however long that takes, and finds out whether `tick` was committed.
    async fn recover(&mut self, cause: &SinkError, tick: Tick) -> Result<Found, SinkError> {
        tracing::warn!(tick, "the database does not take the batch, trying again: {cause}");
        let mut wait_ms = RETRY_MS_MIN;
        loop {
            self.totals.lock().unwrap_or_else(PoisonError::into_inner).retries += 1;
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
            wait_ms = (wait_ms * 2).min(RETRY_MS_MAX);
            match self.try_recover(tick).await {
                Err(error) if error.is_transient() => {
                    tracing::warn!(tick, next_try_ms = wait_ms, "still not: {error}");
                }
                found => return found,
            }
        }
    }

    async fn try_recover(&mut self, tick: Tick) -> Result<Found, SinkError> {
        let db = SinkError::while_doing("finding out what was committed");
        let mut client = connect(&self.config.database, "viewtide").await?;
        let turn = self.turn();
        // Not the backend of a sink that has taken over.
        end_backend(&client, Some(self.incarnation)).await?;
        let transaction = client.transaction().await.map_err(&db)?;
        let stored = transaction
            .query_opt("SELECT incarnation, tick FROM viewtide_progress FOR UPDATE", &[])
            .await
            .map_err(&db)?
            .map(|row| (row.get(0), row.get::<_, i64>(1) as Tick));
        let found = match stored {
            Some((incarnation, stored)) if incarnation == self.incarnation && stored == tick => Found::Committed,
            Some((incarnation, stored)) if incarnation == self.incarnation && stored == self.durable => {
                Found::NotCommitted
            }
            stored => return Err(not_our_turn(stored, turn)),
        };
        transaction.execute(&format!("UPDATE viewtide_progress SET {THIS_BACKEND}"), &[]).await.map_err(&db)?;
        transaction.commit().await.map_err(&db)?;
        self.statements = Statements::prepare(&client).await?;
        self.client = client;
        tracing::info!(tick, "the database is back");
        Ok(found)
    }
}
