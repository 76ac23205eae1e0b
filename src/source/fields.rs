//! The values of one record, row or item, and what they say.
//!
//! A form (JSON, CSV) puts the values that it finds into [`Fields`] and lets them be judged. So the same input is accepted, or
//! refused with the same words, in every form.

use viewtide_dataflows::metadata::Metadata;
use viewtide_dataflows::snapshot::{COUNT_MAX, Counts, EventTime, Nullable, Snapshot};
use viewtide_dataflows::trending::SCOPE_ALL;
use viewtide_dataflows::video_id::VideoId;

use super::field::Field;
use super::refusal::Refusal;
use super::times::{Horizon, published_at};
use super::value::{Value, shown};
use crate::limits::{CATEGORY_ID_BYTES_MAX, FILE_SOURCE_BYTES_MAX, METADATA_TEXT_BYTES_MAX};

/// What is taken from an input.
#[derive(Clone, Copy, Debug)]
pub enum Wanted {
    /// Snapshots, judged by this horizon, and what is said of their videos beside the counts.
    Snapshots(Horizon),
    /// What is known of videos.
    Videos,
}

/// What one record, row or item says; one of the two at least.
#[derive(Clone, Debug, PartialEq)]
pub struct Word {
    /// Of which video.
    pub video: VideoId,
    /// What was observed.
    pub observation: Option<Observation>,
    /// What is known of it, whole; boxed, since most records say nothing of it.
    pub metadata: Option<Box<Metadata>>,
    /// Why what is said of the video beside the counts is left out.
    pub left_out: Option<Box<Refusal>>,
}

impl Word {
    /// A snapshot, and what is said of its video beside the counts. That is left out where it is bad: the counts are none the
    /// worse for it.
    pub(super) fn of_snapshot(
        video: VideoId,
        observed: Observation,
        metadata: Result<Option<Metadata>, Refusal>,
    ) -> Self {
        let (metadata, left_out) = match metadata {
            Ok(metadata) => (metadata.map(Box::new), None),
            Err(refusal) => (None, Some(Box::new(refusal))),
        };
        Self { video, observation: Some(observed), metadata, left_out }
    }

    /// What is known of a video, and no more.
    pub(super) fn of_video(video: VideoId, metadata: Metadata) -> Self {
        Self { video, observation: None, metadata: Some(metadata.into()), left_out: None }
    }
}

/// A snapshot, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// When, and the counts.
    pub snapshot: Snapshot,
    /// Its own word on where it comes from.
    pub file_source: Option<Box<str>>,
}

/// The values of one record, as they are found.
#[derive(Clone, Debug, Default)]
pub struct Fields<'a> {
    values: [Option<Value<'a>>; Field::ALL.len()],
    twice: Option<&'static str>,
    /// The same of what is known of the video, which does not take the counts beside it along.
    metadata_twice: Option<&'static str>,
}

impl<'a> Fields<'a> {
    /// Takes the value of `field`.
    pub fn put(&mut self, field: Field, value: Value<'a>) {
        if self.values[field as usize].replace(value).is_some() {
            if Field::METADATA.contains(&field) {
                self.metadata_twice(field.name());
            } else {
                self.twice(field.name());
            }
        }
    }

    /// Forgets every value but that of `field`.
    pub(super) fn keep_only(&mut self, field: Field) {
        let value = self.values[field as usize].take();
        self.values = Default::default();
        self.values[field as usize] = value;
    }

    /// Takes what `other` has.
    pub(super) fn put_all(&mut self, other: Self) {
        for (field, value) in Field::ALL.into_iter().zip(other.values) {
            if let Some(value) = value {
                self.put(field, value);
            }
        }
        other.twice.into_iter().for_each(|name| self.twice(name));
        other.metadata_twice.into_iter().for_each(|name| self.metadata_twice(name));
    }

    /// Takes note that `name` was given twice.
    pub(super) fn twice(&mut self, name: &'static str) {
        self.twice.get_or_insert(name);
    }

    /// Takes note that `name`, which says something of the video, was given twice.
    pub(super) fn metadata_twice(&mut self, name: &'static str) {
        self.metadata_twice.get_or_insert(name);
    }

