-- The video's newest 200 snapshots as they were observed.
-- include chosen_video
SELECT "timestamp" AT TIME ZONE 'UTC' AS time, view_count AS views, views_delta AS "views gained",
       views_growth_rate AS "growth of views (%)", like_count AS likes, comment_count AS comments,
       elapsed_seconds / 60 AS "minutes since the one before"
FROM video_stats_processed JOIN chosen USING (video_id)
WHERE {{time}} ORDER BY "timestamp" DESC LIMIT 200
