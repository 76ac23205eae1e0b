-- video_stats_processed: the growth of every snapshot, defined from the raw columns alone.
--
-- A snapshot that is folded in grows against the one before it by event time, among the folded-in snapshots of its video.
-- Where there is none, or a count is missing, growth is NULL; the rate also where the previous count is 0.
-- A late row (not folded in) has no growth and is nobody's predecessor.
SELECT
    video_id,
    "timestamp",
    100.0::float8 * views_delta::float8 / nullif(previous_views, 0)::float8 AS views_growth_rate,
    100.0::float8 * likes_delta::float8 / nullif(previous_likes, 0)::float8 AS likes_growth_rate,
    100.0::float8 * comments_delta::float8 / nullif(previous_comments, 0)::float8 AS comments_growth_rate,
    views_delta,
    likes_delta,
    comments_delta,
    elapsed_us::float8 / 1000000::float8 AS elapsed_seconds
FROM (
    SELECT
        video_id,
        "timestamp",
        lag(view_count) OVER by_time AS previous_views,
        lag(like_count) OVER by_time AS previous_likes,
        lag(comment_count) OVER by_time AS previous_comments,
        view_count - lag(view_count) OVER by_time AS views_delta,
        like_count - lag(like_count) OVER by_time AS likes_delta,
        comment_count - lag(comment_count) OVER by_time AS comments_delta,
        (extract(epoch FROM "timestamp" - lag("timestamp") OVER by_time) * 1000000)::bigint AS elapsed_us
    FROM video_stats_processed
    WHERE folded_in
    WINDOW by_time AS (PARTITION BY video_id ORDER BY "timestamp")
) AS against_previous
UNION ALL
SELECT video_id, "timestamp", NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM video_stats_processed
WHERE NOT folded_in
