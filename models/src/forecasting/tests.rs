//! The forecasts of a stream against the definition, over random orders, corrections, ticks and restarts.

mod oracle;
mod run;

use proptest::prelude::*;
use viewtide_dataflows::snapshot::{EventTime, HOUR_US, Nullable, Snapshot};
use viewtide_dataflows::video_id::VideoId;

use super::terms::{ModelName, member_names};
use super::*;
use crate::blend::{Basis, GAINS, Outstanding};
use oracle::Oracle;
use run::{Arrival, Setting, run};

const START: EventTime = 1_700_000_000_000_000 / HOUR_US * HOUR_US;
const MINUTE_US: i64 = HOUR_US / 60;

/// What happens to a poll on its way.
#[derive(Clone, Copy, Debug)]
enum Fate {
    InTime,
    /// It comes so many polls later.
    Late(usize),
    /// It comes again, so many polls later, with this added to its counts.
    Corrected(usize, i64),
    /// It says no count but views.
    Silent,
    /// Its likes are 0, as of a video that hides them.
    Zero,
    Lost,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        12 => Just(Fate::InTime),
        1 => (1..8usize).prop_map(Fate::Late),
        1 => (0..30usize, prop_oneof![Just(0), -50..50i64]).prop_map(|(later, more)| Fate::Corrected(later, more)),
        1 => Just(Fate::Silent),
        1 => Just(Fate::Zero),
        1 => Just(Fate::Lost),
    ]
}

