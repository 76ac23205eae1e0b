//! The real snapshots that the old stack's models are compared on.

use viewtide_dataflows::snapshot::{Nullable, Snapshot};
use viewtide_dataflows::video_id::VideoId;

use crate::task::Videos;

/// Two videos that were polled every ten minutes or so, for days.
pub(super) fn sample() -> Videos {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/sample_10min.csv");
    let mut videos = Videos::default();
    for line in std::fs::read_to_string(path).expect("the sample").lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let time: jiff::Timestamp = fields[0].parse().expect("a time");
        let counts = [2, 3, 4].map(|field| Nullable::from(fields[field].parse::<i64>().ok()));
        let id: VideoId = fields[1].parse().expect("an id");
        videos.observe(id, Snapshot { time: time.as_microsecond(), counts });
    }
    videos
}
