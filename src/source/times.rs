//! Times as the input writes them: microseconds, UTC unless there is an offset, finer digits cut off.

use jiff::civil::{Date, Time};
use jiff::fmt::temporal::Pieces;
use jiff::tz::Offset;
use viewtide_dataflows::snapshot::EventTime;

use super::field::Field;
use super::refusal::{Clock, Refusal};
use super::value::shown;
use crate::limits::SHOWN_CHARS_MAX;

/// The first day on which a video was public: 2005-04-23T00:00:00Z, microseconds.
pub const FIRST_EVENT_TIME: EventTime = 1_114_214_400_000_000;

/// 0001-01-01T00:00:00Z, microseconds: Postgres reaches further back, but neither calendars nor people do.
const FIRST_PUBLISHED_AT: EventTime = -62_135_596_800_000_000;

/// 9999-12-30T22:00:00Z, microseconds: the last time in years of four digits at every offset.
const LAST_TIME: EventTime = 253_402_207_200_000_000;

/// How far ahead an event time may be.
#[derive(Clone, Copy, Debug)]
pub struct Horizon {
    /// When the record arrived, microseconds; `None` where nothing tells, and then nothing is too late.
    pub arrived_us: Option<EventTime>,
    /// How much later than that the event time may be, microseconds.
    pub future_max_us: i64,
    /// Whose word that is.
    pub clock: Clock,
}

impl Horizon {
    /// The time that `field` gives, `text`.
    ///
    /// # Errors
    /// What is wrong with it: no time, before the first video, or long after the record arrived.
    pub fn event_time(&self, field: Field, text: &str) -> Result<EventTime, Refusal> {
        let time = event_time_of(field, text)?;
        if time < FIRST_EVENT_TIME {
            return Err(Refusal::TooEarly { value: shown(text) });
        }
        match self.arrived_us {
            Some(arrived_us) if time > arrived_us.saturating_add(self.future_max_us) => Err(Refusal::TooLate {
                value: shown(text),
                clock: self.clock,
                arrived: shown_time(arrived_us),
                allowed: humantime::format_duration(std::time::Duration::from_micros(
                    u64::try_from(self.future_max_us).unwrap_or(0),
                ))
                .to_string(),
            }),
            _ => Ok(time),
        }
    }

    /// When the record arrived, as the time of what it observed.
    ///
    /// # Errors
    /// Nothing tells, or it was before the first video, or beyond the year 9999.
    pub fn arrival(&self) -> Result<EventTime, Refusal> {
        let time = self.arrived_us.ok_or(Refusal::NoArrival)?;
        if time < FIRST_EVENT_TIME {
            return Err(Refusal::TooEarly { value: shown_time(time) });
        }
        if time > LAST_TIME {
            return Err(beyond(Field::Timestamp, shown_time(time)));
        }
        Ok(time)
    }
}

/// The event time that the text of `field` (a timestamp or a trending date) names.
///
/// # Errors
/// What is wrong with it.
pub fn event_time_of(field: Field, text: &str) -> Result<EventTime, Refusal> {
    match field {
        Field::TrendingDate => match year_day_month(text) {
            Some(date) => {
                let date = date.map_err(|error| bad(field, text, shown_error(&error)))?;
                moment(field, text, date, Time::midnight(), Offset::UTC)
            }
            None => parsed(field, text, Some(Time::midnight())),
        },
        _ => parsed(field, text, None),
    }
}

/// The event time that `text` names: a date and a time.
///
/// # Errors
/// What is wrong with it.
pub fn event_time(text: &str) -> Result<EventTime, Refusal> {
    event_time_of(Field::Timestamp, text)
}

/// When a video was published: a date and a time, or a date alone, which is its midnight.
///
/// # Errors
/// What is wrong with it.
pub fn published_at(text: &str) -> Result<EventTime, Refusal> {
    let time = parsed(Field::PublishedAt, text, Some(Time::midnight()))?;
    if time < FIRST_PUBLISHED_AT {
        return Err(bad(Field::PublishedAt, text, "before the year 1".to_owned()));
    }
    Ok(time)
}

/// The date that `17.14.11` is in tables of trending videos, 2017-11-14; `None` where it is not written so.
fn year_day_month(text: &str) -> Option<Result<Date, jiff::Error>> {
    let [y1, y2, b'.', d1, d2, b'.', m1, m2] = *text.as_bytes() else { return None };
    let digits = [y1, y2, d1, d2, m1, m2];
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let two = |tens: u8, ones: u8| i16::from(10 * (tens - b'0') + (ones - b'0'));
    let small = |number: i16| i8::try_from(number).unwrap_or(i8::MAX);
    Some(Date::new(2_000 + two(y1, y2), small(two(m1, m2)), small(two(d1, d2))))
}

/// The time that `text` is; `of_date` is the time of a date alone, where that is allowed.
fn parsed(field: Field, text: &str, of_date: Option<Time>) -> Result<EventTime, Refusal> {
    let pieces = Pieces::parse(text).map_err(|error| bad(field, text, shown_error(&error)))?;
    let time = pieces.time().or(of_date).ok_or_else(|| bad(field, text, "a date alone is no time".to_owned()))?;
    if pieces.time_zone_annotation().is_some() {
        return Err(bad(field, text, "a time zone name is not accepted, only an offset".to_owned()));
    }
    moment(field, text, pieces.date(), time, pieces.to_numeric_offset().unwrap_or(Offset::UTC))
}

fn moment(field: Field, text: &str, date: Date, time: Time, offset: Offset) -> Result<EventTime, Refusal> {
    let timestamp = offset.to_timestamp(date.to_datetime(time)).map_err(|_| beyond(field, shown(text)))?;
    Ok(timestamp.as_microsecond())
}

