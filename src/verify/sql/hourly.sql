-- hourly_aggregations: one row per video and UTC hour that has a folded-in snapshot, defined from the raw columns alone.
--
-- Average, smallest, largest, first and last are over the counts that are there. What was gained is the sum of the hour's
-- deltas, each against the snapshot before it by event time, wherever that one lies; NULL where the hour has no delta.
SELECT
    video_id,
    date_trunc('hour', "timestamp", 'UTC') AS hour_start,
    sum(view_count)::float8 / count(view_count)::float8 AS avg_view_count,
    sum(like_count)::float8 / count(like_count)::float8 AS avg_like_count,
    sum(comment_count)::float8 / count(comment_count)::float8 AS avg_comment_count,
    sum(views_delta)::bigint AS total_views_gained,
    sum(likes_delta)::bigint AS total_likes_gained,
    sum(comments_delta)::bigint AS total_comments_gained,
    min(view_count) AS min_view_count,
    min(like_count) AS min_like_count,
    min(comment_count) AS min_comment_count,
    max(view_count) AS max_view_count,
    max(like_count) AS max_like_count,
    max(comment_count) AS max_comment_count,
    (array_agg(view_count ORDER BY "timestamp") FILTER (WHERE view_count IS NOT NULL))[1] AS first_view_count,
    (array_agg(like_count ORDER BY "timestamp") FILTER (WHERE like_count IS NOT NULL))[1] AS first_like_count,
    (array_agg(comment_count ORDER BY "timestamp") FILTER (WHERE comment_count IS NOT NULL))[1] AS first_comment_count,
    (array_agg(view_count ORDER BY "timestamp" DESC) FILTER (WHERE view_count IS NOT NULL))[1] AS last_view_count,
    (array_agg(like_count ORDER BY "timestamp" DESC) FILTER (WHERE like_count IS NOT NULL))[1] AS last_like_count,
    (array_agg(comment_count ORDER BY "timestamp" DESC) FILTER (WHERE comment_count IS NOT NULL))[1] AS last_comment_count,
    count(*) AS total_records
FROM (
    SELECT
        *,
        view_count - lag(view_count) OVER by_time AS views_delta,
        like_count - lag(like_count) OVER by_time AS likes_delta,
        comment_count - lag(comment_count) OVER by_time AS comments_delta
    FROM (
        SELECT video_id, "timestamp", view_count, like_count, comment_count
        FROM video_stats_processed
        WHERE folded_in
    ) AS raw
    WINDOW by_time AS (PARTITION BY video_id ORDER BY "timestamp")
) AS with_deltas
GROUP BY video_id, date_trunc('hour', "timestamp", 'UTC')
