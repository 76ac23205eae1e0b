//! Dead letters to Kafka again, through the producer of `replay`: each once, in order, every acknowledgement counted.
//!
//! What cannot be sent, since its bytes are not all there or are no record, is refused and said; the rest goes.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio_postgres::Client;

use crate::dead_letters::DeadLettersError;
use crate::dead_letters::filter::Filter;
use crate::dead_letters::letter::Letter;
use crate::dead_letters::repaired::RepairedFile;
use crate::dead_letters::stored::StoredLetters;
use crate::limits::REPLAY_PROGRESS_INTERVAL;
use crate::replay::send::{Missing, Outgoing, Sender, Unsent};
use crate::source::kafka::no_topic_to_resend_to;
use crate::source::kafka_settings::KafkaSettings;

/// Where dead letters come from.
pub enum LettersFrom<'a> {
    /// The table.
    Database(&'a mut Client),
    /// A file as `export` writes it.
    File(PathBuf),
}

/// The time that a record sent again has in Kafka. It is the event time of what has no timestamp of its own, such as an
/// answer of the YouTube API, and says what is too far in the future.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamp {
    /// The one that it had; where there is none, when the dead letter was stored.
    Kept,
    /// When the dead letter was stored, which is soon after it was read.
    Received,
    /// The time of sending.
    Now,
}

/// What is sent, and where to.
#[derive(Clone, Debug)]
pub struct ResendConfig {
    /// Brokers and librdkafka's settings; without them nothing is sent, and it is only said what would be.
    pub settings: Option<KafkaSettings>,
    /// Which.
    pub filter: Filter,
    /// The topic, where it is not the one that each came from.
    pub to_topic: Option<String>,
    /// The time of the records.
    pub stamp: Stamp,
}

/// Why a dead letter is not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Its end is missing.
    #[error(
        "the record was too large, and only its first 64 KiB were kept; send it in parts, from where it came from (in a \
         file: put the whole payload there and remove payload_is_cut)"
    )]
    Cut,
    /// The end of its key is missing.
    #[error(
        "it is an item of a response whose key has more bytes than are kept of it, and the key decides on the partition (in \
         a file: write the whole key, which is best the video's id, and remove key_is_cut)"
    )]
    KeyCut,
    /// A tombstone.
    #[error("it has no payload (a tombstone), so there is nothing to send")]
    NoPayload,
    /// CSV goes by no topic.
    #[error("it came from a CSV file, so there is no topic to send it to again; name one with --to-topic")]
    NoTopic,
    /// CSV is no JSON.
    #[error(
        "it is a row of a CSV file, and a topic holds JSON: repair the file and read that, or `viewtide dead-letters \
         export` it, write its payload as JSON, and send it with --file and --to-topic"
    )]
    CsvRow,
    /// The client takes no record of this size.
    #[error("{0}")]
    Unsendable(String),
}

/// What a replay of dead letters says on its way.
#[derive(Debug)]
pub enum ResendEvent<'a> {
    /// A few times a second.
    Progress(&'a ResendSummary),
    /// One is not sent.
    Refused(&'a Letter, Refused),
    /// One would be sent, to this topic.
    WouldSend(&'a Letter, &'a str),
}

/// How far it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResendSummary {
    /// Dead letters that the filter lets pass.
    pub chosen: u64,
    /// Handed to the client; where nothing is sent, those that would be.
    pub sent: u64,
    /// Those that all replicas have.
    pub acknowledged: u64,
    /// Those that cannot be sent.
    pub refused: u64,
    /// Those of before a gap, which the filter leaves out.
    pub left_out: u64,
    /// Whether it was stopped before its end.
    pub stopped: bool,
    /// Why some were not acknowledged.
    pub why: Option<String>,
    /// How long it took.
    pub elapsed: Duration,
}

impl ResendSummary {
    /// Those that were neither refused nor acknowledged.
    pub fn missing(&self) -> u64 {
        self.chosen.saturating_sub(self.refused).saturating_sub(self.acknowledged)
    }

    /// Whether every one was sent and acknowledged.
    pub fn is_complete(&self) -> bool {
        !self.stopped && self.refused == 0 && self.why.is_none()
    }
}

