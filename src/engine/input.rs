//! One worker's end of the source: batches from the reader's thread become records and facts of the open tick.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::thread::JoinHandle;

use timely::dataflow::InputHandleVec;
use viewtide_dataflows::Tick;
use viewtide_dataflows::metadata::MetadataRecord;
use viewtide_dataflows::series::EndOfInput;
use viewtide_dataflows::snapshot::Record;
use viewtide_models::forecasting::When;

use crate::engine::gate::Gate;
use crate::limits::{BATCHES_QUEUED_MAX, END_ROWS_MAX, RECORD_FORECASTS_FACTOR, TICK_BYTES_MAX};
use crate::sink::SourceFacts;
use crate::source::{Feed, Input, Positions, Share, Source, SourceBatch, SourceError, SourceEvent, SourceIdentity};

/// The dataflow's inputs that a source fills.
#[derive(Default)]
pub struct SourceInputs {
    /// Snapshots.
    pub records: InputHandleVec<Tick, Record>,
    /// That no more of them come.
    pub ends: InputHandleVec<Tick, EndOfInput>,
    /// What is known of videos.
    pub metadata: InputHandleVec<Tick, MetadataRecord>,
    /// What the source adds to a tick beside them.
    pub facts: InputHandleVec<Tick, SourceFacts>,
}

impl SourceInputs {
    fn advance_to(&mut self, tick: Tick) {
        self.records.advance_to(tick);
        self.ends.advance_to(tick);
        self.metadata.advance_to(tick);
        self.facts.advance_to(tick);
    }
}

/// What a pump of the source found.
#[derive(Debug)]
pub enum Pumped {
    /// There may be more at once.
    More,
    /// Nothing to do until the reader or the durable frontier wakes the worker.
    Idle,
    /// All that was there at the start has been taken; said once.
    End,
    /// Reading cannot go on; said once.
    Failed(SourceError),
}

/// One worker's reader and the tick that is being filled from it.
pub struct Reader {
    source: Arc<dyn Source>,
    events: Receiver<SourceEvent>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    inputs: Option<SourceInputs>,
    gate: Gate,
    tick: Tick,
    open: SourceFacts,
    open_bytes: usize,
    forecasts: When,
    /// First words that are yet to come: the readers that have not said where their partitions stand. They come before
    /// anybody's second one.
    unheard: usize,
    /// Rows of CSV that were read, by this start and those before it.
    rows: u64,
    /// What is to be said at the end of an input that has one, the last first.
    ends: Vec<EndOfInput>,
    has_ended: bool,
}

impl Reader {
    /// Starts the reader's thread at `positions`; its records join ticks from `tick` on, and count for what `forecasts` makes of
    /// them. Called on the worker's thread, which the reader wakes.
    pub fn start(
        source: Arc<dyn Source>,
        share: Share,
        positions: Positions,
        tick: Tick,
        mut inputs: SourceInputs,
        gate: Gate,
        forecasts: When,
    ) -> std::io::Result<Self> {
        let (sender, events) = sync_channel(BATCHES_QUEUED_MAX);
        let stop = Arc::new(AtomicBool::new(false));
        let worker_thread = std::thread::current();
        let feed = Feed::new(sender, Arc::clone(&stop), Box::new(move || worker_thread.unpark()));
        let reading = Arc::clone(&source);
        let unheard = source.readers();
        let thread = std::thread::Builder::new().name(format!("reader-{}", share.index)).spawn(move || {
            if let Err(error) = reading.read(share, &positions, &feed) {
                feed.send(SourceEvent::Failed(error));
            }
        })?;
        inputs.advance_to(tick);
        Ok(Self {
            source,
            events,
            stop,
            thread: Some(thread),
            inputs: Some(inputs),
            gate,
            tick,
            open: SourceFacts::default(),
            open_bytes: 0,
            forecasts,
            unheard,
            rows: 0,
            ends: Vec::new(),
            has_ended: false,
        })
    }

