-- How fast the 500 videos are that gained most views in 24 hours, and whether they get faster.
SELECT views_per_hour_24h AS "views an hour", views_acceleration_24h AS acceleration, coalesce(title, video_id) AS video
FROM trends LEFT JOIN videos USING (video_id)
WHERE views_acceleration_24h IS NOT NULL AND {{category}}
ORDER BY views_gained_24h DESC, video_id LIMIT 500
