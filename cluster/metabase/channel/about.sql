-- What is known of the channel, over its videos that have a trend.
-- include chosen_channel
SELECT coalesce(channel, channel_id) AS channel, count(*) AS videos, sum(views_gained_1h)::bigint AS "views in 1 h",
       sum(views_gained_24h)::bigint AS "views in 24 h", sum(views_gained_7d)::bigint AS "views in 7 days",
       percentile_cont(0.5) WITHIN GROUP (ORDER BY views_per_hour_24h) AS "median of views an hour", channel_id
FROM chosen JOIN videos USING (channel_id) JOIN trends USING (video_id)
GROUP BY channel_id, channel
