//! Rows in Postgres' binary form, for COPY and for parameters.
//!
//! COPY's own format: PostgreSQL documentation, COPY, "Binary Format". Every field is its length as an `i32` (-1 is NULL)
//! and its bytes, big-endian.

use std::error::Error;

use bytes::{BufMut, Bytes, BytesMut};
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use viewtide_dataflows::growth::Growth;
use viewtide_dataflows::hourly::HourRow;
use viewtide_dataflows::series::{SnapshotChange, SnapshotUpdate};
use viewtide_dataflows::snapshot::{EventTime, Nullable, SECOND_US};
use viewtide_dataflows::trends::TrendRow;
use viewtide_dataflows::video_id::VideoId;
use viewtide_models::forecasting::terms::Terms;
use viewtide_models::forecasting::{CounterForecast, ForecastUpdate};

use crate::limits::COPY_CHUNK_BYTES;
use crate::sink::forecasts::ScoreKey;
use crate::source::DeadLetter;

/// 2000-01-01T00:00:00Z, from which Postgres counts, in microseconds since 1970.
const POSTGRES_EPOCH_US: i64 = 946_684_800 * SECOND_US;

const COPY_SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const COPY_TRAILER: i16 = -1;
const NULL: i32 = -1;

/// Seconds since the predecessor, as the column holds them.
pub fn elapsed_seconds(growth: &Growth) -> Option<f64> {
    growth.elapsed_us.get().map(|elapsed_us| elapsed_us as f64 / SECOND_US as f64)
}

/// Growth rates of views, likes and comments, percent.
pub fn rates(update: &SnapshotUpdate) -> [Option<f64>; 3] {
    std::array::from_fn(|metric| Growth::rate(update.growth.deltas[metric], update.snapshot.counts[metric]))
}

/// Whether the row counts in growth and aggregates.
pub fn folded_in(update: &SnapshotUpdate) -> bool {
    update.change != SnapshotChange::Late
}

/// Writes rows for COPY into chunks that are sent while the next one is filled.
pub struct CopyBuffer {
    bytes: BytesMut,
}

impl CopyBuffer {
    /// A buffer that begins a COPY.
    pub fn new() -> Self {
        let mut bytes = BytesMut::with_capacity(COPY_CHUNK_BYTES + COPY_CHUNK_BYTES / 4);
        bytes.put_slice(COPY_SIGNATURE);
        Self { bytes }
    }

    /// What is in it, once that is worth sending.
    pub fn full_chunk(&mut self) -> Option<Bytes> {
        (self.bytes.len() >= COPY_CHUNK_BYTES).then(|| {
            let chunk = self.bytes.split().freeze();
            self.bytes.reserve(COPY_CHUNK_BYTES + COPY_CHUNK_BYTES / 4);
            chunk
        })
    }

    /// The rest, with the end of the COPY.
    pub fn last_chunk(mut self) -> Bytes {
        self.bytes.put_i16(COPY_TRAILER);
        self.bytes.freeze()
    }

    fn begin_row(&mut self, fields: i16) {
        self.bytes.put_i16(fields);
    }

    fn raw(&mut self, bytes: &[u8]) {
        self.bytes.put_i32(bytes.len() as i32);
        self.bytes.put_slice(bytes);
    }