fn bad(field: Field, text: &str, why: String) -> Refusal {
    Refusal::BadTime { field, value: shown(text), why }
}

fn beyond(field: Field, value: String) -> Refusal {
    let why = "beyond the last day of the year 9999, or before the first".to_owned();
    Refusal::BadTime { field, value, why }
}

fn shown_error(error: &jiff::Error) -> String {
    let text = error.to_string();
    text.chars().flat_map(|char| char.escape_debug()).take(8 * SHOWN_CHARS_MAX).collect()
}

fn shown_time(time_us: EventTime) -> String {
    jiff::Timestamp::from_microsecond(time_us).map_or_else(|_| format!("{time_us} us"), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2025-07-01T00:00:44Z.
    const MICROS: i64 = 1_751_328_044_000_000;

    fn horizon(arrived_us: Option<i64>) -> Horizon {
        Horizon { arrived_us, future_max_us: 3_600_000_000, clock: Clock::Kafka }
    }

    #[test]
    fn timestamps_are_utc_unless_they_say_otherwise() {
        for (text, expected) in [
            ("2025-07-01 00:00:44", MICROS),
            ("2025-07-01T00:00:44Z", MICROS),
            ("2025-07-01T00:00:44z", MICROS),
            ("2025-07-01T09:00:44+09:00", MICROS),
            ("2025-06-30 20:30:44-03:30", MICROS),
            ("2025-07-01T00:00:44.5", MICROS + 500_000),
            ("2025-07-01T00:00:44.123456789Z", MICROS + 123_456),
            ("2025-07-01T00:00:44.9999999Z", MICROS + 999_999),
        ] {
            assert_eq!(event_time(text), Ok(expected), "{text}");
            assert_eq!(event_time_of(Field::TrendingDate, text), Ok(expected), "{text}");
            assert_eq!(published_at(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn times_that_cannot_be_are_refused() {
        for (value, why) in [
            ("2025-07-01", "a date alone is no time"),
            ("17.14.11", "timestamp 17.14.11: "),
            ("2025-07-01T00:00:44[Europe/Berlin]", "a time zone name"),
            ("0001-01-01T00:00:00Z", "before 2005-04-23"),
            ("2005-04-22T23:59:59.999999Z", "before 2005-04-23"),
            ("9999-12-31T23:59:59Z", "timestamp 9999-12-31T23:59:59Z: "),
            ("2025-07-01T02:00:00Z", "more than 1h after the record's Kafka timestamp, 2025-07-01T00:00:00Z"),
            ("2025-07-01T01:00:00.000001Z", "more than 1h after"),
            ("2025-13-01T00:00:00Z", "timestamp 2025-13-01T00:00:00Z: "),
            ("1751328044", "timestamp 1751328044: "),
            ("yesterday", "timestamp yesterday: "),
            ("2025-07-01T00:00:44Z trailing", "timestamp 2025-07-01T00:00:44Z trailing: "),
        ] {
            let horizon = horizon(Some(event_time("2025-07-01T00:00:00Z").unwrap()));
            let reason = horizon.event_time(Field::Timestamp, value).unwrap_err().to_string();
            assert!(reason.contains(why), "{value}: {reason}");
            for limit in ["2005-04-23T00:00:00Z", "2025-07-01T01:00:00Z"] {
                horizon.event_time(Field::Timestamp, limit).unwrap();
            }
        }
        horizon(None).event_time(Field::Timestamp, "2999-01-01T00:00:00Z").expect("no clock tells that it is too late");
    }

    #[test]
    fn trending_dates_are_midnights() {
        let day = event_time("2017-11-14T00:00:00Z");
        for text in ["17.14.11", "2017-11-14", "2017-11-14T00:00:00Z"] {
            assert_eq!(event_time_of(Field::TrendingDate, text), day, "{text}");
        }
        for text in ["17.32.11", "17.11.14", "17.14.00", "17.1.11", "2017.14.11", "17/14/11", "17.14.1\u{661}", "x"] {
            let reason = event_time_of(Field::TrendingDate, text).unwrap_err().to_string();
            assert!(reason.starts_with(&format!("trending_date {text}: ")), "{reason}");
        }
        assert_eq!(
            horizon(None).event_time(Field::TrendingDate, "00.01.01").unwrap_err().to_string(),
            "timestamp 00.01.01: before 2005-04-23, when the first video went public"
        );
    }

    #[test]
    fn a_date_of_publishing_alone_is_its_midnight() {
        assert_eq!(published_at("2025-07-01"), event_time("2025-07-01T00:00:00Z"));
        assert_eq!(published_at("1970-01-01T00:00:00Z"), Ok(0));
        assert_eq!(published_at("0001-01-01"), Ok(FIRST_PUBLISHED_AT));
        for (text, why) in [
            ("0000-12-31", "before the year 1"),
            ("9999-12-31", "beyond the last day of the year 9999"),
            ("17.14.11", ""),
            ("2 years ago", ""),
        ] {
            let reason = published_at(text).unwrap_err().to_string();
            assert!(reason.starts_with(&format!("published_at {text}: {why}")), "{reason}");
        }
    }

    #[test]
    fn the_arrival_is_a_time_like_any_other() {
        assert_eq!(horizon(Some(MICROS)).arrival(), Ok(MICROS));
        let reason = |arrived_us| horizon(arrived_us).arrival().unwrap_err().to_string();
        assert!(reason(None).starts_with("no event time: the record has no Kafka timestamp"));
        assert!(reason(Some(0)).starts_with("timestamp 1970-01-01T00:00:00Z: before 2005-04-23"));
        assert!(reason(Some(1_000 * MICROS)).contains("beyond the last day of the year 9999"));
        assert_eq!(event_time("9999-12-30T22:00:00Z"), Ok(LAST_TIME));
    }
}