/// Sends the dead letters that `from` holds, and waits until each is acknowledged.
///
/// # Errors
/// A database or a file that cannot be read, brokers or topics that are not there. A record that was not acknowledged is
/// said in the summary.
pub async fn resend(
    from: LettersFrom<'_>,
    config: &ResendConfig,
    stop: &AtomicBool,
    observe: &mut dyn FnMut(ResendEvent<'_>),
) -> Result<ResendSummary, DeadLettersError> {
    let began = Instant::now();
    let mut resend = Resend { config, stop, observe, sender: None, summary: ResendSummary::default(), observed: began };
    match from {
        LettersFrom::Database(client) => {
            let letters = StoredLetters::open(client).await?;
            let topics = letters.topics(&config.filter).await?;
            resend.summary.chosen = letters.count(&config.filter).await?;
            if let Some(left_out) = config.filter.left_out() {
                resend.summary.left_out = letters.count(&left_out).await?;
            }
            resend.connect(topics.iter().map(String::as_str).filter(|topic| !letters.is_csv(topic)))?;
            letters.each(&config.filter, |letter| Ok(resend.letter(&letter))).await?;
        }
        LettersFrom::File(path) => {
            let file = RepairedFile::check(&path, &config.filter)?;
            resend.summary.chosen = file.count;
            if let Some(left_out) = config.filter.left_out() {
                resend.summary.left_out = RepairedFile::check(&path, &left_out)?.count;
            }
            resend.connect(file.topics.iter().map(String::as_str))?;
            resend.file(&file);
        }
    }
    resend.finish();
    Ok(ResendSummary { elapsed: began.elapsed(), ..resend.summary })
}

struct Resend<'a> {
    config: &'a ResendConfig,
    stop: &'a AtomicBool,
    observe: &'a mut dyn FnMut(ResendEvent<'_>),
    sender: Option<Sender>,
    summary: ResendSummary,
    observed: Instant,
}

impl Resend<'_> {
    /// Connects, where anything is to be sent; `from` are the topics that the dead letters came from.
    fn connect<'t>(&mut self, from: impl Iterator<Item = &'t str>) -> Result<(), DeadLettersError> {
        let Some(settings) = self.config.settings.as_ref().filter(|_| self.summary.chosen > 0) else { return Ok(()) };
        let sender = match self.config.to_topic.as_deref() {
            Some(topic) => Sender::connect(settings, [topic], Missing::Said(no_topic_to_resend_to)),
            None => Sender::connect(settings, from, Missing::Said(no_topic_to_resend_to)),
        };
        self.sender = Some(sender?);
        Ok(())
    }

    /// Sends one, or says why not; false once there is no point in going on.
    fn letter(&mut self, letter: &Letter) -> bool {
        if self.stop.load(Ordering::Relaxed) {
            return false;
        }
        let sent = match (judge(letter, self.config.to_topic.as_deref()), &self.sender) {
            (Err(refused), _) => Err(refused),
            (Ok((topic, _)), None) => {
                (self.observe)(ResendEvent::WouldSend(letter, topic));
                Ok(())
            }
            (Ok((topic, value)), Some(sender)) => {
                let timestamp = match self.config.stamp {
                    Stamp::Kept => letter.kafka_timestamp.or(letter.received_at),
                    Stamp::Received => letter.received_at,
                    Stamp::Now => None,
                };
                let timestamp_ms = timestamp.map(|at| at.as_millisecond());
                match sender.send(&Outgoing { topic, key: letter.key.as_deref(), value, timestamp_ms }, self.stop) {
                    Ok(()) => Ok(()),
                    Err(Unsent::Refused(why)) => Err(Refused::Unsendable(why)),
                    Err(Unsent::Stopped) => return false,
                }
            }
        };
        match sent {
            Ok(()) => self.summary.sent += 1,
            Err(refused) => {
                self.summary.refused += 1;
                (self.observe)(ResendEvent::Refused(letter, refused));
            }
        }
        self.look(REPLAY_PROGRESS_INTERVAL);
        true
    }

    /// Sends those of a file that was checked. Somebody may change it meanwhile: then what was sent is sent, and that is said.
    fn file(&mut self, file: &RepairedFile) {
        let (mut handed, mut goes_on) = (0, true);
        let read = file.each(|letter| {
            handed += 1;
            goes_on = self.letter(&letter);
            Ok(goes_on)
        });
        let why = match read {
            Err(DeadLettersError::Line { line, why, .. }) => format!("line {line}: {why}"),
            Err(error) => error.to_string(),
            Ok(()) if goes_on && handed != file.count => {
                format!("it had {} dead letter(s), and then {handed}", file.count)
            }
            Ok(()) => return,
        };
        self.summary.chosen = self.summary.chosen.max(handed);
        self.summary.why = Some(format!("{} was changed while it was read: {why}", file.name()));
    }

    fn look(&mut self, interval: Duration) {
        if self.observed.elapsed() >= interval {
            self.observed = Instant::now();
            self.summary.acknowledged = self.sender.as_ref().map_or(0, Sender::acknowledged);
            (self.observe)(ResendEvent::Progress(&self.summary));
        }
    }

    /// Waits until each record is acknowledged, or has failed.
    fn finish(&mut self) {
        self.summary.stopped = self.stop.load(Ordering::Relaxed);
        while self.sender.as_mut().is_some_and(|sender| sender.waits(REPLAY_PROGRESS_INTERVAL, self.stop)) {
            self.look(Duration::ZERO);
        }
        self.look(Duration::ZERO);
        // One that the client did not even take is not among those sent.
        let unsent = !self.summary.stopped && self.summary.sent + self.summary.refused < self.summary.chosen;
        let is_missing = unsent || self.summary.acknowledged < self.summary.sent;
        if let Some(sender) = self.sender.as_ref().filter(|_| is_missing && self.summary.why.is_none()) {
            self.summary.why = Some(sender.why());
        }
    }
}

