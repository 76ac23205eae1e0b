-- The videos that gained most views in the window, those of the chosen category among them.
SELECT rank, coalesce(title, video_id) AS title, channel_title AS channel, trending.views_gained AS "views gained",
       trending.views_per_hour AS "views an hour", label AS trend, channel_id, video_id
FROM trending LEFT JOIN videos USING (video_id) LEFT JOIN trends USING (video_id)
WHERE scope = 'all' AND window_hours = {{window}}::integer AND {{category}}
ORDER BY rank
