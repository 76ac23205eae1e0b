//! All videos of one worker: their trends and categories, and the lists that rank them.

use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;

use foldhash::fast::FixedState;

use crate::snapshot::{EventTime, HOUR_US};
use crate::trends::{Trend, TrendRow, TrendUpdate, WINDOWS_HOURS};
use crate::video_id::VideoId;

use super::list::{Extent, List, Standing};
use super::{Scope, TrendingConfig};

/// Seed of the index; the exchange between workers hashes with another.
const INDEX_SEED: u64 = 0x7472_656e_6469_6e67;

/// The scope of all videos; the others are categories.
const ALL: u32 = 0;

/// The state of the operator on one worker.
pub(super) struct Videos {
    ranks: usize,
    index: HashMap<VideoId, u32, FixedState>,
    videos: Vec<Video>,
    /// The videos that have a trend by its `as_of`: who expires, or is back, when the newest moves.
    by_as_of: BTreeSet<(EventTime, u32)>,
    /// For each window the time that a trend's `as_of` must be later than to be ranked.
    horizons: [EventTime; 4],
    categories: HashMap<Box<str>, u32, FixedState>,
    scopes: Vec<ScopeLists>,
    /// Lists to be handed on, as scope and window.
    stale: Vec<(u32, usize)>,
}

struct Video {
    id: VideoId,
    /// Its category's scope; [`ALL`] where it has none.
    scope: u32,
    /// Its index among that scope's videos.
    member: u32,
    row: Option<TrendRow>,
}

struct ScopeLists {
    scope: Scope,
    /// The videos of a category; empty for [`ALL`].
    members: Vec<u32>,
    lists: [List; 4],
}

impl ScopeLists {
    fn new(scope: Scope) -> Self {
        Self { scope, members: Vec::new(), lists: Default::default() }
    }
}

/// The time that an `as_of` must be later than to be ranked over a window; nothing is where there is no newest.
fn horizon(newest: Option<EventTime>, hours: u32) -> EventTime {
    newest.map_or(EventTime::MAX, |newest| newest - i64::from(hours) * HOUR_US)
}

impl Videos {
    pub(super) fn new(config: TrendingConfig) -> Self {
        Self {
            ranks: config.ranks.max(1) as usize,
            index: HashMap::with_hasher(FixedState::with_seed(INDEX_SEED)),
            videos: Vec::new(),
            by_as_of: BTreeSet::new(),
            horizons: [EventTime::MAX; 4],
            categories: HashMap::with_hasher(FixedState::with_seed(INDEX_SEED)),
            scopes: vec![ScopeLists::new(Scope::All)],
            stale: Vec::new(),
        }
    }

    /// The newest `as_of` of this worker's videos.
    pub(super) fn newest(&self) -> Option<EventTime> {
        self.by_as_of.last().map(|&(as_of, _)| as_of)
    }

    /// Takes a video's trend; gives the change of its row in the table of trends, if it is another.
    pub(super) fn set_trend(&mut self, trend: Trend) -> Option<TrendUpdate> {
        let Trend { video: id, row } = trend;
        let slot = self.slot(id);
        let video = &mut self.videos[slot as usize];
        if video.row == row {
            return None;
        }
        let update = TrendUpdate { is_new: video.row.is_none(), video: id, row: row.clone() };
        let before = std::mem::replace(&mut video.row, row);
        let (row, scope) = (&video.row, video.scope);
        let [as_of_before, as_of] = [&before, row].map(|row| row.as_ref().map(|row| row.as_of));
        let standings: [_; 4] =
            std::array::from_fn(|window| [&before, row].map(|row| standing(row.as_ref(), window, &self.horizons)));
        if as_of_before != as_of {
            as_of_before.map(|as_of| self.by_as_of.remove(&(as_of, slot)));
            as_of.map(|as_of| self.by_as_of.insert((as_of, slot)));
        }
        for (window, [before, after]) in standings.into_iter().enumerate() {
            if before != after {
                self.replace(ALL, window, before, after);
                if scope != ALL {
                    self.replace(scope, window, before, after);
                }
            }
        }
        Some(update)
    }

