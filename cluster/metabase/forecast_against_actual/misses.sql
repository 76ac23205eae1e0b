-- Of the 50 videos that gained most in 24 hours the last forecast whose outcome is known, the largest misses first.
SELECT coalesce(title, best.video_id) AS title, newest.prediction_timestamp AT TIME ZONE 'UTC' AS target, newest.model AS "made by",
       newest.forecast, newest.actual AS "what came", newest.forecast - newest.actual AS "forecast less what came",
       100.0 * (newest.forecast - newest.actual) / nullif(newest.actual, 0) AS "error (%)", best.video_id
FROM trending AS best
CROSS JOIN LATERAL (
    SELECT * FROM (
-- include of_counter
WHERE predictions.video_id = best.video_id AND horizon_hours = {{horizon}}::integer
    ) AS its WHERE actual IS NOT NULL ORDER BY issued_at DESC LIMIT 1
) AS newest
LEFT JOIN videos ON videos.video_id = best.video_id
WHERE scope = 'all' AND window_hours = 24
ORDER BY abs(newest.forecast - newest.actual) DESC NULLS LAST, best.video_id
