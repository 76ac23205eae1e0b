//! The task against its definition, point by point.

use proptest::prelude::*;
use viewtide_dataflows::snapshot::{EventTime, HOUR_US, Nullable, Snapshot};
use viewtide_dataflows::video_id::VideoId;

use super::*;

const MINUTE_US: i64 = HOUR_US / 60;

fn snapshot(time: EventTime, counts: [Option<i64>; 3]) -> Snapshot {
    Snapshot { time, counts: counts.map(Nullable::from) }
}

fn video(snapshots: &[Snapshot]) -> Video {
    let mut videos = Videos::default();
    snapshots.iter().for_each(|snapshot| videos.observe(VideoId(7), *snapshot));
    videos.iter().next().expect("one video").clone()
}

/// y(q) by the words of the definition: all snapshots of the counter that say something, the nearest on both sides.
fn value(said: &[(EventTime, i64)], q: EventTime) -> Option<f64> {
    let before = said.iter().rev().find(|said| said.0 <= q)?;
    let after = said.iter().find(|said| said.0 >= q)?;
    if before.0 == after.0 {
        return Some(before.1 as f64);
    }
    let share = (q - before.0) as f64 / (after.0 - before.0) as f64;
    (after.0 - before.0 <= 6 * HOUR_US).then_some(before.1 as f64 + (after.1 - before.1) as f64 * share)
}

/// What the snapshots up to `s` say of a counter at an origin there.
fn said_at(snapshots: &[Snapshot], metric: Metric, s: EventTime) -> Vec<(EventTime, i64)> {
    let all: Vec<_> = snapshots
        .iter()
        .filter(|snapshot| snapshot.time <= s)
        .filter_map(|snapshot| Some((snapshot.time, snapshot.counts[metric as usize].get()?)))
        .collect();
    let above_ten =
        |time: EventTime| all.iter().any(|(other, count)| *other < time && *other >= s - 168 * HOUR_US && *count > 10);
    all.iter().copied().filter(|(time, count)| metric == Metric::Views || *count != 0 || !above_ten(*time)).collect()
}

