//! How much of the tables a part computes, and the input that is fit for it.

use std::path::Path;

use crate::polls::{BY_CHANCE, EVEN, Polls};

/// What is computed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Growth and hours alone.
    Hours,
    /// Everything, with a channel and a category for each video.
    All,
}

/// Tables that `Hours` fills, in the order in which COPY writes them, with the order of their keys.
const OF_HOURS: [(&str, &str); 2] =
    [("video_stats_processed", "video_id, \"timestamp\""), ("hourly_aggregations", "video_id, hour_start")];

/// Tables that `All` fills beside them.
const OF_ALL: [(&str, &str); 6] = [
    ("videos", "video_id"),
    ("channel_hourly", "channel_id, hour_start"),
    ("category_hourly", "category_id, hour_start"),
    ("total_hourly", "hour_start"),
    ("trends", "video_id"),
    ("trending", "scope, window_hours, rank"),
];

impl Extent {
    /// As rows of the table name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hours => "growth, hourly",
            Self::All => "all outputs",
        }
    }

    /// What it reads from Kafka. Growth and hours cost the same whatever is gained, and keep the input that they were always
    /// measured with; trends and ranks that never move would cost too little.
    pub fn polls(self) -> Polls {
        match self {
            Self::Hours => EVEN,
            Self::All => BY_CHANCE,
        }
    }

    /// Tables that hold rows after a run, in the order in which COPY writes them, with the order of their keys.
    pub fn tables(self) -> Vec<(&'static str, &'static str)> {
        match self {
            Self::Hours => OF_HOURS.to_vec(),
            Self::All => OF_HOURS.into_iter().chain(OF_ALL).collect(),
        }
    }

    /// The arguments of `run` for it; the file of videos, if it reads one, comes into `folder`.
    pub fn args(self, folder: &Path) -> Vec<String> {
        match self {
            Self::Hours => vec!["--outputs".to_owned(), "growth,hourly".to_owned()],
            Self::All => self.polls().args_of_all(folder),
        }
    }
}

impl Polls {
    /// The arguments of `run` for all outputs over these polls; the file of videos comes into `folder`.
    pub fn args_of_all(self, folder: &Path) -> Vec<String> {
        let path = folder.join("videos.csv");
        self.videos_csv(&path).expect("a file of videos");
        let videos = path.display().to_string();
        ["--outputs", "growth,hourly,rollups,trends", "--videos", &videos].map(str::to_owned).into()
    }
}
