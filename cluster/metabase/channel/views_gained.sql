-- Views that the channel's videos gained, the newest 2,000 points.
-- include chosen_channel
SELECT date_trunc({{unit}}, hour_start AT TIME ZONE 'UTC') AS time, sum(views_gained)::bigint AS "views gained"
FROM channel_hourly JOIN chosen USING (channel_id) WHERE {{time}}
GROUP BY 1 ORDER BY 1 DESC LIMIT 2000
