//! Every limit of the application, with its unit and its reason. Reaching one is counted and logged.

use std::time::Duration;

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

/// CSV rows between two looks at whether to stop, while rows that were read before are passed: about a millisecond.
pub const CSV_ROWS_BETWEEN_STOPS: u64 = 4_096;

/// How long to wait for the brokers at a start; they answer in milliseconds if they are there.
pub const KAFKA_METADATA_TIMEOUT: Duration = Duration::from_secs(10);

/// How often to look for new partitions, for a topic that was created again, and for the ends of partitions: seldom enough
/// to cost nothing.
pub const KAFKA_REFRESH_INTERVAL: Duration = Duration::from_secs(2);

/// How long one such look may take; the next one comes soon.
pub const KAFKA_REFRESH_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a topic may be unknown to the brokers before it is taken for deleted: a broker that just started may not know its
/// topics for some seconds.
pub const TOPIC_GONE_AFTER: Duration = Duration::from_secs(15);

/// How often the consumer group is told how far rows are durable, which is for people who look.
pub const KAFKA_GROUP_COMMIT_INTERVAL: Duration = Duration::from_secs(1);

/// How long the end of a process waits until the group was told the last time.
pub const KAFKA_KEEPER_STOP_MAX: Duration = Duration::from_secs(2);

/// How often a reader looks whether marks of transactions moved its partitions on.
pub const KAFKA_POSITION_INTERVAL: Duration = Duration::from_secs(1);

/// How long a reader waits for a record before it looks whether to stop.
pub const KAFKA_IDLE_POLL: Duration = Duration::from_millis(50);

/// Each kind of trouble with Kafka is logged once in this time: while a broker is away every client says so several times a
/// second.
pub const KAFKA_LOG_INTERVAL: Duration = Duration::from_secs(30);

/// Records that each worker's consumer reads ahead at most: a tenth of a second at full speed, which hides the fetches. The
/// client keeps about 400 bytes beside each.
pub const KAFKA_PREFETCH_MESSAGES: u32 = 50_000;

/// KiB of records that each worker's consumer reads ahead at most.
pub const KAFKA_PREFETCH_KBYTES: u32 = 16 * 1024;

/// How often `replay` says how far it is: smooth for a progress bar, nothing for the replay.
pub const REPLAY_PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// How long `replay` sleeps at once before it looks whether to stop.
pub const REPLAY_SLEEP_MAX: Duration = Duration::from_millis(50);

/// How long a stopped `replay` waits for acknowledgements of what it sent.
pub const REPLAY_STOP_MAX: Duration = Duration::from_secs(4);
