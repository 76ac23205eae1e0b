//! Input like a poller's: every video every ten minutes, in time order.

use crate::harness::kafka::{self, Message};

/// Videos that are polled.
pub const VIDEOS: u64 = 10_000;

/// 2026-07-01T00:00:00Z.
const BEGIN_S: i64 = 1_782_864_000;
const POLL_S: i64 = 600;

/// The id of video `index`.
pub fn video_id(index: u64) -> String {
    // An odd factor, so that ids are spread over all 64 bits and none comes twice.
    viewtide_dataflows::video_id::VideoId((index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)).to_string()
}

/// The value of record `number`, counted over all videos in time order.
pub fn value(number: u64) -> String {
    let (poll, video) = (number / VIDEOS, number % VIDEOS);
    let time = BEGIN_S + poll as i64 * POLL_S + (video as i64 * POLL_S) / VIDEOS as i64;
    let timestamp = jiff::Timestamp::from_second(time).expect("a time in range");
    let views = 1_000 + video * 37 + poll * (video % 251);
    format!(
        r#"{{"timestamp":"{timestamp}","video_id":"{}","viewCount":{views},"likeCount":{},"commentCount":{}}}"#,
        video_id(video),
        views / 30,
        views / 300
    )
}

/// A topic of `partitions` that holds `records`, each video in one partition.
pub fn topic(partitions: i32, records: u64) -> String {
    let topic = kafka::shared().fresh_topic("polls", partitions);
    // In parts, so that the values of a million records do not lie in memory all at once.
    for part in (0..records).collect::<Vec<_>>().chunks(50_000) {
        let values: Vec<(String, String)> =
            part.iter().map(|&number| (video_id(number % VIDEOS), value(number))).collect();
        kafka::shared().produce(
            &topic,
            values.iter().map(|(key, value)| Message {
                key: Some(key.as_bytes()),
                value: Some(value.as_bytes()),
                ..Message::default()
            }),
        );
    }
    topic
}
