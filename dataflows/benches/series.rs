//! The operators under criterion: batches of new snapshots, and single updates.

mod polls;

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use polls::{CHANGES, Driver, Extent, chunks_of, restless, single_updates, single_updates_in_categories};
use viewtide_dataflows::retention::Retention;

const VIDEOS: u64 = 10_000;

/// The videos fall into as many.
const CATEGORIES: u64 = 20;

fn batches(criterion: &mut Criterion) {
    batches_of(criterion, "growth + hourly, 1 worker", Extent::Series);
    batches_of(criterion, "growth, hours, trends, trending, 1 worker", Extent::All);
}

fn batches_of(criterion: &mut Criterion, name: &str, extent: Extent) {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(10).measurement_time(Duration::from_secs(3));
    for polls in [1i64, 10] {
        let records = VIDEOS * polls as u64;
        group.throughput(Throughput::Elements(records));
        group.bench_function(BenchmarkId::new("batch of", records), |bencher| {
            bencher.iter_custom(|batches| {
                timely::execute_directly(move |worker| {
                    let mut driver = Driver::new(worker, Retention::default(), extent);
                    driver.load_categories(worker, 0..VIDEOS, VIDEOS / CATEGORIES);
                    let mut elapsed = Duration::ZERO;
                    for batch in 0..batches as i64 {
                        let chunks = chunks_of(VIDEOS, batch * polls..(batch + 1) * polls, 0, 1, restless);
                        let start = Instant::now();
                        driver.tick(worker, chunks);
                        elapsed += start.elapsed();
                    }
                    assert_eq!(driver.rows(), batches * records, "each record has its row");
                    assert!(extent == Extent::Series || batches * polls as u64 == 1 || driver.ranks() > 0);
                    elapsed
                })
            });
        });
    }
    group.finish();
}

fn updates(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("one update in a tick of its own");
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(1));
    for change in CHANGES {
        for points in [100i64, 10_000] {
            group.bench_function(BenchmarkId::new(format!("{change:?}"), points), |bencher| {
                bencher.iter_custom(|updates| {
                    single_updates(change, (500_000 / points) as u64, points, updates).iter().sum()
                });
            });
        }
    }
    for in_each in [10, VIDEOS] {
        group.bench_function(BenchmarkId::new("Append, whole dataflow, category of", in_each), |bencher| {
            bencher.iter_custom(|updates| single_updates_in_categories(VIDEOS, in_each, updates).iter().sum());
        });
    }
    group.finish();
}

criterion_group!(benches, batches, updates);
criterion_main!(benches);
