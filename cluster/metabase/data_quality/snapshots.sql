-- Snapshots of every hour, the newest 2,000 of them; a dip is a collector that did not run.
SELECT hour_start AT TIME ZONE 'UTC' AS hour, total_records AS snapshots
FROM total_hourly WHERE {{time}} ORDER BY hour_start DESC LIMIT 2000
