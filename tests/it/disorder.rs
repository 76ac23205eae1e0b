//! Real records out of order: up to 6 hours late, some 8 days, some twice, some corrected later.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::harness::postgres::Database;
use crate::scenario::{Input, Row, SIZES, assert_verified, rows_of, run_to_end, tables, topic_of, write_csv};

const HOUR_US: i64 = 3_600_000_000;

/// `rows` as they would arrive: each up to 6 hours late, one in a hundred 8 days late, one in a hundred sent twice, and for
/// one in a hundred a correction hours or days later.
pub fn disordered(rows: &[Row], seed: u64) -> Vec<Row> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut arrivals: Vec<(i64, Row)> = Vec::new();
    for row in rows {
        let late_us = if rng.random_ratio(1, 100) { 8 * 24 * HOUR_US } else { rng.random_range(0..6 * HOUR_US) };
        let arrival = row.time_us() + late_us;
        arrivals.push((arrival, row.clone()));
        if rng.random_ratio(1, 100) {
            arrivals.push((arrival + rng.random_range(0..HOUR_US), row.clone()));
        }
        if rng.random_ratio(1, 100) {
            let corrected = row.clone().with_more_views(rng.random_range(1..1_000));
            arrivals.push((arrival + rng.random_range(0..200 * HOUR_US), corrected));
        }
    }
    arrivals.sort_by_key(|(arrival, _)| *arrival);
    arrivals.into_iter().map(|(_, row)| row).collect()
}

#[test]
fn late_repeated_and_corrected_records_give_exact_tables_by_every_way() {
    let rows = disordered(&rows_of("tracked_dense.csv.gz"), 17);
    let folder = tempfile::tempdir().expect("a folder");
    let csv = folder.path().join("disordered.csv");
    write_csv(&csv, &rows);
    let inputs = [Input::Csv(csv), Input::Topic(topic_of("disorder", 4, &rows))];
    let mut expected = None;
    for input in inputs {
        for size in SIZES {
            let database = Database::fresh();
            // Of files they are issued at the end, of a topic by its times.
            let summary = run_to_end(&input, &database, size, &["--forecasts", "off"]);
            assert_eq!(summary["records"], rows.len(), "{summary}");
            assert!(summary["late_rows"].as_u64() > Some(100), "some came 8 days late: {summary}");
            let found = tables(&database);
            assert_eq!(expected.get_or_insert_with(|| found.clone()), &found, "{input:?} at {size:?}");
            assert_verified(&database, &input);
        }
    }
}