/// Snapshots at times that are now dense, now far apart, some of them at whole hours; counts that fall, are 0 or are missing.
fn snapshots() -> impl Strategy<Value = Vec<Snapshot>> {
    let gap = prop_oneof![
        6 => 1..90i64,
        3 => Just(60i64),
        2 => 200..365i64,
        1 => Just(360i64),
        1 => 361..2_000i64,
    ];
    let count = || prop_oneof![8 => (0..60i64).prop_map(Some), 2 => Just(Some(0)), 1 => Just(None)];
    prop::collection::vec((gap, count(), count(), count()), 1..150).prop_map(|steps| {
        let mut time = 1_700_000_000_000_000 / HOUR_US * HOUR_US;
        let mut views = 0;
        let step = |(gap, gained, likes, comments): (i64, Option<i64>, _, _)| {
            time += gap * MINUTE_US;
            let viewed = gained.map(|gained| {
                views += gained;
                views
            });
            snapshot(time, [viewed, likes, comments])
        };
        steps.into_iter().map(step).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn an_origin_is_as_defined(snapshots in snapshots()) {
        let video = video(&snapshots);
        for s in video.origins() {
            let origin = video.origin(s);
            prop_assert_eq!(origin.age_hours, (s - snapshots[0].time) as f64 / HOUR_US as f64);
            for metric in Metric::ALL {
                let said = said_at(&snapshots, metric, s);
                for back in 0..=MEMORY_STEPS {
                    let expected = value(&said, s - back as i64 * HOUR_US).unwrap_or(f64::NAN);
                    prop_assert_eq!(origin.count(metric, back).to_bits(), expected.to_bits(), "{:?} {}", metric, back);
                }
                let steps = origin.steps(metric);
                for (back, step) in steps.into_iter().enumerate() {
                    let expected = origin.count(metric, back) - origin.count(metric, back + 1);
                    prop_assert_eq!(step.to_bits(), expected.to_bits());
                }
                let complete = (0..=20).all(|back| value(&said, s - back * HOUR_US).is_some());
                prop_assert_eq!(origin.has_window(metric), complete);
            }
        }
    }

    #[test]
    fn an_actual_is_as_defined(snapshots in snapshots()) {
        let video = video(&snapshots);
        for s in video.origins() {
            for (metric, hours) in Metric::ALL.into_iter().flat_map(|metric| HORIZONS_HOURS.map(|hours| (metric, hours))) {
                let target = s + i64::from(hours) * HOUR_US;
                let at = |snapshot: &Snapshot| snapshot.counts[metric as usize].get();
                let base = snapshots.iter().find(|snapshot| snapshot.time == s).and_then(at);
                let hidden = metric != Metric::Views && base.is_some_and(|base| base > 10);
                let said: Vec<_> = snapshots
                    .iter()
                    .filter_map(|snapshot| Some((snapshot.time, at(snapshot)?)))
                    .filter(|(_, count)| !(hidden && *count == 0))
                    .collect();
                let actual = video.actual(metric, s, hours);
                prop_assert_eq!(actual.count, value(&said, target));
                // Learned with the first snapshot of any kind at or after the target, by what is known then.
                let first = snapshots.iter().map(|snapshot| snapshot.time).find(|time| *time >= target);
                let known = |first: &EventTime| {
                    let by_then: Vec<_> = said.iter().copied().filter(|said| said.0 <= *first).collect();
                    value(&by_then, target).is_some()
                };
                prop_assert_eq!(actual.learned_at, first.filter(known));
            }
        }
    }

    /// No leak: whatever comes after an origin, what is known there is the same bit for bit.
    #[test]
    fn nothing_after_an_origin_changes_what_is_known_there(snapshots in snapshots(), others in snapshots()) {
        let known = video(&snapshots);
        for s in known.origins().collect::<Vec<_>>() {
            let before = snapshots.iter().filter(|snapshot| snapshot.time <= s).copied();
            let after = others.iter().map(|other| Snapshot { time: s + 1 + (other.time - others[0].time), ..*other });
            let changed = video(&before.chain(after).collect::<Vec<_>>());
            for (one, other) in [
                (known.origin(s), changed.origin(s)),
                (known.origin_loosely(s), changed.origin_loosely(s)),
            ] {
                for (metric, back) in Metric::ALL.into_iter().flat_map(|metric| (0..=168).map(move |back| (metric, back))) {
                    prop_assert_eq!(one.count(metric, back).to_bits(), other.count(metric, back).to_bits());
                }
                prop_assert_eq!(one.age_hours, other.age_hours);
            }
        }
    }
}

#[test]
fn the_first_to_arrive_in_an_hour_is_its_origin() {
    let at = |minutes: i64| snapshot(minutes * MINUTE_US, [Some(minutes), None, None]);
    let video = video(&[at(30), at(10), at(59), at(60), at(125), at(121), at(30)]);
    assert_eq!(video.origins().map(|time| time / MINUTE_US).collect::<Vec<_>>(), [30, 60, 125]);
    let times: Vec<_> = video.snapshots().iter().map(|snapshot| snapshot.time / MINUTE_US).collect();
    assert_eq!(times, [10, 30, 59, 60, 121, 125]);
}

#[test]
fn the_latest_word_on_a_time_counts() {
    let video = video(&[snapshot(5, [Some(1), None, None]), snapshot(5, [Some(2), None, None])]);
    assert_eq!(video.snapshots(), [snapshot(5, [Some(2), None, None])]);
}

#[test]
fn loosely_the_counter_moves_evenly_between_any_two_snapshots() {
    let day = 24 * HOUR_US;
    let daily = video(&[0, 1, 2].map(|at| snapshot(at * day, [Some(at * 240), None, None])));
    assert!(daily.origin(2 * day).steps(Metric::Views).iter().all(|step| step.is_nan()));
    let loose = daily.origin_loosely(2 * day);
    assert!(loose.steps(Metric::Views)[..48].iter().all(|step| (step - 10.0).abs() < 1e-9));
    assert!(loose.steps(Metric::Views)[48..].iter().all(|step| step.is_nan()));
    assert!(loose.steps(Metric::Likes).iter().all(|step| step.is_nan()));

    // A quarter of an hour's gain is a quarter of an hour's.
    let young = video(&[0, 15].map(|at| snapshot(at * MINUTE_US, [Some(100 + at), None, None])));
    assert_eq!(young.origin_loosely(15 * MINUTE_US).steps(Metric::Views)[0], 60.0);
    let single = video(&[snapshot(0, [Some(1), None, None])]);
    assert!(single.origin_loosely(0).steps(Metric::Views)[0].is_nan());
    assert_eq!(single.origin_loosely(0).count(Metric::Views, 0), 1.0);
}
