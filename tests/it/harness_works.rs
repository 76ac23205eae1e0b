//! The harness itself: that what it promises to the other tests holds.

use std::time::Duration;

use nix::sys::signal::Signal;
use rdkafka::Offset;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message as _;

use crate::harness::kafka::{self, Kafka, Message};
use crate::harness::postgres::Database;
use crate::harness::process::{Process, viewtide};
use crate::harness::wait_for;

/// The values of partition 0, read from its beginning.
fn values(kafka: &Kafka, topic: &str, count: usize) -> Vec<Vec<u8>> {
    let consumer: BaseConsumer = kafka.client_config().set("group.id", "harness").create().expect("a consumer");
    let mut partitions = TopicPartitionList::new();
    partitions.add_partition_offset(topic, 0, Offset::Beginning).expect("an offset");
    consumer.assign(&partitions).expect("assign");
    let mut values = Vec::new();
    wait_for("the records", Duration::from_secs(30), || {
        if let Some(Ok(message)) = consumer.poll(Duration::from_millis(100)) {
            values.push(message.payload().unwrap_or_default().to_vec());
        }
        (values.len() >= count).then_some(())
    });
    values
}

#[test]
fn kafka_keeps_what_it_acknowledged_over_kill_and_restart() {
    let mut kafka = Kafka::start();
    let topic = kafka.fresh_topic("kept", 1);
    let message = |value| Message { partition: Some(0), value: Some(value), ..Message::default() };
    kafka.produce(&topic, [message(b"one"), message(b"two")]);
    kafka.kill();
    kafka.restart();
    assert_eq!(values(&kafka, &topic, 2), [b"one", b"two"]);
    kafka.signal(Signal::SIGSTOP);
    kafka.signal(Signal::SIGCONT);
    kafka.produce(&topic, [Message { key: Some(b"k"), timestamp_ms: Some(1), value: Some(b"three"), partition: None }]);
    assert_eq!(values(&kafka, &topic, 3), [&b"one"[..], b"two", b"three"]);
}

#[test]
fn kafka_topics_come_grow_and_go() {
    let kafka = kafka::shared();
    let topic = kafka.fresh_topic("grows", 1);
    kafka.add_partitions(&topic, 3);
    let consumer: BaseConsumer = kafka.client_config().create().expect("a consumer");
    wait_for("the new partitions", Duration::from_secs(30), || {
        let metadata = consumer.fetch_metadata(Some(&topic), Duration::from_secs(10)).expect("metadata");
        (metadata.topics()[0].partitions().len() == 3).then_some(())
    });
    kafka.delete_topic(&topic);
}

#[test]
fn databases_are_apart_and_go() {
    let (one, other) = (Database::fresh(), Database::fresh());
    one.rows("CREATE TABLE t (x text); INSERT INTO t VALUES ('a'), (NULL)");
    assert_eq!(one.rows("SELECT x FROM t ORDER BY x"), [[Some("a".to_owned())], [None]]);
    assert_eq!(other.value("SELECT count(*) FROM pg_tables WHERE tablename = 't'"), "0");
    let name = one.value("SELECT current_database()");
    drop(one);
    assert_eq!(other.value(&format!("SELECT count(*) FROM pg_database WHERE datname = '{name}'")), "0");
}

#[test]
fn processes_are_captured_signalled_and_killed() {
    let args = ["-c", "echo '{\"a\": 1}'; echo ready >&2; trap 'exit 3' TERM; while :; do sleep 0.01; done"];
    let mut process = Process::start("sh", &args.map(Into::into));
    process.wait_for_output("ready", Duration::from_secs(10));
    process.signal(Signal::SIGTERM);
    let finished = process.wait(Duration::from_secs(10)).expect_code(3);
    assert_eq!((finished.json()["a"].as_i64(), finished.signal()), (Some(1), None));

    let process = Process::start("sleep", &["60".into()]);
    let proc_dir = format!("/proc/{}", process.pid());
    drop(process);
    assert!(!std::path::Path::new(&proc_dir).exists(), "a dropped process is killed");
}

#[test]
fn the_binary_runs() {
    let finished = viewtide(["--version"]).wait(Duration::from_secs(10)).expect_code(0);
    assert_eq!(finished.stdout, format!("viewtide {}\n", env!("CARGO_PKG_VERSION")));
}
