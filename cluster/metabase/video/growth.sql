-- By how many percent views grew from one snapshot to the next, the newest 2,000 of them.
-- include chosen_video
SELECT "timestamp" AT TIME ZONE 'UTC' AS time, views_growth_rate AS "growth of views (%)"
FROM video_stats_processed JOIN chosen USING (video_id)
WHERE {{time}} ORDER BY "timestamp" DESC LIMIT 2000
