//! Records that are gone before they were read.

use super::*;

#[test]
fn records_that_are_gone_at_the_start_are_an_error() {
    let cluster = Cluster::new(2);
    // The pretended broker keeps the last 5 MB of a partition.
    for _ in 0..8 {
        cluster.send(1, Some(&vec![b' '; 1_000_000]));
        cluster.flush();
    }
    let mut reader = Running::new(&cluster.source(), 0, 1, of_snapshots([(0, span(0, 0)), (1, span(0, 1))]));
    let message = reader.outcome().unwrap_err().to_string();
    assert!(
        message.starts_with(
            "Kafka topic youtube_stats partition 1: the next record to read is 1, but the broker has 3 to 8; records were \
             deleted before they were read"
        ),
        "{message}"
    );
    let mut reader = Running::new(&cluster.source(), 0, 1, of_snapshots([(0, span(0, 5)), (1, span(0, 8))]));
    let message = reader.outcome().unwrap_err().to_string();
    assert!(message.contains("partition 0: the next record to read is 5, but the broker has 0 to 0; "), "{message}");
    assert!(message.contains("the topic was created again"), "{message}");
    let mut reader = Running::new(&cluster.source(), 0, 1, of_snapshots([(2, span(0, 5))]));
    let message = reader.outcome().unwrap_err().to_string();
    assert!(message.contains("has 2 partitions, but partition 2 was read before"), "{message}");
}

#[test]
fn records_that_are_gone_while_reading_are_an_error_after_what_was_read() {
    let cluster = Cluster::new(1);
    cluster.send_good(1, 0, 10);
    let source = cluster.source();
    let mut reader = Running::new(&source, 0, 1, Positions::new());
    reader.until_end();
    let gone = rdkafka::types::RDKafkaRespErr::RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE;
    cluster.mock.request_errors(RDKafkaApiKey::Fetch, &[gone; 10]);
    let message = reader.outcome().unwrap_err().to_string();
    assert!(message.contains("Kafka topic youtube_stats"), "{message}");
    assert!(message.contains("the next record to read is gone"), "{message}");
    assert_eq!(reader.of(0), counted(0..10));
}

/// A source that reads on where records are gone.
fn reading_on(cluster: &Cluster) -> Arc<KafkaSource> {
    Arc::new(KafkaSource::open(cluster.config(TOPIC)).unwrap().on_lost_offsets(OnLostOffsets::Earliest))
}

fn gap(partition: u32, first_lost: u64, next_read: u64, reason: LostReason) -> Gap {
    Gap {
        input: Input::Snapshots,
        topic: TOPIC.to_owned(),
        partition,
        first_lost,
        next_read: Some(next_read),
        reason,
        topic_id_before: None,
        topic_id_after: None,
    }
}

#[test]
fn where_it_may_it_reads_on_behind_what_is_gone_and_says_what_is() {
    let cluster = Cluster::new(3);
    // The pretended broker keeps the last 5 MB of a partition.
    for _ in 0..8 {
        cluster.send(1, Some(&vec![b' '; 1_000_000]));
        cluster.flush();
    }
    cluster.send_good(1, 0, 3);
    let stored = of_snapshots([(0, span(0, 2)), (1, span(0, 1)), (2, span(5, 9))]);
    let mut reader = Running::new(&reading_on(&cluster), 0, 1, stored);
    reader.until_end();
    assert_eq!(reader.read.gaps, [gap(1, 1, 3, LostReason::Deleted), gap(2, 9, 0, LostReason::Truncated)]);
    assert_eq!(reader.read.positions, of_snapshots([(0, span(0, 3)), (1, span(0, 8)), (2, span(5, 0))]));
    assert_eq!(reader.of(0), [(2, 2)]);
    assert_eq!(reader.read.dead_letters.len(), 5);
    reader.stop().unwrap();
}

#[test]
fn a_broker_that_denies_what_it_has_is_asked_again() {
    let cluster = Cluster::new(1);
    cluster.send_good(1, 0, 10);
    let mut reader = Running::new(&reading_on(&cluster), 0, 1, Positions::new());
    reader.until_end();
    let gone = rdkafka::types::RDKafkaRespErr::RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE;
    cluster.mock.request_errors(RDKafkaApiKey::Fetch, &[gone; 3]);
    cluster.send_good(1, 10, 10);
    reader.until(|reader| reader.read.records.len() == 20);
    assert_eq!((reader.of(0), reader.read.gaps.len()), (counted(0..20), 0));
    cluster.mock.request_errors(RDKafkaApiKey::Fetch, &[gone; 100]);
    assert!(reader.outcome().unwrap_err().to_string().contains("the next record to read is gone"));
}

#[test]
fn a_topic_that_is_shorter_than_what_was_read_is_begun_anew_as_a_whole() {
    let cluster = Cluster::new(2);
    cluster.send_good(2, 0, 10);
    let source = reading_on(&cluster);
    let identity = source.identity().clone();
    let anew = |source: &KafkaSource, input: Input, stored: &[(u32, u64)]| {
        let stored = stored.iter().map(|(partition, next)| (*partition, span(0, *next))).collect();
        source.begun_anew(input, &identity, &stored).unwrap()
    };
    assert_eq!(anew(&source, Input::Snapshots, &[(0, 10), (1, 3)]), []);
    assert_eq!(anew(&source, Input::VideosTopic, &[(0, 11)]), []);
    assert_eq!(anew(&cluster.source(), Input::Snapshots, &[(0, 11)]), [], "it may not");
    let again = |partition, first_lost| gap(partition, first_lost, 0, LostReason::CreatedAgain);
    assert_eq!(anew(&source, Input::Snapshots, &[(0, 11), (1, 3)]), [again(0, 11), again(1, 3)]);
    let without = Gap { next_read: None, ..again(2, 0) };
    assert_eq!(anew(&source, Input::Snapshots, &[(0, 1), (2, 0)]), [again(0, 1), without]);
}
