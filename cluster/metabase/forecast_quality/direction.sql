-- How often forecast and outcome lay on the same side of what was gained over as many hours before.
SELECT (100 * sum(right_directions) / nullif(sum(with_last_increment), 0))::double precision AS "right (%)"
FROM forecast_score_hours
WHERE model = 'issued' AND metric = {{counter}} AND horizon_hours = {{horizon}}::integer AND {{time}}