/// The topic and the bytes to send.
fn judge<'a>(letter: &'a Letter, to_topic: Option<&'a str>) -> Result<(&'a str, &'a [u8]), Refused> {
    let Some(payload) = letter.payload.as_deref() else { return Err(Refused::NoPayload) };
    if letter.is_cut {
        return Err(Refused::Cut);
    }
    if letter.key_is_cut {
        return Err(Refused::KeyCut);
    }
    if letter.from_csv {
        let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(payload).is_ok()
            && payload.trim_ascii_start().starts_with(b"{");
        if !is_json {
            return Err(Refused::CsvRow);
        }
        return to_topic.map(|topic| (topic, payload)).ok_or(Refused::NoTopic);
    }
    Ok((to_topic.unwrap_or(&letter.topic), payload))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_changed_while_it_is_sent_is_said_to_be() {
        let line = "{\"topic\":\"t\",\"payload\":\"{}\"}\n";
        let config = ResendConfig { settings: None, filter: Filter::default(), to_topic: None, stamp: Stamp::Kept };
        let stop = AtomicBool::new(false);
        let changed_to = |content: String| {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), line.repeat(2)).unwrap();
            let checked = RepairedFile::check(file.path(), &config.filter).unwrap();
            std::fs::write(file.path(), content).unwrap();
            let summary = ResendSummary { chosen: checked.count, ..ResendSummary::default() };
            let (observe, observed) = (&mut |_: ResendEvent<'_>| (), Instant::now());
            let mut resend = Resend { config: &config, stop: &stop, observe, sender: None, summary, observed };
            resend.file(&checked);
            resend.finish();
            resend.summary
        };
        assert_eq!(changed_to(line.repeat(2)).why, None);
        for (content, handed, words) in [
            (line.to_owned(), 1, "it had 2 dead letter(s), and then 1"),
            (line.repeat(3), 3, "it had 2 dead letter(s), and then 3"),
            (format!("{line}{{"), 1, "line 2: EOF while parsing"),
        ] {
            let summary = changed_to(content);
            let why = summary.why.clone().unwrap();
            assert!(why.contains(" was changed while it was read: ") && why.contains(words), "{why}");
            assert!(!why.contains("nothing was sent") && !summary.stopped && !summary.is_complete());
            assert_eq!((summary.sent, summary.chosen), (handed, handed.max(2)));
        }
        let more = ResendSummary { chosen: 2, refused: 1, acknowledged: 2, ..ResendSummary::default() };
        assert_eq!(more.missing(), 0);
    }

    #[test]
    fn only_whole_records_are_sent() {
        let letter = Letter { topic: "t".to_owned(), payload: Some(b"{".to_vec()), ..Letter::default() };
        assert_eq!(judge(&letter, None), Ok(("t", b"{".as_slice())));
        assert_eq!(judge(&letter, Some("other")), Ok(("other", b"{".as_slice())));
        let item = Letter { item: 3, ..letter.clone() };
        assert_eq!(judge(&item, None), Ok(("t", b"{".as_slice())));
        let empty = Letter { payload: Some(Vec::new()), ..letter.clone() };
        assert_eq!(judge(&empty, None), Ok(("t", b"".as_slice())), "bytes as they were, none included");
        assert_eq!(judge(&Letter { payload: None, ..letter.clone() }, None), Err(Refused::NoPayload));
        assert_eq!(judge(&Letter { is_cut: true, ..letter.clone() }, None), Err(Refused::Cut));
        assert_eq!(judge(&Letter { key_is_cut: true, ..letter.clone() }, None), Err(Refused::KeyCut));
        let row = Letter { from_csv: true, payload: Some(b"2025-07-01,x,1".to_vec()), ..letter.clone() };
        assert_eq!(judge(&row, None), Err(Refused::CsvRow));
        assert_eq!(judge(&row, Some("t")), Err(Refused::CsvRow));
        let number = Letter { payload: Some(b"5".to_vec()), ..row.clone() };
        assert_eq!(judge(&number, Some("t")), Err(Refused::CsvRow), "a row of one column");
        let repaired = Letter { payload: Some(b" {\"views\": 1}".to_vec()), ..row };
        assert_eq!(judge(&repaired, None), Err(Refused::NoTopic));
        assert_eq!(judge(&repaired, Some("t")), Ok(("t", b" {\"views\": 1}".as_slice())));
    }
}
