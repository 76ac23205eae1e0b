-- The video's newest 200 forecasts, with who made them and what came.
-- include chosen_video
, forecasts AS (
-- include of_counter
JOIN chosen USING (video_id) WHERE horizon_hours = {{horizon}}::integer AND {{time}}
)
SELECT issued_at AT TIME ZONE 'UTC' AS issued, prediction_timestamp AT TIME ZONE 'UTC' AS target, model AS "made by",
       base AS "count when issued", forecast, low AS "80 % low", high AS "80 % high", actual AS "what came",
       100.0 * (forecast - actual) / nullif(actual, 0) AS "error (%)", actual BETWEEN low AND high AS "in the interval"
FROM forecasts ORDER BY issued_at DESC LIMIT 200
