//! Tests against the real things: Apache Kafka, PostgreSQL, and the built binary. `make setup-test` fetches what they need.

mod harness;
mod harness_works;
mod kafka_source;
mod managed;
