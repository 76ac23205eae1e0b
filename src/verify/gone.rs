//! What can be said of a row where the beginning of the input is gone: deleted by the topic's retention after it was read, or
//! with a topic that was created again.
//!
//! What the input still holds of a partition is the end of what was read from it. So of a video
//! - each of those records has left a row, and its row is there;
//! - a row within the retention of the video's newest row was folded in whatever came before: it is what the last of its
//!   records says, and is compared in full;
//! - an older one may have come late, by records that are gone. If it did (it is not folded in), it is what the last of its
//!   records says; if not, it may also be what a record that is gone has left there, and cannot be compared;
//! - a row of which the input holds no record is left by records that are gone, and cannot be compared; but not where all
//!   records of its video are in partitions that are whole.
//!
//! What cannot be compared is counted and said. Growth and aggregates are compared with the raw rows in any case.

use viewtide_dataflows::snapshot::Counts;

/// What a record leaves in its row.
pub type Cells = (Counts, Option<Box<str>>);

/// What is to be compared of an older row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Older<'a> {
    /// It is what one of its records says.
    Holds,
    /// It must be what this record says.
    MustBe(&'a Cells),
    /// Only records that are gone explain it.
    OnlyGoneExplains,
}

/// Judges a row older than the retention behind its video's newest; `records` are those of its key, in their order, and
/// `in_order` says that they were read in it.
pub fn judge_older<'a>(stored: &Cells, folded_in: bool, records: &'a [Cells], in_order: bool) -> Older<'a> {
    let Some(last) = records.last() else { return Older::OnlyGoneExplains };
    let is_one_of_them = records.contains(stored);
    match (folded_in, is_one_of_them) {
        (false, true) if in_order && stored != last => Older::MustBe(last),
        (_, true) => Older::Holds,
        (true, false) => Older::OnlyGoneExplains,
        (false, false) => Older::MustBe(last),
    }
}

#[cfg(test)]
mod tests {
    use viewtide_dataflows::snapshot::Nullable;

    use super::*;

    fn cells(views: i64) -> Cells {
        ([Some(views), None, None].map(Nullable::from), None)
    }

    #[test]
    fn an_older_row_is_what_its_last_record_says_or_was_folded_in_before() {
        let records = [cells(1), cells(2)];
        assert_eq!(judge_older(&cells(2), false, &records, true), Older::Holds);
        assert_eq!(judge_older(&cells(1), false, &records, true), Older::MustBe(&cells(2)), "the last late one stands");
        assert_eq!(judge_older(&cells(3), false, &records, true), Older::MustBe(&cells(2)));
        assert_eq!(judge_older(&cells(1), true, &records, true), Older::Holds, "the one after it may have been late");
        assert_eq!(judge_older(&cells(3), true, &records, true), Older::OnlyGoneExplains);
        assert_eq!(judge_older(&cells(1), false, &records, false), Older::Holds, "who knows in which order they came");
        assert_eq!(judge_older(&cells(1), true, &[], true), Older::OnlyGoneExplains);
    }
}