    fn optional_raw(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            Some(bytes) => self.raw(bytes),
            None => self.bytes.put_i32(NULL),
        }
    }

    fn int8(&mut self, value: i64) {
        self.bytes.put_i32(8);
        self.bytes.put_i64(value);
    }

    fn int4(&mut self, value: i32) {
        self.bytes.put_i32(4);
        self.bytes.put_i32(value);
    }

    fn nullable(&mut self, value: Nullable) {
        match value.get() {
            Some(value) => self.int8(value),
            None => self.bytes.put_i32(NULL),
        }
    }

    fn float8(&mut self, value: Option<f64>) {
        match value {
            Some(value) => {
                self.bytes.put_i32(8);
                self.bytes.put_f64(value);
            }
            None => self.bytes.put_i32(NULL),
        }
    }

    fn time(&mut self, time: EventTime) {
        self.int8(time - POSTGRES_EPOCH_US);
    }

    /// A row of `video_stats_processed`; the order of columns is that of [`SNAPSHOT_COLUMNS`].
    pub fn snapshot(&mut self, update: &SnapshotUpdate) {
        self.begin_row(14);
        self.raw(&update.video.to_chars());
        self.time(update.snapshot.time);
        update.snapshot.counts.iter().for_each(|&count| self.nullable(count));
        rates(update).into_iter().for_each(|rate| self.float8(rate));
        update.growth.deltas.iter().for_each(|&delta| self.nullable(delta));
        self.float8(elapsed_seconds(&update.growth));
        self.boolean(folded_in(update));
        self.optional_raw(update.file_source.as_ref().map(|source| source.as_bytes()));
    }

    /// A row of `hourly_aggregations`; the order of columns is that of [`HOUR_COLUMNS`].
    pub fn hour(&mut self, row: &HourRow) {
        self.begin_row(21);
        self.raw(&row.video.to_chars());
        self.time(row.hour_start);
        row.stats.iter().for_each(|stats| self.float8(stats.average()));
        row.stats.iter().for_each(|stats| self.nullable(stats.gained));
        row.stats.iter().for_each(|stats| self.nullable(stats.min));
        row.stats.iter().for_each(|stats| self.nullable(stats.max));
        row.stats.iter().for_each(|stats| self.nullable(stats.first));
        row.stats.iter().for_each(|stats| self.nullable(stats.last));
        self.int8(i64::from(row.records));
    }

    /// A row of `trends`; the order of columns is that of [`TREND_COLUMNS`].
    pub fn trend(&mut self, row: &TrendRow) {
        self.begin_row(15);
        self.raw(&row.video.to_chars());
        self.time(row.as_of);
        self.optional_raw(row.label.map(|label| label.as_str().as_bytes()));
        for window in &row.windows {
            self.int8(window.gained);
            self.float8(window.per_hour);
            self.float8(window.acceleration);
        }
    }

    fn boolean(&mut self, value: bool) {
        self.bytes.put_i32(1);
        self.bytes.put_u8(u8::from(value));
    }

    fn text(&mut self, text: Option<&str>) {
        self.optional_raw(text.map(str::as_bytes));
    }

    /// An array of real, of one dimension; NaN is NULL.
    fn float4_array(&mut self, values: &[f32]) {
        let bytes = |value: &f32| if value.is_nan() { 4 } else { 8 };
        self.bytes.put_i32(20 + values.iter().map(bytes).sum::<i32>());
        self.bytes.put_i32(1);
        self.bytes.put_i32(i32::from(values.iter().any(|value| value.is_nan())));
        self.bytes.put_u32(Type::FLOAT4.oid());
        self.bytes.put_i32(values.len() as i32);
        self.bytes.put_i32(1);
        for value in values {
            if value.is_nan() {
                self.bytes.put_i32(NULL);
            } else {
                self.bytes.put_i32(4);
                self.bytes.put_f32(*value);
            }
        }
    }

    /// A row of `predictions`; the order of columns is that of [`PREDICTION_COLUMNS`].
    pub fn prediction(&mut self, update: &ForecastUpdate) {
        let ForecastUpdate { video, place, forecast, actual, .. } = update;
        let none = [None; 3];
        let row = forecast.as_deref().unwrap_or(&none);
        self.begin_row(31);
        self.raw(&video.to_chars());
        self.time(place.issued_at);
        self.int4(place.horizon_hours() as i32);
        self.time(place.target());
        for (forecast, actual) in row.iter().zip(actual.unwrap_or_default()) {
            let of = |value: fn(&CounterForecast) -> i64| Nullable::from(forecast.as_ref().map(value));
            self.nullable(of(|it| it.base));
            self.nullable(of(|it| it.base + it.outstanding.gain));
            self.nullable(of(|it| it.base + it.outstanding.interval[0]));
            self.nullable(of(|it| it.base + it.outstanding.interval[1]));
            self.nullable(forecast.map_or(Nullable::NULL, |it| it.last_increment));
            self.text(forecast.map(|it| it.model().to_string()).as_deref());
            match forecast {
                Some(it) => {
                    self.boolean(it.has_20_steps);
                    self.float4_array(&it.outstanding.gains);
                }
                None => {
                    self.bytes.put_i32(NULL);
                    self.bytes.put_i32(NULL);
                }
            }
            self.nullable(actual);
        }
    }

    /// A numeric: its decimal digits in groups of four, the most significant group first.
    fn numeric(&mut self, value: i128) {
        let mut groups = [0_i16; 10];
        let (mut rest, mut count) = (value.unsigned_abs(), 0);
        while rest > 0 {
            groups[count] = (rest % 10_000) as i16;
            rest /= 10_000;
            count += 1;
        }
        self.bytes.put_i32(8 + 2 * count as i32);
        self.bytes.put_i16(count as i16);
        self.bytes.put_i16(count.saturating_sub(1) as i16);
        self.bytes.put_u16(if value < 0 { 0x4000 } else { 0 });
        self.bytes.put_i16(0);
        groups[..count].iter().rev().for_each(|group| self.bytes.put_i16(*group));
    }

    /// A row of `forecast_score_hours`: its key, then the sums.
    pub fn score(&mut self, key: &ScoreKey, basis: &str, terms: &Terms) {
        self.begin_row(5 + Terms::LEN as i16);
        self.text(Some(&key.model.to_string()));
        self.text(Some(key.metric.name()));
        self.int4(key.horizon_hours as i32);
        self.text(Some(basis));
        self.time(key.target_hour);
        terms.numbers().into_iter().for_each(|number| self.numeric(number));
    }

    /// A row of `dead_letters`; the order of columns is that of [`DEAD_LETTER_COLUMNS`].
    pub fn dead_letter(&mut self, letter: &DeadLetter) {
        self.begin_row(8);
        self.raw(without_nul(&letter.topic).as_bytes());
        self.int4(letter.partition as i32);
        self.int8(letter.offset as i64);
        self.int4(letter.item as i32);
        self.raw(without_nul(&letter.reason).as_bytes());
        self.optional_raw(letter.key.as_deref());
        self.optional_raw(letter.payload.as_deref());
        match letter.kafka_timestamp_us {
            Some(time_us) => self.time(time_us),
            None => self.bytes.put_i32(NULL),
        }
    }
}

