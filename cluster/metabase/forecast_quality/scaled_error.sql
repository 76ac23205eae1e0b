-- Errors of what was issued, by those of the forecast that nothing changes; below 1 is better than that.
SELECT (sum(absolute_errors) / nullif(sum(absolute_gains), 0))::double precision AS "by no change"
FROM forecast_score_hours
WHERE model = 'issued' AND metric = {{counter}} AND horizon_hours = {{horizon}}::integer AND {{time}}
