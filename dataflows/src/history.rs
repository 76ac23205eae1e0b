//! One video's snapshots in memory, by event time.
//!
//! Sorted blocks of at most 64 snapshots, found by bisection over their first times, which lie side by side: an append
//! goes to the end of the last block, a late insert moves at most one block's snapshots, forgetting drops blocks from
//! the front. Blocks count their snapshots with views, so that a search for one passes over those without block by
//! block. So no operation's cost grows with the length of the history in any way that can be measured, and the memory
//! is that of the snapshots (32 bytes each) and little more.

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
    /// The newest snapshot with a view count of those forgotten; only where the oldest in memory has none.
    viewed_before: Option<Box<Snapshot>>,
}

/// Never empty.
#[derive(Debug)]
struct Block {
    /// The time of the first snapshot, kept here so that bisection stays within the deque.
    first: EventTime,
    /// How many of the snapshots have a view count.
    viewed: u32,
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
        Self { blocks: VecDeque::new(), forget_due: EventTime::MIN, viewed_before: None }
    }
}

impl History {
    /// The newest event time; `None` where there is no snapshot.
    pub fn newest(&self) -> Option<EventTime> {
        self.blocks.back()?.snapshots.last().map(|snapshot| snapshot.time)
    }

    /// Snapshots in memory, without what [`Self::forget_before`] keeps for its view count alone.
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
        match self.search(block, snapshot.time) {
            Ok(index) => {
                let block = &mut self.blocks[block];
                let stored = std::mem::replace(&mut block.snapshots[index], snapshot);
                block.viewed = block.viewed + viewed(&[snapshot]) - viewed(&[stored]);
                Upsert::Replaced(stored.counts)
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
        let index = self.search(block, time).unwrap_or_else(|index| index);
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

    /// The oldest snapshot with a view count that is known, also among the anchors.
    pub fn first_viewed(&self) -> Option<&Snapshot> {
        self.viewed_before.as_deref().or_else(|| self.viewed_from(0, 0))
    }

    /// The newest snapshot with a view count at or before `time`, and the oldest at or after it: the same one where one
    /// lies at it.
    pub fn viewed_around(&self, time: EventTime) -> (Option<&Snapshot>, Option<&Snapshot>) {
        if self.blocks.is_empty() {
            return (None, None);
        }
        let block = self.block_of(time);
        match self.search(block, time) {
            Ok(index) if self.blocks[block].snapshots[index].views().is_some() => {
                let snapshot = &self.blocks[block].snapshots[index];
                (Some(snapshot), Some(snapshot))
            }
            Ok(index) | Err(index) => {
                let before = self.viewed_until(block, index).filter(|snapshot| snapshot.time <= time);
                let anchor = self.viewed_before.as_deref().filter(|anchor| anchor.time >= time);
                (before, anchor.or_else(|| self.viewed_from(block, index)))
            }
        }
    }

    /// The newest snapshot with a view count at or before `time`.
    pub fn last_viewed_at_or_before(&self, time: EventTime) -> Option<&Snapshot> {
        self.viewed_around(time).0
    }

    /// The oldest snapshot with a view count at or after `time`.
    pub fn first_viewed_at_or_after(&self, time: EventTime) -> Option<&Snapshot> {
        self.viewed_around(time).1
    }

    /// Forgets what is older than `start`, but for two anchors: the newest of those snapshots, the predecessor of what
    /// follows, and the newest of them with a view count. A few expired ones may stay a little longer. Nothing older
    /// than `start` may be upserted from then on.
    pub fn forget_before(&mut self, start: EventTime) {
        if start <= self.forget_due {
            return;
        }
        let mut viewed_before = None;
        while self.blocks.get(1).is_some_and(|second| second.first < start) {
            let block = self.blocks.pop_front().expect("there are two");
            viewed_before = block.last_viewed(block.snapshots.len()).copied().or(viewed_before);
        }
        let Some(front) = self.blocks.front_mut() else { return };
        let expired = front.snapshots.partition_point(|snapshot| snapshot.time < start).saturating_sub(1);
        if expired >= EXPIRED_SNAPSHOTS_MAX {
            viewed_before = front.last_viewed(expired).copied().or(viewed_before);
            front.viewed -= viewed(&front.snapshots[..expired]);
            front.snapshots.drain(..expired);
            front.first = front.snapshots[0].time;
        }
        if front.snapshots[0].views().is_some() {
            self.viewed_before = None;
        } else if let Some(snapshot) = viewed_before {
            self.viewed_before = Some(Box::new(snapshot));
        }
        let due = self.blocks.iter().flat_map(|block| &block.snapshots).nth(EXPIRED_SNAPSHOTS_MAX);
        self.forget_due = due.map_or(EventTime::MIN, |snapshot| snapshot.time);
    }

    /// Bytes on the heap, without what the allocator adds.
    pub fn heap_bytes(&self) -> usize {
        let snapshots: usize = self.blocks.iter().map(|block| block.snapshots.capacity()).sum();
        let anchor = usize::from(self.viewed_before.is_some()) * size_of::<Snapshot>();
        self.blocks.capacity() * size_of::<Block>() + snapshots * size_of::<Snapshot>() + anchor
    }

    /// The newest snapshot with a view count before that place.
    fn viewed_until(&self, block: usize, index: usize) -> Option<&Snapshot> {
        let in_block = self.blocks[block].last_viewed(index);
        in_block
            .or_else(|| {
                let block = self.blocks.range(..block).rev().find(|block| block.viewed > 0)?;
                block.last_viewed(block.snapshots.len())
            })
            .or(self.viewed_before.as_deref())
    }

    /// The oldest snapshot with a view count from that place on.
    fn viewed_from(&self, block: usize, index: usize) -> Option<&Snapshot> {
        let in_block = self.blocks.get(block)?.first_viewed(index);
        in_block.or_else(|| self.blocks.range(block + 1..).find(|block| block.viewed > 0)?.first_viewed(0))
    }

    /// Where `time` lies in a block, which must be [`Self::block_of`] it, or where it would be inserted.
    ///
    /// Polls are regular, so the place is guessed from the time, and then bracketed in growing strides: that reads a
    /// line or two of memory where bisection reads five, and is no slower than twice bisection where the guess is bad.
    fn search(&self, block: usize, time: EventTime) -> Result<usize, usize> {
        let Block { first, ref snapshots, .. } = self.blocks[block];
        let end = match self.blocks.get(block + 1) {
            Some(next) => next.first,
            None => snapshots[snapshots.len() - 1].time.saturating_add(1),
        };
        if time < first {
            return Err(0);
        }
        if time >= end {
            return Err(snapshots.len());
        }
        let share = time.abs_diff(first) as f64 / end.abs_diff(first) as f64;
        let guess = ((share * snapshots.len() as f64) as usize).min(snapshots.len() - 1);
        // What lies at `low` is not after `time`, and what lies at `high`, if it is not the end, is.
        let (mut low, mut high, mut stride) = (0, snapshots.len(), 1);
        if snapshots[guess].time <= time {
            low = guess;
            while low + stride < high {
                if snapshots[low + stride].time > time {
                    high = low + stride;
                    break;
                }
                low += stride;
                stride *= 2;
            }
        } else {
            high = guess;
            while high - low > stride {
                if snapshots[high - stride].time <= time {
                    low = high - stride;
                    break;
                }
                high -= stride;
                stride *= 2;
            }
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if snapshots[middle].time <= time { low = middle } else { high = middle }
        }
        if snapshots[low].time == time { Ok(low) } else { Err(low + 1) }
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
                last.viewed += viewed(&[snapshot]);
                last.snapshots.push(snapshot);
            }
            _ => {
                // Doubling would cost a video of few snapshots more than the snapshots.
                if self.blocks.len() == self.blocks.capacity() {
                    self.blocks.reserve_exact((self.blocks.len() / 2).max(1));
                }
                let mut block = Block { first: snapshot.time, viewed: viewed(&[snapshot]), snapshots: Vec::new() };
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
        block.viewed += viewed(&[snapshot]);
        block.first = block.snapshots[0].time;
    }
}

/// How many of `snapshots` have a view count.
fn viewed(snapshots: &[Snapshot]) -> u32 {
    snapshots.iter().map(|snapshot| u32::from(snapshot.views().is_some())).sum()
}

impl Block {
    /// The newest with a view count before `end`.
    fn last_viewed(&self, end: usize) -> Option<&Snapshot> {
        if self.viewed == 0 {
            return None;
        }
        self.snapshots[..end].iter().rev().find(|snapshot| snapshot.views().is_some())
    }

    /// The oldest with a view count from `start` on.
    fn first_viewed(&self, start: usize) -> Option<&Snapshot> {
        if self.viewed == 0 {
            return None;
        }
        self.snapshots[start..].iter().find(|snapshot| snapshot.views().is_some())
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
        let of_upper = viewed(&snapshots);
        self.viewed -= of_upper;
        Self { first: snapshots[0].time, viewed: of_upper, snapshots }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::snapshot::Nullable;

    fn snapshot(time: EventTime, views: impl Into<Option<i64>>) -> Snapshot {
        Snapshot { time, counts: [views.into().into(), Nullable::NULL, Nullable::NULL] }
    }

    /// A chance of a missing count, and for each of many snapshots a number that is below it or not: with some
    /// histories all have views, with others few or none do.
    fn missing() -> impl Strategy<Value = (u8, Vec<u8>)> {
        (prop_oneof![Just(0u8), Just(30), Just(95), Just(100)], prop::collection::vec(0..100u8, 600))
    }

    fn views_or_missing((chance, numbers): &(u8, Vec<u8>), index: usize, views: i64) -> Option<i64> {
        (numbers[index % numbers.len()] >= *chance).then_some(views)
    }

    /// The neighbours with views against all there ever was.
    fn check_viewed(history: &History, model: &BTreeMap<EventTime, Counts>, probe: EventTime) {
        let of = |(&time, &counts): (&EventTime, &Counts)| Snapshot { time, counts };
        let is_viewed = |snapshot: &Snapshot| snapshot.counts[0] != Nullable::NULL;
        let before = model.range(..=probe).map(of).rev().find(is_viewed);
        let after = model.range(probe..).map(of).find(is_viewed);
        assert_eq!(history.viewed_around(probe), (before.as_ref(), after.as_ref()), "around {probe}");
        assert_eq!(history.last_viewed_at_or_before(probe), before.as_ref());
        assert_eq!(history.first_viewed_at_or_after(probe), after.as_ref());
    }

    /// Everything a history offers, against a map that is plainly right.
    fn check(history: &History, model: &BTreeMap<EventTime, Counts>, probes: &[EventTime]) {
        assert_eq!(history.len(), model.len());
        assert_eq!(history.is_empty(), model.is_empty());
        assert_eq!(history.newest(), model.keys().next_back().copied());
        for block in &history.blocks {
            assert_eq!(block.first, block.snapshots[0].time);
            assert!((1..=BLOCK_SNAPSHOTS_MAX).contains(&block.snapshots.len()));
            assert_eq!(block.viewed, viewed(&block.snapshots));
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
            missing in missing(),
        ) {
            let (mut history, mut model) = (History::default(), BTreeMap::new());
            let appended = (0..ascending).map(|time| (time * 2, 1));
            for (index, (time, views)) in appended.chain(times.iter().copied()).enumerate() {
                let snapshot = snapshot(time, views_or_missing(&missing, index, views));
                let newest = model.keys().next_back().copied();
                let expected = match model.insert(time, snapshot.counts) {
                    Some(counts) => Upsert::Replaced(counts),
                    None if newest.is_none_or(|newest| time > newest) => Upsert::Appended,
                    None => Upsert::Inserted,
                };
                prop_assert_eq!(history.upsert(snapshot), expected);
            }
            let probes = [i64::MIN, -1, 0, 7, 500, 1_999, 2_001, i64::MAX];
            check(&history, &model, &probes);
            probes.iter().chain(model.keys()).for_each(|&probe| check_viewed(&history, &model, probe));
            let first = model.iter().find(|(_, counts)| counts[0] != Nullable::NULL);
            prop_assert_eq!(history.first_viewed().map(|first| first.time), first.map(|(&time, _)| time));
        }

        /// What is needed stays, also the one before and the one with views before; what is not needed goes, but for a
        /// bounded rest.
        #[test]
        fn forgets_all_but_the_anchors(
            times in prop::collection::vec(0..5_000i64, 1..600),
            starts in prop::collection::vec(0..5_500i64, 1..20),
            missing in missing(),
        ) {
            let (mut history, mut model) = (History::default(), BTreeMap::new());
            let mut starts = starts;
            starts.sort_unstable();
            let mut forgotten_before = i64::MIN;
            for (number, (part, &start)) in times.chunks(times.len().div_ceil(starts.len())).zip(&starts).enumerate() {
                for (index, &time) in part.iter().enumerate() {
                    // Like the operator, which never inserts before what memory keeps.
                    let views = views_or_missing(&missing, number * 31 + index, time);
                    let snapshot = snapshot(time.max(forgotten_before), views);
                    history.upsert(snapshot);
                    model.insert(snapshot.time, snapshot.counts);
                }
                forgotten_before = start;
                history.forget_before(start);
                let anchor = model.range(..start).next_back().map_or(start, |(&time, _)| time);
                let needed: Vec<_> = model.range(anchor..).map(|(&time, &counts)| (time, counts)).collect();
                let kept: Vec<_> = history
                    .blocks.iter().flat_map(|block| &block.snapshots)
                    .map(|snapshot| (snapshot.time, snapshot.counts)).collect();
                prop_assert!(kept.ends_with(&needed));
                prop_assert!(kept.len() < needed.len() + EXPIRED_SNAPSHOTS_MAX, "{} of {}", kept.len(), needed.len());
                let in_memory = model.range(start..).map(|(&time, _)| time);
                in_memory.chain([start, 5_600]).for_each(|probe| check_viewed(&history, &model, probe));
                // The oldest that is known is the very first, or lies before memory's start as the first does.
                let is_viewed = |(_, counts): &(&EventTime, &Counts)| counts[0] != Nullable::NULL;
                let first = model.iter().find(is_viewed).map(|(&time, _)| time);
                let known = history.first_viewed().map(|first| first.time);
                prop_assert!(known == first || known.is_some_and(|known| known < start), "{known:?} for {first:?}");
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
