-- What the video was to gain by the target and what it gained; the newest 2,000 forecasts.
-- include chosen_video
, forecasts AS (
-- include of_counter
JOIN chosen USING (video_id) WHERE horizon_hours = {{horizon}}::integer AND {{time}}
)
SELECT actual - base AS "gain that came", forecast - base AS "gain that was forecast"
FROM forecasts WHERE actual IS NOT NULL ORDER BY prediction_timestamp DESC LIMIT 2000