    /// What the values say, or why they are not taken.
    pub fn judge(&self, wanted: &Wanted) -> Result<Word, Refusal> {
        self.check_once()?;
        let video = self.video()?;
        Ok(match wanted {
            Wanted::Snapshots(horizon) => {
                let Some(time) = self.time(horizon)? else { return Err(Refusal::Missing(Field::Timestamp)) };
                let Some(counts) = self.counts()? else { return Err(Refusal::NoCount) };
                let observed = self.observation(time, counts)?;
                // A table says nothing by cells that are all empty.
                let is_given = |field: &Field| self.given(*field).is_some();
                let says_more = self.metadata_twice.is_some() || Field::METADATA.iter().any(is_given);
                Word::of_snapshot(video, observed, if says_more { self.metadata().map(Some) } else { Ok(None) })
            }
            // It names a video and no more, as a snapshot that went astray does. As its latest word it would hide all others.
            Wanted::Videos if !self.has_metadata() => return Err(Refusal::NoMetadata),
            Wanted::Videos => Word::of_video(video, self.metadata()?),
        })
    }

    /// No field was given twice.
    pub(super) fn check_once(&self) -> Result<(), Refusal> {
        match self.twice {
            Some(name) => Err(Refusal::GivenTwice(name)),
            None => Ok(()),
        }
    }

    /// Which video it is about.
    pub(super) fn video(&self) -> Result<VideoId, Refusal> {
        let Some(text) = self.text(Field::VideoId)? else { return Err(Refusal::Missing(Field::VideoId)) };
        VideoId::from_bytes(text.as_bytes()).map_err(|error| Refusal::BadVideoId { value: shown(text), error })
    }

    /// When it was observed, if it says so: the day of a trending video only where there is no timestamp.
    pub(super) fn time(&self, horizon: &Horizon) -> Result<Option<EventTime>, Refusal> {
        for field in [Field::Timestamp, Field::TrendingDate] {
            if let Some(text) = self.text(field)? {
                return horizon.event_time(field, text).map(Some);
            }
        }
        Ok(None)
    }

    /// What was observed at `time`.
    pub(super) fn observation(&self, time: EventTime, counts: Counts) -> Result<Observation, Refusal> {
        let file_source = self.label(Field::FileSource, FILE_SOURCE_BYTES_MAX)?;
        Ok(Observation { snapshot: Snapshot { time, counts }, file_source })
    }

    /// The counts, if there is one.
    pub(super) fn counts(&self) -> Result<Option<Counts>, Refusal> {
        let mut counts = [Nullable::NULL; 3];
        for (count, field) in counts.iter_mut().zip(Field::COUNTS) {
            if let Some(value) = self.given(field) {
                let number = whole(value).ok_or_else(|| Refusal::BadCount { field, value: value.to_string() })?;
                *count = Nullable::some(number);
            }
        }
        // What is hidden or switched off is unknown, although tables write 0 there.
        let [_, likes, comments] = &mut counts;
        for (count, field) in [(likes, Field::RatingsDisabled), (comments, Field::CommentsDisabled)] {
            if self.flag(field)? {
                *count = Nullable::NULL;
            }
        }
        Ok(counts.iter().any(|count| count.get().is_some()).then_some(counts))
    }

    /// Title, channel and category; NULL where not given.
    pub(super) fn metadata(&self) -> Result<Metadata, Refusal> {
        if let Some(name) = self.metadata_twice {
            return Err(Refusal::GivenTwice(name));
        }
        let label = |field| self.label(field, METADATA_TEXT_BYTES_MAX);
        Ok(Metadata {
            title: label(Field::Title)?,
            channel_id: label(Field::ChannelId)?,
            channel_title: label(Field::ChannelTitle)?,
            category_id: match self.given(Field::CategoryId) {
                // An id that is written as a number is the same id.
                Some(Value::Whole(number)) => Some(number.to_string().into()),
                Some(Value::Text(text)) if text == SCOPE_ALL => return Err(Refusal::ReservedCategory),
                _ => self.label(Field::CategoryId, CATEGORY_ID_BYTES_MAX)?,
            },
            published_at: self.text(Field::PublishedAt)?.map(published_at).transpose()?,
        })
    }

    /// Whether there is a value of what is known of a video, be it null.
    pub(super) fn has_metadata(&self) -> bool {
        Field::METADATA.iter().any(|field| self.values[*field as usize].is_some())
    }

