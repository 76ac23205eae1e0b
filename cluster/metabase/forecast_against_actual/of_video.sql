-- The video's forecasts at their targets, beside what the counts were then; the newest 2,000 of them.
-- include chosen_video
, forecasts AS (
-- include of_counter
JOIN chosen USING (video_id) WHERE horizon_hours = {{horizon}}::integer AND {{time}}
)
SELECT prediction_timestamp AT TIME ZONE 'UTC' AS target, actual AS "what came", forecast, low AS "80 % low", high AS "80 % high"
FROM forecasts ORDER BY prediction_timestamp DESC LIMIT 2000
