//! CSV files to Kafka: one record a row, keyed by video, in the plain JSON form, in the order of the files.
//!
//! A row is sent field by field as it stands: whether it is a snapshot is judged where it is read, so that a replayed file
//! and the file itself give the same rows, the same words on titles, channels and categories, and the same dead letters. A row
//! that has no fields to send (not UTF-8, too large, another number of fields than the header) is reported, left out, and
//! counted.

mod pace;
mod row;
pub(crate) mod send;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

pub use pace::Pace;

use crate::limits::REPLAY_PROGRESS_INTERVAL;
use crate::source::csv_file::CheckedFile;
use crate::source::csv_folder::files_in;
use crate::source::kafka::no_topic;
use crate::source::kafka_settings::KafkaSettings;
use crate::source::{Input, SourceError};
use pace::Metronome;
use row::Encoder;
use send::{Missing, Outgoing, Sender};

/// What to send, where and how fast.
#[derive(Clone, Debug)]
pub struct ReplayConfig {
    /// Brokers and librdkafka's settings.
    pub settings: KafkaSettings,
    /// The topic.
    pub topic: String,
    /// The files, in this order; a directory stands for those in it.
    pub files: Vec<String>,
    /// Creates the topic with so many partitions if there is none.
    pub partitions: Option<u32>,
    /// How fast.
    pub pace: Pace,
}

/// What a replay says on its way.
#[derive(Clone, Debug)]
pub enum ReplayEvent {
    /// A few times a second.
    Progress(ReplayProgress),
    /// A row was left out.
    LeftOut {
        /// The file as it was named.
        file: String,
        /// The line on which the row begins, from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
}

/// How far a replay is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplayProgress {
    /// Rows of all files.
    pub rows: u64,
    /// Rows handed to the client.
    pub sent: u64,
    /// Rows that all replicas have.
    pub acknowledged: u64,
    /// Rows that could not be sent.
    pub left_out: u64,
}

/// How a replay ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplaySummary {
    /// How far it came; each row sent was acknowledged.
    pub progress: ReplayProgress,
    /// Whether it was stopped before its end.
    pub stopped: bool,
    /// How long it took.
    pub elapsed: Duration,
}

impl ReplaySummary {
    /// Whether every row was sent; a replay with rows left out ends with exit code 1.
    pub fn is_complete(&self) -> bool {
        !self.stopped && self.progress.left_out == 0
    }
}

/// Why a replay failed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A file, a setting or the brokers.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The topic could not be created.
    #[error("cannot create the Kafka topic {topic}: {why}")]
    Topic {
        /// Its name.
        topic: String,
        /// What the broker said.
        why: String,
    },
    /// Records that were sent and not acknowledged: they may be in the topic or not.
    #[error(
        "{} of {} records sent to Kafka topic {topic} were not acknowledged: {why}",
        .progress.sent - .progress.acknowledged,
        .progress.sent
    )]
    NotAcknowledged {
        /// Its name.
        topic: String,
        /// How far it came.
        progress: ReplayProgress,
        /// The first error.
        why: String,
    },
}

/// Sends the rows of all files, and waits until each is acknowledged. Once `stop` is set no more rows are sent.
///
/// # Errors
/// A file that cannot be read (all are read once before the first row is sent); brokers that are not there; records that were
/// not acknowledged.
pub fn replay(
    config: &ReplayConfig,
    stop: &AtomicBool,
    observe: &mut dyn FnMut(ReplayEvent),
) -> Result<ReplaySummary, ReplayError> {
    let start = Instant::now();
    let paths = files_in(&config.files)?;
    let files: Vec<_> =
        paths.iter().map(|path| CheckedFile::check(path, Input::Snapshots)).collect::<Result<_, _>>()?;
    let mut rows = 0;
    for file in &files {
        rows += count_rows(file)?;
    }
    let missing = config.partitions.map_or(Missing::Said(no_topic), Missing::Created);
    let sender = Sender::connect(&config.settings, [config.topic.as_str()], missing)?;
    let progress = ReplayProgress { rows, ..ReplayProgress::default() };
    let mut replay = Replay {
        config,
        stop,
        observe,
        sender,
        progress,
        metronome: Metronome::start(config.pace),
        observed: Instant::now(),
    };
    for file in &files {
        if !replay.file(file)? {
            break;
        }
    }
    let stopped = stop.load(Ordering::Relaxed);
    let progress = replay.finish()?;
    Ok(ReplaySummary { progress, stopped, elapsed: start.elapsed() })
}

/// The rows of a file; that it can be read to its end is known before anything is sent.
fn count_rows(file: &CheckedFile) -> Result<u64, SourceError> {
    let mut rows = file.rows()?;
    let mut count = 0;
    loop {
        let line = rows.line();
        match rows.next_row() {
            Ok(Some(_)) => count += 1,
            Ok(None) => return Ok(count),
            Err(error) => return Err(file.broken_off(line, &error)),
        }
    }
}

struct Replay<'a> {
    config: &'a ReplayConfig,
    stop: &'a AtomicBool,
    observe: &'a mut dyn FnMut(ReplayEvent),
    sender: Sender,
    progress: ReplayProgress,
    metronome: Metronome,
    observed: Instant,
}

impl Replay<'_> {
    /// Sends one file; false once there is no point in going on.
    fn file(&mut self, file: &CheckedFile) -> Result<bool, ReplayError> {
        let mut rows = file.rows()?;
        let mut encoder = Encoder::new(file.columns);
        loop {
            let line = rows.line();
            let row = rows.next_row().map_err(|error| file.broken_off(line, &error))?;
            let Some(row) = row else { return Ok(true) };
            let sent = match encoder.encode(&row) {
                Ok(encoded) => {
                    if !self.metronome.wait(encoded.event_time, self.stop) {
                        return Ok(false);
                    }
                    let topic = &self.config.topic;
                    let record = Outgoing { topic, key: encoded.key, value: encoded.value, timestamp_ms: None };
                    self.sender.send(&record, self.stop)
                }
                Err(refusal) => Err(send::Unsent::Refused(refusal.to_string())),
            };
            match sent {
                Ok(()) => self.progress.sent += 1,
                Err(send::Unsent::Refused(reason)) => {
                    self.progress.left_out += 1;
                    (self.observe)(ReplayEvent::LeftOut { file: file.file.path.clone(), line: row.line, reason });
                }
                Err(send::Unsent::Stopped) => return Ok(false),
            }
            self.look(REPLAY_PROGRESS_INTERVAL);
        }
    }

    fn look(&mut self, interval: Duration) {
        if self.observed.elapsed() >= interval {
            self.observed = Instant::now();
            self.progress.acknowledged = self.sender.acknowledged();
            (self.observe)(ReplayEvent::Progress(self.progress));
        }
    }

    /// Waits until each record is acknowledged, or has failed.
    fn finish(mut self) -> Result<ReplayProgress, ReplayError> {
        while self.sender.waits(REPLAY_PROGRESS_INTERVAL, self.stop) {
            self.look(Duration::ZERO);
        }
        self.look(Duration::ZERO);
        if self.progress.acknowledged == self.progress.sent {
            return Ok(self.progress);
        }
        Err(ReplayError::NotAcknowledged {
            topic: self.config.topic.clone(),
            progress: self.progress,
            why: self.sender.why(),
        })
    }
}

#[cfg(test)]
mod tests;
