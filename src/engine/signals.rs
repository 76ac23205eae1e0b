//! What workers of all processes tell each other beside the data: where to begin, and when to stop.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use serde::{Deserialize, Serialize};
use timely::dataflow::operators::Probe;
use timely::dataflow::operators::vec::{Broadcast, Map};
use timely::dataflow::{InputHandleVec, ProbeHandle};
use timely::worker::Worker;
use viewtide_dataflows::Tick;

use crate::source::Positions;

/// Said to every worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Signal {
    /// Begin at these positions; ticks lie above `stored_tick`. Said once, by worker 0.
    Start {
        /// The last committed tick.
        stored_tick: Tick,
        /// Where each partition is to be read from.
        positions: Positions,
        /// What process 0 reads and computes, which is what all have to.
        terms: Terms,
    },
    /// Stop reading, and end once what was read is durable.
    Stop,
    /// Reading cannot go on somewhere, for this reason: stop, and end with it.
    Failed(String),
}

/// What processes of one engine have to agree on, in words: (what it is, what it is set to).
pub type Terms = Vec<(String, String)>;

/// One worker's end of the signals.
pub struct Signals {
    input: InputHandleVec<u64, Signal>,
    received: Rc<RefCell<VecDeque<Signal>>>,
}

impl Signals {
    /// Builds the dataflow that carries them.
    pub fn new(worker: &mut Worker) -> Self {
        let mut input = InputHandleVec::new();
        let received = Rc::new(RefCell::new(VecDeque::new()));
        let sink = Rc::clone(&received);
        worker.dataflow_named("signals", |scope| {
            input.to_stream(scope).broadcast().map(move |signal: Signal| sink.borrow_mut().push_back(signal)).probe();
        });
        Self { input, received }
    }

    /// Says `signal` to every worker, this one included.
    pub fn say(&mut self, signal: Signal) {
        self.input.send(signal);
        self.input.flush();
    }

    /// The next signal that arrived.
    pub fn next(&mut self) -> Option<Signal> {
        self.received.borrow_mut().pop_front()
    }
}

/// The clock of all workers: its frontier is the current tick, which worker 0 advances, so that the clock of process 0
/// counts wherever a worker runs.
pub struct SharedTick {
    input: Option<InputHandleVec<Tick, ()>>,
    probe: ProbeHandle<Tick>,
}

impl SharedTick {
    /// Builds the dataflow that carries it; only worker 0 may advance it.
    pub fn new(worker: &mut Worker) -> Self {
        let mut input = InputHandleVec::new();
        let probe = worker.dataflow_named("clock", |scope| input.to_stream(scope).probe().0);
        let input = (worker.index() == 0).then_some(input);
        Self { input, probe }
    }

    /// Moves the tick of all workers; does nothing on a worker other than 0.
    pub fn advance_to(&mut self, tick: Tick) {
        if let Some(input) = &mut self.input {
            input.advance_to(tick);
        }
    }

    /// The current tick, 0 before the first.
    pub fn now(&self) -> Tick {
        self.probe.with_frontier(|frontier| frontier.first().copied().unwrap_or(Tick::MAX))
    }
}
