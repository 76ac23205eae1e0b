-- The channel's videos with what they gained, and by how many times they exceed the median of the channel.
-- include chosen_channel
, its_videos AS (
    SELECT video_id, title, published_at, label, views_gained_1h, views_gained_24h, views_gained_7d, views_per_hour_24h
    FROM chosen JOIN videos USING (channel_id) JOIN trends USING (video_id)
)
SELECT coalesce(title, video_id) AS title, published_at AT TIME ZONE 'UTC' AS published, label AS trend,
       views_gained_1h AS "views in 1 h", views_gained_24h AS "views in 24 h", views_gained_7d AS "views in 7 days",
       views_per_hour_24h / (
           SELECT nullif(greatest(percentile_cont(0.5) WITHIN GROUP (ORDER BY views_per_hour_24h), 0), 0) FROM its_videos
           HAVING count(views_per_hour_24h) >= 4
       ) AS "times the median", video_id
FROM its_videos ORDER BY views_per_hour_24h DESC NULLS LAST, video_id LIMIT 500
