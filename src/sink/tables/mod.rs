//! One file a table: the statements that write it, prepared once for a connection.
//!
//! Keys that cannot be there go by COPY straight into the table; rows that are there are changed by key, and counted, since
//! one that is missing means that somebody else changed the table.

pub mod forecaster_state;
pub mod hours;
pub mod predictions;
pub mod rollups;
pub mod scores;
pub mod snapshots;
pub mod trending;
pub mod trends;
pub mod videos;

use crate::sink::SinkError;

/// Checks that as many rows changed as were to.
fn expect_rows(table: &'static str, expected: usize, found: u64) -> Result<(), SinkError> {
    let expected = expected as u64;
    if found == expected { Ok(()) } else { Err(SinkError::Rows { table, expected, found }) }
}
