//! What forecasts look up in a video's history.

use viewtide_dataflows::history::History;
use viewtide_dataflows::snapshot::{EventTime, HOUR_US, Nullable, Snapshot, hour_start};

use crate::task::{Actual, GAP_US_MAX, Metric, REACH_US};

/// Copies the snapshots from `from` to `to`, both included, and the one before them; `into` is used again and again.
fn copy(history: &History, from: EventTime, to: EventTime, into: &mut Vec<Snapshot>) {
    into.clear();
    let Some(first) = history.seek(from) else { return };
    if let Some(before) = history.previous(first) {
        into.push(*history.at(before));
    }
    into.extend(history.from(first).take_while(|snapshot| snapshot.time <= to));
}

/// Copies the snapshots that matter to an origin at `time`.
pub(super) fn copy_reach(history: &History, time: EventTime, into: &mut Vec<Snapshot>) {
    copy(history, time - REACH_US, time, into);
}

/// What the counts came to be at `target`, of a forecast that was issued at `issued_at`.
pub(super) fn actuals(
    history: &History,
    issued_at: EventTime,
    target: EventTime,
    scratch: &mut Vec<Snapshot>,
) -> [Actual; 3] {
    copy(history, target - GAP_US_MAX, target + GAP_US_MAX, scratch);
    let origin = history.seek(issued_at).map(|position| history.at(position));
    let origin = origin.filter(|snapshot| snapshot.time == issued_at);
    Metric::ALL.map(|metric| {
        let at_origin = origin.and_then(|snapshot| snapshot.counts[metric as usize].get());
        Actual::of(scratch, metric, target, at_origin)
    })
}

/// As it is stored: half to even.
pub(super) fn whole(count: Option<f64>) -> Nullable {
    Nullable::from(count.map(|count| count.round_ties_even() as i64))
}

/// Whether no other snapshot of the hour of the one at `time` is there.
pub(super) fn is_alone_in_its_hour(history: &History, time: EventTime) -> bool {
    let start = hour_start(time);
    let first = history.seek(start).map(|position| (position, history.at(position).time));
    first.is_some_and(|(position, first)| {
        let next = history.next(position).map(|next| history.at(next).time);
        first == time && next.is_none_or(|next| next >= start + HOUR_US)
    })
}

/// The targets whose actual counts may be others since there is a snapshot at `time`, or another one than before: those between the
/// snapshots before and after it that say a count which it says, or said `before`.
pub(super) fn touched_targets(
    history: &History,
    time: EventTime,
    before: Option<[Nullable; 3]>,
) -> (EventTime, EventTime) {
    let (mut from, mut to) = (time, time);
    let Some(position) = history.seek(time) else { return (from, to) };
    let snapshot = history.at(position);
    for counter in 0..Metric::ALL.len() {
        let speaks = |counts: &[Nullable; 3]| counts[counter].get().is_some();
        if !speaks(&snapshot.counts) && !before.as_ref().is_some_and(speaks) {
            continue;
        }
        let is_near = |other: &Snapshot| other.time.abs_diff(time) <= GAP_US_MAX as u64;
        let said = |other: &Snapshot| Some((other.time, other.counts[counter].get()?));
        // A 0 may say something or nothing, so the look goes on past it.
        let back = std::iter::successors(history.previous(position), |place| history.previous(*place));
        for (at, count) in back.map(|place| history.at(place)).take_while(|other| is_near(other)).filter_map(said) {
            from = from.min(at);
            if count != 0 {
                break;
            }
        }
        let ahead = history.from(position).skip(1);
        for (at, count) in ahead.take_while(|other| is_near(other)).filter_map(said) {
            to = to.max(at);
            if count != 0 {
                break;
            }
        }
    }
    (from, to)
}
