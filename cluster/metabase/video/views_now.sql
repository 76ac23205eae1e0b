-- The video's newest view count.
-- include chosen_video
SELECT last_view_count AS views FROM hourly_aggregations JOIN chosen USING (video_id)
WHERE last_view_count IS NOT NULL ORDER BY hour_start DESC LIMIT 1
