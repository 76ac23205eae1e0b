-- Mean absolute error of what was issued.
SELECT (sum(absolute_errors) / nullif(sum(forecasts), 0))::double precision AS "mean error"
FROM forecast_score_hours
WHERE model = 'issued' AND metric = {{counter}} AND horizon_hours = {{horizon}}::integer AND {{time}}
