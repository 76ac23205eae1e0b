//! The incremental computation of viewtide: exact tables out of snapshots of public counters, kept up to date record
//! by record. No I/O, no SQL, no wall clock: time comes in as ticks, rows go out as updates.
//!
//! | module | one concept |
//! |---|---|
//! | [`video_id`] | an 11-character YouTube id as the 64 bits it is |
//! | [`snapshot`] | counts, snapshots, records and their place in the input |
//! | [`metadata`] | title, channel and category of a video, and whose word counts |
//! | [`growth`] | a snapshot against its predecessor |
//! | [`hourly`] | one video's hour |
//! | [`retention`] | what is late, and what memory keeps |
//! | [`history`] | one video's snapshots in memory, by event time |
//! | [`forecasting`] | what is asked of whoever forecasts |
//! | [`trends`] | what one video gained lately, and how fast |
//! | [`series`] | the operator: records in, rows of growth and hours and trends out |
//! | [`trending`] | the operators after it: what changes in the tables of trends and of ranks |
//! | [`videos`] | the operator: words on videos in, rows of the table of videos out |

pub mod forecasting;
pub mod growth;
pub mod history;
pub mod hourly;
pub mod metadata;
#[cfg(test)]
mod random_cases;
pub mod retention;
pub mod series;
pub mod snapshot;
pub mod trending;
pub mod trends;
pub mod video_id;
pub mod videos;

/// The logical time of the dataflow: a tick of ingestion, which only moves forward.
pub type Tick = u64;
