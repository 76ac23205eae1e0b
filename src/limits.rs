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

/// Seconds that a managed Postgres may take to start: after a crash it first replays up to a gigabyte of its log.
pub const MANAGED_START_SECONDS_MAX: u64 = 300;

/// Seconds that a managed Postgres may take to stop, which includes a last checkpoint.
pub const MANAGED_STOP_SECONDS_MAX: u64 = 60;

/// Bytes of a managed Postgres' log past which the next start begins a new one and keeps one old one.
pub const MANAGED_LOG_BYTES_MAX: u64 = 16 * 1024 * 1024;
