//! Features of origins under criterion: from a video's snapshots to what the networks of all counters see.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use viewtide_dataflows::snapshot::{HOUR_US, Nullable, Snapshot};
use viewtide_dataflows::video_id::VideoId;
use viewtide_models::features::{FeatureSet, Inputs, Seen};
use viewtide_models::task::{Metric, Video, Videos};

/// Polls of every video, an hour apart with some minutes more or less.
const POLLS: i64 = 400;
/// More than the caches hold.
const VIDEOS: u64 = 500;

/// The origins of all videos that have a whole week before them, in the order in which polls reach them.
fn videos() -> Videos {
    let mut videos = Videos::default();
    for poll in 0..POLLS {
        for video in 0..VIDEOS {
            let noise = (poll as u64 * 7_919 + video * 104_729) % 600;
            let time = 1_700_000_000_000_000 + poll * HOUR_US + noise as i64 * 1_000_000;
            let gained = poll * (video as i64 % 90) + noise as i64 / 100;
            let counts = [gained * 20, gained, gained / 10].map(|count| Nullable::some(1_000 + count));
            videos.observe(VideoId(video), Snapshot { time, counts });
        }
    }
    videos
}

fn features(criterion: &mut Criterion) {
    let videos = videos();
    let all: Vec<&Video> = videos.iter().collect();
    let origins: Vec<Vec<i64>> = all.iter().map(|video| video.origins().skip(180).collect()).collect();
    let mut group = criterion.benchmark_group("features of an origin, all counters");
    group.throughput(Throughput::Elements(VIDEOS));
    for set in FeatureSet::ALL {
        group.bench_function(BenchmarkId::new("set", format!("{set:?}")), |bencher| {
            let mut poll = 0;
            let mut inputs = Metric::ALL.map(|_| Inputs::default());
            bencher.iter(|| {
                poll = (poll + 1) % 200;
                for (video, times) in all.iter().zip(&origins) {
                    let origin = video.origin(times[poll]);
                    let seen = Seen::of(&origin);
                    for (metric, inputs) in Metric::ALL.into_iter().zip(&mut inputs) {
                        inputs.window.clear();
                        inputs.context.clear();
                        inputs.base.clear();
                        assert!(seen.append(metric, set, inputs));
                    }
                }
                inputs.iter().map(|inputs| inputs.context[5]).sum::<f32>()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, features);
criterion_main!(benches);
