//! librdkafka's settings: ours, and what `-X key=value` may change.

use std::fmt;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaConfRes;

use super::SourceError;
use crate::limits::{KAFKA_PREFETCH_KBYTES, KAFKA_PREFETCH_MESSAGES};

/// How to reach Kafka.
#[derive(Clone)]
pub struct KafkaSettings {
    /// `host:port`, several by comma.
    pub brokers: String,
    /// Any setting of librdkafka, as `-X key=value` gave it.
    pub overrides: Vec<(String, String)>,
}

impl fmt::Debug for KafkaSettings {
    /// Without the values of settings: passwords are among them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<_> = self.overrides.iter().map(|(key, _)| key).collect();
        f.debug_struct("KafkaSettings").field("brokers", &self.brokers).field("overrides", &keys).finish()
    }
}

/// Settings that the guarantee rests on, by all their names, and what for.
const CONSUMER_FIXED: [(&[&str], &str); 6] = [
    (&["enable.auto.commit", "auto.commit.enable"], "offsets are committed with the rows, in Postgres"),
    (&["enable.auto.offset.store"], "offsets are committed with the rows, in Postgres"),
    (&["auto.offset.reset"], "records that are gone must be an error, not a silent jump"),
    (&["enable.partition.eof"], "the end of a partition tells how far was read"),
    (&["max.poll.interval.ms"], "a reader that waits for Postgres is not dead"),
    (&["log.queue"], "it carries the client's messages to our log"),
];

const PRODUCER_FIXED: [(&[&str], &str); 5] = [
    (&["enable.idempotence"], "a record must not be written twice"),
    (&["acks", "request.required.acks"], "a record counts once all replicas have it"),
    (&["enable.gapless.guarantee"], "a record that failed must not be passed over"),
    (&["delivery.report.only.error"], "each record's acknowledgement is counted"),
    (&["log.queue"], "it carries the client's messages to our log"),
];

const BOTH_FIXED: [(&[&str], &str); 2] = [
    (&["bootstrap.servers", "metadata.broker.list"], "use --brokers"),
    (&["test.mock.num.brokers"], "it would replace the brokers by pretended ones"),
];

impl KafkaSettings {
    /// Settings of a consumer whose group is `group`; the group only shows lag tools how far rows are durable.
    ///
    /// # Errors
    /// A setting that may not be changed.
    pub(super) fn consumer(&self, group: &str) -> Result<ClientConfig, SourceError> {
        let mut config = self.both();
        config
            .set("group.id", group)
            .set("isolation.level", "read_committed")
            // Fetches answer as soon as there is a record; without one the end is told ten times a second.
            .set("fetch.min.bytes", "1")
            .set("fetch.wait.max.ms", "100")
            // How far to read ahead. A full queue is looked at again after 10 ms, not after a second.
            .set("queued.min.messages", KAFKA_PREFETCH_MESSAGES.to_string())
            .set("queued.max.messages.kbytes", KAFKA_PREFETCH_KBYTES.to_string())
            .set("fetch.queue.backoff.ms", "10");
        self.apply(&mut config, &CONSUMER_FIXED)?;
        config
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "error")
            .set("enable.partition.eof", "true")
            .set("max.poll.interval.ms", "86400000");
        Ok(config)
    }

    /// Settings of a producer that writes each record once.
    ///
    /// # Errors
    /// A setting that may not be changed.
    pub(crate) fn producer(&self) -> Result<ClientConfig, SourceError> {
        let mut config = self.both();
        config.set("linger.ms", "5").set("compression.type", "zstd");
        self.apply(&mut config, &PRODUCER_FIXED)?;
        config.set("enable.idempotence", "true").set("acks", "all");
        Ok(config)
    }

    /// Settings of a client that only looks and manages topics.
    ///
    /// # Errors
    /// A setting that may not be changed.
    pub(crate) fn admin(&self) -> Result<ClientConfig, SourceError> {
        let mut config = self.both();
        self.apply(&mut config, &[])?;
        Ok(config)
    }

    fn both(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.brokers)
            .set("client.id", "viewtide")
            .set("socket.nagle.disable", "true")
            .set("socket.keepalive.enable", "true")
            // A broker that comes back is found within a second, not within ten.
            .set("reconnect.backoff.ms", "100")
            .set("reconnect.backoff.max.ms", "1000")
            .set_log_level(rdkafka::config::RDKafkaLogLevel::Info);
        config
    }

    fn apply(&self, config: &mut ClientConfig, fixed: &[(&[&str], &str)]) -> Result<(), SourceError> {
        for (key, value) in &self.overrides {
            for (names, why) in fixed.iter().chain(&BOTH_FIXED) {
                if names.contains(&key.as_str()) {
                    return Err(SourceError::new(format!("the Kafka setting {key} cannot be changed: {why}")));
                }
            }
            config.set(key, value);
        }
        Ok(())
    }
}

