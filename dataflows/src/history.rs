//! One video's snapshots in memory, by event time.
//!
//! Sorted blocks of at most 64 snapshots, found by bisection over their first times, which lie side
//! by side: an append goes to the end of the last block, a late insert moves at most one block's snapshots, forgetting
//! drops blocks from the front. So no operation's cost grows with the length of the history in any way that can be
//! measured, and the memory is that of the snapshots (32 bytes each) and little more.

use std::collections::VecDeque;

use crate::snapshot::{Counts, EventTime, Snapshot};

/// Snapshots in a block: small enough that moving them is cheap, large enough that blocks are few. 2 KiB.
const BLOCK_SNAPSHOTS_MAX: usize = 64;

/// Expired snapshots that gather before they are dropped, so that forgetting costs little and holds little back.
const EXPIRED_SNAPSHOTS_MAX: usize = 16;

/// One video's snapshots, each event time once.
#[derive(Debug)]
pub struct History {
    blocks: VecDeque<Block>,
    /// Forgetting is worth a look once memory starts after this: the time of the first snapshot past the expired ones
    /// that may gather, so that in most ticks nothing but the end of a history is touched.
    forget_due: EventTime,
}

/// Never empty.
#[derive(Debug)]
struct Block {
    /// The time of the first snapshot, kept here so that bisection stays within the deque.
    first: EventTime,
    snapshots: Vec<Snapshot>,
}

/// What [`History::upsert`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upsert {
    /// The snapshot is newer than all before.
    Appended,
    /// The snapshot is new, and older than another.
    Inserted,
    /// There was one at that time; it had these counts (the same ones, where a record was only sent again).
    Replaced(Counts),
}

/// Where a snapshot lies in a history; good until the history changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    block: usize,
    index: usize,
}

impl Default for History {
    fn default() -> Self {
        Self { blocks: VecDeque::new(), forget_due: EventTime::MIN }
    }
}

impl History {
    /// The newest event time; `None` where there is no snapshot.
    pub fn newest(&self) -> Option<EventTime> {
        self.blocks.back()?.snapshots.last().map(|snapshot| snapshot.time)
    }

    /// Snapshots in memory.
    pub fn len(&self) -> usize {
        self.blocks.iter().map(|block| block.snapshots.len()).sum()
    }

    /// Whether there is no snapshot.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Puts `snapshot` in its place by time, over one of the same time.
    pub fn upsert(&mut self, snapshot: Snapshot) -> Upsert {
        if self.newest().is_none_or(|newest| snapshot.time > newest) {
            self.append(snapshot);
            return Upsert::Appended;
        }
        let block = self.block_of(snapshot.time);
        match self.blocks[block].search(snapshot.time) {
            Ok(index) => {
                let stored = &mut self.blocks[block].snapshots[index];
                Upsert::Replaced(std::mem::replace(&mut stored.counts, snapshot.counts))
            }
            Err(index) => {
                self.insert(block, index, snapshot);
                if snapshot.time < self.forget_due {
                    self.forget_due = EventTime::MIN;
                }
                Upsert::Inserted
            }
        }
    }

    /// The first snapshot at or after `time`.
    pub fn seek(&self, time: EventTime) -> Option<Position> {
        if self.newest()? < time {
            return None;
        }
        let block = self.block_of(time);
        let index = self.blocks[block].search(time).unwrap_or_else(|index| index);
        Some(Position { block, index }).map(|position| self.normal(position))
    }

    /// Whether there is a snapshot at `time`.
    pub fn contains(&self, time: EventTime) -> bool {
        self.seek(time).is_some_and(|position| self.at(position).time == time)
    }

    /// The snapshot at `position`.
    pub fn at(&self, position: Position) -> &Snapshot {
        &self.blocks[position.block].snapshots[position.index]
    }

    /// The snapshot before `position`.
    pub fn previous(&self, position: Position) -> Option<Position> {
        match position {
            Position { block: 0, index: 0 } => None,
            Position { block, index: 0 } => {
                Some(Position { block: block - 1, index: self.blocks[block - 1].snapshots.len() - 1 })
            }
            Position { block, index } => Some(Position { block, index: index - 1 }),
        }
    }

    /// The snapshot after `position`.
    pub fn next(&self, position: Position) -> Option<Position> {
        let next = self.normal(Position { index: position.index + 1, ..position });
        (next.block < self.blocks.len()).then_some(next)
    }

