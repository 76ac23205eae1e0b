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

/// Bytes after which a worker closes its tick early, so that a tick stays a moderate unit of work and of commit: about
/// 27,000 plain records.
pub const TICK_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What a record counts for against the limits in bytes: itself on its way through the dataflow, and its rows on their
/// way through the sink.
pub const RECORD_IN_FLIGHT_BYTES: usize = 300;

/// What a word on a video counts for beside its text: the hours of the video that are stored may have to move with it to
/// another channel, so a tick holds about a thousand of them.
pub const METADATA_IN_FLIGHT_BYTES: usize = 8 * 1024;

/// What a row of `videos` counts for among the updates of a commit, for the same reason.
pub const VIDEO_UPDATES: usize = 100;

/// What a row of forecasts counts for among the updates of a commit: it is wide, and what comes of it adds to three dozen sums.
pub const FORECAST_UPDATES: usize = 40;

/// How many times its bytes a record counts for where forecasts are issued for all hours (`--forecasts all`): three rows of them,
/// and a hundred sums where nothing else has its target in that hour. A tick of usual size would be a commit of 20 seconds.
pub const RECORD_FORECASTS_FACTOR: usize = 8;

/// How often a run looks whether other models are to be used: a query of three rows.
pub const MODELS_POLL_SECONDS: u64 = 2;

/// For how many ticks ahead it is known by which models they are computed; more than can be under way, for readers that are gated
/// close ticks before the clock does. A tick is at least a millisecond, so a change is in force within two seconds of being seen.
pub const MODELS_AHEAD_TICKS: u64 = 2_000;

/// Retrainings do not begin sooner one after the other.
pub const RETRAIN_EVERY_MIN: Duration = Duration::from_secs(1);

/// Videos that a retraining reads at most, others each time: as many as are polled every hour give the snapshots below and some.
pub const RETRAIN_VIDEOS_MAX: i64 = 2_000;

/// Snapshots that a retraining reads at most. An origin among them is a sample of 700 bytes, of which two copies are held for a
/// moment: about 400 MB where nearly all are origins of the last week.
pub const RETRAIN_SNAPSHOTS_MAX: u64 = 400_000;

/// Origins below which a retraining would learn little: twenty videos for a day.
pub const RETRAIN_ORIGINS_MIN: usize = 500;

/// Samples that an epoch of a retraining draws at most, whatever the number of videos: as many as the models that come with
/// viewtide were trained on, about 10 s of a core a model.
pub const RETRAIN_DRAWS_MAX: usize = 20_000;

/// Seconds after which the training of one model is given up: it is behind other work that needs the cores more.
pub const RETRAIN_SECONDS_MAX: u64 = 1_800;

/// The share of a step's time that training may wait for a core before it takes it that others want it.
pub const RETRAIN_BUSY_SHARE: f64 = 0.02;

/// The share of a core that training takes then: after each of its steps, of some hundredths of a second, it rests.
pub const RETRAIN_CORE_SHARE: f64 = 0.25;

/// Versions of a model that a retraining keeps; older ones that nothing goes back to are deleted. One is 150 kB.
pub const MODELS_KEPT_MAX: i32 = 50;

/// How often it is looked whether a retraining is to be mirrored to MLflow: a query of a few hundred rows by an index, and no word
/// to the server where there is nothing to say.
pub const MLFLOW_POLL_SECONDS: u64 = 5;

/// How long MLflow may take for an answer; nothing but the mirror waits for it.
pub const MLFLOW_ANSWER_SECONDS_MAX: u64 = 30;

/// Bytes of an answer of MLflow that are read: a run with all its figures has about 10 kB.
pub const MLFLOW_ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// Characters of an answer of MLflow that a message shows.
pub const MLFLOW_ANSWER_CHARS_MAX: usize = 200;

/// How long Metabase may take for an answer: a new connection is tried before it is taken, and a query runs as long as it takes.
pub const METABASE_ANSWER_SECONDS_MAX: u64 = 60;

/// Bytes of an answer of Metabase that are read: what it knows of all tables and columns has about 500 kB, and it may have other
/// databases and cards beside.
pub const METABASE_ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Characters of an answer of Metabase that a message shows: room for what PostgreSQL says to it.
pub const METABASE_ANSWER_CHARS_MAX: usize = 400;

/// How often Metabase is asked the same where it is in trouble; with growing pauses between it is about a second and a half.
pub const METABASE_ATTEMPTS_MAX: u32 = 6;

/// How often it is looked whether Metabase is up, or has found the tables, milliseconds.
pub const METABASE_POLL_MS: u64 = 200;

/// How long Metabase may take to find tables and columns, seconds: it takes seconds, and waits for others to be looked at.
pub const METABASE_SYNC_SECONDS_MAX: u64 = 300;

/// Columns of a dashboard of Metabase.
pub const METABASE_GRID_COLUMNS: u64 = 24;

