-- How far the video's forecasts were above what came, or below it; the newest 2,000 of them.
-- include chosen_video
, forecasts AS (
-- include of_counter
JOIN chosen USING (video_id) WHERE horizon_hours = {{horizon}}::integer AND {{time}}
)
SELECT prediction_timestamp AT TIME ZONE 'UTC' AS target, forecast - actual AS "forecast less what came"
FROM forecasts WHERE actual IS NOT NULL ORDER BY prediction_timestamp DESC LIMIT 2000
