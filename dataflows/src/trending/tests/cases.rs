//! Random inputs: those of series, and words on the videos before, between, at and after their records.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::Tick;
use crate::series::tests::cases::{self, Manner, Run, cases_of, video_id};
use crate::snapshot::Record;
use crate::video_id::VideoId;

/// A series case, what is said of its videos, and how far lists go.
#[derive(Clone, Debug)]
pub struct Case {
    pub series: cases::Case,
    /// The category of a video from a tick on, each video at most once in a tick.
    pub words: BTreeMap<(Tick, VideoId), Option<Box<str>>>,
    pub ranks: u32,
}

/// What comes in at one tick.
#[derive(Clone, Debug, Default)]
pub struct Step {
    pub records: Vec<Record>,
    pub words: Vec<(VideoId, Option<Box<str>>)>,
}

pub fn cases() -> impl Strategy<Value = Case> {
    let few = || 1..=3u32;
    let videos = prop_oneof![1 => 1..=2usize, 3 => 3..=4usize, 4 => 5..=8usize];
    let manner = || prop_oneof![1 => Just(Manner::Wild), 3 => Just(Manner::Calm)];
    let small = (cases_of((videos, prop_oneof![1 => 1..40usize, 4 => 60..180usize]), manner()), few());
    // So many videos that lists keep but the best, and that rank 51 is one too many.
    let large = (cases_of((55..=85usize, 150..400usize), manner()), prop_oneof![few(), Just(super::super::RANKS)]);
    prop_oneof![9 => small.boxed(), 1 => large.boxed()].prop_flat_map(|(series, ranks)| {
        let word = (any::<Index>(), any::<Index>(), select(vec![None, Some("1"), Some("10"), Some("24"), Some("")]));
        // Half of the cases have most videos in one category.
        let favoured = prop::bool::weighted(0.5);
        let words = (prop::collection::vec(word, 0..120), favoured);
        words.prop_map(move |(words, favoured)| {
            let mut of_case: BTreeSet<VideoId> =
                series.ticks.iter().flat_map(|(_, records)| records).map(|record| record.video).collect();
            // One that never has a record.
            of_case.insert(video_id(200));
            let of_case: Vec<VideoId> = of_case.into_iter().collect();
            let last = series.ticks.last().map_or(1, |(tick, _)| tick + 1) as usize;
            let first = series.ticks.first().map_or(1, |(tick, _)| tick - 1) as usize;
            let words = words.into_iter().enumerate().map(|(number, (tick, video, category))| {
                let category = if favoured && number % 4 != 0 { Some("10") } else { category };
                let tick = (first + tick.index(last - first + 1)) as Tick;
                ((tick, *video.get(&of_case)), category.map(Into::into))
            });
            Case { series: series.clone(), words: words.collect(), ranks }
        })
    })
}

impl Case {
    /// The steps of each run.
    pub fn runs(&self) -> Vec<(Run, BTreeMap<Tick, Step>)> {
        let mut steps = BTreeMap::<Tick, Step>::new();
        for (tick, records) in &self.series.ticks {
            steps.entry(*tick).or_default().records = records.clone();
        }
        for ((tick, video), category) in &self.words {
            steps.entry(*tick).or_default().words.push((*video, category.clone()));
        }
        let mut runs: Vec<(Run, BTreeMap<Tick, Step>)> = Vec::new();
        for run in self.series.runs.iter().rev() {
            let start = if run.ticks.start == 0 { 0 } else { self.series.ticks[run.ticks.start].0 };
            let of_run = steps.split_off(&start);
            runs.push((run.clone(), of_run));
        }
        runs.reverse();
        runs
    }
}
