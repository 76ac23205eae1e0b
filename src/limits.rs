//! Every limit of the application, with its unit and its reason. Reaching one is counted and logged.

/// A larger record is a dead letter. Kafka's own default for a message is 1 MiB; a response of 50 items is 150 KiB.
pub const RECORD_BYTES_MAX: usize = 1024 * 1024;

/// How much of a record that was too large its dead letter keeps.
pub const OVERSIZED_PAYLOAD_BYTES_MAX: usize = 64 * 1024;

/// Records that a reader hands over at once: large enough to amortise a channel, small against a tick.
pub const BATCH_RECORDS_MAX: usize = 4_096;

/// Bytes that a reader hands over at once, so that a batch of large records stays small too.
pub const BATCH_BYTES_MAX: usize = 1024 * 1024;

/// Batches that wait between a reader and its worker; bounds memory while the worker is gated.
pub const BATCHES_QUEUED_MAX: usize = 8;

/// Records after which a worker closes its tick early, so that a tick stays a moderate unit of work and of commit.
pub const TICK_RECORDS_MAX: usize = 32_768;

/// Records that a worker has sent and that are not yet durable; past it the source waits. Bounds memory however slow
/// Postgres is: about 300 bytes a record through the dataflow and the sink.
pub const RECORDS_IN_FLIGHT_MAX: usize = 400_000;

/// Updates after which the sink closes a commit although more whole ticks wait, so that a commit takes at most about
/// two seconds.
pub const COMMIT_UPDATES_MAX: usize = 150_000;

/// Characters of a bad value that a message shows: enough to recognise it, short enough to read.
pub const SHOWN_CHARS_MAX: usize = 40;

/// Columns of a CSV file that are looked at; tables of video statistics have about twenty. Bounds what a row of nothing but
/// commas costs.
pub const CSV_COLUMNS_MAX: usize = 1_024;

/// CSV rows between two looks at whether to stop, while rows that were read before are passed: about a millisecond.
pub const CSV_ROWS_BETWEEN_STOPS: u64 = 4_096;
