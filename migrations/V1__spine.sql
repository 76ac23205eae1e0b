-- Raw snapshots with growth, hourly aggregates, dead letters, and the place up to which all of them are exact.

CREATE TABLE video_stats_processed (
    video_id text COLLATE "C" NOT NULL,
    "timestamp" timestamptz NOT NULL,
    view_count bigint,
    like_count bigint,
    comment_count bigint,
    views_growth_rate double precision,
    likes_growth_rate double precision,
    comments_growth_rate double precision,
    processed_at timestamptz NOT NULL DEFAULT now(),
    views_delta bigint,
    likes_delta bigint,
    comments_delta bigint,
    elapsed_seconds double precision,
    folded_in boolean NOT NULL,
    file_source text,
    PRIMARY KEY (video_id, "timestamp")
);
COMMENT ON TABLE video_stats_processed IS 'One row per video and event time: the counts as observed, and their growth against the previous snapshot of the video by event time.';
COMMENT ON COLUMN video_stats_processed.video_id IS 'YouTube video id, 11 characters.';
COMMENT ON COLUMN video_stats_processed."timestamp" IS 'Event time: when the counts were observed.';
COMMENT ON COLUMN video_stats_processed.view_count IS 'Views; NULL where not given.';
COMMENT ON COLUMN video_stats_processed.like_count IS 'Likes; NULL where not given or hidden.';
COMMENT ON COLUMN video_stats_processed.comment_count IS 'Comments; NULL where not given or disabled.';
COMMENT ON COLUMN video_stats_processed.views_growth_rate IS 'Growth of views in percent of the previous count; NULL without a previous snapshot, with a missing count, or where the previous count is 0.';
COMMENT ON COLUMN video_stats_processed.likes_growth_rate IS 'Growth of likes in percent of the previous count; NULL as for views.';
COMMENT ON COLUMN video_stats_processed.comments_growth_rate IS 'Growth of comments in percent of the previous count; NULL as for views.';
COMMENT ON COLUMN video_stats_processed.processed_at IS 'When the row was last written.';
COMMENT ON COLUMN video_stats_processed.views_delta IS 'Views less those of the previous snapshot; NULL without one or with a missing count.';
COMMENT ON COLUMN video_stats_processed.likes_delta IS 'Likes less those of the previous snapshot; NULL without one or with a missing count.';
COMMENT ON COLUMN video_stats_processed.comments_delta IS 'Comments less those of the previous snapshot; NULL without one or with a missing count.';
COMMENT ON COLUMN video_stats_processed.elapsed_seconds IS 'Seconds since the previous snapshot of the video; NULL without one.';
COMMENT ON COLUMN video_stats_processed.folded_in IS 'False for a record that came later than the retention allows: stored, but without growth and in no aggregate.';
COMMENT ON COLUMN video_stats_processed.file_source IS 'What the record or the CSV row gave as its source; NULL where it gave none.';

CREATE TABLE hourly_aggregations (
    video_id text COLLATE "C" NOT NULL,
    hour_start timestamptz NOT NULL,
    avg_view_count double precision,
    avg_like_count double precision,
    avg_comment_count double precision,
    total_views_gained bigint,
    total_likes_gained bigint,
    total_comments_gained bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    min_view_count bigint,
    min_like_count bigint,
    min_comment_count bigint,
    max_view_count bigint,
    max_like_count bigint,
    max_comment_count bigint,
    first_view_count bigint,
    first_like_count bigint,
    first_comment_count bigint,
    last_view_count bigint,
    last_like_count bigint,
    last_comment_count bigint,
    total_records bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (video_id, hour_start)
) WITH (fillfactor = 80);
COMMENT ON TABLE hourly_aggregations IS 'One row per video and UTC hour, over the folded-in snapshots of that hour.';
COMMENT ON COLUMN hourly_aggregations.video_id IS 'YouTube video id, 11 characters.';
COMMENT ON COLUMN hourly_aggregations.hour_start IS 'Start of the UTC hour.';
COMMENT ON COLUMN hourly_aggregations.avg_view_count IS 'Average of the view counts that are there.';
COMMENT ON COLUMN hourly_aggregations.avg_like_count IS 'Average of the like counts that are there.';
COMMENT ON COLUMN hourly_aggregations.avg_comment_count IS 'Average of the comment counts that are there.';
COMMENT ON COLUMN hourly_aggregations.total_views_gained IS 'Sum of views_delta over the hour; NULL where it has none.';
COMMENT ON COLUMN hourly_aggregations.total_likes_gained IS 'Sum of likes_delta over the hour; NULL where it has none.';
COMMENT ON COLUMN hourly_aggregations.total_comments_gained IS 'Sum of comments_delta over the hour; NULL where it has none.';
COMMENT ON COLUMN hourly_aggregations.created_at IS 'When the row was first written.';
COMMENT ON COLUMN hourly_aggregations.min_view_count IS 'Smallest view count of the hour.';
COMMENT ON COLUMN hourly_aggregations.min_like_count IS 'Smallest like count of the hour.';
COMMENT ON COLUMN hourly_aggregations.min_comment_count IS 'Smallest comment count of the hour.';
COMMENT ON COLUMN hourly_aggregations.max_view_count IS 'Largest view count of the hour.';
COMMENT ON COLUMN hourly_aggregations.max_like_count IS 'Largest like count of the hour.';
COMMENT ON COLUMN hourly_aggregations.max_comment_count IS 'Largest comment count of the hour.';
COMMENT ON COLUMN hourly_aggregations.first_view_count IS 'Earliest view count of the hour by event time.';
COMMENT ON COLUMN hourly_aggregations.first_like_count IS 'Earliest like count of the hour by event time.';
COMMENT ON COLUMN hourly_aggregations.first_comment_count IS 'Earliest comment count of the hour by event time.';
COMMENT ON COLUMN hourly_aggregations.last_view_count IS 'Latest view count of the hour by event time.';
COMMENT ON COLUMN hourly_aggregations.last_like_count IS 'Latest like count of the hour by event time.';
COMMENT ON COLUMN hourly_aggregations.last_comment_count IS 'Latest comment count of the hour by event time.';
COMMENT ON COLUMN hourly_aggregations.total_records IS 'Snapshots in the hour, each event time once.';
COMMENT ON COLUMN hourly_aggregations.updated_at IS 'When the row was last written.';

