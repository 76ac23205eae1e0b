//! Cases in which the updates are written out by hand.

use std::collections::BTreeMap;

use crate::Tick;
use crate::retention::Retention;
use crate::series::tests::run::Setting;
use crate::series::{Loaded, SeriesConfig};
use crate::snapshot::{EventTime, HOUR_US, Nullable, Place, Record, SECOND_US, Snapshot};
use crate::trending::{RANKS, Ranked, Scope, TrendingConfig, TrendingUpdate};
use crate::trends::{TrendRow, TrendWindow};
use crate::video_id::VideoId;

use super::cases::Step;
use super::model::video_row;
use super::run::{Output, State, run};

const T0: EventTime = 1_750_000_000 / 3_600 * HOUR_US;
const MINUTE_US: i64 = 60 * SECOND_US;

fn id(text: &str) -> VideoId {
    text.parse().expect("an id")
}

/// Ids in order of their texts, which is not that of their bits.
const A: &str = "-AAAAAAAAAA";
const B: &str = "0AAAAAAAAAA";
const C: &str = "AAAAAAAAAAA";
const D: &str = "aAAAAAAAAAA";

fn snapshot(minutes: i64, views: impl Into<Option<i64>>) -> Snapshot {
    Snapshot { time: T0 + minutes * MINUTE_US, counts: [views.into().into(), Nullable::NULL, Nullable::NULL] }
}

/// Steps of (id, minutes, views) and of (id, category).
struct Input {
    steps: BTreeMap<Tick, Step>,
    offset: u64,
}

impl Input {
    fn new() -> Self {
        Self { steps: BTreeMap::new(), offset: 0 }
    }

    fn records(mut self, tick: Tick, records: &[(&str, i64, Option<i64>)]) -> Self {
        for &(video, minutes, views) in records {
            self.offset += 1;
            let place = Place { partition: 0, offset: self.offset, item: 0 };
            let record = Record {
                video: id(video),
                place,
                snapshot: snapshot(minutes, views),
                arrived_us: Nullable::NULL,
                file_source: None,
            };
            self.steps.entry(tick).or_default().records.push(record);
        }
        self
    }

    fn word(mut self, tick: Tick, video: &str, category: Option<&str>) -> Self {
        self.steps.entry(tick).or_default().words.push((id(video), category.map(Into::into)));
        self
    }

    fn run(self, ranks: u32, state: State) -> BTreeMap<Tick, Output> {
        let retention = Retention::default();
        let configs = (SeriesConfig { retention, growth: true, hourly: true, trends: true }, TrendingConfig { ranks });
        let setting = Setting { workers: 2, serialised: true, state_last: false };
        run(configs, setting, state, self.steps)
    }
}

/// (scope, rank, id and gained), where scope "" is all.
type Rank = (String, u32, Option<(String, i64)>);

/// The updates of a tick over one window.
fn ranks(output: &Output, hours: u32) -> Vec<Rank> {
    let mut ranks: Vec<_> = output
        .trending
        .iter()
        .filter(|update| update.window_hours == hours)
        .map(|TrendingUpdate { scope, rank, row, .. }| {
            let scope = match scope {
                Scope::All => String::new(),
                Scope::Category(id) => id.to_string(),
            };
            (scope, *rank, row.map(|row| (row.video.to_string(), row.views_gained)))
        })
        .collect();
    ranks.sort();
    ranks
}

fn at(scope: &str, rank: u32, video: &str, gained: i64) -> Rank {
    (scope.to_owned(), rank, Some((video.to_owned(), gained)))
}

#[test]
fn equal_ones_stand_in_order_of_their_ids_as_text() {
    let polls = |from: &'static str| [(from, 0, Some(10)), (from, 60, Some(15))];
    let records: Vec<_> = [D, C, B, A].into_iter().flat_map(polls).collect();
    let input = Input::new().records(10, &records).records(11, &[(D, 61, Some(16))]);
    let outputs = input.run(3, State::default());
    assert_eq!(ranks(&outputs[&10], 1), [at("", 1, A, 5), at("", 2, B, 5), at("", 3, C, 5)]);
    // 1 more in a minute, and a twelfth of one less at the other end: 5.92 of it within the hour.
    assert_eq!(ranks(&outputs[&11], 1), [at("", 1, D, 6), at("", 2, A, 5), at("", 3, B, 5)]);
    assert_eq!(outputs[&11].trends.len(), 1);
    let row = outputs[&10].trending.iter().find_map(|update| update.row.filter(|row| row.video == id(A)));
    assert_eq!(row, Some(Ranked { video: id(A), views_gained: 5, views_per_hour: Some(5.0) }));
}

