//! Random inputs: what real input does, and all that it should not, within a few dozen records.

use std::ops::Range;

use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::Tick;
use crate::retention::Retention;
use crate::snapshot::{COUNT_MAX, EventTime, HOUR_US, Nullable, Place, Record, SECOND_US, Snapshot};
use crate::video_id::VideoId;

use super::run::Setting;

const MINUTE_US: i64 = 60 * SECOND_US;
const DAY_US: i64 = 24 * HOUR_US;

/// When the first video is seen first; the others follow.
const START: EventTime = 1_750_000_000 * SECOND_US;

/// Retentions to choose from: none, short ones, the default, and one longer than memory's least.
const RETENTIONS_US: [i64; 5] = [0, 90 * MINUTE_US, 6 * HOUR_US, 7 * DAY_US, 30 * DAY_US];

/// Records, how they fall into ticks, and the runs that process them.
#[derive(Clone, Debug)]
pub struct Case {
    pub ticks: Vec<(Tick, Vec<Record>)>,
    /// Each but the first begins with a restart.
    pub runs: Vec<Run>,
    pub growth: bool,
    pub hourly: bool,
    pub trends: bool,
}

/// One run of the operator, from a start to a stop.
#[derive(Clone, Debug)]
pub struct Run {
    /// The ticks it processes, as indices into those of the case.
    pub ticks: Range<usize>,
    pub retention: Retention,
    pub setting: Setting,
}

/// One record in the making.
#[derive(Clone, Debug)]
struct Draft {
    video: usize,
    manner: Manner,
    when: When,
    views: Option<i64>,
    likes: Option<i64>,
    comments: Option<i64>,
    file_source: Option<&'static str>,
    /// Where the case lets videos cross partitions.
    partition: u32,
    tick: Index,
}

/// A record's time, seen from the records of its video before it.
#[derive(Clone, Debug)]
enum When {
    /// This long after the newest.
    After(i64),
    /// This long before the newest.
    Before(i64),
    /// That of an earlier record, which it corrects; the counts too are the same where it is true.
    Again(Index, bool),
    /// That of the newest, whose view count it takes away.
    Unviewed,
    /// Half-way between two earlier records.
    Between(Index, Index),
}

pub fn cases() -> impl Strategy<Value = Case> {
    let videos = prop_oneof![2 => 1..=2usize, 3 => 3..=4usize, 2 => 5..=8usize];
    // Now and then a history of many blocks.
    let sizes = prop_oneof![
        4 => (videos.clone(), 1..40usize),
        16 => (videos, 60..180usize),
        1 => (1..=2usize, 300..800usize),
    ];
    cases_of(sizes, Just(Manner::Wild))
}

/// How videos are polled, and what they gain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// With gaps of days, and counts that jump.
    Wild,
    /// Every few minutes or hours; all gain about as much.
    Calm,
}

/// Cases with so many videos and records, which are polled in that manner.
pub fn cases_of(
    sizes: impl Strategy<Value = (usize, usize)>,
    manner: impl Strategy<Value = Manner>,
) -> impl Strategy<Value = Case> {
    let ticks = prop_oneof![1 => Just(1usize), 2 => 2..=3usize, 4 => 4..=7usize, 2 => 8..=20usize];
    (sizes, ticks, any::<bool>(), manner).prop_flat_map(|((videos, records), ticks, crossing, manner)| {
        let drafts = prop::collection::vec(draft(videos, manner), records);
        let wanted = || prop::bool::weighted(0.9);
        let outputs = (wanted(), wanted(), wanted());
        let restarts = prop::collection::vec(any::<Index>(), 0..4);
        let crossing = crossing && videos % 2 == 0;
        (drafts, outputs, restarts, prop::collection::vec(run(), 4)).prop_map(
            move |(drafts, outputs, restarts, runs)| {
                let ticks = ticks_of(&drafts, ticks, crossing);
                let runs = runs_of(&restarts, runs, ticks.len());
                let (growth, hourly, trends) = outputs;
                Case { ticks, runs, growth, hourly, trends }
            },
        )
    })
}

