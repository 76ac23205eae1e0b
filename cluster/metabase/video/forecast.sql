-- The video's views in the two days to its newest snapshot, and its newest forecasts for 1, 6 and 24 hours later.
-- include chosen_video
SELECT hour_start AT TIME ZONE 'UTC' AS time, last_view_count AS views,
       NULL::bigint AS forecast, NULL::bigint AS "80 % low", NULL::bigint AS "80 % high"
FROM hourly_aggregations JOIN chosen USING (video_id) JOIN trends USING (video_id)
WHERE hour_start > as_of - interval '48 hours'
UNION ALL
SELECT prediction_timestamp AT TIME ZONE 'UTC', NULL, predicted_views, predicted_views_low, predicted_views_high
FROM predictions JOIN chosen USING (video_id)
WHERE issued_at = (SELECT max(newest.issued_at) FROM predictions AS newest JOIN chosen USING (video_id))
ORDER BY 1
