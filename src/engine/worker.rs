//! One worker: its dataflow, its reader, and the loop that drives both.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use timely::dataflow::ProbeHandle;
use timely::dataflow::operators::Concat;
use timely::worker::Worker;
use viewtide_dataflows::Tick;
use viewtide_dataflows::series::{SeriesInput, SeriesState, forecast_series};
use viewtide_dataflows::trending::{TrendingConfig, TrendingStreams, trending};
use viewtide_dataflows::videos::videos;
use viewtide_models::forecasting::StreamForecasts;

use crate::engine::gate::Gate;
use crate::engine::input::{Pumped, Reader, SourceInputs};
use crate::engine::lead::{Lead, StateInputs};
use crate::engine::signals::{SharedTick, Signal, Signals, Terms};
use crate::engine::{EngineError, Shared};
use crate::limits::{IN_FLIGHT_BYTES_MAX, STOP_SECONDS_MAX, TICK_BYTES_MAX};
use crate::sink::operator::{Changes, sink};
use crate::source::{Positions, Share};

/// How long a worker sleeps at most before it looks whether to stop; data, progress and its reader wake it earlier.
const PARK_MAX: Duration = Duration::from_millis(100);

/// The dataflow of one worker: state and records in, the durable frontier out.
struct Flow {
    state: Option<StateInputs>,
    source: Option<SourceInputs>,
    durable: ProbeHandle<Tick>,
}

impl Flow {
    fn build(worker: &mut Worker, shared: &Shared) -> Self {
        let mut state = StateInputs::default();
        let mut source = SourceInputs::default();
        let index = worker.index() as u32;
        let writer = shared.take_writer(worker.index());
        let durable = worker.dataflow_named("viewtide", |scope| {
            let state_videos = state.videos.to_stream(scope);
            let state_trends = state.trends.to_stream(scope);
            let series_state = SeriesState {
                snapshots: state.snapshots.to_stream(scope),
                forecasts: state.forecasts.to_stream(scope),
                models: state.models.to_stream(scope),
            };
            let forecasts = StreamForecasts::new(shared.forecasts, shared.series.retention);
            let series_input =
                SeriesInput { records: source.records.to_stream(scope), ends: source.ends.to_stream(scope) };
            let series = forecast_series(series_state, series_input, shared.series, forecasts, index);
            let words = videos(state_videos.clone(), source.metadata.to_stream(scope), index);
            // Also where no trends are wanted, and none come: processes that do not agree on it shall be able to say so.
            let TrendingStreams { trends, trending } =
                trending(state_trends, state_videos, series.trends, words.rows.clone(), TrendingConfig::default());
            let changes = Changes {
                snapshots: series.snapshots,
                hours: series.hours,
                videos: words.rows,
                trends,
                trending,
                forecasts: series.forecasts,
                tallies: series.tallies.concat(words.tallies),
                facts: source.facts.to_stream(scope),
            };
            sink(changes, writer)
        });
        Self { state: Some(state), source: Some(source), durable }
    }

    fn is_durable(&self, tick: &Tick) -> bool {
        !self.durable.less_equal(tick)
    }
}

/// Runs one worker until all that its engine reads is durable, or the engine has failed.
pub fn work(worker: &mut Worker, shared: &Arc<Shared>) {
    let mut work = Work {
        signals: Signals::new(worker),
        now: SharedTick::new(worker),
        flow: Flow::build(worker, shared),
        lead: None,
        reader: None,
        share: Share { index: worker.index() as u32, peers: worker.peers() as u32 },
        stop_said: false,
        stopping: false,
        stopping_since: None,
        shared: Arc::clone(shared),
    };
    // The state comes from worker 0; elsewhere its input ends at once, or the frontier would wait for it.
    if let Some(state) = work.flow.state.take()
        && let Some(loader) = shared.take_loader(worker.index())
    {
        work.lead = Some(Lead::new(loader, state, shared));
    }
    loop {
        match work.step() {
            Ok(Next::Step) => {
                worker.step();
            }
            Ok(Next::Park(duration)) => {
                worker.step_or_park(Some(duration));
            }
            Ok(Next::End) => break,
            Err(error) => shared.fail(error),
        }
        if shared.has_failed() {
            // The frontier will not move any further: leave the dataflows as they are.
            for dataflow in worker.installed_dataflows() {
                worker.drop_dataflow(dataflow);
            }
            break;
        }
    }
    work.end();
}

enum Next {
    Step,
    Park(Duration),
    End,
}

struct Work {
    signals: Signals,
    now: SharedTick,
    flow: Flow,
    /// What only worker 0 does.
    lead: Option<Lead>,
    reader: Option<Reader>,
    share: Share,
    stop_said: bool,
    stopping: bool,
    stopping_since: Option<Instant>,
    shared: Arc<Shared>,
}

