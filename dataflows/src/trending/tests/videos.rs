//! One worker's lists without timely around them, under far more changes than a dataflow gets through in a test.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::snapshot::HOUR_US;
use crate::trending::list::Standing;
use crate::trending::oracle::{Inputs, Ranks};
use crate::trending::videos::Videos;
use crate::trending::{Scope, TrendingConfig};
use crate::trends::{Trend, TrendRow, TrendUpdate, TrendWindow};
use crate::video_id::VideoId;

const VIDEOS: u64 = 120;

#[derive(Clone, Debug)]
enum Change {
    /// A video's `as_of` moves by so many minutes, and it gains so much over each window.
    Trend(u64, i64, [i64; 4]),
    Gone(u64),
    Category(u64, Option<u8>),
    /// What another worker says its newest is, in minutes.
    Others(Option<i64>),
}

fn change() -> impl Strategy<Value = Change> {
    let video = || prop_oneof![0..VIDEOS, 0..8u64];
    let gained = || prop_oneof![3 => -3..12i64, 1 => 0..1_000i64];
    let minutes = prop_oneof![8 => 0..20i64, 1 => -200..0i64, 1 => 0..3_000i64];
    prop_oneof![
        40 => (video(), minutes, [gained(), gained(), gained(), gained()])
            .prop_map(|(video, minutes, gained)| Change::Trend(video, minutes, gained)),
        3 => video().prop_map(Change::Gone),
        6 => (video(), prop::option::weighted(0.8, 0..3u8)).prop_map(|(video, id)| Change::Category(video, id)),
        1 => prop::option::of(-300..300i64).prop_map(Change::Others),
    ]
}

fn id(video: u64) -> VideoId {
    VideoId(video.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn lists_are_those_of_the_definition(
        changes in prop::collection::vec(change(), 1..800),
        ranks in 1..=4u32,
        ticks in 1..40usize,
    ) {
        let mut videos = Videos::new(TrendingConfig { ranks });
        let (mut inputs, mut lists) = (Inputs::default(), BTreeMap::<(Scope, u32), Vec<Standing>>::new());
        let mut others = None;
        for of_tick in changes.chunks(changes.len().div_ceil(ticks)) {
            for change in of_tick {
                match change.clone() {
                    Change::Trend(video, minutes, gained) => {
                        let video = id(video);
                        let before = inputs.trends.get(&video).map_or(0, |row| row.as_of);
                        let windows = gained.map(|gained| TrendWindow {
                            gained,
                            per_hour: Some(minutes as f64),
                            acceleration: None,
                        });
                        let as_of = before + minutes * HOUR_US / 60;
                        let row = TrendRow { video, as_of, label: None, windows };
                        let before = inputs.trends.insert(video, row.clone());
                        let expected = TrendUpdate { is_new: before.is_none(), video, row: Some(row.clone()) };
                        let expected = Some(expected).filter(|_| before != Some(row.clone()));
                        prop_assert_eq!(videos.set_trend(Trend { video, row: Some(row) }), expected);
                    }
                    Change::Gone(video) => {
                        let video = id(video);
                        let before = inputs.trends.remove(&video);
                        let expected = before.map(|_| TrendUpdate { is_new: false, video, row: None });
                        prop_assert_eq!(videos.set_trend(Trend { video, row: None }), expected);
                    }
                    Change::Category(video, category) => {
                        let category = category.map(|category| category.to_string());
                        videos.set_category(id(video), category.as_deref());
                        inputs.categories.insert(id(video), category.map(Into::into));
                    }
                    Change::Others(newest) => others = newest.map(|minutes| minutes * HOUR_US / 60),
                }
            }
            prop_assert_eq!(videos.newest(), inputs.newest());
            // Another worker's video is to the definition one that gains nothing.
            let mut of_all = inputs.clone();
            if let Some(as_of) = others {
                let row = TrendRow { video: VideoId(1), as_of, label: None, windows: Default::default() };
                of_all.trends.insert(VideoId(1), row);
            }
            videos.set_newest(videos.newest().max(others));
            videos.hand_on(|scope, hours, before, after| {
                assert_ne!(before, after, "a list that did not change");
                let stored = lists.insert((scope.clone(), hours), after).unwrap_or_default();
                assert_eq!(stored, before);
            });
            let handed_on: Ranks = lists
                .iter()
                .flat_map(|((scope, hours), list)| {
                    list.iter().zip(1..).map(|(standing, rank)| ((scope.clone(), *hours, rank), standing.ranked()))
                })
                .collect();
            prop_assert_eq!(handed_on, of_all.ranks(ranks as usize));
        }
    }
}
