//! How numbers, times and ages are written for people.

use std::time::Duration;

use jiff::Timestamp;

use crate::picture::number::grouped;

/// With a comma between thousands.
pub(super) fn count(count: i64) -> String {
    format!("{}{}", if count < 0 { "-" } else { "" }, grouped(count.unsigned_abs()))
}

/// A rate or a ratio: whole from a hundred on, with one decimal below.
pub(super) fn rate(rate: f64) -> String {
    if !rate.is_finite() {
        return "-".to_owned();
    }
    if rate.abs() >= 100.0 { count(rate.round() as i64) } else { format!("{rate:.1}") }
}

/// How long ago something was.
pub(super) fn age(age: Duration) -> String {
    match age.as_secs() {
        0..10 => format!("{:.1} s", age.as_secs_f64()),
        seconds @ 10..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

/// To the second, in UTC.
pub(super) fn time(us: i64) -> String {
    Timestamp::from_microsecond(us)
        .map_or_else(|_| "-".to_owned(), |time| time.strftime("%Y-%m-%d %H:%M:%S").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short_and_exact_enough() {
        let counts = [0, 7, 999, 1_000, -1_234_567, i64::MIN].map(count);
        assert_eq!(counts, ["0", "7", "999", "1,000", "-1,234,567", "-9,223,372,036,854,775,808"]);
        assert_eq!([0.04, 12.34, 99.96, 1_234.5, f64::NAN].map(rate), ["0.0", "12.3", "100.0", "1,235", "-"]);
        let ages = [0.25, 9.99, 119.0, 120.0, 7_199.0, 7_200.0, 172_800.0].map(|s| age(Duration::from_secs_f64(s)));
        assert_eq!(ages, ["0.2 s", "10.0 s", "119 s", "2 min", "119 min", "2 h", "2 days"]);
        assert_eq!(time(1_751_328_044_999_999), "2025-07-01 00:00:44");
    }
}
