//! Tests against the real things: Apache Kafka, PostgreSQL, and the built binary. `make setup-test` fetches what they need.

mod bad_input;
mod commit_cut;
mod crash;
mod dead_letters;
mod disorder;
mod evaluate;
mod faults;
mod harness;
mod harness_works;
mod kafka_source;
mod lost_offsets;
mod managed;
mod metadata;
mod options;
mod oracle;
mod outages;
mod picture;
mod readme;
mod real_data;
mod refusals;
mod scenario;
mod sharing;
mod stopping;
mod train;
mod verify_finds;
mod zombie;
