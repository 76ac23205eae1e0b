-- The five videos of each category that gained most views in the window.
-- include category_names
SELECT coalesce(category, 'category ' || scope) AS category, rank, coalesce(title, video_id) AS title,
       channel_title AS channel, trending.views_gained AS "views gained", video_id
FROM trending LEFT JOIN videos USING (video_id) LEFT JOIN category_names ON category_names.category_id = scope
WHERE scope <> 'all' AND rank <= 5 AND window_hours = {{window}}::integer AND {{category}}
ORDER BY 1, rank
