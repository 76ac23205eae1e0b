//! What only worker 0 does: load the stored state, say where to begin, turn the clock, and log the figures.

use std::sync::Arc;
use std::time::{Duration, Instant};

use timely::dataflow::InputHandleVec;
use viewtide_dataflows::Tick;
use viewtide_dataflows::metadata::VideoRow;
use viewtide_dataflows::series::Loaded;
use viewtide_dataflows::trends::TrendRow;
use viewtide_models::forecasting::{State, StoredModel};

use crate::engine::clock::Ticker;
use crate::engine::observed::Observed;
use crate::engine::report::Report;
use crate::engine::signals::{SharedTick, Signal, Signals};
use crate::engine::{EngineError, Shared};
use crate::limits::MODELS_AHEAD_TICKS;
use crate::registry::watch::Watch;
use crate::sink::committer::{LoadEvent, LoadedRows, Loader};

/// How long worker 0 waits for a chunk of the stored state; the sink makes one in about 30 ms.
const LOAD_POLL: Duration = Duration::from_millis(1);

/// The dataflow's inputs that take the stored state.
#[derive(Default)]
pub struct StateInputs {
    /// What is known of videos.
    pub videos: InputHandleVec<Tick, VideoRow>,
    /// Trends.
    pub trends: InputHandleVec<Tick, TrendRow>,
    /// Snapshots.
    pub snapshots: InputHandleVec<Tick, Loaded>,
    /// What is known of forecasts.
    pub forecasts: InputHandleVec<Tick, State>,
    /// What forecasts are made by.
    pub models: InputHandleVec<Tick, StoredModel>,
}

impl StateInputs {
    /// Sends rows at a logical time of their own, at most `last`; returns how many there were.
    fn send(&mut self, rows: LoadedRows, last: Tick) -> u64 {
        let next = (self.snapshots.time() + 1).min(last);
        let sent = match rows {
            LoadedRows::Videos(rows) => send(&mut self.videos, rows),
            LoadedRows::Trends(rows) => send(&mut self.trends, rows),
            LoadedRows::Snapshots(rows) => send(&mut self.snapshots, rows),
            LoadedRows::Forecasts(rows) => send(&mut self.forecasts, rows),
            LoadedRows::Models(rows) => send(&mut self.models, rows),
        };
        self.videos.advance_to(next);
        self.trends.advance_to(next);
        self.snapshots.advance_to(next);
        self.forecasts.advance_to(next);
        sent
    }
}

fn send<T: Clone + 'static>(input: &mut InputHandleVec<Tick, T>, mut rows: Vec<T>) -> u64 {
    let sent = rows.len() as u64;
    input.send_batch(&mut rows);
    sent
}

/// How models come to change while the dataflow runs.
///
/// A tick is computed once it is known which models it is computed by, so this is always known for some ticks ahead, or each
/// would wait for the next turn of the clock. A change is in force from the first tick of which it is not known.
struct ModelChanges {
    watch: Watch,
    input: InputHandleVec<Tick, StoredModel>,
}

impl ModelChanges {
    /// Says what has changed, and that nothing does for the ticks up to now and some more.
    fn step(&mut self, now: Tick) {
        send(&mut self.input, self.watch.changes());
        if now + MODELS_AHEAD_TICKS / 2 > *self.input.time() {
            self.input.advance_to(now + MODELS_AHEAD_TICKS);
        }
    }
}

/// Worker 0's duties.
pub struct Lead {
    loader: Loader,
    /// Takes the stored state, until all of it is there.
    state: Option<StateInputs>,
    /// After that, and until nothing more is read.
    models: Option<ModelChanges>,
    loaded: u64,
    start: Option<Signal>,
    stored_tick: Tick,
    ticker: Ticker,
    observed: Arc<Observed>,
    report: Report,
}

impl Lead {
    /// Takes the stored state from `loader` and hands it to `state`.
    pub fn new(loader: Loader, state: StateInputs, shared: &Arc<Shared>) -> Self {
        let stored = shared.stored();
        Self {
            loader,
            state: Some(state),
            models: None,
            loaded: 0,
            start: Some(Signal::Start {
                stored_tick: stored.tick,
                positions: stored.positions.clone(),
                terms: shared.terms.clone(),
            }),
            stored_tick: stored.tick,
            ticker: Ticker::new(Arc::clone(&shared.clock), shared.tick_ms, stored.tick, Instant::now()),
            observed: Arc::clone(&shared.observed),
            report: Report::new(Arc::clone(shared)),
        }
    }

    /// Does what is due; all ticks before `durable` are.
    pub fn step(&mut self, signals: &mut Signals, now: &mut SharedTick, durable: Tick) -> Result<(), EngineError> {
        if let Some(start) = self.start.take() {
            signals.say(start);
        }
        self.load()?;
        if let Some(tick) = self.ticker.poll(Instant::now()) {
            now.advance_to(tick);
        }
        if let Some(models) = &mut self.models {
            models.step(now.now().max(durable));
        }
        self.report.step();
        Ok(())
    }

    /// Passes on one chunk of the stored state, at logical times that lie below every tick to come; after that, looks
    /// whether the sink still works.
    fn load(&mut self) -> Result<(), EngineError> {
        let Some(state) = &mut self.state else { return Ok(self.loader.check()?) };
        match self.loader.next()? {
            LoadEvent::Chunk(rows) => self.loaded += state.send(rows, self.stored_tick),
            LoadEvent::Pending => {}
            LoadEvent::Done(watch) => {
                tracing::info!(rows = self.loaded, "state loaded");
                self.observed.loaded();
                let input = self.state.take().map(|state| state.models);
                self.models = watch.zip(input).map(|(watch, input)| ModelChanges { watch, input });
            }
        }
        Ok(())
    }

    /// Nothing more is read, so that no change of models matters any more.
    pub fn end_of_reading(&mut self) {
        self.models = None;
    }

    /// The end: everything is durable.
    pub fn finish(self) {
        self.report.finish();
    }

    /// How long until there is something to do: the next tick, or another chunk of the stored state.
    pub fn until_due(&self) -> Duration {
        let tick = self.ticker.until_due(Instant::now());
        if self.state.is_some() { tick.min(LOAD_POLL) } else { tick }
    }
}
