//! Where records come from: the flags that `run` and `verify` share.

use std::sync::Arc;

use clap::Args;
use viewtide_dataflows::snapshot::EventTime;

use crate::source::csv::CsvSource;
use crate::source::kafka::{KafkaConfig, KafkaSource, Start};
use crate::source::kafka_settings::KafkaSettings;
use crate::source::{Input, OnLostOffsets, Source};

/// The consumer group that lag tools see.
const GROUP: &str = "viewtide";

/// The input: Kafka or CSV.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Input")]
pub struct InputArgs {
    /// Kafka brokers, as host:port,host:port
    #[arg(long, env = "VIEWTIDE_BROKERS", value_name = "BROKERS", conflicts_with = "csv")]
    brokers: Option<String>,
    /// Kafka topic
    #[arg(long, env = "VIEWTIDE_TOPIC", value_name = "TOPIC", default_value = "youtube_stats")]
    topic: String,
    /// CSV files, plain or gzip, read in the order given
    #[arg(long, env = "VIEWTIDE_CSV", value_name = "FILE", num_args = 1.., value_delimiter = ',')]
    csv: Vec<String>,
    #[command(flatten)]
    kafka: KafkaArgs,
}

/// librdkafka's settings.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Input")]
pub struct KafkaArgs {
    /// Any setting of librdkafka, such as -X security.protocol=ssl; may be given several times
    #[arg(
        short = 'X',
        long = "kafka-setting",
        env = "VIEWTIDE_KAFKA_SETTING",
        value_name = "KEY=VALUE",
        value_delimiter = ';',
        value_parser = parse_setting,
        hide_env_values = true
    )]
    settings: Vec<(String, String)>,
}

/// Parses `key=value`.
fn parse_setting(setting: &str) -> Result<(String, String), String> {
    match setting.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.trim().to_owned())),
        _ => Err("a setting of librdkafka is written key=value".to_owned()),
    }
}

impl KafkaArgs {
    /// The settings for `brokers`.
    pub fn settings(&self, brokers: &str) -> KafkaSettings {
        KafkaSettings { brokers: brokers.to_owned(), overrides: self.settings.clone() }
    }
}

impl InputArgs {
    /// Opens what is named, if anything is.
    pub fn open(
        &self,
        start: Start,
        future_max_us: i64,
        on_lost: OnLostOffsets,
    ) -> anyhow::Result<Option<Arc<dyn Source>>> {
        if let Some(brokers) = &self.brokers {
            let source = KafkaSource::open(KafkaConfig {
                input: Input::Snapshots,
                settings: self.kafka.settings(brokers),
                topic: self.topic.clone(),
                group: GROUP.to_owned(),
                start,
                future_max_us,
            })?;
            return Ok(Some(Arc::new(source.on_lost_offsets(on_lost))));
        }
        if self.csv.is_empty() {
            return Ok(None);
        }
        Ok(Some(Arc::new(CsvSource::open(&self.csv, future_max_us)?)))
    }
}

/// Parses `--start`.
pub fn parse_start(text: &str) -> Result<Start, String> {
    if text == "earliest" {
        return Ok(Start::Earliest);
    }
    let time: jiff::Timestamp =
        text.parse().map_err(|_| "write `earliest`, or a time such as 2025-07-01T00:00:00Z".to_owned())?;
    Ok(Start::At(EventTime::from(time.as_microsecond())))
}