/// Two videos' polls in order of arrival: of each, minutes since the one before, and what happens to it.
fn arrivals() -> impl Strategy<Value = Vec<Arrival>> {
    let interval = prop_oneof![6 => 30..75i64, 1 => 100..500i64, 1 => Just(60)];
    let polls = prop::collection::vec((interval, fate(), 0..400i64), 30..90);
    prop::collection::vec(polls, 2).prop_map(|videos| {
        let mut arrivals = Vec::new();
        // A large one, and one whose likes rise from below to above what a 0 may hide.
        let kinds = [(VideoId(7 << 4), 1_000, 1), (VideoId(9 << 4), 50, 40)];
        for ((video, mut views, slowness), polls) in kinds.into_iter().zip(videos) {
            let mut time = START;
            for (number, (minutes, fate, gained)) in polls.into_iter().enumerate() {
                time += minutes * MINUTE_US;
                views += gained / slowness;
                let of = |more: i64| [views + more, (views + more) / 9, (views + more) / 70].map(Nullable::some);
                // Half an hour's polls come from a back-fill, without a time.
                let arrived_us = (time / MINUTE_US % 60 < 30).then_some(time + MINUTE_US);
                let arrival = |counts| Arrival { video, snapshot: Snapshot { time, counts }, arrived_us };
                let mut put = |later: usize, counts| arrivals.push((number + later, arrival(counts)));
                match fate {
                    Fate::InTime => put(0, of(0)),
                    Fate::Late(later) => put(later, of(0)),
                    Fate::Corrected(later, more) => {
                        put(0, of(0));
                        put(later, of(more));
                    }
                    Fate::Zero => put(0, [of(0)[0], Nullable::some(0), of(0)[2]]),
                    Fate::Silent => put(0, [of(0)[0], Nullable::NULL, Nullable::NULL]),
                    Fate::Lost => {}
                }
            }
        }
        arrivals.sort_by_key(|(number, _)| *number);
        arrivals.into_iter().map(|(_, arrival)| arrival).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// However records fall into ticks, and wherever the run is stopped and begun again, tables are those of the definition.
    #[test]
    fn tables_are_those_of_the_definition(
        arrivals in arrivals(),
        when in prop_oneof![3 => Just(When::All), 1 => Just(When::Live)],
        has_models in any::<bool>(),
        tick_records in prop_oneof![Just(1), 2..20usize, Just(1_000)],
        restarts in prop::collection::vec(0..180usize, 0..3),
        is_ended in any::<bool>(),
    ) {
        let expected = Oracle::of(&arrivals, when, has_models, is_ended);
        let tables = run(&arrivals, Setting { when, has_models, tick_records, restarts, is_ended });
        prop_assert_eq!(tables.rows.keys().collect::<Vec<_>>(), expected.rows.keys().collect::<Vec<_>>());
        for (key, row) in &tables.rows {
            prop_assert_eq!(&row.0, &expected.rows[key].0, "forecast of {:?}", key);
            prop_assert_eq!(row.1, expected.rows[key].1, "actual of {:?}", key);
        }
        prop_assert_eq!(&tables.learned, &expected.learned);
        prop_assert_eq!(&tables.scores, &expected.scores);
    }
}

/// The oracle sees something, or all of the above would hold of nothing.
#[test]
fn there_is_something_to_compare() {
    let arrivals: Vec<Arrival> = (0..80)
        .map(|hour| {
            let views = 1_000 + 40 * hour + hour % 5 * 30;
            let time = START + hour * HOUR_US + MINUTE_US;
            let counts = [views, views / 9, views / 70].map(Nullable::some);
            Arrival { video: VideoId(7 << 4), snapshot: Snapshot { time, counts }, arrived_us: Some(time) }
        })
        .collect();
    let Oracle { rows, learned, scores, .. } = Oracle::of(&arrivals, When::All, true, false);
    assert_eq!(rows.len(), 80 * 3);
    assert_eq!(learned.len(), 1);
    let known = rows.values().filter(|(_, actual)| actual[0].get().is_some()).count();
    assert_eq!(known, 79 + 74 + 56);
    let made = |basis, version| {
        rows.values().filter(|(row, _)| row[0].unwrap().model() == ModelName::Made(basis, version)).count()
    };
    assert_eq!(made(Basis::LastValue, 0), 3, "a single snapshot");
    assert_eq!(made(Basis::Trend, 0), 3 * 19);
    assert_eq!(made(Basis::Blend, 1), 3 * 60);
    assert!(scores.keys().any(|(name, ..)| *name == ModelName::Member(0)));
}

#[test]
fn terms_are_those_of_the_definition() {
    let mut gains = [f32::NAN; GAINS];
    (gains[0], gains[2]) = (2.5, -7.0);
    let forecast = CounterForecast {
        base: 100,
        last_increment: Nullable::some(4),
        has_20_steps: true,
        basis: Basis::Blend,
        model_version: 3,
        outstanding: Outstanding { gains, gain: 5, interval: [1, 8] },
    };
    let terms: Vec<(String, [i128; 12])> =
        forecast.terms(103).map(|(name, terms)| (name.to_string(), terms.numbers())).collect();
    // 100 x 2/3 %, with six digits.
    let issued = [1, 2, 4, 3, 3, 9, 1, 66_666_667, 1, 0, 1, 1];
    // 2.5 is 2, half to even; it is below 4, as what came.
    let lstm = [1, 1, 1, 3, 3, 9, 1, 33_333_333, 1, 1, 0, 0];
    let member = [1, 10, 100, 3, 3, 9, 1, 333_333_333, 1, 1, 0, 0];
    let expected = [("issued", issued), ("blend:3", issued), ("member:lstm", lstm), ("member:last_increment", member)];
    assert_eq!(terms, expected.map(|(name, terms)| (name.to_owned(), terms)));
    let (_, none) = forecast.terms(100).next().unwrap();
    assert_eq!(none.numbers(), [1, 5, 25, 0, 0, 0, 0, 0, 1, 0, 1, 0], "no gain, outside of the interval");
    let mut sum = none;
    sum += &none;
    sum -= &none;
    assert!(sum == none && !sum.is_zero());
    sum -= &none;
    assert!(sum.is_zero());
    assert_eq!(member_names()[1..3], ["last_value", "last_increment"]);
    assert_eq!(member_names()[GAINS - 1], "blend_of_naives");
}

/// What a video's forecasts take of memory beside its history, at the most.
const VIDEO_BYTES_MAX: usize = 16 * 1024;

#[test]
fn a_video_that_is_polled_for_weeks_takes_bounded_memory() {
    let retention = Retention::default();
    let mut forecasts = StreamForecasts::new(When::All, retention);
    let (mut history, mut known, mut updates) = (History::default(), Known::default(), Vec::new());
    for hour in 0..24 * 30 {
        let time = START + hour * HOUR_US;
        let snapshot = Snapshot { time, counts: [1_000 + 7 * hour, 100 + hour, hour].map(Nullable::some) };
        let place = viewtide_dataflows::snapshot::Place { partition: 0, offset: 0, item: 0 };
        let record = Record { video: VideoId(7 << 4), place, snapshot, arrived_us: Nullable::NULL, file_source: None };
        let upsert = history.upsert(snapshot);
        forecasts.fold(&mut known, &history, &record, upsert);
        forecasts.settle(&mut known, &history);
        history.forget_before(retention.memory_start(time));
        forecasts.predict();
        forecasts.finish(VideoId(7 << 4), &mut known, &mut updates);
    }
    let bytes = known.heap_bytes();
    assert!((4 * 1024..VIDEO_BYTES_MAX).contains(&bytes), "{bytes} bytes");
}
