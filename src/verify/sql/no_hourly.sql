-- hourly_aggregations where hourly is not among the outputs: no rows.
SELECT * FROM (
    SELECT video_id, hour_start, avg_view_count, avg_like_count, avg_comment_count, total_views_gained,
           total_likes_gained, total_comments_gained, min_view_count, min_like_count, min_comment_count,
           max_view_count, max_like_count, max_comment_count, first_view_count, first_like_count,
           first_comment_count, last_view_count, last_like_count, last_comment_count, total_records
    FROM hourly_aggregations
) AS columns
WHERE false
