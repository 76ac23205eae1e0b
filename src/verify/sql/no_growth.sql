-- video_stats_processed where growth is not among the outputs: every snapshot has its row, and its growth is NULL.
SELECT
    video_id,
    "timestamp",
    NULL::float8 AS views_growth_rate,
    NULL::float8 AS likes_growth_rate,
    NULL::float8 AS comments_growth_rate,
    NULL::bigint AS views_delta,
    NULL::bigint AS likes_delta,
    NULL::bigint AS comments_delta,
    NULL::float8 AS elapsed_seconds
FROM video_stats_processed
