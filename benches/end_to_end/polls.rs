//! Input like a poller's: every video again and again, in time order.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use viewtide_dataflows::video_id::VideoId;

use crate::harness::kafka::{self, Message};

/// Videos that are polled.
pub const VIDEOS: u64 = 10_000;

/// 2026-07-01T00:00:00Z.
const BEGIN_S: i64 = 1_782_864_000;

/// Seconds between two polls of a video in Kafka: ten minutes.
const POLL_S: i64 = 600;

/// Record `number`, counted over all videos in time order, where a video is polled every `poll_s` seconds.
struct Poll {
    video: VideoId,
    timestamp: jiff::Timestamp,
    counts: [u64; 3],
}

impl Poll {
    fn new(number: u64, poll_s: i64) -> Self {
        let (poll, video) = (number / VIDEOS, number % VIDEOS);
        let time_s = BEGIN_S + poll as i64 * poll_s + (video as i64 * poll_s) / VIDEOS as i64;
        let views = 1_000 + video * 37 + poll * (video % 251);
        Self {
            video: video_id(video),
            timestamp: jiff::Timestamp::from_second(time_s).expect("a time in range"),
            counts: [views, views / 30, views / 300],
        }
    }
}

/// The id of video `index`.
fn video_id(index: u64) -> VideoId {
    // An odd factor, so that ids are spread over all 64 bits and none comes twice.
    VideoId((index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// Key and value of record `number` in Kafka.
pub fn message(number: u64) -> (String, String) {
    let Poll { video, timestamp, counts: [views, likes, comments] } = Poll::new(number, POLL_S);
    let value = format!(
        r#"{{"timestamp":"{timestamp}","video_id":"{video}","viewCount":{views},"likeCount":{likes},"commentCount":{comments}}}"#
    );
    (video.to_string(), value)
}

/// A topic of `partitions` that holds `records`, each video in one partition.
pub fn topic(partitions: i32, records: u64) -> String {
    let topic = kafka::shared().fresh_topic("polls", partitions);
    // In parts, so that the values of a million records do not lie in memory all at once.
    for first in (0..records).step_by(50_000) {
        let messages: Vec<(String, String)> = (first..records.min(first + 50_000)).map(message).collect();
        kafka::shared().produce(
            &topic,
            messages.iter().map(|(key, value)| Message {
                key: Some(key.as_bytes()),
                value: Some(value.as_bytes()),
                ..Message::default()
            }),
        );
    }
    topic
}

/// A CSV file of `records`, where a video is polled every `poll_s` seconds.
pub fn csv(path: &Path, records: u64, poll_s: i64) -> std::io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    writeln!(file, "timestamp,video_id,viewCount,likeCount,commentCount")?;
    for number in 0..records {
        let Poll { video, timestamp, counts: [views, likes, comments] } = Poll::new(number, poll_s);
        writeln!(file, "{timestamp},{video},{views},{likes},{comments}")?;
    }
    file.flush()
}
