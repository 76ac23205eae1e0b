-- $1: id of a {scope}, which is channel or category.
WITH newest AS (SELECT max(hour_start) AS hour FROM {scope}_hourly WHERE {scope}_id = $1),
hours AS (
    SELECT h.* FROM {scope}_hourly h, newest
    WHERE h.{scope}_id = $1 AND h.hour_start > newest.hour - interval '168 hours'
),
known AS MATERIALIZED (SELECT video_id, title, channel_id, channel_title FROM videos WHERE {scope}_id = $1),
-- Of one channel after the other: joined, the medians of every channel would be looked at.
medians AS (
    SELECT m.*
    FROM (SELECT DISTINCT channel_id FROM known) AS c,
         LATERAL (SELECT * FROM channel_medians WHERE channel_id = c.channel_id OFFSET 0) AS m
),
best AS (
    SELECT v.video_id, v.title, v.channel_id, v.channel_title, t.views_gained_24h, t.views_per_hour_24h, t.label, t.as_of,
           t.views_per_hour_24h / m.views_per_hour_24h AS outlier_score
    FROM known v JOIN trends t USING (video_id) LEFT JOIN medians m USING (channel_id)
    ORDER BY outlier_score DESC NULLS LAST, t.views_gained_24h DESC, v.video_id LIMIT 50
)
SELECT json_build_object(
    'id', $1::text,
    'title', (SELECT channel_title FROM videos WHERE channel_id = $1 AND channel_title IS NOT NULL
              ORDER BY updated_at DESC LIMIT 1),
    'videos', counted.videos,
    'newest_hour', (SELECT hour FROM newest),
    'views_gained_24h', (SELECT sum(views_gained)::bigint FROM hours, newest
                         WHERE hour_start > newest.hour - interval '24 hours'),
    'hours', (SELECT coalesce(json_agg(json_build_object(
                  'hour', hour_start, 'views_gained', views_gained, 'active_videos', active_videos)
                  ORDER BY hour_start), '[]') FROM hours),
    'best', (SELECT coalesce(json_agg(json_build_object(
                 'video_id', video_id,
                 'title', title,
                 'channel_id', channel_id,
                 'channel_title', channel_title,
                 'outlier_score', outlier_score,
                 'views_gained_24h', views_gained_24h,
                 'views_per_hour_24h', views_per_hour_24h,
                 'label', label,
                 'as_of', as_of)
                 ORDER BY outlier_score DESC NULLS LAST, views_gained_24h DESC, video_id), '[]') FROM best)
)::text
FROM (SELECT count(*) AS videos FROM known) AS counted
WHERE counted.videos > 0 OR (SELECT hour FROM newest) IS NOT NULL