impl Default for CopyBuffer {
    fn default() -> Self {
        Self::new()
    }
}

/// Postgres' text cannot hold NUL.
fn without_nul(text: &str) -> std::borrow::Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text.into() }
}

/// Columns that a snapshot's row is written with.
pub const SNAPSHOT_COLUMNS: &str = "video_id, \"timestamp\", view_count, like_count, comment_count, \
     views_growth_rate, likes_growth_rate, comments_growth_rate, views_delta, likes_delta, comments_delta, \
     elapsed_seconds, folded_in, file_source";

/// Columns that an hour's row is written with.
pub const HOUR_COLUMNS: &str = "video_id, hour_start, avg_view_count, avg_like_count, avg_comment_count, \
     total_views_gained, total_likes_gained, total_comments_gained, min_view_count, min_like_count, min_comment_count, \
     max_view_count, max_like_count, max_comment_count, first_view_count, first_like_count, first_comment_count, \
     last_view_count, last_like_count, last_comment_count, total_records";

/// Columns that a trend's row is written with.
pub const TREND_COLUMNS: &str = "video_id, as_of, label, \
     views_gained_1h, views_per_hour_1h, views_acceleration_1h, views_gained_6h, views_per_hour_6h, \
     views_acceleration_6h, views_gained_24h, views_per_hour_24h, views_acceleration_24h, views_gained_7d, \
     views_per_hour_7d, views_acceleration_7d";

/// Columns that a forecast's row is written with.
pub const PREDICTION_COLUMNS: &str = "video_id, issued_at, horizon_hours, prediction_timestamp, \
     base_views, predicted_views, predicted_views_low, predicted_views_high, last_increment_views, views_model, \
     views_has_20_steps, members_views, actual_views, \
     base_likes, predicted_likes, predicted_likes_low, predicted_likes_high, last_increment_likes, likes_model, \
     likes_has_20_steps, members_likes, actual_likes, \
     base_comments, predicted_comments, predicted_comments_low, predicted_comments_high, last_increment_comments, \
     comments_model, comments_has_20_steps, members_comments, actual_comments";

/// Columns that a dead letter's row is written with.
pub const DEAD_LETTER_COLUMNS: &str = "topic, \"partition\", kafka_offset, item, reason, key, payload, kafka_timestamp";

/// A video id as a parameter of type text.
#[derive(Debug)]
pub struct IdParam(pub VideoId);

/// An event time as a parameter of type timestamptz.
#[derive(Debug)]
pub struct TimeParam(pub EventTime);

/// A count or a difference as a parameter of type bigint.
#[derive(Debug)]
pub struct CountParam(pub Nullable);

impl ToSql for IdParam {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.put_slice(&self.0.to_chars());
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::TEXT
    }

    to_sql_checked!();
}

impl ToSql for TimeParam {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.put_i64(self.0 - POSTGRES_EPOCH_US);
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::TIMESTAMPTZ
    }

    to_sql_checked!();
}

impl ToSql for CountParam {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self.0.get() {
            Some(value) => {
                out.put_i64(value);
                Ok(IsNull::No)
            }
            None => Ok(IsNull::Yes),
        }
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::INT8
    }

    to_sql_checked!();
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PostgreSQL, src/backend/utils/adt/numeric.c: number of groups, weight of the first, sign, digits after the point, groups.
    #[test]
    fn a_numeric_is_groups_of_four_digits() {
        let bytes = |value: i128| {
            let mut buffer = CopyBuffer { bytes: BytesMut::new() };
            buffer.numeric(value);
            buffer.bytes.chunks(2).skip(2).map(|pair| i16::from_be_bytes([pair[0], pair[1]])).collect::<Vec<_>>()
        };
        assert_eq!(bytes(0), [0, 0, 0, 0]);
        assert_eq!(bytes(7), [1, 0, 0, 0, 7]);
        assert_eq!(bytes(-120_034), [2, 1, 0x4000, 0, 12, 34]);
        assert_eq!(bytes(10_000), [2, 1, 0, 0, 1, 0]);
        assert_eq!(bytes(i128::MAX).len(), 4 + 10);
        assert_eq!(bytes(i128::MIN)[..6], [10, 9, 0x4000, 0, 170, 1411]);
    }
}
