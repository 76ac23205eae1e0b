-- How often what came lay in the interval, by day of the target.
SELECT date_trunc('day', target_hour AT TIME ZONE 'UTC') AS day,
       (100 * sum(covered) / nullif(sum(with_interval), 0))::double precision AS "in the interval (%)"
FROM forecast_score_hours
WHERE model = 'issued' AND metric = {{counter}} AND horizon_hours = {{horizon}}::integer AND {{time}}
GROUP BY 1 ORDER BY 1 DESC LIMIT 2000
