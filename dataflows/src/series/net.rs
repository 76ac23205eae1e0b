//! What one tick did to one video, and from it the net updates: each key of a table at most once, however many of the
//! tick's records touched it, and only where its row is another than before the tick.

use crate::growth::Growth;
use crate::history::{History, Position, Upsert};
use crate::hourly::{HourRow, HourTotals};
use crate::snapshot::{Counts, EventTime, HOUR_US, Record, Snapshot, hour_start};
use crate::trends::{Trend, TrendRow};
use crate::video_id::VideoId;

use super::{HourUpdate, SeriesConfig, SnapshotChange, SnapshotUpdate};

/// Where updates gather on their way out.
pub(super) struct Updates<U> {
    pub(super) snapshots: Vec<SnapshotUpdate>,
    pub(super) hours: Vec<HourUpdate>,
    pub(super) trends: Vec<Trend>,
    pub(super) forecasts: Vec<U>,
}

impl<U> Default for Updates<U> {
    fn default() -> Self {
        Self { snapshots: Vec::new(), hours: Vec::new(), trends: Vec::new(), forecasts: Vec::new() }
    }
}

/// Where a record lies among those of the tick.
#[derive(Clone, Copy, Debug)]
pub(super) struct RecordAt {
    pub(super) chunk: u32,
    pub(super) index: u32,
}

impl RecordAt {
    pub(super) fn of(self, chunks: &[Vec<Record>]) -> &Record {
        &chunks[self.chunk as usize][self.index as usize]
    }

    fn take_file_source(self, chunks: &mut [Vec<Record>]) -> Option<Box<str>> {
        chunks[self.chunk as usize][self.index as usize].file_source.take()
    }
}

/// One video's tick; the vectors are used again for the next video.
#[derive(Default)]
pub(super) struct VideoTick {
    /// Newest event time before the tick.
    newest_before: Option<EventTime>,
    /// Keys that were folded in; in order of time and each once after [`Self::settle`].
    touched: Vec<Touched>,
    /// Keys of late rows, likewise.
    late: Vec<LateKey>,
    /// Hours whose row may have changed, in order.
    hours: Vec<TouchedHour>,
}

struct Touched {
    time: EventTime,
    /// The counts before the tick; `None` where there was no snapshot at that time.
    before: Option<Counts>,
    /// The latest record of the key.
    record: RecordAt,
}

struct LateKey {
    time: EventTime,
    record: RecordAt,
}

struct TouchedHour {
    start: EventTime,
    /// Snapshots that are new in it.
    inserted: u32,
}

impl VideoTick {
    /// Begins the tick of a video with this history.
    pub(super) fn begin(&mut self, history: &History) {
        self.newest_before = history.newest();
        self.touched.clear();
        self.late.clear();
        self.hours.clear();
    }

    /// Folds a record in, or finds it late; to be called in order of places. `None` where it is late.
    pub(super) fn fold(
        &mut self,
        history: &mut History,
        record: &Record,
        at: RecordAt,
        config: &SeriesConfig,
    ) -> Option<Upsert> {
        let snapshot = record.snapshot;
        let time = snapshot.time;
        if history.newest().is_some_and(|newest| config.retention.is_late(time, newest)) {
            // Never over a row that is folded in. Of what memory no longer keeps, the sink knows that.
            if !history.contains(time) {
                self.late.push(LateKey { time, record: at });
            }
            return None;
        }
        let upsert = history.upsert(snapshot);
        let before = match upsert {
            Upsert::Appended | Upsert::Inserted => None,
            Upsert::Replaced(counts) => Some(counts),
        };
        self.touched.push(Touched { time, before, record: at });
        Some(upsert)
    }

    /// Emits the net updates. `chunks` are the tick's records, which give up their `file_source`.
    pub(super) fn emit<U>(
        &mut self,
        video: VideoId,
        history: &History,
        chunks: &mut [Vec<Record>],
        config: &SeriesConfig,
        updates: &mut Updates<U>,
    ) {
        self.settle();
        self.emit_snapshots(video, history, chunks, config, &mut updates.snapshots);
        self.emit_late(video, chunks, &mut updates.snapshots);
        self.emit_hours(video, history, &mut updates.hours);
        if config.trends && !self.touched.is_empty() {
            updates.trends.push(Trend { video, row: TrendRow::of(video, history) });
        }
    }

    /// Brings the keys in order of time, each once: with its counts before its first record and with its latest record.
    fn settle(&mut self) {
        if !self.touched.is_sorted_by(|a, b| a.time < b.time) {
            self.touched.sort_by_key(|touched| touched.time);
            self.touched.dedup_by(|later, earlier| {
                let same = later.time == earlier.time;
                if same {
                    earlier.record = later.record;
                }
                same
            });
        }
        if !self.late.is_sorted_by(|a, b| a.time < b.time) {
            self.late.sort_by_key(|late| late.time);
            self.late.dedup_by(|later, earlier| {
                let same = later.time == earlier.time;
                if same {
                    earlier.record = later.record;
                }
                same
            });
        }
    }

