//! What only worker 0 does: load the stored state, say where to begin, turn the clock, and log the figures.

use std::sync::Arc;
use std::time::{Duration, Instant};

use timely::dataflow::InputHandleVec;
use viewtide_dataflows::Tick;
use viewtide_dataflows::series::Loaded;

use crate::engine::clock::Ticker;
use crate::engine::report::Report;
use crate::engine::signals::{SharedTick, Signal, Signals};
use crate::engine::{EngineError, Shared};
use crate::sink::committer::{LoadEvent, Loader};

/// How long worker 0 waits for a chunk of the stored state; the sink makes one in about 30 ms.
const LOAD_POLL: Duration = Duration::from_millis(1);

/// Worker 0's duties.
pub struct Lead {
    loader: Loader,
    /// Takes the stored state, until all of it is there.
    state: Option<InputHandleVec<Tick, Loaded>>,
    loaded: u64,
    start: Option<Signal>,
    stored_tick: Tick,
    ticker: Ticker,
    report: Report,
}

impl Lead {
    /// Takes the stored state from `loader` and hands it to `state`.
    pub fn new(loader: Loader, state: InputHandleVec<Tick, Loaded>, shared: &Arc<Shared>) -> Self {
        let stored = shared.stored();
        Self {
            loader,
            state: Some(state),
            loaded: 0,
            start: Some(Signal::Start { stored_tick: stored.tick, positions: stored.positions.clone() }),
            stored_tick: stored.tick,
            ticker: Ticker::new(Arc::clone(&shared.clock), shared.tick_ms, stored.tick, Instant::now()),
            report: Report::new(Arc::clone(shared)),
        }
    }

    /// Does what is due.
    pub fn step(&mut self, signals: &mut Signals, now: &mut SharedTick) -> Result<(), EngineError> {
        if let Some(start) = self.start.take() {
            signals.say(start);
        }
        self.load()?;
        if let Some(tick) = self.ticker.poll(Instant::now()) {
            now.advance_to(tick);
        }
        self.report.step();
        Ok(())
    }

    /// Passes on one chunk of the stored state, at logical times that lie below every tick to come; after that, looks
    /// whether the sink still works.
    fn load(&mut self) -> Result<(), EngineError> {
        let Some(state) = &mut self.state else { return Ok(self.loader.check()?) };
        match self.loader.next()? {
            LoadEvent::Chunk(mut chunk) => {
                self.loaded += chunk.len() as u64;
                let next = (state.time() + 1).min(self.stored_tick);
                state.send_batch(&mut chunk);
                state.advance_to(next);
            }
            LoadEvent::Pending => {}
            LoadEvent::Done => {
                tracing::info!(snapshots = self.loaded, "state loaded");
                self.state = None;
            }
        }
        Ok(())
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
