-- Snapshots of the channel's videos, the newest 2,000 points.
-- include chosen_channel
SELECT date_trunc({{unit}}, hour_start AT TIME ZONE 'UTC') AS time, sum(total_records)::bigint AS snapshots
FROM channel_hourly JOIN chosen USING (channel_id) WHERE {{time}}
GROUP BY 1 ORDER BY 1 DESC LIMIT 2000
