-- $1: what was written; $2: patterns for LIKE of its words; $3: ids that were found in it. ILIKE would take three times as long.
WITH found AS (
    SELECT video_id, title, channel_id, channel_title FROM videos
    WHERE video_id = ANY($3::text[]) OR channel_id = ANY($3::text[])
          OR lower(concat_ws(' ', title, channel_title)) LIKE ALL((SELECT array_agg(lower(p)) FROM unnest($2::text[]) AS p)::text[])
),
best AS (
    SELECT f.*, t.views_gained_24h, t.label
    FROM found f LEFT JOIN trends t USING (video_id)
    ORDER BY t.views_gained_24h DESC NULLS LAST, f.video_id LIMIT 50
),
-- Videos of which nothing is known but their counts.
nameless AS (
    SELECT i.video_id FROM unnest($3::text[]) AS i (video_id)
    WHERE i.video_id NOT IN (SELECT video_id FROM found)
          AND EXISTS (SELECT FROM video_stats_processed s WHERE s.video_id = i.video_id)
)
SELECT json_build_object(
    'q', $1::text,
    'found', (SELECT count(*) FROM found) + (SELECT count(*) FROM nameless),
    'videos', (
        SELECT coalesce(json_agg(json_build_object(
            'video_id', video_id, 'title', title, 'channel_id', channel_id, 'channel_title', channel_title,
            'views_gained_24h', views_gained_24h, 'label', label)
            ORDER BY views_gained_24h DESC NULLS LAST, video_id), '[]')
        FROM (
            SELECT * FROM best
            UNION ALL
            SELECT n.video_id, NULL, NULL, NULL, t.views_gained_24h, t.label
            FROM nameless n LEFT JOIN trends t USING (video_id)
        ) AS all_of_them)
)::text
