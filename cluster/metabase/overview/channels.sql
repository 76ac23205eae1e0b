-- The 15 channels whose videos gained most views in the 24 hours to the newest one.
SELECT coalesce((SELECT max(channel_title) FROM videos WHERE videos.channel_id = best.channel_id), channel_id) AS channel,
       views AS "views gained"
FROM (
    SELECT channel_id, sum(views_gained)::bigint AS views FROM channel_hourly
    WHERE hour_start > (SELECT max(hour_start) FROM channel_hourly) - interval '24 hours'
    GROUP BY channel_id ORDER BY 2 DESC, 1 LIMIT 15
) AS best ORDER BY views DESC