    fn emit_snapshots(
        &mut self,
        video: VideoId,
        history: &History,
        chunks: &mut [Vec<Record>],
        config: &SeriesConfig,
        updates: &mut Vec<SnapshotUpdate>,
    ) {
        let before = Before { history, touched: &self.touched };
        let mut expected: Option<Position> = None;
        for (index, touched) in self.touched.iter().enumerate() {
            let position = match expected {
                Some(position) if history.at(position).time == touched.time => position,
                _ => history.seek(touched.time).expect("a key that was folded in is in memory"),
            };
            let snapshot = history.at(position);
            let previous = history.previous(position).map(|previous| history.at(previous));
            let is_new = self.newest_before.is_none_or(|newest| touched.time > newest);
            updates.push(SnapshotUpdate {
                change: if is_new { SnapshotChange::Appended } else { SnapshotChange::Upserted },
                video,
                snapshot: *snapshot,
                growth: if config.growth { Growth::between(previous, snapshot) } else { Growth::default() },
                file_source: touched.record.take_file_source(chunks),
            });
            if config.hourly {
                touch_hour(&mut self.hours, touched.time, u32::from(touched.before.is_none()));
            }
            expected = history.next(position);
            let Some(next) = expected else { continue };
            let successor = history.at(next);
            if self.touched.get(index + 1).is_some_and(|touched| touched.time == successor.time) {
                continue;
            }
            let growth = Growth::between(Some(snapshot), successor);
            let growth_before = Growth::between(before.previous(next).as_ref(), successor);
            if config.growth && growth != growth_before {
                updates.push(SnapshotUpdate {
                    change: SnapshotChange::Regrown,
                    video,
                    snapshot: *successor,
                    growth,
                    file_source: None,
                });
            }
            if config.hourly && growth.deltas != growth_before.deltas {
                touch_hour(&mut self.hours, successor.time, 0);
            }
        }
    }

    fn emit_late(&self, video: VideoId, chunks: &mut [Vec<Record>], updates: &mut Vec<SnapshotUpdate>) {
        for late in &self.late {
            updates.push(SnapshotUpdate {
                change: SnapshotChange::Late,
                video,
                snapshot: late.record.of(chunks).snapshot,
                growth: Growth::default(),
                file_source: late.record.take_file_source(chunks),
            });
        }
    }

    fn emit_hours(&self, video: VideoId, history: &History, updates: &mut Vec<HourUpdate>) {
        let before = Before { history, touched: &self.touched };
        for hour in &self.hours {
            let first = history.seek(hour.start).expect("a touched hour has a snapshot");
            let snapshots = || history.from(first).take_while(|snapshot| snapshot.time < hour.start + HOUR_US);
            let previous = history.previous(first).map(|previous| history.at(previous));
            let row = HourRow::of(video, hour.start, previous, snapshots());
            if hour.inserted > 0 {
                let had_row = row.records > hour.inserted;
                updates.push(HourUpdate { before: had_row.then(|| before.totals(first, hour.start + HOUR_US)), row });
                continue;
            }
            // Nothing was added, so there is the same number of them, and at the same times.
            let snapshots_before: Vec<Snapshot> = snapshots().filter_map(|snapshot| before.of(snapshot)).collect();
            let row_before = HourRow::of(video, hour.start, before.previous(first).as_ref(), &snapshots_before);
            if row != row_before {
                updates.push(HourUpdate { before: Some(row_before.totals()), row });
            }
        }
    }
}

/// Hours are touched in order.
fn touch_hour(hours: &mut Vec<TouchedHour>, time: EventTime, inserted: u32) {
    match hours.last_mut() {
        Some(last) if time < last.start + HOUR_US => last.inserted += inserted,
        _ => hours.push(TouchedHour { start: hour_start(time), inserted }),
    }
}

/// A history as it was before the tick.
struct Before<'a> {
    history: &'a History,
    touched: &'a [Touched],
}

impl Before<'_> {
    /// What a snapshot of the history was before the tick; `None` where it was not.
    fn of(&self, snapshot: &Snapshot) -> Option<Snapshot> {
        match self.touched.binary_search_by_key(&snapshot.time, |touched| touched.time) {
            Ok(index) => self.touched[index].before.map(|counts| Snapshot { time: snapshot.time, counts }),
            Err(_) => Some(*snapshot),
        }
    }

    /// The snapshot before `position`, as it was before the tick.
    fn previous(&self, mut position: Position) -> Option<Snapshot> {
        loop {
            position = self.history.previous(position)?;
            if let Some(snapshot) = self.of(self.history.at(position)) {
                return Some(snapshot);
            }
        }
    }

    /// The totals, as they were before the tick, of the hour that begins at `first` and lies before `end`.
    fn totals(&self, first: Position, end: EventTime) -> HourTotals {
        let mut totals = HourTotals::default();
        let mut previous = self.previous(first);
        let start = self.history.at(first).time;
        let touched = self.touched.partition_point(|touched| touched.time < start);
        let mut touched = self.touched[touched..].iter().peekable();
        for snapshot in self.history.from(first).take_while(|snapshot| snapshot.time < end) {
            let mut snapshot = *snapshot;
            if let Some(touched) = touched.next_if(|touched| touched.time == snapshot.time) {
                let Some(counts) = touched.before else { continue };
                snapshot.counts = counts;
            }
            let growth = Growth::between(previous.as_ref(), &snapshot);
            for (gained, delta) in totals.gained.iter_mut().zip(growth.deltas) {
                *gained += delta.get().unwrap_or(0);
            }
            totals.records += 1;
            previous = Some(snapshot);
        }
        totals
    }
}
