-- How often what came lay in the interval, which is made for 80 %.
SELECT (100 * sum(covered) / nullif(sum(with_interval), 0))::double precision AS "in the interval (%)"
FROM forecast_score_hours
WHERE model = 'issued' AND metric = {{counter}} AND horizon_hours = {{horizon}}::integer AND {{time}}
