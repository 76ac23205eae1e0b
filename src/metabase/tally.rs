//! What was made, changed, and left as it was.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

/// Numbers of one kind of things.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Were not there.
    pub made: u64,
    /// Were otherwise than they are to be.
    pub changed: u64,
    /// Were as they are to be.
    pub left: u64,
}

/// What became of one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// It was not there.
    Made,
    /// It was otherwise than it is to be.
    Changed,
    /// It was as it is to be.
    Left,
}

/// Numbers by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// By what they are: database, tables, fields, collection, cards, dashboards.
    #[serde(flatten)]
    pub kinds: BTreeMap<&'static str, Counts>,
    /// Cards and dashboards that people threw away, by name; they are not made again.
    pub in_trash: Vec<String>,
}

impl Tally {
    /// Counts one thing.
    pub fn count(&mut self, kind: &'static str, done: Done) {
        let counts = self.kinds.entry(kind).or_default();
        match done {
            Done::Made => counts.made += 1,
            Done::Changed => counts.changed += 1,
            Done::Left => counts.left += 1,
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (kind, Counts { made, changed, left }) in &self.kinds {
            writeln!(f, "{kind:<11} {made:>4} made {changed:>4} changed {left:>4} left as they were")?;
        }
        if !self.in_trash.is_empty() {
            writeln!(f, "in the trash, and not made again: {}", self.in_trash.join(", "))?;
        }
        Ok(())
    }
}
