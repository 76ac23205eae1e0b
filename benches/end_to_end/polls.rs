//! Input like a poller's: every video again and again, in time order.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use viewtide_dataflows::video_id::VideoId;

use crate::harness::kafka::{self, Message};

/// Videos of most parts.
pub const VIDEOS: u64 = 10_000;

/// The videos fall into as many channels, and as many categories.
pub const CHANNELS: u64 = 500;
pub const CATEGORIES: u64 = 20;

/// 2025-07-01T00:00:00Z: two months of polls are over by now.
const BEGIN_S: i64 = 1_751_328_000;

/// What a video gains from poll to poll.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Gains {
    /// The same each time.
    Even,
    /// By chance: so trends and ranks move with every poll, as they do where people watch.
    ByChance,
}

/// Polls of some videos.
#[derive(Clone, Copy)]
pub struct Polls {
    /// How many videos.
    pub videos: u64,
    /// Seconds between two polls of a video.
    pub poll_s: i64,
    /// What it gains between them.
    pub gains: Gains,
}

/// What the parts on Kafka read, but for the gains: each video every ten minutes.
pub const EVEN: Polls = Polls { videos: VIDEOS, poll_s: 600, gains: Gains::Even };

/// The same with gains that vary.
pub const BY_CHANCE: Polls = Polls { gains: Gains::ByChance, ..EVEN };

/// One record.
struct Poll {
    video: VideoId,
    timestamp: jiff::Timestamp,
    counts: [u64; 3],
}

/// The id of video `index`.
pub fn video_id(index: u64) -> VideoId {
    // An odd factor, so that ids are spread over all 64 bits and none comes twice.
    VideoId((index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// The id of channel `index`.
pub fn channel_id(index: u64) -> String {
    format!("UCchannelnumber{index:09}")
}

/// What a video has more at a poll, by chance, below 40 to 4,040; a video that gains more between two polls varies more.
fn chance(video: u64, poll: u64) -> u64 {
    let mixed = (video << 32 ^ poll ^ 0x5bd1_e995).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 33) % (40 + video % 4_000)
}

impl Poll {
    /// Key and value in Kafka.
    fn message(&self) -> (String, String) {
        let Self { video, timestamp, counts: [views, likes, comments] } = self;
        let value = format!(
            r#"{{"timestamp":"{timestamp}","video_id":"{video}","viewCount":{views},"likeCount":{likes},"commentCount":{comments}}}"#
        );
        (video.to_string(), value)
    }
}

impl Polls {
    /// Record `number`, counted over all videos in time order.
    fn poll(self, number: u64) -> Poll {
        let (poll, video) = (number / self.videos, number % self.videos);
        let time_s = BEGIN_S + poll as i64 * self.poll_s + (video as i64 * self.poll_s) / self.videos as i64;
        let views = match self.gains {
            Gains::Even => 1_000 + video * 37 + poll * (video % 251),
            // Each poll gains at least as much as chance may take back.
            Gains::ByChance => 1_000 + video * 37 + poll * (40 + video % 4_000) + chance(video, poll),
        };
        Poll {
            video: video_id(video),
            timestamp: jiff::Timestamp::from_second(time_s).expect("a time in range"),
            counts: [views, views / 30, views / 300],
        }
    }

    /// Key and value of record `number` in Kafka.
    pub fn message(self, number: u64) -> (String, String) {
        self.poll(number).message()
    }

    /// The same at another time, seconds since 1970.
    pub fn message_at(self, number: u64, time_s: i64) -> (String, String) {
        Poll { timestamp: jiff::Timestamp::from_second(time_s).expect("a time in range"), ..self.poll(number) }
            .message()
    }

    /// A topic of `partitions` that holds `records`, each video in one partition.
    pub fn topic(self, partitions: i32, records: u64) -> String {
        let topic = kafka::shared().fresh_topic("polls", partitions);
        self.produce(&topic, records, |_| None);
        topic
    }

    /// Sends the first `records` to `topic`, to the partition that is named for each or, where none is, by its key.
    pub fn produce(self, topic: &str, records: u64, partition: impl Fn(u64) -> Option<i32>) {
        produce(topic, records, |number| self.message(number), partition);
    }

    /// A CSV file of `records`.
    pub fn csv(self, path: &Path, records: u64) -> std::io::Result<()> {
        let mut file = BufWriter::new(File::create(path)?);
        writeln!(file, "timestamp,video_id,viewCount,likeCount,commentCount")?;
        for number in 0..records {
            let Poll { video, timestamp, counts: [views, likes, comments] } = self.poll(number);
            writeln!(file, "{timestamp},{video},{views},{likes},{comments}")?;
        }
        file.flush()
    }

    /// A CSV file for `--videos`: a title, a channel and a category for each.
    pub fn videos_csv(self, path: &Path) -> std::io::Result<()> {
        let mut file = BufWriter::new(File::create(path)?);
        writeln!(file, "video_id,title,channel_id,channel_title,category_id")?;
        for video in 0..self.videos {
            let (channel, category) = (video % CHANNELS, video % CATEGORIES);
            let id = video_id(video);
            let channel_id = channel_id(channel);
            writeln!(file, "{id},What video {video} is about,{channel_id},Channel {channel},{category}")?;
        }
        file.flush()
    }
}

/// Sends so many messages to `topic`, in parts, so that a million of them do not lie in memory all at once.
pub fn produce(
    topic: &str,
    records: u64,
    message: impl Fn(u64) -> (String, String),
    partition: impl Fn(u64) -> Option<i32>,
) {
    for first in (0..records).step_by(50_000) {
        let numbers = first..records.min(first + 50_000);
        let messages: Vec<(u64, (String, String))> = numbers.map(|number| (number, message(number))).collect();
        kafka::shared().produce(
            topic,
            messages.iter().map(|(number, (key, value))| Message {
                key: Some(key.as_bytes()),
                value: Some(value.as_bytes()),
                partition: partition(*number),
                ..Message::default()
            }),
        );
    }
}
