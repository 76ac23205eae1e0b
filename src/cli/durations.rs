//! Durations and times as people write them.

use std::time::Duration;

use viewtide_dataflows::retention::RETENTION_US_MAX;

/// Parses `7d`, `1h`, `90m`, `1d 6h` to microseconds, at most ten years.
pub fn parse_duration_us(text: &str) -> Result<i64, String> {
    let duration: Duration =
        humantime::parse_duration(text).map_err(|error| format!("{error}; write for example 7d, 36h or 90m"))?;
    i64::try_from(duration.as_micros())
        .ok()
        .filter(|&us| us <= RETENTION_US_MAX)
        .ok_or_else(|| "more than 3,650 days".to_owned())
}

/// Parses a number of milliseconds.
pub fn parse_tick_ms(text: &str) -> Result<u64, String> {
    let (min, max) = (crate::limits::TICK_MS_MIN, crate::limits::TICK_MS_MAX);
    text.parse()
        .ok()
        .filter(|tick_ms| (min..=max).contains(tick_ms))
        .ok_or_else(|| format!("a tick is a bare number of milliseconds, {min} to {max}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        assert_eq!(parse_duration_us("7d"), Ok(7 * 86_400 * 1_000_000));
        assert_eq!(parse_duration_us("1h"), Ok(3_600_000_000));
        assert_eq!(parse_duration_us("0s"), Ok(0));
        for wrong in ["", "7", "-1h", "11000d", "99999999999999999999d", "soon"] {
            assert!(parse_duration_us(wrong).is_err(), "{wrong}");
        }
        assert_eq!(parse_tick_ms("100"), Ok(100));
        for wrong in ["0", "100ms", "-5", "3600001", ""] {
            assert!(parse_tick_ms(wrong).is_err(), "{wrong}");
        }
    }
}