    /// Takes a video's category.
    pub(super) fn set_category(&mut self, video: VideoId, category: Option<&str>) {
        let slot = self.slot(video);
        let scope = category.map_or(ALL, |category| self.category(category));
        let video = &mut self.videos[slot as usize];
        let before = std::mem::replace(&mut video.scope, scope);
        if before == scope {
            return;
        }
        let member = video.member as usize;
        let standings: [_; 4] = std::array::from_fn(|window| standing(video.row.as_ref(), window, &self.horizons));
        if before != ALL {
            let members = &mut self.scopes[before as usize].members;
            members.swap_remove(member);
            if let Some(&moved) = members.get(member) {
                self.videos[moved as usize].member = member as u32;
            }
        }
        if scope != ALL {
            let members = &mut self.scopes[scope as usize].members;
            self.videos[slot as usize].member = members.len() as u32;
            members.push(slot);
        }
        for (window, standing) in standings.into_iter().enumerate() {
            if before != ALL {
                self.replace(before, window, standing, None);
            }
            if scope != ALL {
                self.replace(scope, window, None, standing);
            }
        }
    }

    /// Takes the newest `as_of` of all workers' videos: some expire by it, or are back.
    pub(super) fn set_newest(&mut self, newest: Option<EventTime>) {
        for (window, hours) in WINDOWS_HOURS.into_iter().enumerate() {
            let after = horizon(newest, hours);
            let before = std::mem::replace(&mut self.horizons[window], after);
            if before == after {
                continue;
            }
            let between =
                (Bound::Excluded((before.min(after), u32::MAX)), Bound::Included((before.max(after), u32::MAX)));
            let slots: Vec<u32> = self.by_as_of.range(between).map(|&(_, slot)| slot).collect();
            for slot in slots {
                let Video { id, scope, ref row, .. } = self.videos[slot as usize];
                let standing = row.as_ref().and_then(|row| Standing::of(id, &row.windows[window]));
                let (was, is) = if after > before { (standing, None) } else { (None, standing) };
                self.replace(ALL, window, was, is);
                if scope != ALL {
                    self.replace(scope, window, was, is);
                }
            }
        }
    }

    /// Gives, of each list whose first have changed, what they were before and what they are.
    pub(super) fn hand_on(&mut self, mut changed: impl FnMut(&Scope, u32, Vec<Standing>, Vec<Standing>)) {
        for (scope, window) in std::mem::take(&mut self.stale) {
            let extent = self.extent(scope);
            let ScopeLists { scope: name, members, lists } = &mut self.scopes[scope as usize];
            let list = &mut lists[window];
            if list.is_to_be_filled(extent) {
                let horizons = &self.horizons;
                if scope == ALL {
                    let rows = self.videos.iter().map(|video| video.row.as_ref());
                    list.fill(rows.filter_map(|row| standing(row, window, horizons)), extent);
                } else {
                    let rows = members.iter().map(|&slot| self.videos[slot as usize].row.as_ref());
                    list.fill(rows.filter_map(|row| standing(row, window, horizons)), extent);
                }
            }
            if let Some((before, after)) = list.hand_on(extent) {
                changed(name, WINDOWS_HOURS[window], before, after);
            }
        }
    }

    fn replace(&mut self, scope: u32, window: usize, before: Option<Standing>, after: Option<Standing>) {
        let extent = self.extent(scope);
        if self.scopes[scope as usize].lists[window].replace(before, after, extent) {
            self.stale.push((scope, window));
        }
    }

    fn extent(&self, scope: u32) -> Extent {
        let videos = if scope == ALL { self.videos.len() } else { self.scopes[scope as usize].members.len() };
        Extent::new(self.ranks, videos)
    }

    fn slot(&mut self, video: VideoId) -> u32 {
        *self.index.entry(video).or_insert_with(|| {
            let slot = u32::try_from(self.videos.len()).expect("fewer than 2^32 videos");
            self.videos.push(Video { id: video, scope: ALL, member: 0, row: None });
            slot
        })
    }

    fn category(&mut self, id: &str) -> u32 {
        if let Some(&scope) = self.categories.get(id) {
            return scope;
        }
        let scope = u32::try_from(self.scopes.len()).expect("fewer than 2^32 categories");
        self.categories.insert(id.into(), scope);
        self.scopes.push(ScopeLists::new(Scope::Category(id.into())));
        scope
    }
}

/// How a video with this trend stands in the lists over a window; `None` where it does not, or has expired.
fn standing(row: Option<&TrendRow>, window: usize, horizons: &[EventTime; 4]) -> Option<Standing> {
    let row = row.filter(|row| row.as_of > horizons[window])?;
    Standing::of(row.video, &row.windows[window])
}
