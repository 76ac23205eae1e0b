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
use viewtide_dataflows::metadata::VideoRow;
use viewtide_dataflows::series::{HourUpdate, SnapshotUpdate, Tally};
use viewtide_dataflows::trending::TrendingUpdate;
use viewtide_dataflows::trends::TrendUpdate;
use viewtide_models::forecasting::Update;

use crate::limits::COMMIT_UPDATES_MAX;
use crate::sink::committer::Writer;
use crate::sink::{SourceFacts, TickBatch};

/// A tick that is not complete, or not handed over.
struct Gathered {
    capability: Capability<Tick>,
    batch: TickBatch,
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
            let updates = batch.as_ref().map_or(0, TickBatch::updates);
            let is_complete = !frontiers.iter().any(|frontier| frontier.less_equal(first.key()));
            if !is_complete || (updates > 0 && updates + first.get().batch.updates() > COMMIT_UPDATES_MAX) {
                break;
            }
            let next = first.remove();
            match &mut batch {
                None => {
                    self.writing = Some(next.capability);
                    batch = Some(next.batch);
                }
                Some(batch) => batch.append(next.batch),
            }
        }
        if let Some(batch) = batch {
            writer.commit(batch, activator.clone());
        }
    }
}

/// What changes in the tables, from all workers.
pub struct Changes<'s> {
    /// Rows of snapshots.
    pub snapshots: Stream<'s, Tick, Vec<SnapshotUpdate>>,
    /// Rows of hours.
    pub hours: Stream<'s, Tick, Vec<HourUpdate>>,
    /// Rows of videos.
    pub videos: Stream<'s, Tick, Vec<VideoRow>>,
    /// Rows of trends.
    pub trends: Stream<'s, Tick, Vec<TrendUpdate>>,
    /// Ranks.
    pub trending: Stream<'s, Tick, Vec<TrendingUpdate>>,
    /// What changes in forecasts.
    pub forecasts: Stream<'s, Tick, Vec<Update>>,
    /// What workers received.
    pub tallies: Stream<'s, Tick, Vec<Tally>>,
    /// What sources add to a tick beside records.
    pub facts: Stream<'s, Tick, Vec<SourceFacts>>,
}

/// Gathers what arrived on an input into the part of each tick's batch that is named like it. A macro, since the inputs are of
/// types that timely does not name.
macro_rules! gather {
    ($input:ident, $ticks:ident) => {
        $input.for_each(|capability, data| {
            if let Some(batch) = $ticks.of(&capability) {
                batch.$input.append(data);
            }
        })
    };
}

/// Builds the end of the dataflow; `writer` is there on worker 0. Returns the durable frontier.
pub fn sink(changes: Changes<'_>, writer: Option<Writer>) -> ProbeHandle<Tick> {
    let scope = changes.facts.scope();
    let mut builder = OperatorBuilder::new("Sink".to_owned(), scope);
    let activator = scope.worker().sync_activator_for(builder.operator_info().address.to_vec());
    let mut snapshots = builder.new_input(changes.snapshots, Exchange::new(|_| 0));
    let mut hours = builder.new_input(changes.hours, Exchange::new(|_| 0));
    let mut videos = builder.new_input(changes.videos, Exchange::new(|_| 0));
    let mut trends = builder.new_input(changes.trends, Exchange::new(|_| 0));
    let mut trending = builder.new_input(changes.trending, Exchange::new(|_| 0));
    let mut forecasts = builder.new_input(changes.forecasts, Exchange::new(|_| 0));
    let mut tallies = builder.new_input(changes.tallies, Exchange::new(|_| 0));
    let mut facts = builder.new_input(changes.facts, Exchange::new(|_| 0));
    let (_output, durable) = builder.new_output::<Vec<()>>();
    builder.build(move |capabilities| {
        drop(capabilities);
        let mut ticks = Ticks::default();
        move |frontiers| {
            gather!(snapshots, ticks);
            gather!(hours, ticks);
            gather!(videos, ticks);
            gather!(trends, ticks);
            gather!(trending, ticks);
            gather!(forecasts, ticks);
            gather!(tallies, ticks);
            gather!(facts, ticks);
            if let Some(writer) = &writer {
                ticks.write(writer, frontiers, &activator);
            }
        }
    });
    durable.probe().0
}