/// Connections over HTTP at once; a browser opens six, a scraper one. Others wait.
pub const HTTP_CONNECTIONS_MAX: usize = 256;

/// How long a connection over HTTP may take to say what it wants, and may be idle between two requests, seconds.
pub const HTTP_HEADER_SECONDS_MAX: u64 = 10;

/// How long a connection over HTTP lasts at most, seconds; browsers make a new one.
pub const HTTP_CONNECTION_SECONDS_MAX: u64 = 600;

/// Ports that the demo tries for its page.
pub const HTTP_PORTS_TRIED_MAX: u16 = 100;

/// How long to wait where the system has no room for another connection.
pub const HTTP_ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Connections to Postgres for all who look over HTTP: few beside the sink, and each question is asked once for all.
pub const HTTP_READERS_MAX: usize = 4;

/// Answers of the tables of each kind of page that are kept for the next who asks the same: a page of a video has about 100 kB.
pub const HTTP_ANSWERS_KEPT_MAX: usize = 128;

/// Bytes that are looked for in titles, names and ids.
pub const HTTP_SEARCH_BYTES_MAX: usize = 200;

/// How long a look into the tables may take, seconds.
pub const HTTP_READ_SECONDS_MAX: u64 = 5;

/// Rows of CSV files by which their end is said in parts (`--forecasts live` issues forecasts of every video there): a part is of
/// at most as many videos on average, and thrice as many forecasts are a commit of a few seconds and about 100 MB.
pub const END_ROWS_MAX: u64 = 50_000;

/// Bytes that all workers of a process have read and that are not yet durable; past it the sources wait. Bounds memory
/// however slow Postgres is, and lets a clean stop commit what was read (about 300,000 records) within 5 seconds.
pub const IN_FLIGHT_BYTES_MAX: usize = 96 * 1024 * 1024;

/// Updates after which the sink closes a commit although more whole ticks wait, so that a commit takes at most about two
/// seconds: half of one where the machine is not busy. Rows of hours, trends and ranks are written once a commit, however
/// many ticks changed them, so that a larger commit is less work.
pub const COMMIT_UPDATES_MAX: usize = 300_000;

/// A clean stop gives up after this long, and the process ends with an error: Postgres does not take what was read. It
/// will be read again.
pub const STOP_SECONDS_MAX: u64 = 5;

/// How often `run` logs its figures.
pub const REPORT_INTERVAL_SECONDS: u64 = 5;

/// The shortest tick, milliseconds: a commit takes about as long.
pub const TICK_MS_MIN: u64 = 1;

/// The longest tick, milliseconds: an hour; more would only be a way to see nothing.
pub const TICK_MS_MAX: u64 = 3_600_000;

/// Workers of one process; beyond it threads cost more than they bring.
pub const WORKERS_MAX: usize = 256;

/// How long processes of one engine wait for each other at the start, seconds.
pub const CLUSTER_SETUP_SECONDS_MAX: u64 = 60;

/// How long a connection may take to say that it is a peer, milliseconds; others wait meanwhile.
pub const CLUSTER_GREETING_MS_MAX: u64 = 1_000;

/// A connection to Postgres that is not there by then is not there, seconds.
pub const CONNECT_TIMEOUT_SECONDS: u64 = 10;

/// How long data may go unacknowledged before a connection counts as broken, seconds; a half-open one would else hold
/// its locks for hours.
pub const TCP_USER_TIMEOUT_SECONDS: u64 = 20;

/// How long a statement waits for a lock, seconds, before it is tried again: longer than any commit holds one.
pub const LOCK_TIMEOUT_SECONDS: u64 = 15;

/// How long a server process may take to end when it is told to, seconds.
pub const BACKEND_END_SECONDS_MAX: u64 = 10;

/// How often a start tries to take over from a sink that keeps coming back.
pub const TAKEOVER_ATTEMPTS_MAX: u32 = 5;

/// Rows that a start loads at once; 1 to 3 MiB.
pub const LOAD_CHUNK_ROWS: usize = 16_384;

/// Chunks of loaded rows that wait for worker 0.
pub const LOAD_CHUNKS_QUEUED_MAX: usize = 4;

/// Rows that are merged by one statement: its parameters stay at about 2 MB.
pub const MERGE_ROWS_MAX: usize = 8_192;

/// Rows of `videos` that are merged by one statement: their titles may be long.
pub const MERGE_VIDEOS_MAX: usize = 1_024;

/// Bytes that COPY sends at once, so that the server works while the next ones are encoded.
pub const COPY_CHUNK_BYTES: usize = 128 * 1024;

/// The first wait before a commit is tried again, milliseconds; it doubles each time.
pub const RETRY_MS_MIN: u64 = 50;

/// The longest wait before a commit is tried again, milliseconds: Postgres is noticed within it when it is back.
pub const RETRY_MS_MAX: u64 = 2_000;