/// What to say of a client that could not be made: a setting that librdkafka does not know or take. Not its value, nor what
/// librdkafka says, which quotes it: it may be a password under a wrong key.
pub(crate) fn refused(error: &KafkaError) -> SourceError {
    match error {
        KafkaError::ClientConfig(RDKafkaConfRes::RD_KAFKA_CONF_UNKNOWN, _, key, _) => {
            SourceError::new(format!("the Kafka setting {key} was refused: librdkafka has no setting of that name"))
        }
        KafkaError::ClientConfig(_, _, key, _) => SourceError::new(format!(
            "the Kafka setting {key} was refused: its value is none that librdkafka takes; see its CONFIGURATION.md"
        )),
        other => SourceError::new(format!("cannot make a Kafka client: {other}")),
    }
}

/// What is left of `timeout` since `start`, at least a moment, so that a last try can still be answered at once.
pub(super) fn left(start: std::time::Instant, timeout: Duration) -> Duration {
    timeout.saturating_sub(start.elapsed()).max(Duration::from_millis(100))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(key: &str, value: &str) -> KafkaSettings {
        KafkaSettings { brokers: "localhost:1".to_owned(), overrides: vec![(key.to_owned(), value.to_owned())] }
    }

    #[test]
    fn what_the_guarantee_rests_on_cannot_be_changed() {
        for (names, _) in CONSUMER_FIXED.iter().chain(&BOTH_FIXED) {
            for name in *names {
                let error = settings(name, "true").consumer("g").unwrap_err().to_string();
                assert!(error.contains(name), "{error}");
            }
        }
        for (names, _) in PRODUCER_FIXED.iter().chain(&BOTH_FIXED) {
            for name in *names {
                assert!(settings(name, "true").producer().unwrap_err().to_string().contains(name));
            }
        }
        assert_eq!(
            settings("auto.offset.reset", "latest").consumer("g").unwrap_err().to_string(),
            "the Kafka setting auto.offset.reset cannot be changed: records that are gone must be an error, not a \
             silent jump"
        );
    }

    #[test]
    fn no_password_is_shown() {
        let shown = format!("{:?}", settings("sasl.password", "secret"));
        assert!(shown.contains("sasl.password") && !shown.contains("secret"), "{shown}");
    }

    #[test]
    fn any_other_setting_can_be_changed() {
        let config = settings("fetch.wait.max.ms", "7").consumer("g").unwrap();
        assert_eq!(config.get("fetch.wait.max.ms"), Some("7"));
        assert_eq!(config.get("auto.offset.reset"), Some("error"));
        assert_eq!(settings("group.id", "mine").consumer("g").unwrap().get("group.id"), Some("mine"));
        let config = settings("compression.type", "none").producer().unwrap();
        assert_eq!((config.get("compression.type"), config.get("acks")), (Some("none"), Some("all")));
    }

    #[test]
    fn a_setting_that_librdkafka_does_not_know_is_named() {
        let config = settings("no.such.setting", "1").consumer("g").unwrap();
        let error = config.create::<rdkafka::consumer::BaseConsumer>().err().unwrap();
        let said = refused(&error).to_string();
        assert_eq!(said, "the Kafka setting no.such.setting was refused: librdkafka has no setting of that name");
    }

    #[test]
    fn a_value_that_librdkafka_does_not_take_is_not_shown() {
        for key in ["security.protocol", "fetch.wait.max.ms", "enable.ssl.certificate.verification", "s3cret-key"] {
            let config = settings(key, "s3cret").consumer("g").unwrap();
            let error = config.create::<rdkafka::consumer::BaseConsumer>().err().unwrap();
            let said = refused(&error).to_string();
            assert!(said.contains(key) && !said.replace(key, "").contains("s3cret"), "{said}");
        }
    }
}