    pub(super) fn given(&self, field: Field) -> Option<&Value<'a>> {
        self.values[field as usize].as_ref().filter(|value| !value.is_null())
    }

    fn text(&self, field: Field) -> Result<Option<&str>, Refusal> {
        match self.given(field) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(value) => Err(Refusal::NotText { field, value: value.to_string() }),
        }
    }

    /// Text that is stored, of `allowed` bytes at most.
    fn label(&self, field: Field, allowed: usize) -> Result<Option<Box<str>>, Refusal> {
        match self.text(field)? {
            None => Ok(None),
            Some(text) if text.len() > allowed => Err(Refusal::TooLong { field, bytes: text.len(), allowed }),
            Some(text) if text.contains('\0') => Err(Refusal::Nul(field)),
            Some(text) => Ok(Some(text.into())),
        }
    }

    fn flag(&self, field: Field) -> Result<bool, Refusal> {
        match self.given(field) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(Value::Whole(0)) => Ok(false),
            Some(Value::Whole(1)) => Ok(true),
            Some(Value::Text(text)) if text == "0" => Ok(false),
            Some(Value::Text(text)) if text == "1" => Ok(true),
            Some(Value::Text(text)) if text.eq_ignore_ascii_case("true") => Ok(true),
            Some(Value::Text(text)) if text.eq_ignore_ascii_case("false") => Ok(false),
            Some(value) => Err(Refusal::NotAFlag { field, value: value.to_string() }),
        }
    }
}