    /// The snapshots from `position` on, in order of time.
    pub fn from(&self, position: Position) -> impl Iterator<Item = &Snapshot> {
        let head = &self.blocks[position.block].snapshots[position.index..];
        let rest = self.blocks.range(position.block + 1..);
        head.iter().chain(rest.flat_map(|block| &block.snapshots))
    }

    /// Forgets what is older than `start`, but for the newest of those snapshots, the predecessor of what follows. A few
    /// expired ones may stay a little longer.
    pub fn forget_before(&mut self, start: EventTime) {
        if start <= self.forget_due {
            return;
        }
        while self.blocks.get(1).is_some_and(|second| second.first < start) {
            self.blocks.pop_front();
        }
        let Some(front) = self.blocks.front_mut() else { return };
        let expired = front.snapshots.partition_point(|snapshot| snapshot.time < start).saturating_sub(1);
        if expired >= EXPIRED_SNAPSHOTS_MAX {
            front.snapshots.drain(..expired);
            front.first = front.snapshots[0].time;
        }
        let due = self.blocks.iter().flat_map(|block| &block.snapshots).nth(EXPIRED_SNAPSHOTS_MAX);
        self.forget_due = due.map_or(EventTime::MIN, |snapshot| snapshot.time);
    }

    /// Bytes on the heap, without what the allocator adds.
    pub fn heap_bytes(&self) -> usize {
        let snapshots: usize = self.blocks.iter().map(|block| block.snapshots.capacity()).sum();
        self.blocks.capacity() * size_of::<Block>() + snapshots * size_of::<Snapshot>()
    }

    /// The block that a snapshot of `time` lies in or would go to; there must be a block.
    fn block_of(&self, time: EventTime) -> usize {
        self.blocks.partition_point(|block| block.first <= time).saturating_sub(1)
    }

    /// `position`, or the start of the next block where it lies past the end of its own.
    fn normal(&self, position: Position) -> Position {
        if position.index < self.blocks[position.block].snapshots.len() {
            position
        } else {
            Position { block: position.block + 1, index: 0 }
        }
    }

    fn append(&mut self, snapshot: Snapshot) {
        match self.blocks.back_mut() {
            Some(last) if last.snapshots.len() < BLOCK_SNAPSHOTS_MAX => {
                last.make_room();
                last.snapshots.push(snapshot);
            }
            _ => {
                // Doubling would cost a video of few snapshots more than the snapshots.
                if self.blocks.len() == self.blocks.capacity() {
                    self.blocks.reserve_exact((self.blocks.len() / 2).max(1));
                }
                let mut block = Block { first: snapshot.time, snapshots: Vec::new() };
                block.make_room();
                block.snapshots.push(snapshot);
                self.blocks.push_back(block);
            }
        }
    }

    fn insert(&mut self, mut block: usize, mut index: usize, snapshot: Snapshot) {
        if self.blocks[block].snapshots.len() == BLOCK_SNAPSHOTS_MAX {
            let upper = self.blocks[block].split();
            self.blocks.insert(block + 1, upper);
            let lower_len = self.blocks[block].snapshots.len();
            if index > lower_len {
                block += 1;
                index -= lower_len;
            }
        }
        let block = &mut self.blocks[block];
        block.make_room();
        block.snapshots.insert(index, snapshot);
        block.first = block.snapshots[0].time;
    }
}

impl Block {
    fn search(&self, time: EventTime) -> Result<usize, usize> {
        self.snapshots.binary_search_by_key(&time, |snapshot| snapshot.time)
    }

    /// Grows by half rather than twofold: most blocks are full ones, and of the rest little shall lie idle.
    fn make_room(&mut self) {
        let len = self.snapshots.len();
        if len == self.snapshots.capacity() {
            self.snapshots.reserve_exact((len / 2).max(4).min(BLOCK_SNAPSHOTS_MAX.saturating_sub(len)).max(1));
        }
    }

