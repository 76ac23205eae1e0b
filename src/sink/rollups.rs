//! What a commit changes in the roll-ups: differences of hours under the channel and category that a video has now, and the
//! stored hours of videos that have moved.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use viewtide_dataflows::metadata::{Metadata, VideoRow};
use viewtide_dataflows::series::HourUpdate;
use viewtide_dataflows::snapshot::EventTime;
use viewtide_dataflows::video_id::VideoId;

/// Where a video counts beside the total.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Membership {
    /// Its channel's id.
    pub channel: Option<Arc<str>>,
    /// Its category's id.
    pub category: Option<Arc<str>>,
}

/// The channel and category of every video, as the table `videos` has them. About 100 bytes a video.
#[derive(Debug, Default)]
pub struct Directory {
    /// Each id once.
    names: HashSet<Arc<str>>,
    videos: HashMap<VideoId, Membership>,
}

/// A video that counts elsewhere from this commit on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// The video.
    pub video: VideoId,
    /// Where it counted.
    pub from: Membership,
    /// Where it counts now.
    pub to: Membership,
}

/// What is added to one row of a roll-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Views, likes, comments.
    pub gained: [i64; 3],
    /// Videos that have a row that hour.
    pub active_videos: i64,
    /// Snapshots.
    pub records: i64,
}

/// What a commit changes in the roll-ups.
#[derive(Debug, Default)]
pub struct Rollups {
    /// Videos whose stored hours move, before the differences are added.
    pub moves: Vec<Move>,
    /// By channel and hour, in order.
    pub channels: Vec<(Arc<str>, EventTime, Difference)>,
    /// By category and hour, in order.
    pub categories: Vec<(Arc<str>, EventTime, Difference)>,
    /// By hour, in order.
    pub total: Vec<(EventTime, Difference)>,
}

impl Directory {
    /// Takes note of a video as it is stored.
    pub fn note(&mut self, video: VideoId, metadata: &Metadata) {
        let membership = self.membership(metadata);
        self.videos.insert(video, membership);
    }

    /// Follows a commit that was carried out.
    pub fn follow(&mut self, moves: &[Move]) {
        for Move { video, to, .. } in moves {
            self.videos.insert(*video, to.clone());
        }
    }

    fn membership(&mut self, metadata: &Metadata) -> Membership {
        let mut name = |id: &Option<Box<str>>| {
            let id = id.as_deref()?;
            if let Some(name) = self.names.get(id) {
                return Some(Arc::clone(name));
            }
            let name = Arc::<str>::from(id);
            self.names.insert(Arc::clone(&name));
            Some(name)
        };
        Membership { channel: name(&metadata.channel_id), category: name(&metadata.category_id) }
    }

    fn moves(&mut self, videos: &[VideoRow]) -> Vec<Move> {
        let mut moves = Vec::new();
        for row in videos {
            let to = self.membership(&row.metadata);
            let from = self.videos.get(&row.video).cloned().unwrap_or_default();
            if from != to {
                moves.push(Move { video: row.video, from, to });
            }
        }
        moves
    }
}

impl Difference {
    /// What the change of an hour's row adds to the sums over it.
    fn of(update: &HourUpdate) -> Self {
        let (after, before) = (update.row.totals(), update.before.unwrap_or_default());
        Self {
            gained: std::array::from_fn(|metric| after.gained[metric] - before.gained[metric]),
            active_videos: i64::from(update.before.is_none()),
            records: i64::from(after.records) - i64::from(before.records),
        }
    }

    fn add(&mut self, other: Self) {
        for (sum, gained) in self.gained.iter_mut().zip(other.gained) {
            *sum += gained;
        }
        self.active_videos += other.active_videos;
        self.records += other.records;
    }
}

impl Rollups {
    /// The changes of a commit whose `hours` (each once, those of a video side by side) and `videos` (each once) these are.
    pub fn of<'a>(
        directory: &mut Directory,
        hours: impl IntoIterator<Item = &'a HourUpdate>,
        videos: &[VideoRow],
    ) -> Self {
        let moves = directory.moves(videos);
        let moved: HashMap<VideoId, &Membership> = moves.iter().map(|moved| (moved.video, &moved.to)).collect();
        let nowhere = Membership::default();
        let mut channels = HashMap::<(&Arc<str>, EventTime), Difference>::new();
        let mut categories = HashMap::<(&Arc<str>, EventTime), Difference>::new();
        let mut total = BTreeMap::<EventTime, Difference>::new();
        let mut last: Option<(VideoId, &Membership)> = None;
        for update in hours {
            let difference = Difference::of(update);
            if difference == Difference::default() {
                continue;
            }
            let (video, hour) = (update.row.video, update.row.hour_start);
            let membership = match last {
                Some((of, membership)) if of == video => membership,
                _ => moved.get(&video).copied().or_else(|| directory.videos.get(&video)).unwrap_or(&nowhere),
            };
            last = Some((video, membership));
            if let Some(channel) = &membership.channel {
                channels.entry((channel, hour)).or_default().add(difference);
            }
            if let Some(category) = &membership.category {
                categories.entry((category, hour)).or_default().add(difference);
            }
            total.entry(hour).or_default().add(difference);
        }
        let (channels, categories) = (in_order(channels), in_order(categories));
        Self { channels, categories, total: total.into_iter().collect(), moves }
    }
}

fn in_order(sums: HashMap<(&Arc<str>, EventTime), Difference>) -> Vec<(Arc<str>, EventTime, Difference)> {
    let mut rows: Vec<_> =
        sums.into_iter().map(|((name, hour), difference)| (Arc::clone(name), hour, difference)).collect();
    rows.sort_unstable_by(|one, other| (&one.0, one.1).cmp(&(&other.0, other.1)));
    rows
}