/// Seconds that a managed Postgres may take to start: after a crash it first replays up to the gigabytes of log below.
pub const MANAGED_START_SECONDS_MAX: u64 = 300;

/// Megabytes of log after which a managed Postgres writes its pages at the latest: at full speed it is 40 MB a second, and a
/// checkpoint every minute is enough.
pub const MANAGED_WAL_MEGABYTES_MAX: u64 = 4_096;

/// One part in so many of the memory is for the buffers of a managed Postgres, which shares the machine.
pub const MANAGED_BUFFERS_SHARE: u64 = 8;

/// Bytes of these buffers at least: PostgreSQL's own default.
pub const MANAGED_BUFFERS_BYTES_MIN: u64 = 128 * 1024 * 1024;

/// Bytes of these buffers at most: the keys of a million videos' newest days.
pub const MANAGED_BUFFERS_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;

/// How long whoever leaves a managed Postgres looks whether others use it: longer than a process takes to start.
pub const MANAGED_LEAVE_PATIENCE: Duration = Duration::from_millis(300);

/// Seconds that a managed Postgres may take to stop, which includes a last checkpoint.
pub const MANAGED_STOP_SECONDS_MAX: u64 = 60;

/// Bytes of a managed Postgres' log past which the next start begins a new one and keeps one old one.
pub const MANAGED_LOG_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Items of one response of the YouTube Data API, which gives 50 at most: room for collectors that join pages, and a bound for
/// what one record can become.
pub const RESPONSE_ITEMS_MAX: usize = 1_000;

/// Bytes of a record's key that the dead letter of one of its items keeps: each item repeats it, so that a key as large as a
/// record would become a gigabyte.
pub const ITEM_KEY_BYTES_MAX: usize = 1_024;

/// Bytes of a title, an id or a name of a channel, or a category. YouTube's longest titles have 400, escaped for HTML 600; an
/// entry of an index of Postgres, which ids go into, has at most 2,704.
pub const METADATA_TEXT_BYTES_MAX: usize = 2_000;

/// Bytes of a category's id. They are numbers of one or two digits; each category has lists of its own in `trending` and rows of
/// its own in `category_hourly`, so what is no id must not become one.
pub const CATEGORY_ID_BYTES_MAX: usize = 64;

/// Bytes of `file_source`: the longest path that Linux knows. It is kept with every row.
pub const FILE_SOURCE_BYTES_MAX: usize = 4_096;

/// How often it is said at most that what a topic or a file says of videos is left out; how many is counted meanwhile.
pub const METADATA_LOG_INTERVAL: Duration = Duration::from_secs(30);

/// Characters of a bad value that a message shows: enough to recognise it, short enough to read.
pub const SHOWN_CHARS_MAX: usize = 40;

/// Columns of a CSV file that are looked at; tables of video statistics have about twenty. Bounds what a row of nothing but
/// commas costs.
pub const CSV_COLUMNS_MAX: usize = 1_024;

/// CSV rows between two looks at whether to stop, while rows that were read before are passed: about a millisecond.
pub const CSV_ROWS_BETWEEN_STOPS: u64 = 4_096;

/// How long to wait for the brokers at a start; they answer in milliseconds if they are there.
pub const KAFKA_METADATA_TIMEOUT: Duration = Duration::from_secs(10);

/// How long to wait before offsets are asked for again where the brokers do not agree yet on who leads a partition.
pub const KAFKA_LOOK_UP_PAUSE: Duration = Duration::from_millis(100);

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

/// How long a reader waits after the client has said that records are gone, before it looks which: it says so once for each
/// partition that lost some, and each look is one of [`KAFKA_RESETS_MAX`].
pub const KAFKA_RESET_INTERVAL: Duration = Duration::from_millis(200);

/// How often in a row partitions are given to the client anew because the broker denies a record that it says it has.
pub const KAFKA_RESETS_MAX: u32 = 10;

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

/// Dead letters that `list` shows as a table where no limit is given; a table is laid out in memory.
pub const DEAD_LETTERS_LISTED: u64 = 1_000;

/// Characters of a payload that `list` shows: a snapshot's time and video, on one line of a wide terminal.
pub const PAYLOAD_SHOWN_CHARS_MAX: usize = 64;

/// Kinds of reasons that `list` counts one by one; the others are counted together.
pub const REASONS_SHOWN_MAX: usize = 8;

/// Bytes of a line of a file of dead letters. As JSON a byte takes up to six, and a record has up to 1 MiB.
pub const DEAD_LETTER_LINE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Dead letters that are not sent again, or would be, that are named one by one; all are counted.
pub const RESENDS_SHOWN_MAX: u64 = 100;

/// Differences that `verify` shows; all are counted.
pub const DIFFERENCES_SHOWN_MAX: usize = 20;
