-- The videos that gained most views in 24 hours, with where they are heading.
-- include category_names
SELECT rank, coalesce(title, video_id) AS title, channel_title AS channel, category, views_gained AS "views in 24 h",
       views_per_hour_24h AS "views an hour", views_acceleration_24h AS acceleration, label, channel_id, video_id
FROM trending LEFT JOIN videos USING (video_id) LEFT JOIN trends USING (video_id) LEFT JOIN category_names USING (category_id)
WHERE scope = 'all' AND window_hours = 24 AND {{category}}
ORDER BY rank
