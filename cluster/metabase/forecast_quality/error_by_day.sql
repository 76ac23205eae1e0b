-- Mean absolute error of each day's targets, of what was issued and of two naive forecasts on the same origins.
SELECT date_trunc('day', target_hour AT TIME ZONE 'UTC') AS day,
       (sum(absolute_errors) FILTER (WHERE model = 'issued')
           / nullif(sum(forecasts) FILTER (WHERE model = 'issued'), 0))::double precision AS issued,
       (sum(absolute_errors) FILTER (WHERE model = 'member:last_increment')
           / nullif(sum(forecasts) FILTER (WHERE model = 'member:last_increment'), 0))::double precision AS "last increment again",
       (sum(absolute_errors) FILTER (WHERE model = 'member:mean_24')
           / nullif(sum(forecasts) FILTER (WHERE model = 'member:mean_24'), 0))::double precision AS "mean of 24 h"
FROM forecast_score_hours
WHERE model IN ('issued', 'member:last_increment', 'member:mean_24')
      AND basis = 'full' AND metric = {{counter}} AND horizon_hours = {{horizon}}::integer AND {{time}}
GROUP BY 1 ORDER BY 1 DESC LIMIT 2000
