-- Snapshots that came, and of how many videos in the hour with most of them.
SELECT date_trunc({{unit}}, hour_start AT TIME ZONE 'UTC') AS time,
       sum(total_records)::bigint AS snapshots, max(active_videos) AS "most videos in an hour"
FROM total_hourly WHERE {{time}}
GROUP BY 1 ORDER BY 1 DESC LIMIT 2000
