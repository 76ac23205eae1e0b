//! Which videos a benchmark trains on, and which it scores.
//!
//! Every video is in one of five folds; what is trained on four of them is scored on the fifth, and the five are pooled. Of the
//! 40 videos of the bundled data the folds are fixed by name; any other video's follows from its id.

use viewtide_dataflows::video_id::VideoId;

/// How many folds there are.
pub const FOLDS: usize = 5;

/// The videos of the bundled data, fold by fold.
const BENCHMARK: [[&str; 8]; FOLDS] = [
    [
        "AUGPxmxWEAo",
        "T24rF_x0TmQ",
        "UEqTIwRrWvA",
        "URvGotBul_k",
        "YhBc0ojzwyw",
        "l3Z_ApSCCUw",
        "qK9k2J-ZkGU",
        "zN72W_DtGcU",
    ],
    [
        "3UqQ6K840eM",
        "SBHTg8QCh7g",
        "XKZIQlqVjjk",
        "_azH1wWUWuU",
        "_zrMHFLFK2Q",
        "jKlA7wS3SkE",
        "kGMKIoZvM1A",
        "xmIu1tvmh00",
    ],
    [
        "7ihBGB_MR8I",
        "ALUoOoWpHJU",
        "DwHRjFGs4RA",
        "O0xFDBo4rBU",
        "_OQNFmmR9kQ",
        "eeMTs8R3tOY",
        "oGcYfoV0VKs",
        "ti2ogY34TDs",
    ],
    [
        "EBLo0C-sj2w",
        "F2UVwHLHlJ4",
        "OTNkGMx59YQ",
        "Oi-piOr_9AY",
        "W9AZg33DKCk",
        "nsF7zseOS9c",
        "oeF6rPfK8-g",
        "x_BjvhMW9TE",
    ],
    [
        "5y8ZSN429rU",
        "7nvF5b1VmW0",
        "AtkTZgrVv3c",
        "HlLyuWODcp8",
        "RoATfjBBYaI",
        "XYYq-uSeVwY",
        "_xfMI9Lwm4U",
        "sqs5NuoXyGI",
    ],
];

/// The fold that a video is in, `0..FOLDS`.
pub fn fold_of(video: VideoId) -> usize {
    let id = video.to_chars();
    let named = BENCHMARK.iter().position(|fold| fold.iter().any(|name| name.as_bytes() == id));
    // The multiplier of Fibonacci hashing: its high bits depend on all of an id's.
    named.unwrap_or_else(|| (video.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize % FOLDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_video_of_the_benchmark_is_in_one_fold() {
        let mut seen = std::collections::BTreeSet::new();
        for (index, fold) in BENCHMARK.iter().enumerate() {
            for name in fold {
                let video: VideoId = name.parse().unwrap();
                assert_eq!(fold_of(video), index, "{name}");
                assert!(seen.insert(video), "{name} is there twice");
            }
        }
        assert_eq!(seen.len(), 40);
    }

    #[test]
    fn other_videos_spread_over_the_folds() {
        let mut counts = [0; FOLDS];
        // Ids that follow each other, and ids that differ in their highest bits alone.
        (0..1_000).for_each(|index| counts[fold_of(VideoId(index))] += 1);
        (0..1_000).for_each(|index| counts[fold_of(VideoId(index << 54))] += 1);
        assert!(counts.iter().all(|count| (300..500).contains(count)), "{counts:?}");
    }
}
