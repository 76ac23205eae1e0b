-- The 50 videos whose views an hour exceed the median of their channel most.
SELECT coalesce(title, video_id) AS title, channel_title AS channel, outlier_score AS "times the median",
       views_gained_24h AS "views in 24 h", label AS trend, channel_id, video_id
FROM video_trends
WHERE outlier_score IS NOT NULL AND {{category}}
ORDER BY outlier_score DESC, video_id LIMIT 50