/// A video polled once a day stands in the list of the hour with a 24th of its day, while it is not older than the
/// window.
#[test]
fn the_newest_of_all_expires_who_was_not_seen_since() {
    let input = Input::new()
        .records(10, &[(A, 0, Some(0)), (A, 24 * 60, Some(2_400))])
        // Elsewhere 30 minutes later, and exactly an hour later.
        .records(11, &[(B, 24 * 60, Some(0)), (B, 24 * 60 + 30, Some(7))])
        .records(12, &[(B, 25 * 60, Some(9))])
        // And that count is taken away again.
        .records(13, &[(B, 25 * 60, None)]);
    let outputs = input.run(3, State::default());
    assert_eq!(ranks(&outputs[&10], 1), [at("", 1, A, 100)]);
    assert_eq!(ranks(&outputs[&11], 1), [at("", 2, B, 7)]);
    assert_eq!(ranks(&outputs[&12], 1), [at("", 1, B, 9), ("".to_owned(), 2, None)]);
    assert_eq!(ranks(&outputs[&12], 6), [at("", 2, B, 9)]);
    assert_eq!(ranks(&outputs[&13], 1), [at("", 1, A, 100), at("", 2, B, 7)]);
    // Of A nothing was said: it is back by what was said of B.
    assert_eq!(outputs[&13].trends.iter().map(|update| update.video).collect::<Vec<_>>(), [id(B)]);
}

#[test]
fn a_category_is_that_of_the_tick_and_not_of_the_record() {
    let polls = [(A, 0, Some(1)), (A, 30, Some(4)), (B, 0, Some(1)), (B, 30, Some(3))];
    let input = Input::new()
        .word(8, A, Some("10"))
        .records(10, &polls)
        .word(11, B, Some("10"))
        .word(12, A, Some("24"))
        .word(13, A, None);
    let outputs = input.run(5, State::default());
    assert!(!outputs.contains_key(&8));
    assert_eq!(ranks(&outputs[&10], 24), [at("", 1, A, 3), at("", 2, B, 2), at("10", 1, A, 3)]);
    assert_eq!(ranks(&outputs[&11], 24), [at("10", 2, B, 2)]);
    let gone = |scope: &str, rank| (scope.to_owned(), rank, None);
    assert_eq!(ranks(&outputs[&12], 24), [at("10", 1, B, 2), gone("10", 2), at("24", 1, A, 3)]);
    assert_eq!(ranks(&outputs[&13], 24), [gone("24", 1)]);
    assert!(outputs[&13].trends.is_empty());
}

#[test]
fn lists_end_at_rank_50() {
    let video = |number: u64| VideoId(number << 50).to_string();
    let names: Vec<String> = (0..51).map(video).collect();
    let records: Vec<_> = names
        .iter()
        .zip(1..)
        .flat_map(|(name, gained)| [(name.as_str(), 0, Some(0)), (name.as_str(), 60, Some(gained))])
        .collect();
    // The one that was left out overtakes all; the last of the list leaves it.
    let input = Input::new().records(10, &records).records(11, &[(&names[0], 60, Some(1_000))]);
    let outputs = input.run(RANKS, State::default());
    let listed = ranks(&outputs[&10], 1);
    assert_eq!(listed.len(), 50);
    assert_eq!((&listed[0], &listed[49]), (&at("", 1, &names[50], 51), &at("", 50, &names[1], 2)));
    let listed = ranks(&outputs[&11], 1);
    assert_eq!(listed.len(), 50);
    assert_eq!((&listed[0], &listed[49]), (&at("", 1, &names[0], 1_000), &at("", 50, &names[2], 3)));
}

#[test]
fn loading_emits_nothing_and_what_follows_is_judged_by_it() {
    let window = |gained| TrendWindow { gained, per_hour: Some(gained as f64), acceleration: None };
    let row = |video, minutes: i64, gained: i64| TrendRow {
        video: id(video),
        as_of: T0 + minutes * MINUTE_US,
        label: None,
        windows: [window(gained); 4],
    };
    let polls = [(0, 0), (60, 10)];
    let mut of_a = row(A, 60, 10);
    of_a.windows[0].acceleration = Some(0.0);
    let state = State {
        snapshots: polls.iter().map(|&(at, views)| Loaded { video: id(A), snapshot: snapshot(at, views) }).collect(),
        trends: vec![of_a, row(B, 0, 7), row(C, 40, 5)],
        videos: vec![video_row(id(C), Some("1".into())), video_row(id(A), Some("1".into()))],
    };
    // Nothing new is said of A: neither its trend nor a rank changes. Then it loses some, and is only second in
    // category 1.
    let input = Input::new().records(10, &[(A, 60, Some(10))]).records(11, &[(A, 60, Some(4))]);
    let outputs = input.run(3, state);
    assert_eq!(outputs.keys().collect::<Vec<_>>(), [&11]);
    assert_eq!(outputs[&11].trends.len(), 1);
    // B is an hour older than A: it does not stand in the list of the hour, but in the others.
    assert_eq!(ranks(&outputs[&11], 1), [at("", 1, C, 5), at("", 2, A, 4), at("1", 1, C, 5), at("1", 2, A, 4)]);
    let expected = [at("", 1, B, 7), at("", 2, C, 5), at("", 3, A, 4), at("1", 1, C, 5), at("1", 2, A, 4)];
    assert_eq!(ranks(&outputs[&11], 6), expected);
}