    /// Takes the upper half away.
    fn split(&mut self) -> Self {
        let snapshots = self.snapshots.split_off(self.snapshots.len() / 2);
        self.snapshots.shrink_to_fit();
        Self { first: snapshots[0].time, snapshots }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::snapshot::Nullable;

    fn snapshot(time: EventTime, views: i64) -> Snapshot {
        Snapshot { time, counts: [Nullable::some(views), Nullable::NULL, Nullable::NULL] }
    }

    /// Everything a history offers, against a map that is plainly right.
    fn check(history: &History, model: &BTreeMap<EventTime, Counts>, probes: &[EventTime]) {
        assert_eq!(history.len(), model.len());
        assert_eq!(history.is_empty(), model.is_empty());
        assert_eq!(history.newest(), model.keys().next_back().copied());
        for block in &history.blocks {
            assert_eq!(block.first, block.snapshots[0].time);
            assert!((1..=BLOCK_SNAPSHOTS_MAX).contains(&block.snapshots.len()));
        }
        for &probe in probes.iter().chain(model.keys()) {
            let time_at = |position: Option<Position>| position.map(|position| history.at(position).time);
            let found = history.seek(probe);
            assert_eq!(time_at(found), model.range(probe..).next().map(|(&time, _)| time));
            let Some(found) = found else { continue };
            let time = history.at(found).time;
            assert_eq!(time_at(history.previous(found)), model.range(..time).next_back().map(|(&time, _)| time));
            assert_eq!(time_at(history.next(found)), model.range(time + 1..).next().map(|(&time, _)| time));
            let rest: Vec<_> = history.from(found).map(|snapshot| (snapshot.time, snapshot.counts)).collect();
            let expected: Vec<_> = model.range(time..).map(|(&time, &counts)| (time, counts)).collect();
            assert_eq!(rest, expected);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn agrees_with_a_map(
            times in prop::collection::vec((prop_oneof![0..40i64, 0..1_000i64, 400..2_000i64], 0..5i64), 1..600),
            ascending in 0..500i64,
        ) {
            let (mut history, mut model) = (History::default(), BTreeMap::new());
            let appended = (0..ascending).map(|time| (time * 2, 1));
            for (time, views) in appended.chain(times.iter().copied()) {
                let snapshot = snapshot(time, views);
                let newest = model.keys().next_back().copied();
                let expected = match model.insert(time, snapshot.counts) {
                    Some(counts) => Upsert::Replaced(counts),
                    None if newest.is_none_or(|newest| time > newest) => Upsert::Appended,
                    None => Upsert::Inserted,
                };
                prop_assert_eq!(history.upsert(snapshot), expected);
            }
            check(&history, &model, &[i64::MIN, -1, 0, 7, 500, 1_999, 2_001, i64::MAX]);
        }

        /// What is needed stays, also the one before; what is not needed goes, but for a bounded rest.
        #[test]
        fn forgets_all_but_the_anchor(
            times in prop::collection::vec(0..5_000i64, 1..600),
            starts in prop::collection::vec(0..5_500i64, 1..20),
        ) {
            let (mut history, mut model) = (History::default(), BTreeMap::new());
            let mut starts = starts;
            starts.sort_unstable();
            for (part, &start) in times.chunks(times.len().div_ceil(starts.len())).zip(&starts) {
                for &time in part {
                    // Like the operator, which never inserts before what memory keeps.
                    let snapshot = snapshot(time.max(start), time);
                    history.upsert(snapshot);
                    model.insert(snapshot.time, snapshot.counts);
                }
                history.forget_before(start);
                let anchor = model.range(..start).next_back().map_or(start, |(&time, _)| time);
                let needed: Vec<_> = model.range(anchor..).map(|(&time, &counts)| (time, counts)).collect();
                let kept: Vec<_> = history
                    .blocks.iter().flat_map(|block| &block.snapshots)
                    .map(|snapshot| (snapshot.time, snapshot.counts)).collect();
                prop_assert!(kept.ends_with(&needed));
                prop_assert!(kept.len() < needed.len() + EXPIRED_SNAPSHOTS_MAX, "{} of {}", kept.len(), needed.len());
            }
            let held: BTreeMap<_, _> = history
                .blocks.iter().flat_map(|block| &block.snapshots)
                .map(|snapshot| (snapshot.time, snapshot.counts)).collect();
            check(&history, &held, &[0, 2_500, 5_500]);
        }
    }

    #[test]
    fn holds_little_more_than_the_snapshots() {
        let bytes_each = |times: &mut dyn Iterator<Item = i64>| {
            let mut history = History::default();
            times.for_each(|time| {
                history.upsert(snapshot(time, time));
            });
            history.heap_bytes() as f64 / history.len() as f64
        };
        assert!(bytes_each(&mut (0..10_000)) < 34.0);
        assert!(bytes_each(&mut (0..500)) < 36.0);
        // The worst order: every insert goes to the front of its block.
        assert!(bytes_each(&mut (0..10_000).rev()) < 42.0);
        assert!(bytes_each(&mut (0..10_000).map(|time| time * 7_919 % 10_000)) < 48.0);
    }
}
