//! Which dead letters.

use std::str::FromStr;

use jiff::Timestamp;
use tokio_postgres::types::ToSql;

use crate::dead_letters::letter::Letter;
use crate::sink::encode::TimeParam;

/// Those for which all that is given holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The topic, or the CSV file as it was named.
    pub topic: Option<String>,
    /// The partition.
    pub partition: Option<u32>,
    /// The offset; of a CSV file the line.
    pub offsets: Option<Offsets>,
    /// Somewhere in the reason, whatever the case.
    pub reason: Option<String>,
    /// Stored at this time or later.
    pub since: Option<Timestamp>,
    /// Stored before this time.
    pub until: Option<Timestamp>,
    /// Only those that were read before their partition began anew, or only the others.
    pub before_gap: Option<bool>,
    /// The first so many, in order of their places.
    pub limit: Option<u64>,
}

/// Offsets from one to another, both included: `17`, `17..42`, `17..` or `..42`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offsets {
    /// The first.
    pub from: u64,
    /// The last; `None` for all that follow.
    pub to: Option<u64>,
}

impl FromStr for Offsets {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |text: &str| text.trim().parse::<u64>().map_err(|_| explain(text));
        let offsets = match text.split_once("..") {
            None => {
                let only = number(text)?;
                Self { from: only, to: Some(only) }
            }
            Some(("", "")) => return Err(explain(text)),
            Some((from, to)) => Self {
                from: if from.is_empty() { 0 } else { number(from)? },
                to: if to.is_empty() { None } else { Some(number(to)?) },
            },
        };
        match offsets.to {
            Some(to) if to < offsets.from => Err(format!("`{text}` ends before it begins")),
            _ => Ok(offsets),
        }
    }
}

fn explain(text: &str) -> String {
    format!("`{text}` is no offset; write 17, or from one to another, both included, as 17..42, 17.. or ..42")
}

/// The filter as SQL; its parameters are [`Params`]. The limit, parameter 9, is not part of it.
pub(super) const CONDITION: &str = "($1::text IS NULL OR topic = $1) \
    AND ($2::integer IS NULL OR \"partition\" = $2) \
    AND ($3::bigint IS NULL OR kafka_offset >= $3) AND ($4::bigint IS NULL OR kafka_offset <= $4) \
    AND ($5::text IS NULL OR strpos(lower(reason), lower($5)) > 0) \
    AND ($6::timestamptz IS NULL OR received_at >= $6) AND ($7::timestamptz IS NULL OR received_at < $7) \
    AND ($8::boolean IS NULL OR (before_gap <> 0) = $8)";

/// The order of places, which is that of the primary key; where a partition began anew a place comes again.
pub(super) const ORDER: &str = "topic, \"partition\", kafka_offset, item, before_gap";

/// What [`CONDITION`] is given.
pub(super) struct Params {
    topic: Option<String>,
    partition: Option<i32>,
    from: Option<i64>,
    to: Option<i64>,
    reason: Option<String>,
    since: Option<TimeParam>,
    until: Option<TimeParam>,
    before_gap: Option<bool>,
    limit: Option<i64>,
}

impl Params {
    pub(super) fn of(filter: &Filter) -> Self {
        let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let time = |time: Timestamp| TimeParam(time.as_microsecond());
        Self {
            topic: filter.topic.clone(),
            partition: filter.partition.map(|partition| i32::try_from(partition).unwrap_or(i32::MAX)),
            from: filter.offsets.map(|offsets| signed(offsets.from)),
            to: filter.offsets.and_then(|offsets| offsets.to).map(signed),
            reason: filter.reason.clone(),
            since: filter.since.map(time),
            until: filter.until.map(time),
            before_gap: filter.before_gap,
            limit: filter.limit.map(signed),
        }
    }

