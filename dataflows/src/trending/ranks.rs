//! The lists of all workers made one, and what changes in them.

use std::collections::BTreeMap;

use differential_dataflow::AsCollection;
use timely::dataflow::Stream;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::{Capability, Operator};

use crate::Tick;

use super::list::Standing;
use super::{Scope, TrendingUpdate};

/// A list by its scope and its window in hours.
pub(super) type ListKey = (Scope, u32);

/// A worker's first of a list, or all workers', coming or going. A whole list is one value: a tick moves most of what
/// stands in it, and two differences a list are less work than two for each of its ranks.
pub(super) type Listed = ((ListKey, Vec<Standing>), Tick, isize);

/// The changes of the ranks of all workers' lists. What changes at `load_tick` is stored already.
pub(super) fn ranks<'s>(
    of_workers: Stream<'s, Tick, Vec<Listed>>,
    ranks: usize,
    load_tick: Tick,
) -> Stream<'s, Tick, Vec<TrendingUpdate>> {
    let of_all = of_workers.as_collection().reduce_named("Ranks", move |_, lists, of_all| {
        let mut standings: Vec<Standing> = lists.iter().flat_map(|(list, _)| list.iter().copied()).collect();
        if lists.len() > 1 {
            standings.sort_unstable();
            standings.truncate(ranks);
        }
        of_all.push((standings, 1isize));
    });
    of_all.inner.unary_frontier(Pipeline, "RankChanges", move |_, _| {
        let mut pending = BTreeMap::<Tick, (Capability<Tick>, BTreeMap<ListKey, Change>)>::new();
        move |(input, frontier), output| {
            input.for_each(|capability, lists| {
                for ((key, list), tick, difference) in lists.drain(..).filter(|&(_, tick, _)| tick != load_tick) {
                    let (_, changes) =
                        pending.entry(tick).or_insert_with(|| (capability.delayed(&tick, 0), BTreeMap::new()));
                    let change = changes.entry(key).or_default();
                    *(if difference > 0 { &mut change.after } else { &mut change.before }) = list;
                }
            });
            while let Some(entry) = pending.first_entry() {
                if frontier.less_equal(entry.key()) {
                    break;
                }
                let (capability, changes) = entry.remove();
                let mut output = output.session(&capability);
                for (key, change) in changes {
                    change.updates(&key, |update| output.give(update));
                }
            }
        }
    })
}

/// One list before and after a tick.
#[derive(Default)]
struct Change {
    before: Vec<Standing>,
    after: Vec<Standing>,
}

impl Change {
    fn updates(&self, (scope, window_hours): &ListKey, mut give: impl FnMut(TrendingUpdate)) {
        for index in 0..self.before.len().max(self.after.len()) {
            let [before, after] = [&self.before, &self.after].map(|list| list.get(index));
            if before != after {
                give(TrendingUpdate {
                    scope: scope.clone(),
                    window_hours: *window_hours,
                    rank: index as u32 + 1,
                    row: after.map(Standing::ranked),
                });
            }
        }
    }
}
