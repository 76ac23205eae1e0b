-- Errors of what was issued and of each member of the blend, where the last 20 hourly steps were there.
SELECT model AS forecaster, (sum(absolute_errors) / nullif(sum(absolute_gains), 0))::double precision AS "by no change"
FROM forecast_score_hours
WHERE basis = 'full' AND metric = {{counter}} AND horizon_hours = {{horizon}}::integer AND {{time}}
GROUP BY model ORDER BY 2 NULLS LAST, 1