    /// Those of [`CONDITION`].
    pub(super) fn condition(&self) -> [&(dyn ToSql + Sync); 8] {
        let Self { topic, partition, from, to, reason, since, until, before_gap, limit: _ } = self;
        [topic, partition, from, to, reason, since, until, before_gap]
    }

    /// Those, and the limit.
    pub(super) fn with_limit(&self) -> [&(dyn ToSql + Sync); 9] {
        let [a, b, c, d, e, f, g, h] = self.condition();
        [a, b, c, d, e, f, g, h, &self.limit]
    }
}

impl Filter {
    /// Those that this one leaves out since they are of before a gap, if it does.
    pub fn left_out(&self) -> Option<Self> {
        (self.before_gap == Some(false)).then(|| Self { before_gap: Some(true), limit: None, ..self.clone() })
    }

    /// Whether a dead letter of a file passes, but for the limit.
    pub fn admits(&self, letter: &Letter) -> bool {
        let Self { topic, partition, offsets, reason, since, until, before_gap, limit: _ } = self;
        topic.as_ref().is_none_or(|topic| *topic == letter.topic)
            && partition.is_none_or(|partition| partition == letter.partition)
            && offsets
                .is_none_or(|Offsets { from, to }| letter.offset >= from && to.is_none_or(|to| letter.offset <= to))
            && reason.as_ref().is_none_or(|part| letter.reason.to_lowercase().contains(&part.to_lowercase()))
            && since.is_none_or(|since| letter.received_at.is_some_and(|at| at >= since))
            && until.is_none_or(|until| letter.received_at.is_some_and(|at| at < until))
            && before_gap.is_none_or(|before| before == (letter.before_gap > 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_one_or_from_one_to_another() {
        let offsets = |text: &str| text.parse::<Offsets>().map(|Offsets { from, to }| (from, to));
        assert_eq!(offsets("17"), Ok((17, Some(17))));
        assert_eq!(offsets("17..42"), Ok((17, Some(42))));
        assert_eq!(offsets("17.."), Ok((17, None)));
        assert_eq!(offsets("..42"), Ok((0, Some(42))));
        for wrong in ["", "..", "x", "-1", "1-2", "1..x", "1...2"] {
            assert!(offsets(wrong).unwrap_err().contains("17..42"), "{wrong}");
        }
        assert_eq!(offsets("42..17").unwrap_err(), "`42..17` ends before it begins");
    }

    #[test]
    fn a_letter_of_a_file_must_fulfil_all_that_is_given() {
        let time = |text: &str| Some(text.parse::<Timestamp>().unwrap());
        let letter = Letter {
            topic: "stats".to_owned(),
            partition: 3,
            offset: 17,
            reason: "not JSON: EOF".to_owned(),
            received_at: time("2025-07-01T00:00:00Z"),
            ..Letter::default()
        };
        let all = Filter {
            topic: Some("stats".to_owned()),
            partition: Some(3),
            offsets: Some(Offsets { from: 17, to: Some(17) }),
            reason: Some("Json".to_owned()),
            since: time("2025-07-01T00:00:00Z"),
            until: time("2025-07-01T00:00:01Z"),
            before_gap: Some(false),
            limit: None,
        };
        assert!(Filter::default().admits(&letter) && all.admits(&letter));
        for other in [
            Filter { topic: Some("stat".to_owned()), ..all.clone() },
            Filter { partition: Some(2), ..all.clone() },
            Filter { offsets: Some(Offsets { from: 18, to: None }), ..all.clone() },
            Filter { offsets: Some(Offsets { from: 0, to: Some(16) }), ..all.clone() },
            Filter { reason: Some("utf".to_owned()), ..all.clone() },
            Filter { since: time("2025-07-01T00:00:01Z"), ..all.clone() },
            Filter { until: time("2025-07-01T00:00:00Z"), ..all.clone() },
            Filter { before_gap: Some(true), ..all.clone() },
        ] {
            assert!(!other.admits(&letter), "{other:?}");
        }
    }
}
