-- Views that the video gained in every hour, the newest 2,000 of them.
-- include chosen_video
SELECT hour_start AT TIME ZONE 'UTC' AS hour, total_views_gained AS "views gained"
FROM hourly_aggregations JOIN chosen USING (video_id)
WHERE {{time}} ORDER BY hour_start DESC LIMIT 2000
