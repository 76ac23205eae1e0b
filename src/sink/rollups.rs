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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use viewtide_dataflows::hourly::{HourRow, HourStats, HourTotals};
    use viewtide_dataflows::metadata::{MetadataSource, VideoRow};
    use viewtide_dataflows::snapshot::Nullable;

    use super::*;

    type Sums = BTreeMap<(Option<String>, EventTime), Difference>;

    /// The roll-up over all hours by definition.
    fn define(hours: &BTreeMap<(u64, EventTime), HourRow>, of: impl Fn(u64) -> Option<Option<String>>) -> Sums {
        let mut sums = Sums::new();
        for (&(video, hour), row) in hours {
            if let Some(id) = of(video) {
                sums.entry((id, hour)).or_default().add(Difference::of(&HourUpdate { before: None, row: *row }));
            }
        }
        sums
    }

    /// What the statements of `tables::rollups` do: stored hours move, then differences are added.
    fn carry_out(
        sums: &mut Sums,
        stored: &BTreeMap<(u64, EventTime), HourRow>,
        moves: &[Move],
        id: impl Fn(&Membership) -> &Option<Arc<str>>,
        differences: &[(Arc<str>, EventTime, Difference)],
    ) {
        for moved in moves {
            for ((_, hour), row) in stored.range((moved.video.0, EventTime::MIN)..=(moved.video.0, EventTime::MAX)) {
                let all = Difference::of(&HourUpdate { before: None, row: *row });
                let none =
                    Difference { gained: all.gained.map(|gained| -gained), active_videos: -1, records: -all.records };
                for (membership, difference) in [(&moved.from, none), (&moved.to, all)] {
                    if let Some(id) = id(membership) {
                        sums.entry((Some(id.to_string()), *hour)).or_default().add(difference);
                    }
                }
            }
        }
        for (id, hour, difference) in differences {
            sums.entry((Some(id.to_string()), *hour)).or_default().add(*difference);
        }
        sums.retain(|_, sum| *sum != Difference::default());
    }

    /// One commit: hours that get this many records and views, and where videos go.
    type Step = (Vec<(u64, i64, i64, u32)>, Vec<(u64, Option<u8>, Option<u8>)>);

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let hours = prop::collection::vec((0..4u64, 0..3i64, -5..5i64, 1..4u32), 0..6);
        let place = || prop::option::of(0..2u8);
        let words = prop::collection::vec((0..4u64, place(), place()), 0..4);
        prop::collection::vec((hours, words), 1..8)
    }

    proptest! {
        #[test]
        fn sums_are_those_of_the_definition_after_every_commit(steps in steps(), tried_twice in any::<bool>()) {
            let mut directory = Directory::default();
            let mut hours = BTreeMap::<(u64, EventTime), HourRow>::new();
            let mut places = BTreeMap::<u64, Membership>::new();
            let (mut channels, mut categories, mut total) = (Sums::new(), Sums::new(), Sums::new());
            for (changes, words) in steps {
                let mut changed = BTreeMap::new();
                for (video, hour, gained, more) in changes {
                    let before = hours.get(&(video, hour));
                    let stats = [HourStats { gained: Nullable::some(gained), ..HourStats::default() }; 3];
                    let records = before.map_or(0, |row| row.records) + more;
                    let row = HourRow { video: VideoId(video), hour_start: hour, records, stats };
                    changed.insert((video, hour), HourUpdate { before: before.map(HourRow::totals), row });
                }
                let said: BTreeMap<u64, VideoRow> = words.into_iter().map(|(video, channel, category)| {
                    let id = |id: Option<u8>| id.map(|id| id.to_string().into());
                    let metadata = Metadata { channel_id: id(channel), category_id: id(category), ..Metadata::default() };
                    (video, VideoRow { video: VideoId(video), source: MetadataSource::Snippet, metadata })
                }).collect();
                let said: Vec<VideoRow> = said.into_values().collect();
                if tried_twice {
                    // A commit that was not carried out leaves nothing behind.
                    Rollups::of(&mut directory, changed.values(), &said);
                }
                let rollups = Rollups::of(&mut directory, changed.values(), &said);
                carry_out(&mut channels, &hours, &rollups.moves, |of| &of.channel, &rollups.channels);
                carry_out(&mut categories, &hours, &rollups.moves, |of| &of.category, &rollups.categories);
                for (hour, difference) in &rollups.total {
                    total.entry((None, *hour)).or_default().add(*difference);
                }
                total.retain(|_, sum| *sum != Difference::default());
                directory.follow(&rollups.moves);
                hours.extend(changed.into_iter().map(|(key, update)| (key, update.row)));
                for row in said {
                    let id = |id: &Option<Box<str>>| id.as_deref().map(Arc::from);
                    let Metadata { channel_id, category_id, .. } = &row.metadata;
                    places.insert(row.video.0, Membership { channel: id(channel_id), category: id(category_id) });
                }
                let place = |video: u64| places.get(&video).cloned().unwrap_or_default();
                let expected = define(&hours, |video| place(video).channel.map(|id| Some(id.to_string())));
                prop_assert_eq!(&channels, &expected);
                let expected = define(&hours, |video| place(video).category.map(|id| Some(id.to_string())));
                prop_assert_eq!(&categories, &expected);
                prop_assert_eq!(&total, &define(&hours, |_| Some(None)));
            }
        }
    }

    #[test]
    fn an_hour_that_changes_and_adds_nothing_is_no_difference() {
        let row = HourRow { video: VideoId(1), hour_start: 0, records: 2, stats: Default::default() };
        let update = HourUpdate { before: Some(HourTotals { records: 2, ..HourTotals::default() }), row };
        let rollups = Rollups::of(&mut Directory::default(), [&update], &[]);
        assert!(rollups.total.is_empty());
    }
}
