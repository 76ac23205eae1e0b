//! The table of ranks by definition, from scratch and without a thought for speed. Shares nothing with the operators
//! but the row types.

use std::collections::{BTreeMap, BTreeSet};

use crate::trends::TrendRow;
use crate::video_id::VideoId;

use super::{Ranked, Scope};

/// The table of ranks by its key: scope, window in hours, rank.
pub type Ranks = BTreeMap<(Scope, u32, u32), Ranked>;

/// All that the table of ranks is computed from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    pub trends: BTreeMap<VideoId, TrendRow>,
    pub categories: BTreeMap<VideoId, Option<Box<str>>>,
}

impl Inputs {
    pub fn ranks(&self, ranks: usize) -> Ranks {
        let mut table = Ranks::new();
        for scope in self.scopes() {
            for hours in [1, 6, 24, 168] {
                let listed = self.candidates(&scope, hours).into_iter().take(ranks);
                table.extend(listed.zip(1..).map(|(ranked, rank)| ((scope.clone(), hours, rank), ranked)));
            }
        }
        table
    }

    /// All that a list ranks, the best first.
    pub fn candidates(&self, scope: &Scope, hours: u32) -> Vec<Ranked> {
        let Some(newest) = self.newest() else { return Vec::new() };
        let window = [1, 6, 24, 168].iter().position(|&window| window == hours).unwrap();
        let mut candidates: Vec<Ranked> = self
            .trends
            .iter()
            .filter(|(video, _)| match scope {
                Scope::All => true,
                Scope::Category(id) => self.categories.get(video).is_some_and(|category| category.as_ref() == Some(id)),
            })
            .filter(|(_, row)| row.as_of > newest - i64::from(hours) * 3_600_000_000)
            .filter(|(_, row)| row.windows[window].gained > 0)
            .map(|(&video, row)| Ranked {
                video,
                views_gained: row.windows[window].gained,
                views_per_hour: row.windows[window].per_hour,
            })
            .collect();
        candidates.sort_by_key(|ranked| (-ranked.views_gained, ranked.video.to_string().into_bytes()));
        candidates
    }

    pub fn newest(&self) -> Option<i64> {
        self.trends.values().map(|row| row.as_of).max()
    }

    pub fn scopes(&self) -> BTreeSet<Scope> {
        let categories = self.categories.values().flatten().map(|id| Scope::Category(id.clone()));
        categories.chain([Scope::All]).collect()
    }
}
