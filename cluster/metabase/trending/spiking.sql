-- The 50 fastest of the videos whose last hour is at least three times their last 24.
SELECT coalesce(title, video_id) AS title, channel_title AS channel, views_gained_1h AS "views in 1 h",
       views_per_hour_1h AS "views an hour, 1 h", views_per_hour_24h AS "views an hour, 24 h", video_id
FROM trends LEFT JOIN videos USING (video_id)
WHERE label = 'spiking' AND {{category}}
ORDER BY views_per_hour_1h DESC, video_id LIMIT 50
