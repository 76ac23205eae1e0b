//! Where records come from: the flags that `run` and `verify` share.

use std::sync::Arc;

use clap::Args;
use viewtide_dataflows::snapshot::EventTime;

use crate::cli::UsageError;
use crate::source::csv::CsvSource;
use crate::source::kafka::{KafkaConfig, KafkaSource, Start};
use crate::source::kafka_settings::KafkaSettings;
use crate::source::side_by_side::SideBySide;
use crate::source::videos_file::VideosFile;
use crate::source::{Input, OnLostOffsets, Source, SourceIdentity};

/// The consumer group that lag tools see.
const GROUP: &str = "viewtide";

/// The topic of videos that is read where the brokers have it.
const VIDEOS_TOPIC: &str = "youtube_videos";

/// The input: Kafka or CSV, and what is known of videos beside it.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Input")]
pub struct InputArgs {
    /// Kafka brokers, as host:port,host:port
    #[arg(long, env = "VIEWTIDE_BROKERS", value_name = "BROKERS", group = "snapshots", conflicts_with = "csv")]
    brokers: Option<String>,
    /// Kafka topic of snapshots: JSON, in the plain form, or items and whole responses of the YouTube Data API
    #[arg(long, env = "VIEWTIDE_TOPIC", value_name = "TOPIC", default_value = "youtube_stats")]
    topic: String,
    /// CSV files, plain or gzip, read in the order given; a directory stands for its *.csv and *.csv.gz, by name
    #[arg(
        long,
        env = "VIEWTIDE_CSV",
        value_name = "FILE",
        num_args = 1..,
        value_delimiter = ',',
        group = "snapshots"
    )]
    csv: Vec<String>,
    /// CSV file of titles, channels and categories, plain or gzip; what other inputs say of a video comes before it
    #[arg(long, env = "VIEWTIDE_VIDEOS", value_name = "FILE", requires = "snapshots")]
    videos: Option<String>,
    /// Kafka topic of titles, channels and categories [default: youtube_videos, where the brokers have it]
    #[arg(long, env = "VIEWTIDE_VIDEOS_TOPIC", value_name = "TOPIC", requires = "brokers", conflicts_with = "csv")]
    videos_topic: Option<String>,
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
        let mut beside: Vec<(Input, Arc<dyn Source>)> = Vec::new();
        let snapshots: Arc<dyn Source> = if let Some(brokers) = &self.brokers {
            let config = KafkaConfig {
                input: Input::Snapshots,
                settings: self.kafka.settings(brokers),
                topic: self.topic.clone(),
                group: GROUP.to_owned(),
                start,
                future_max_us,
            };
            let snapshots = KafkaSource::open(config.clone())?.on_lost_offsets(on_lost);
            if let Some(videos) = self.videos_topic(config)? {
                beside.push((Input::VideosTopic, Arc::new(videos.on_lost_offsets(on_lost))));
            }
            Arc::new(snapshots)
        } else if self.csv.is_empty() {
            return Ok(None);
        } else {
            Arc::new(CsvSource::open(&self.csv, future_max_us)?)
        };
        if let Some(path) = &self.videos {
            // Dead letters are told apart by the name of their file and the line.
            if matches!(snapshots.identity(), SourceIdentity::Csv { files } if files.iter().any(|file| file.path == *path))
            {
                let wrong = format!(
                    "--csv and --videos both name {path}; name it once: what rows of snapshots say of titles, channels and \
                     categories is read as well"
                );
                return Err(UsageError(wrong, "run").into());
            }
            beside.push((Input::VideosFile, Arc::new(VideosFile::open(path)?)));
        }
        Ok(Some(if beside.is_empty() { snapshots } else { Arc::new(SideBySide::new(snapshots, beside)) }))
    }

    /// The topic of videos: the one named, which has to be there, or the usual one, which may be.
    fn videos_topic(&self, snapshots: KafkaConfig) -> anyhow::Result<Option<KafkaSource>> {
        if self.videos_topic.as_ref() == Some(&self.topic) {
            let wrong = format!("--topic and --videos-topic both name {}; a topic has snapshots or videos", self.topic);
            return Err(UsageError(wrong, "run").into());
        }
        let topic = self.videos_topic.clone().unwrap_or_else(|| VIDEOS_TOPIC.to_owned());
        let config = KafkaConfig { input: Input::VideosTopic, topic, ..snapshots };
        Ok(match &self.videos_topic {
            Some(_) => Some(KafkaSource::open(config)?),
            None if self.topic == VIDEOS_TOPIC => None,
            None => KafkaSource::open_if_there(config)?,
        })
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
