-- total_hourly: the sums of hourly_aggregations, over all videos.
-- NULL counts as 0. Active are the videos that have a row for the hour.
SELECT
    hour_start,
    sum(coalesce(total_views_gained, 0))::bigint AS views_gained,
    sum(coalesce(total_likes_gained, 0))::bigint AS likes_gained,
    sum(coalesce(total_comments_gained, 0))::bigint AS comments_gained,
    count(*) AS active_videos,
    sum(total_records)::bigint AS total_records
FROM hourly_aggregations
GROUP BY hour_start