fn draft(videos: usize, manner: Manner) -> impl Strategy<Value = Draft> {
    let count = || {
        prop_oneof![
            2 => Just(None),
            8 => (0..4i64).prop_map(Some),
            8 => (0..1_000_000i64).prop_map(Some),
            1 => Just(Some(COUNT_MAX)),
        ]
    };
    let mut steps =
        vec![1, SECOND_US, 10 * MINUTE_US, 10 * MINUTE_US, 10 * MINUTE_US, 25 * MINUTE_US, HOUR_US - 1, HOUR_US];
    let mut gaps = vec![7 * HOUR_US, DAY_US + 17];
    if manner == Manner::Wild {
        steps.append(&mut gaps);
        steps.push(3 * DAY_US);
        gaps.extend([7 * DAY_US, 8 * DAY_US + 6 * HOUR_US, 9 * DAY_US, 40 * DAY_US]);
    }
    let (step, gap) = (select(steps), select(gaps));
    let back = select(
        RETENTIONS_US
            .iter()
            .flat_map(|&us| [us.max(1) - 1, us, us + 1, us / 2 + MINUTE_US, us + 9 * DAY_US])
            .chain([1, 10 * MINUTE_US, HOUR_US, 3 * HOUR_US, 30 * HOUR_US, 7 * DAY_US + 31 * HOUR_US])
            .collect::<Vec<_>>(),
    );
    let when = prop_oneof![
        20 => step.prop_map(When::After),
        1 => gap.prop_map(When::After),
        8 => back.prop_map(When::Before),
        6 => (any::<Index>(), prop::bool::weighted(0.3)).prop_map(|(index, same)| When::Again(index, same)),
        2 => Just(When::Unviewed),
        4 => (any::<Index>(), any::<Index>()).prop_map(|(a, b)| When::Between(a, b)),
    ];
    let file_source = select(vec![None, None, None, Some("a.csv"), Some("b.csv")]);
    (0..videos, when, count(), count(), count(), file_source, 0..3u32, any::<Index>()).prop_map(
        move |(video, when, views, likes, comments, file_source, partition, tick)| Draft {
            video,
            manner,
            when,
            views,
            likes,
            comments,
            file_source,
            partition,
            tick,
        },
    )
}

fn run() -> impl Strategy<Value = Run> {
    let setting = (1..=3usize, prop::bool::weighted(0.3), prop::bool::weighted(0.3));
    // With a long retention little is late, and much is upserted.
    let retention = prop_oneof![1 => select(RETENTIONS_US.to_vec()), 2 => Just(7 * DAY_US), 1 => Just(30 * DAY_US)];
    (retention, setting).prop_map(|(retention_us, (workers, serialised, state_last))| Run {
        ticks: 0..0,
        retention: Retention { retention_us },
        setting: Setting { workers, serialised, state_last },
    })
}

/// The records in ticks; along each partition offsets and items ascend.
fn ticks_of(drafts: &[Draft], ticks: usize, crossing: bool) -> Vec<(Tick, Vec<Record>)> {
    let mut of_draft: Vec<usize> = drafts.iter().map(|draft| draft.tick.index(ticks)).collect();
    of_draft.sort_unstable();
    let mut made = vec![Vec::<Snapshot>::new(); drafts.iter().map(|draft| draft.video + 1).max().unwrap_or(0)];
    let mut batches: Vec<(Tick, Vec<Record>)> = (0..ticks).map(|tick| (100 + 3 * tick as Tick, Vec::new())).collect();
    for (number, (draft, tick)) in drafts.iter().zip(of_draft).enumerate() {
        let snapshot = snapshot_of(draft, &made[draft.video]);
        made[draft.video].push(snapshot);
        let partition = if crossing { draft.partition } else { draft.video as u32 };
        let place = Place { partition, offset: number as u64 / 3, item: number as u32 % 3 };
        batches[tick].1.push(Record {
            video: video_id(draft.video),
            place,
            snapshot,
            arrived_us: Nullable::NULL,
            file_source: draft.file_source.map(Into::into),
        });
    }
    batches.retain(|(_, records)| !records.is_empty());
    batches
}

/// Ids that share their low bits, as no real ones would: neither shares nor the index may lean on them. Their order as
/// texts is not that of their bits.
pub fn video_id(video: usize) -> VideoId {
    VideoId((video as u64 * 37 % 256) << 56 | 0xabc)
}

fn snapshot_of(draft: &Draft, made: &[Snapshot]) -> Snapshot {
    let (time, earlier) = match (made.iter().map(|snapshot| snapshot.time).max(), &draft.when) {
        (None, _) => (START + draft.video as EventTime * 20 * MINUTE_US, None),
        (Some(newest), When::After(step)) => (newest + step, None),
        (Some(newest), When::Before(step)) => (newest - step, None),
        (_, When::Again(index, same)) => {
            let earlier = *index.get(made);
            (earlier.time, Some(earlier).filter(|_| *same))
        }
        (Some(newest), When::Unviewed) => (newest, None),
        (_, When::Between(a, b)) => {
            let (a, b) = (a.get(made).time, b.get(made).time);
            (a + (b - a) / 2, None)
        }
    };
    let views = match draft.manner {
        _ if matches!(draft.when, When::Unviewed) => None,
        Manner::Wild => draft.views,
        // 6 an hour, and up to 3 more or less.
        Manner::Calm => draft.views.map(|views| ((time - START) / (10 * MINUTE_US)).max(0) + views % 4),
    };
    let counts = [views, draft.likes, draft.comments].map(Nullable::from);
    earlier.unwrap_or(Snapshot { time, counts })
}

/// Spreads the ticks over runs, with restarts between some of them.
fn runs_of(restarts: &[Index], runs: Vec<Run>, ticks: usize) -> Vec<Run> {
    let mut starts: Vec<usize> = restarts.iter().map(|restart| restart.index(ticks)).collect();
    starts.push(0);
    starts.sort_unstable();
    starts.dedup();
    let ends = starts.iter().skip(1).copied().chain([ticks]);
    runs.into_iter().zip(starts.iter().zip(ends)).map(|(run, (&start, end))| Run { ticks: start..end, ..run }).collect()
}
