-- What the first 15 of them gained.
SELECT coalesce(title, video_id) AS video, trending.views_gained AS "views gained"
FROM trending LEFT JOIN videos USING (video_id)
WHERE scope = 'all' AND window_hours = {{window}}::integer AND {{category}}
ORDER BY rank LIMIT 15
