//! Features of origins under criterion: how many origins a core turns from a video's snapshots into what a network sees.
//!
//! An origin counts once all of it is done: the counts of the three counters at each of the 168 hours before it, out of seven days
//! of snapshots, and the inputs of a network, which sees all three counters: one of the views with either set of features, or
//! those of all counters as they are trained. Snapshots are 66 minutes apart, as is the median of the bundled data, or ten; neither
//! lie on whole hours, so that every count is one between two of them. Origins come video by video, as in a training and an
//! evaluation, or hour by hour, as live, where the caches hold nothing of a video since the hour before.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use viewtide_dataflows::snapshot::{EventTime, HOUR_US, Nullable, SECOND_US, Snapshot};
use viewtide_dataflows::video_id::VideoId;
use viewtide_models::features::{FeatureSet, Inputs, Seen};
use viewtide_models::fit::Plan;
use viewtide_models::task::{Metric, Video, Videos};

const VIDEOS: u64 = 500;
/// Hours of snapshots: seven days and a neighbour before the first origin, and a day of origins.
const HOURS: i64 = 200;
/// Origins of each video, its last ones.
const ORIGINS: usize = 20;

/// Videos that are polled at this interval, each poll up to a third of it late.
fn videos(interval_us: i64) -> Videos {
    let mut videos = Videos::default();
    for poll in 0..HOURS * HOUR_US / interval_us {
        for video in 0..VIDEOS {
            let noise = (poll * 7_919 + video as i64 * 104_729) % 600;
            let age_us = poll * interval_us + noise * interval_us / 1_800;
            let gained = age_us / SECOND_US * (video as i64 % 90) / 3_600 + noise / 100;
            let counts = [gained * 20, gained, gained / 10].map(|count| Nullable::some(1_000 + count));
            videos.observe(VideoId(video), Snapshot { time: 1_700_000_000_000_000 + age_us, counts });
        }
    }
    videos
}

/// The last origins of all videos, video by video.
fn origins(videos: &Videos) -> Vec<(&Video, EventTime)> {
    let of_video = |video| {
        let times: Vec<EventTime> = Video::origins(video).collect();
        times.into_iter().rev().take(ORIGINS).rev().map(move |time| (video, time))
    };
    videos.iter().flat_map(of_video).collect()
}

fn features(criterion: &mut Criterion) {
    let as_trained = |metric| (metric, Plan::of(metric).features);
    let networks = [
        ("views, levels", vec![(Metric::Views, FeatureSet::Levels)]),
        ("views, lags", vec![(Metric::Views, FeatureSet::Lags)]),
        ("all counters, as trained", Metric::ALL.map(as_trained).to_vec()),
    ];
    for interval_minutes in [66, 10] {
        let videos = videos(interval_minutes * 60 * SECOND_US);
        let by_video = origins(&videos);
        let mut by_hour = by_video.clone();
        by_hour.sort_by_key(|(_, time)| time / HOUR_US);
        for (order, origins) in [("video by video", by_video), ("hour by hour", by_hour)] {
            let mut group = criterion.benchmark_group(format!("snapshots {interval_minutes} minutes apart, {order}"));
            group.throughput(Throughput::Elements(VIDEOS));
            for (name, networks) in &networks {
                let mut inputs = Inputs::default();
                let mut next = origins.chunks_exact(VIDEOS as usize).cycle();
                group.bench_function(*name, |bencher| {
                    bencher.iter(|| {
                        inputs.clear();
                        for (video, time) in next.next().into_iter().flatten() {
                            let origin = video.origin(*time);
                            let seen = Seen::of(&origin);
                            assert!(networks.iter().all(|(metric, set)| seen.append(*metric, *set, &mut inputs)));
                        }
                        inputs.context.iter().sum::<f32>()
                    });
                });
            }
            group.finish();
        }
    }
}

criterion_group!(benches, features);
criterion_main!(benches);
