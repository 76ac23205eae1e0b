-- The newest forecast of each of the 50 videos that gained most in 24 hours, those that are to gain most first.
SELECT coalesce(title, best.video_id) AS title, channel_title AS channel, newest.issued_at AT TIME ZONE 'UTC' AS issued,
       newest.prediction_timestamp AT TIME ZONE 'UTC' AS target, newest.base AS "count when issued", newest.forecast,
       newest.forecast - newest.base AS "gain to come", newest.low AS "80 % low", newest.high AS "80 % high", best.video_id
FROM trending AS best
CROSS JOIN LATERAL (
-- include of_counter
WHERE predictions.video_id = best.video_id AND horizon_hours = {{horizon}}::integer ORDER BY issued_at DESC LIMIT 1
) AS newest
LEFT JOIN videos ON videos.video_id = best.video_id
WHERE scope = 'all' AND window_hours = 24
ORDER BY "gain to come" DESC NULLS LAST, best.video_id