fn whole(value: &Value<'_>) -> Option<i64> {
    match value {
        Value::Whole(number) => i64::try_from(*number).ok().filter(|number| *number <= COUNT_MAX),
        Value::Text(digits) => digits.bytes().try_fold(0_i64, |number, byte| {
            let digit = byte.is_ascii_digit().then(|| i64::from(byte - b'0'))?;
            // `number` is at most COUNT_MAX, so ten times it cannot overflow.
            Some(number * 10 + digit).filter(|number| *number <= COUNT_MAX)
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::super::refusal::Clock;
    use super::super::times::event_time;
    use super::*;

    const ARRIVED: &str = "2025-07-01T00:00:00Z";

    fn wanted() -> Wanted {
        let arrived_us = Some(event_time(ARRIVED).unwrap());
        Wanted::Snapshots(Horizon { arrived_us, future_max_us: 3_600_000_000, clock: Clock::Kafka })
    }

    fn text(text: &str) -> Value<'_> {
        Value::Text(Cow::Borrowed(text))
    }

    fn good() -> Fields<'static> {
        let mut fields = Fields::default();
        fields.put(Field::Timestamp, text("2025-07-01 00:00:44"));
        fields.put(Field::VideoId, text("7tbWmYUZLX4"));
        fields
    }

    fn judged(field: Field, value: Value<'static>) -> Result<Observation, String> {
        let mut fields = good();
        fields.values[field as usize] = None;
        fields.put(field, value);
        if Field::COUNTS[1..].contains(&field) || !Field::COUNTS.contains(&field) {
            fields.put(Field::ViewCount, Value::Whole(1));
        }
        let word = fields.judge(&wanted()).map_err(|refusal| refusal.to_string())?;
        assert_eq!(word.metadata, None);
        Ok(word.observation.expect("snapshots are wanted"))
    }

    /// What is said of a video of which `field` is `value`: the same, whatever is wanted. What is bad takes no counts along.
    fn said(field: Field, value: Value<'static>) -> Result<Metadata, String> {
        let mut fields = good();
        fields.put(Field::ViewCount, Value::Whole(1));
        fields.put(field, value);
        let judged = |wanted| fields.judge(&wanted).map_err(|refusal| refusal.to_string());
        let (beside, alone) = (judged(wanted()), judged(Wanted::Videos));
        match (&beside, &alone) {
            (Ok(beside), Ok(alone)) => {
                assert!(beside.observation.is_some() && alone.observation.is_none());
                assert_eq!(beside.metadata.clone().unwrap_or_default(), alone.metadata.clone().unwrap());
                assert_eq!(beside.left_out, None);
            }
            (Ok(beside), Err(alone)) => {
                assert!(beside.observation.is_some() && beside.metadata.is_none());
                assert_eq!(beside.left_out.as_ref().map(|refusal| refusal.to_string()).as_ref(), Some(alone));
            }
            (beside, _) => panic!("{beside:?}"),
        }
        alone.map(|word| *word.metadata.unwrap())
    }

    #[test]
    fn counts_are_whole_numbers_up_to_the_limit() {
        for (value, count) in [
            (Value::Whole(0), Some(0)),
            (Value::Whole(COUNT_MAX as u64), Some(COUNT_MAX)),
            (text("1000000000000"), Some(COUNT_MAX)),
            (text("0000000000000000000000000000012"), Some(12)),
        ] {
            let counts = judged(Field::ViewCount, value.clone()).unwrap().snapshot.counts;
            assert_eq!(counts, [Nullable::from(count), Nullable::NULL, Nullable::NULL], "{value:?}");
        }
        for (value, shown) in [
            (text("1e9"), "1e9"),
            (text("-1"), "-1"),
            (text("12,345"), "12,345"),
            (text("10000000000000"), "10000000000000"),
            (text("1000000000001"), "1000000000001"),
            (text(" 1"), " 1"),
            (text("+1"), "+1"),
            (text("1.5"), "1.5"),
            (text("NaN"), "NaN"),
            (text("\u{661}"), "\u{661}"),
            (text("a\0b"), "a\\0b"),
            (Value::Whole(10_000_000_000_000), "10000000000000"),
            (Value::Whole(u64::MAX), "18446744073709551615"),
            (Value::Negative(-1), "-1"),
            (Value::Float(1.5), "1.5"),
            (Value::Float(1e9), "1000000000.0"),
            (Value::Bool(true), "true"),
            (Value::List, "a list"),
        ] {
            assert_eq!(
                judged(Field::ViewCount, value).unwrap_err(),
                format!("viewCount must be a whole number from 0 to 1000000000000, not {shown}")
            );
        }
    }

    #[test]
    fn null_and_empty_counts_are_absent_and_one_is_needed() {
        for value in [Value::Null, text("")] {
            let counts = judged(Field::LikeCount, value.clone()).unwrap().snapshot.counts;
            assert_eq!(counts, [Nullable::some(1), Nullable::NULL, Nullable::NULL]);
            assert!(judged(Field::ViewCount, value).unwrap_err().starts_with("no count at all"));
        }
        assert!(good().judge(&wanted()).is_err_and(|refusal| refusal == Refusal::NoCount));
    }

    #[test]
    fn what_is_switched_off_has_no_count() {
        let counts = |ratings: Option<Value<'static>>, comments: Option<Value<'static>>| {
            let mut fields = good();
            Field::COUNTS.into_iter().zip(5..).for_each(|(field, count)| fields.put(field, Value::Whole(count)));
            let flags = [(Field::RatingsDisabled, ratings), (Field::CommentsDisabled, comments)];
            for (field, flag) in flags {
                flag.into_iter().for_each(|flag| fields.put(field, flag));
            }
            let word = fields.judge(&wanted()).map_err(|refusal| refusal.to_string())?;
            Ok::<_, String>(word.observation.unwrap().snapshot.counts.map(Nullable::get))
        };
        for off in [text("True"), text("true"), text("TRUE"), text("1"), Value::Bool(true), Value::Whole(1)] {
            assert_eq!(counts(Some(off.clone()), None).unwrap(), [Some(5), None, Some(7)]);
            assert_eq!(counts(None, Some(off.clone())).unwrap(), [Some(5), Some(6), None]);
            assert_eq!(counts(Some(off.clone()), Some(off)).unwrap(), [Some(5), None, None]);
        }
        for on in [text("False"), text("false"), text("0"), text(""), Value::Null, Value::Bool(false), Value::Whole(0)]
        {
            assert_eq!(counts(Some(on.clone()), Some(on)).unwrap(), [Some(5), Some(6), Some(7)]);
        }
        for (flag, shown) in [(text("no"), "no"), (text("01"), "01"), (Value::Whole(2), "2")] {
            let words = format!("must be true or false, not {shown}");
            assert_eq!(counts(Some(flag.clone()), None).unwrap_err(), format!("ratings_disabled {words}"));
            assert_eq!(counts(None, Some(flag)).unwrap_err(), format!("comments_disabled {words}"));
        }
        let mut fields = good();
        fields.put(Field::LikeCount, Value::Whole(0));
        fields.put(Field::RatingsDisabled, Value::Bool(true));
        assert_eq!(fields.judge(&wanted()), Err(Refusal::NoCount), "the only count is none");
    }

    #[test]
    fn ids_that_are_none_are_refused() {
        for (id, why) in [
            ("7tbWmYUZLX", "a video id has 11 characters"),
            ("7tbWmYUZLX44", "a video id has 11 characters"),
            ("7tbWmYUZLX5", "the last character of a video id is one of 048AEIMQUYcgkosw"),
            ("7tbWmYU LX4", "a video id is made of A-Z, a-z, 0-9, - and _"),
        ] {
            assert_eq!(judged(Field::VideoId, text(id)).unwrap_err(), format!("video_id {id}: {why}"));
        }
        assert_eq!(judged(Field::VideoId, Value::Null).unwrap_err(), "no video_id");
        assert_eq!(judged(Field::VideoId, Value::Whole(7)).unwrap_err(), "video_id must be text, not 7");
    }

    #[test]
    fn a_timestamp_is_needed_in_one_of_its_forms() {
        assert_eq!(judged(Field::Timestamp, Value::Null).unwrap_err(), "no timestamp");
        assert_eq!(judged(Field::Timestamp, Value::Whole(5)).unwrap_err(), "timestamp must be text, not 5");
        let mut fields = good();
        fields.put(Field::ViewCount, Value::Whole(1));
        fields.values[Field::Timestamp as usize] = None;
        assert_eq!(fields.judge(&wanted()), Err(Refusal::Missing(Field::Timestamp)));
        fields.put(Field::TrendingDate, text("17.14.11"));
        let observed = fields.judge(&wanted()).unwrap().observation.unwrap();
        assert_eq!(Ok(observed.snapshot.time), event_time("2017-11-14T00:00:00Z"));
    }

    #[test]
    fn a_timestamp_comes_before_the_day_of_a_trending_video() {
        for day in ["17.14.11", "no day at all"] {
            let time = judged(Field::TrendingDate, text(day)).unwrap().snapshot.time;
            assert_eq!(Ok(time), event_time("2025-07-01T00:00:44Z"), "{day}");
        }
        for none in [Value::Null, text("")] {
            let mut fields = good();
            fields.values[Field::Timestamp as usize] = Some(none);
            fields.put(Field::ViewCount, Value::Whole(1));
            fields.put(Field::TrendingDate, text("17.14.11"));
            let observed = fields.judge(&wanted()).unwrap().observation.unwrap();
            assert_eq!(Ok(observed.snapshot.time), event_time("2017-11-14T00:00:00Z"));
        }
        let mut fields = good();
        fields.values[Field::Timestamp as usize] = Some(text("never"));
        fields.put(Field::ViewCount, Value::Whole(1));
        fields.put(Field::TrendingDate, text("17.14.11"));
        assert!(fields.judge(&wanted()).unwrap_err().to_string().starts_with("timestamp never: "));
    }

    #[test]
    fn what_is_said_of_a_video_twice_takes_no_counts_along() {
        let mut fields = good();
        fields.put(Field::ViewCount, Value::Whole(1));
        fields.put(Field::Title, text("A"));
        fields.put(Field::Title, text("A"));
        let word = fields.judge(&wanted()).unwrap();
        assert!(word.observation.is_some() && word.metadata.is_none());
        assert_eq!(word.left_out.as_deref(), Some(&Refusal::GivenTwice("title")));
        assert_eq!(fields.judge(&Wanted::Videos), Err(Refusal::GivenTwice("title")));
    }

    #[test]
    fn two_spellings_are_one_field() {
        let mut fields = good();
        fields.put(Field::ViewCount, Value::Null);
        fields.put(Field::ViewCount, Value::Whole(1));
        let refusal = fields.judge(&wanted()).unwrap_err();
        assert_eq!(refusal.to_string(), "viewCount is given twice (spellings count as one field)");
    }

    #[test]
    fn file_source_is_text_without_nul_and_within_the_limit() {
        let long = |bytes| Value::Text(Cow::Owned("x".repeat(bytes)));
        let longest = judged(Field::FileSource, long(FILE_SOURCE_BYTES_MAX)).unwrap().file_source;
        assert_eq!(longest.map(|text| text.len()), Some(FILE_SOURCE_BYTES_MAX));
        let refused = judged(Field::FileSource, long(FILE_SOURCE_BYTES_MAX + 1)).unwrap_err();
        assert_eq!(refused, "file_source has 4097 bytes, more than the 4096 allowed");
        assert_eq!(judged(Field::FileSource, text("a.csv")).unwrap().file_source.as_deref(), Some("a.csv"));
        assert_eq!(judged(Field::FileSource, text("")).unwrap().file_source, None);
        assert_eq!(judged(Field::FileSource, Value::Bool(true)).unwrap_err(), "file_source must be text, not true");
        assert!(judged(Field::FileSource, text("a\0b")).unwrap_err().contains("NUL"));
    }

    #[test]
    fn what_is_known_of_a_video_is_text_within_the_limit() {
        let get = |metadata: Metadata, field| match field {
            Field::Title => metadata.title,
            Field::ChannelId => metadata.channel_id,
            Field::ChannelTitle => metadata.channel_title,
            _ => metadata.category_id,
        };
        for field in [Field::Title, Field::ChannelId, Field::ChannelTitle, Field::CategoryId] {
            let name = field.name();
            let allowed = if field == Field::CategoryId { CATEGORY_ID_BYTES_MAX } else { METADATA_TEXT_BYTES_MAX };
            let longest = "é".repeat(allowed / 2);
            for good in ["a \"b\", c\n🎵", " ", &longest.clone()] {
                let read = said(field, Value::Text(Cow::Owned(good.to_owned()))).unwrap();
                assert_eq!(get(read, field).as_deref(), Some(good));
            }
            for none in [Value::Null, text("")] {
                assert_eq!(get(said(field, none).unwrap(), field), None);
            }
            assert_eq!(
                said(field, Value::Text(Cow::Owned(longest + "x"))).unwrap_err(),
                format!("{name} has {} bytes, more than the {allowed} allowed", allowed + 1)
            );
            let nul = "contains a NUL character, which Postgres text cannot hold";
            assert_eq!(said(field, text("a\0b")).unwrap_err(), format!("{name} {nul}"));
            for (wrong, shown) in [(Value::Bool(true), "true"), (Value::List, "a list"), (Value::Float(1.5), "1.5")] {
                assert_eq!(said(field, wrong).unwrap_err(), format!("{name} must be text, not {shown}"));
            }
        }
        assert_eq!(said(Field::CategoryId, Value::Whole(22)).unwrap().category_id.as_deref(), Some("22"));
        // Two lists of one name would be one key of trending twice, at which the sink could not go on.
        assert!(said(Field::CategoryId, text("all")).unwrap_err().contains("all is the name of the list over all"));
        assert_eq!(said(Field::Title, Value::Whole(22)).unwrap_err(), "title must be text, not 22");
        assert_eq!(said(Field::PublishedAt, text("1970-01-01")).unwrap().published_at, Some(0));
        assert!(said(Field::PublishedAt, text("x")).unwrap_err().starts_with("published_at x: "));
        assert_eq!(said(Field::PublishedAt, Value::Whole(5)).unwrap_err(), "published_at must be text, not 5");
    }

    #[test]
    fn a_video_of_which_nothing_is_known_is_a_word_too_but_not_beside_a_snapshot() {
        let mut fields = Fields::default();
        fields.put(Field::VideoId, text("7tbWmYUZLX4"));
        fields.put(Field::ViewCount, Value::Whole(1));
        assert_eq!(fields.judge(&Wanted::Videos), Err(Refusal::NoMetadata), "it is a snapshot that went astray");
        fields.put(Field::Title, Value::Null);
        let word = fields.judge(&Wanted::Videos).unwrap();
        assert_eq!((word.observation, word.metadata), (None, Some(Box::default())));
        let mut fields = good();
        fields.put(Field::ViewCount, Value::Whole(1));
        fields.put(Field::Title, text(""));
        assert_eq!(fields.judge(&wanted()).unwrap().metadata, None);
    }
}
