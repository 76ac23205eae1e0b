-- How many forecasts have come to be known, with the last 20 hourly steps (full) and without.
SELECT date_trunc('day', target_hour AT TIME ZONE 'UTC') AS day, basis, sum(forecasts)::bigint AS forecasts
FROM forecast_score_hours
WHERE model = 'issued' AND metric = {{counter}} AND horizon_hours = {{horizon}}::integer AND {{time}}
GROUP BY 1, 2 ORDER BY 1 DESC, 2 LIMIT 2000
