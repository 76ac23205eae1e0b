//! The end of the dataflow: gathers whole ticks, and holds their capability until they are durable.
//!
//! In: everything that a tick changes, from all workers, exchanged to worker 0. Out: nothing, but the frontier of its output
//! is the durable frontier: a tick's capability is dropped when its COMMIT is acknowledged, and not before.
//!
//! While one batch is on its way the next ticks gather; then all of them that are complete go together, up to a limit. So
//! a sink that keeps up commits every tick, and one that is behind commits many at once.

use std::collections::BTreeMap;

use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use timely::dataflow::operators::{Capability, InputCapability, Probe};
use timely::dataflow::{ProbeHandle, Stream};
use timely::progress::frontier::MutableAntichain;
use timely::scheduling::SyncActivator;
use viewtide_dataflows::Tick;
use viewtide_dataflows::series::SeriesStreams;

use crate::limits::COMMIT_UPDATES_MAX;
use crate::sink::committer::Writer;
use crate::sink::{SourceFacts, TickBatch};

/// A tick that is not complete, or not handed over.
struct Gathered {
    capability: Capability<Tick>,
    batch: TickBatch,
}

impl Gathered {
    fn updates(&self) -> usize {
        self.batch.snapshots.len() + self.batch.hours.len()
    }
}

/// Ticks on their way to the database.
#[derive(Default)]
struct Ticks {
    gathered: BTreeMap<Tick, Gathered>,
    /// The capability of the first tick of the batch that is being written.
    writing: Option<Capability<Tick>>,
}

impl Ticks {
    fn of(&mut self, capability: &InputCapability<Tick>) -> Option<&mut TickBatch> {
        let tick = *capability.least()?;
        let gathered = self.gathered.entry(tick).or_insert_with(|| Gathered {
            capability: capability.delayed(&tick, 0),
            batch: TickBatch { tick, ..TickBatch::default() },
        });
        Some(&mut gathered.batch)
    }

    /// Hands over complete ticks, unless a batch is on its way.
    fn write(&mut self, writer: &Writer, frontiers: &[MutableAntichain<Tick>], activator: &SyncActivator) {
        if self.writing.is_some() {
            if !writer.acknowledged() {
                return;
            }
            self.writing = None;
        }
        let mut batch: Option<TickBatch> = None;
        while let Some(first) = self.gathered.first_entry() {
            let updates = batch.as_ref().map_or(0, |batch| batch.snapshots.len() + batch.hours.len());
            let is_complete = !frontiers.iter().any(|frontier| frontier.less_equal(first.key()));
            if !is_complete || (updates > 0 && updates + first.get().updates() > COMMIT_UPDATES_MAX) {
                break;
            }
            let next = first.remove();
            match &mut batch {
                None => {
                    self.writing = Some(next.capability);
                    batch = Some(next.batch);
                }
                Some(batch) => append(batch, next.batch),
            }
        }
        if let Some(batch) = batch {
            writer.commit(batch, activator.clone());
        }
    }
}

fn append(batch: &mut TickBatch, mut next: TickBatch) {
    batch.tick = next.tick;
    batch.snapshots.append(&mut next.snapshots);
    batch.hours.append(&mut next.hours);
    batch.facts.append(&mut next.facts);
    batch.tallies.append(&mut next.tallies);
}

/// Builds the end of the dataflow; `writer` is there on worker 0. Returns the durable frontier.
pub fn sink<'s>(
    streams: SeriesStreams<'s>,
    facts: Stream<'s, Tick, Vec<SourceFacts>>,
    writer: Option<Writer>,
) -> ProbeHandle<Tick> {
    let scope = facts.scope();
    let mut builder = OperatorBuilder::new("Sink".to_owned(), scope);
    let activator = scope.worker().sync_activator_for(builder.operator_info().address.to_vec());
    let mut snapshots = builder.new_input(streams.snapshots, Exchange::new(|_| 0));
    let mut hours = builder.new_input(streams.hours, Exchange::new(|_| 0));
    let mut tallies = builder.new_input(streams.tallies, Exchange::new(|_| 0));
    let mut facts = builder.new_input(facts, Exchange::new(|_| 0));
    let (_output, durable) = builder.new_output::<Vec<()>>();
    builder.build(move |capabilities| {
        drop(capabilities);
        let mut ticks = Ticks::default();
        move |frontiers| {
            snapshots.for_each(|capability, data| {
                if let Some(batch) = ticks.of(&capability) {
                    batch.snapshots.append(data);
                }
            });
            hours.for_each(|capability, data| {
                if let Some(batch) = ticks.of(&capability) {
                    batch.hours.append(data);
                }
            });
            tallies.for_each(|capability, data| {
                if let Some(batch) = ticks.of(&capability) {
                    batch.tallies.append(data);
                }
            });
            facts.for_each(|capability, data| {
                if let Some(batch) = ticks.of(&capability) {
                    batch.facts.append(data);
                }
            });
            if let Some(writer) = &writer {
                ticks.write(writer, frontiers, &activator);
            }
        }
    });
    durable.probe().0
}
