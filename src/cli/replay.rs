//! `viewtide replay`.

use anyhow::anyhow;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::cli::Outcome;
use crate::cli::kafka::KafkaArgs;
use crate::cli::stop::stop_on_signals;
use crate::replay::{Pace, ReplayConfig, ReplayEvent, ReplaySummary, replay};

/// What to send, where and how fast.
#[derive(Clone, Debug, Args)]
pub struct ReplayArgs {
    /// CSV files, plain or gzip, sent in the order given; a directory stands for its *.csv and *.csv.gz, by name
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// Kafka brokers, as host:port,host:port
    #[arg(long, env = "VIEWTIDE_BROKERS", value_name = "BROKERS")]
    brokers: String,
    /// Kafka topic
    #[arg(long, env = "VIEWTIDE_TOPIC", value_name = "TOPIC", default_value = "youtube_stats")]
    topic: String,
    /// Create the topic with so many partitions if there is none
    #[arg(long, env = "VIEWTIDE_PARTITIONS", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    partitions: Option<u32>,
    /// Records per second
    #[arg(long, env = "VIEWTIDE_RATE", value_name = "N", conflicts_with = "speed", value_parser = parse_positive)]
    rate: Option<f64>,
    /// So many times as fast as the snapshots were made
    #[arg(long, env = "VIEWTIDE_SPEED", value_name = "X", value_parser = parse_positive)]
    speed: Option<f64>,
    #[command(flatten)]
    kafka: KafkaArgs,
}

fn parse_positive(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0).ok_or("a number above 0".to_owned())
}

/// The line of JSON that a replay ends with.
#[derive(Serialize)]
struct Summary {
    rows: u64,
    sent: u64,
    acknowledged: u64,
    left_out: u64,
    stopped: bool,
    seconds: f64,
}

impl From<ReplaySummary> for Summary {
    fn from(ReplaySummary { progress, stopped, elapsed }: ReplaySummary) -> Self {
        Self {
            rows: progress.rows,
            sent: progress.sent,
            acknowledged: progress.acknowledged,
            left_out: progress.left_out,
            stopped,
            seconds: elapsed.as_secs_f64(),
        }
    }
}

/// Sends the files.
pub fn execute(args: ReplayArgs) -> anyhow::Result<Outcome> {
    let stop = stop_on_signals()?;
    let config = ReplayConfig {
        settings: args.kafka.settings(&args.brokers),
        topic: args.topic,
        files: args.files,
        partitions: args.partitions,
        pace: match (args.rate, args.speed) {
            (Some(rate), _) => Pace::PerSecond(rate),
            (None, Some(speed)) => Pace::EventTime(speed),
            (None, None) => Pace::FlatOut,
        },
    };
    // Drawn where standard error is a terminal, and nowhere else.
    let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template(
        "{wide_bar} {human_pos} of {human_len} records, {per_sec}, {eta} left",
    )?);
    let summary = replay(&config, &stop, &mut |event| match event {
        ReplayEvent::Progress(progress) => {
            bar.set_length(progress.rows);
            bar.set_position(progress.acknowledged);
        }
        ReplayEvent::LeftOut { file, line, reason } => {
            bar.suspend(|| tracing::warn!(file, line, "a row was left out: {reason}"));
        }
    });
    bar.finish_and_clear();
    let summary = summary?;
    let json = serde_json::to_string(&Summary::from(summary)).map_err(|error| anyhow!("the summary: {error}"))?;
    println!("{json}");
    Ok(if summary.is_complete() { Outcome::Done } else { Outcome::Incomplete })
}