    /// Lets go of durable ticks, closes the open tick where `now` has passed it, and takes what the reader has, at most
    /// about one tick's worth.
    pub fn pump(&mut self, now: Tick, is_durable: impl Fn(&Tick) -> bool) -> Pumped {
        if let Some(durable) = self.gate.release(is_durable) {
            self.source.durable(&durable);
        }
        // The first tick waits for the reader's first word. So the first commit of all names every partition, and where each
        // was begun is known to every later start.
        if now > self.tick && self.all_heard() {
            self.close_tick(now);
        }
        loop {
            // First words are let in whatever they weigh, and there are few: no tick closes without them.
            if self.all_heard() && !self.gate.admits(self.open_bytes) {
                // What is read must become durable for the gate to open again, so its tick closes now.
                if self.open_bytes > 0 {
                    self.close_tick(self.tick + 1);
                }
                return Pumped::Idle;
            }
            let event = self.events.try_recv();
            self.unheard = self.unheard.saturating_sub(usize::from(event.is_ok()));
            match event {
                Ok(SourceEvent::Batch(batch)) => {
                    self.take(batch);
                    if self.open_bytes >= TICK_BYTES_MAX && self.all_heard() {
                        self.close_tick(self.tick + 1);
                        return Pumped::More;
                    }
                }
                Ok(SourceEvent::End) => {
                    self.ends = self.ends_of_input();
                    self.has_ended = true;
                    return self.end();
                }
                Ok(SourceEvent::Failed(error)) => return Pumped::Failed(error),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) if self.has_ended => return self.end(),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return Pumped::Idle,
            }
        }
    }

    /// Files end, and their rows have no time of arrival, so that what is forecast is what comes after them. Said by whoever read
    /// them, at each start; what was issued before is not issued again.
    fn ends_of_input(&self) -> Vec<EndOfInput> {
        let has_end = matches!(self.source.identity(), SourceIdentity::Csv { .. }) && self.forecasts == When::Live;
        let parts = if has_end { self.rows.div_ceil(END_ROWS_MAX) } else { 0 };
        (0..parts).rev().map(|part| EndOfInput { part, parts }).collect()
    }

    /// Says the next part of the end, each in a tick of its own; what one of them makes is durable before the next one.
    fn end(&mut self) -> Pumped {
        let Some(end) = self.ends.pop() else {
            return if std::mem::take(&mut self.has_ended) { Pumped::End } else { Pumped::Idle };
        };
        self.close_tick(self.tick + 1);
        self.gate.sent(self.tick, self.gate.bytes_max() + 1, Positions::default());
        if let Some(inputs) = &mut self.inputs {
            inputs.ends.send(end);
        }
        self.close_tick(self.tick + 1);
        Pumped::Idle
    }

    fn take(&mut self, mut batch: SourceBatch) {
        let weight = if self.forecasts == When::All { RECORD_FORECASTS_FACTOR } else { 1 };
        self.open_bytes += weight * batch.bytes();
        let rows = batch.positions.iter().filter(|(partition, _)| partition.input == Input::Snapshots);
        self.rows = rows.map(|(_, span)| span.next).max().unwrap_or(self.rows);
        if let Some(inputs) = &mut self.inputs {
            inputs.records.send_batch(&mut batch.records);
            inputs.metadata.send_batch(&mut batch.metadata);
        }
        self.open.positions.extend(batch.positions);
        self.open.dead_letters.append(&mut batch.dead_letters);
        self.open.gaps.append(&mut batch.gaps);
    }

    /// Ends the open tick; what comes next joins tick `next`.
    fn close_tick(&mut self, next: Tick) {
        let Some(inputs) = &mut self.inputs else { return };
        if !self.open.positions.is_empty() {
            let facts = std::mem::take(&mut self.open);
            self.gate.sent(self.tick, std::mem::take(&mut self.open_bytes), facts.positions.clone());
            inputs.facts.send(facts);
        }
        inputs.advance_to(next);
        self.tick = next;
    }

    /// Stops reading: what was taken becomes its last tick, and no more comes. The rest of the dataflow then drains.
    pub fn close(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.close_tick(self.tick + 1);
        self.inputs = None;
    }

    /// Whether every reader has said where its partitions stand; not before it may [`Reader::close`] be called.
    pub fn all_heard(&self) -> bool {
        self.unheard == 0
    }

    /// Whether [`Reader::close`] was called.
    pub fn is_closed(&self) -> bool {
        self.inputs.is_none()
    }

    /// Waits for the reader's thread, after [`Reader::close`]; the last positions that became durable are passed on first.
    pub fn join(mut self, is_durable: impl Fn(&Tick) -> bool) {
        if let Some(durable) = self.gate.release(is_durable) {
            self.source.durable(&durable);
        }
        self.stop.store(true, Ordering::Relaxed);
        while self.events.try_recv().is_ok() {}
        if let Some(thread) = self.thread.take() {
            // A panic of the reader has ended the process before this.
            let _ = thread.join();
        }
    }
}