CREATE TABLE dead_letters (
    topic text NOT NULL,
    "partition" integer NOT NULL,
    kafka_offset bigint NOT NULL,
    item integer NOT NULL,
    reason text NOT NULL,
    key bytea,
    payload bytea,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, "partition", kafka_offset, item)
);
COMMENT ON TABLE dead_letters IS 'What was read and is no snapshot, written in the same transaction as the good rows around it.';
COMMENT ON COLUMN dead_letters.topic IS 'Kafka topic, or the CSV file as it was named.';
COMMENT ON COLUMN dead_letters."partition" IS 'Kafka partition; 0 for CSV.';
COMMENT ON COLUMN dead_letters.kafka_offset IS 'Kafka offset; for CSV the line, from 1.';
COMMENT ON COLUMN dead_letters.item IS 'Item of a response; 0 is the whole record.';
COMMENT ON COLUMN dead_letters.reason IS 'What is wrong with it.';
COMMENT ON COLUMN dead_letters.key IS 'Kafka key; NULL where it had none.';
COMMENT ON COLUMN dead_letters.payload IS 'The bytes as read; of a record too large the first 64 KiB; NULL where it had none.';
COMMENT ON COLUMN dead_letters.received_at IS 'When it was written here.';

CREATE TABLE viewtide_progress (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    incarnation bigint NOT NULL,
    tick bigint NOT NULL,
    positions jsonb NOT NULL,
    source jsonb NOT NULL,
    outputs text[] NOT NULL,
    retentions jsonb NOT NULL,
    future_max_us bigint NOT NULL,
    first_started_at timestamptz NOT NULL,
    backend_pid integer NOT NULL,
    backend_started_at timestamptz NOT NULL,
    committed_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 10);
COMMENT ON TABLE viewtide_progress IS 'One row: the prefix of the input that every table is exact for, and who may write.';
COMMENT ON COLUMN viewtide_progress.singleton IS 'Always true: there is one row.';
COMMENT ON COLUMN viewtide_progress.incarnation IS 'Counts the starts; only the newest may write.';
COMMENT ON COLUMN viewtide_progress.tick IS 'Last committed tick.';
COMMENT ON COLUMN viewtide_progress.positions IS 'For each partition the first offset ever read and the next one to read: {"0": {"first": 0, "next": 42}}; for CSV the one partition 0 counts rows over all files.';
COMMENT ON COLUMN viewtide_progress.source IS 'Where the records come from: Kafka cluster and topic, or CSV files with size and hash.';
COMMENT ON COLUMN viewtide_progress.outputs IS 'Which tables are computed.';
COMMENT ON COLUMN viewtide_progress.retentions IS 'Each retention that was in force, in microseconds, with the next offset of every partition at which it began: [{"retention_us": 604800000000, "since": {"0": 0}}].';
COMMENT ON COLUMN viewtide_progress.future_max_us IS 'How far ahead of its own arrival a record may be, in microseconds.';
COMMENT ON COLUMN viewtide_progress.first_started_at IS 'Clock of the first start; CSV rows ahead of it are refused.';
COMMENT ON COLUMN viewtide_progress.backend_pid IS 'Process id of the server backend that writes.';
COMMENT ON COLUMN viewtide_progress.backend_started_at IS 'When that backend started, which tells it from a later one of the same number.';
COMMENT ON COLUMN viewtide_progress.committed_at IS 'When the last tick was committed.';