impl Work {
    fn step(&mut self) -> Result<Next, EngineError> {
        if self.shared.stop.load(Ordering::Relaxed) {
            self.stopping_since.get_or_insert_with(Instant::now);
            self.say_stop();
        }
        if let Some(lead) = &mut self.lead {
            let durable = self.flow.durable.with_frontier(|frontier| frontier.first().copied().unwrap_or(0));
            lead.step(&mut self.signals, &mut self.now, durable)?;
        }
        while let Some(signal) = self.signals.next() {
            match signal {
                Signal::Start { stored_tick, positions, terms } => {
                    self.agree(&terms)?;
                    self.start(stored_tick, positions)?;
                }
                Signal::Stop => self.stopping = true,
                Signal::Failed(cause) => {
                    self.stopping = true;
                    self.shared.fail_after_drain(EngineError::Elsewhere(cause));
                }
            }
        }
        if self.stopping {
            self.stop_reading();
        }
        let more = self.pump();
        if self.is_closed() {
            if let Some(lead) = &mut self.lead {
                lead.end_of_reading();
            }
            if self.flow.durable.done() {
                return Ok(Next::End);
            }
        }
        if self.stopping_since.is_some_and(|since| since.elapsed() > Duration::from_secs(STOP_SECONDS_MAX)) {
            return Err(EngineError::StopTimedOut);
        }
        if more {
            return Ok(Next::Step);
        }
        Ok(Next::Park(self.lead.as_ref().map_or(PARK_MAX, |lead| lead.until_due().min(PARK_MAX))))
    }

    /// Refuses to work by other terms than process 0.
    fn agree(&self, leads: &Terms) -> Result<(), EngineError> {
        let of = |terms: &Terms, what: &str| {
            let found = terms.iter().find(|(name, _)| name == what);
            found.map_or_else(|| "nothing".to_owned(), |(_, value)| value.clone())
        };
        let names = leads.iter().chain(&self.shared.terms).map(|(what, _)| what);
        let differs = |what: &&String| of(leads, what) != of(&self.shared.terms, what);
        match names.into_iter().find(differs) {
            None => Ok(()),
            Some(what) => Err(EngineError::Disagree {
                what: what.clone(),
                ours: of(&self.shared.terms, what),
                leads: of(leads, what),
            }),
        }
    }

    fn start(&mut self, stored_tick: Tick, positions: Positions) -> Result<(), EngineError> {
        let Some(inputs) = self.flow.source.take() else { return Ok(()) };
        let bytes_max = (IN_FLIGHT_BYTES_MAX / self.share.peers as usize).max(TICK_BYTES_MAX);
        // Not by the clock, which one worker may know of and another not yet: all begin with the same tick, so that the first
        // commit has everybody's first word.
        let tick = stored_tick + 1;
        let source = Arc::clone(&self.shared.source);
        let forecasts = self.shared.forecasts;
        let gate = Gate::new(bytes_max, self.shared.observed.gated());
        let reader =
            Reader::start(source, self.share, positions, tick, inputs, gate, forecasts).map_err(EngineError::Thread)?;
        self.reader = Some(reader);
        Ok(())
    }

    /// Whether there may be more to read at once.
    fn pump(&mut self) -> bool {
        let Some(reader) = self.reader.as_mut().filter(|reader| !reader.is_closed()) else { return false };
        let flow = &self.flow;
        match reader.pump(self.now.now(), |tick| flow.is_durable(tick)) {
            Pumped::More => true,
            Pumped::Idle => false,
            Pumped::End => {
                if self.shared.exit_at_end {
                    reader.close();
                }
                true
            }
            Pumped::Failed(error) => {
                // What was read before is good and is committed; then the engine ends with this error.
                let cause = error.to_string();
                self.shared.fail_after_drain(EngineError::Source(error));
                self.signals.say(Signal::Failed(cause));
                true
            }
        }
    }

    fn say_stop(&mut self) {
        if !std::mem::replace(&mut self.stop_said, true) {
            self.signals.say(Signal::Stop);
        }
    }

    fn stop_reading(&mut self) {
        // A reader that was never started must not hold back the frontier either.
        self.flow.source = None;
        // Loading goes on: what was read meanwhile is only right on all of the state.
        if let Some(reader) = self.reader.as_mut().filter(|reader| !reader.is_closed() && reader.all_heard()) {
            reader.close();
        }
    }

    /// Whether nothing more is read.
    fn is_closed(&self) -> bool {
        self.flow.source.is_none() && self.reader.as_ref().is_none_or(Reader::is_closed)
    }

    fn end(self) {
        let flow = self.flow;
        if let Some(lead) = self.lead {
            lead.finish();
        }
        if let Some(reader) = self.reader {
            reader.join(|tick| flow.is_durable(tick));
        }
    }
}
