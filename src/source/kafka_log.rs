//! What librdkafka has to say, in our log: each kind of trouble once, then at most every half a minute.
//!
//! While a broker is away every client says so several times a second; what is left out is counted and said.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::{ClientContext, TopicPartitionList};
use tracing::{debug, warn};

use crate::limits::KAFKA_LOG_INTERVAL;

/// Receives the messages of one or more clients; clones share what they know.
#[derive(Clone, Default)]
pub(crate) struct KafkaLog(Arc<Mutex<Heard>>);

#[derive(Default)]
struct Heard {
    kinds: HashMap<String, Kind>,
    last: Option<String>,
}

struct Kind {
    said: Instant,
    left_out: u64,
}

impl Heard {
    /// Whether to say a message of `kind` now, and how many of it were left out since the last one.
    fn admit(&mut self, kind: &str, now: Instant, interval: Duration) -> Option<u64> {
        match self.kinds.get_mut(kind) {
            Some(known) if now.duration_since(known.said) < interval => {
                known.left_out += 1;
                None
            }
            Some(known) => {
                known.said = now;
                Some(std::mem::take(&mut known.left_out))
            }
            None => {
                self.kinds.insert(kind.to_owned(), Kind { said: now, left_out: 0 });
                Some(0)
            }
        }
    }
}

impl KafkaLog {
    /// The newest trouble, which tells why something did not answer.
    pub(crate) fn last_trouble(&self) -> Option<String> {
        self.heard().last.clone()
    }

    fn heard(&self) -> std::sync::MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn trouble(&self, kind: &str, message: &str) {
        let admitted = {
            let mut heard = self.heard();
            heard.last = Some(message.to_owned());
            heard.admit(kind, Instant::now(), KAFKA_LOG_INTERVAL)
        };
        match admitted {
            Some(0) => warn!("Kafka: {message}"),
            Some(left_out) => warn!(left_out, "Kafka: {message}"),
            None => {}
        }
    }
}

impl ClientContext for KafkaLog {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => {
                debug!("librdkafka: {facility} {message}");
            }
            // A message begins with the thread that says it, which tells nothing to who reads it.
            _ => self.trouble(facility, message.split_once("]: ").map_or(message, |(_, rest)| rest)),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::PartitionEOF) => {}
            Some(code) => self.trouble(&format!("{code:?}"), reason),
            None => self.trouble("", reason),
        }
    }

    fn stats_raw(&self, statistics: &[u8]) {
        debug!("librdkafka: {}", String::from_utf8_lossy(statistics));
    }
}

impl ConsumerContext for KafkaLog {
    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        if let Err(error) = result {
            debug!("the group's offsets, which are for information only, were not committed: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_said_once_an_interval_and_the_rest_counted() {
        let mut heard = Heard::default();
        let start = Instant::now();
        let interval = Duration::from_secs(30);
        let at = |second| start + Duration::from_secs(second);
        assert_eq!(heard.admit("FAIL", at(0), interval), Some(0));
        assert_eq!(heard.admit("FAIL", at(1), interval), None);
        assert_eq!(heard.admit("AUTH", at(1), interval), Some(0));
        assert_eq!(heard.admit("FAIL", at(29), interval), None);
        assert_eq!(heard.admit("FAIL", at(30), interval), Some(2));
        assert_eq!(heard.admit("FAIL", at(60), interval), Some(0));
    }
}
