//! Every real data file, from CSV and from Kafka, at every number of workers and processes: the same tables.

use std::time::Duration;

use crate::harness::kafka;
use crate::harness::postgres::Database;
use crate::harness::process::viewtide;
use crate::scenario::{DATA_FILES, Input, SIZES, assert_verified, data_file, rows_of, run_to_end, tables};

/// Records that each worker received lie between half and one and a half times their mean, for files of many videos.
fn assert_even_shares(summary: &serde_json::Value, file: &str) {
    let shares: Vec<f64> = summary["records_per_worker"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|share| share.as_f64().expect("a number"))
        .collect();
    let mean = shares.iter().sum::<f64>() / shares.len() as f64;
    assert!(shares.iter().all(|&share| (0.5 * mean..=1.5 * mean).contains(&share)), "{file}: {shares:?}");
}

#[test]
fn every_file_gives_the_same_tables_by_every_way() {
    for file in DATA_FILES {
        let path = data_file(file);
        let records = rows_of(file).len() as u64;
        let topic = kafka::shared().fresh_topic("real", 4);
        let replayed = viewtide([
            "replay",
            path.to_str().expect("UTF-8"),
            "--brokers",
            &kafka::shared().brokers(),
            "--topic",
            &topic,
        ])
        .wait(Duration::from_secs(120))
        .expect_code(0)
        .json();
        assert_eq!(replayed["sent"], records, "{file}");

        let [csv, topic] = [Input::Csv(path), Input::Topic(topic)];
        for inputs in [[csv.clone(), topic.clone()], [csv.with_videos(), topic.with_videos()]] {
            same_tables(file, records, inputs);
        }
    }
}

/// What must be the same at every size beside the tables: how far an input was read, and what of it is no snapshot.
const READ: &str = "
    SELECT positions::text, (
        SELECT md5(string_agg(letter, ',' ORDER BY letter))
        FROM (SELECT (topic, partition, kafka_offset, item, reason, key, payload, kafka_timestamp)::text AS letter
              FROM dead_letters) AS letters)
    FROM viewtide_progress";

/// Runs `file` from each of `inputs` at every size.
fn same_tables(file: &str, records: u64, inputs: [Input; 2]) {
    let mut expected = None;
    for input in inputs {
        let mut verified = None;
        for size in SIZES {
            let database = Database::fresh();
            // Of files they are issued at the end, of a topic by its times.
            let summary = run_to_end(&input, &database, size, &["--forecasts", "off"]);
            let context = format!("{file} from {input:?} at {size:?}: {summary}");
            let handled = summary["records"].as_u64().zip(summary["dead_letters"].as_u64());
            assert_eq!(handled.map(|(good, bad)| good + bad), Some(records), "{context}");
            if file.starts_with("trending") {
                assert_even_shares(&summary, &context);
            }
            let found = tables(&database);
            assert_eq!(expected.get_or_insert_with(|| found.clone()), &found, "{context}");
            let read = database.rows(READ);
            match &verified {
                // What is the same as what was verified is right as well.
                Some(verified) => assert_eq!(verified, &read, "{context}"),
                None => {
                    assert_verified(&database, &input);
                    verified = Some(read);
                }
            }
        }
    }
}
