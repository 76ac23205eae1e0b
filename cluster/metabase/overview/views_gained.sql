-- Views that all videos gained, the newest 2,000 points.
SELECT date_trunc({{unit}}, hour_start AT TIME ZONE 'UTC') AS time, sum(views_gained)::bigint AS "views gained"
FROM total_hourly WHERE {{time}}
GROUP BY 1 ORDER BY 1 DESC LIMIT 2000
