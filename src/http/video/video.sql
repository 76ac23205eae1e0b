-- $1: id of a video. {metric} is views, likes or comments; {count} is view, like or comment.
WITH newest AS (
    SELECT * FROM video_stats_processed WHERE video_id = $1 AND folded_in ORDER BY "timestamp" DESC LIMIT 1
),
hours AS (
    SELECT hour_start, total_{metric}_gained AS gained, last_{count}_count AS last_count
    FROM hourly_aggregations
    WHERE video_id = $1
          AND hour_start > (SELECT max(hour_start) FROM hourly_aggregations WHERE video_id = $1) - interval '168 hours'
),
snapshots AS (
    SELECT * FROM video_stats_processed WHERE video_id = $1 AND folded_in ORDER BY "timestamp" DESC LIMIT 24
),
-- The newest forecast, and the newest one of which all came to be known.
origins AS (
    (SELECT issued_at FROM predictions WHERE video_id = $1 AND predicted_{metric} IS NOT NULL
     ORDER BY issued_at DESC LIMIT 1)
    UNION
    (SELECT issued_at FROM predictions
     WHERE video_id = $1 AND horizon_hours = 24 AND predicted_{metric} IS NOT NULL AND actual_{metric} IS NOT NULL
     ORDER BY issued_at DESC LIMIT 1)
),
fans AS (
    SELECT issued_at, min(base_{metric}) AS base, min({metric}_model) AS made_by,
           json_agg(json_build_object(
               'horizon_hours', horizon_hours,
               'predicted', predicted_{metric},
               'low', predicted_{metric}_low,
               'high', predicted_{metric}_high,
               'actual', actual_{metric},
               'members', members_{metric}
           ) ORDER BY horizon_hours) AS horizons
    FROM predictions JOIN origins USING (issued_at)
    WHERE video_id = $1 AND predicted_{metric} IS NOT NULL
    GROUP BY issued_at
),
-- The counts that the picture of the forecasts has: from half a day before the first of them to the newest.
line AS (
    SELECT "timestamp", {count}_count AS count
    FROM video_stats_processed
    WHERE video_id = $1 AND folded_in AND {count}_count IS NOT NULL
          AND "timestamp" > (SELECT min(issued_at) FROM fans) - interval '12 hours'
    ORDER BY "timestamp" DESC LIMIT 1000
),
-- Forecasts of the last week whose actual is known, where the network spoke, so that all are scored on the same.
scored AS (
    SELECT horizon_hours, members_{metric}::double precision[] || (predicted_{metric} - base_{metric})::double precision AS said,
           (actual_{metric} - base_{metric})::double precision AS came
    FROM predictions
    WHERE video_id = $1 AND actual_{metric} IS NOT NULL AND {metric}_has_20_steps
          AND issued_at > (SELECT max(issued_at) FROM predictions WHERE video_id = $1) - interval '168 hours'
),
scores AS (
    SELECT member, horizon_hours, count(gain) AS forecasts, avg(abs(gain - came)) AS mae
    FROM scored, unnest(said) WITH ORDINALITY AS each (gain, member)
    GROUP BY member, horizon_hours
)
SELECT json_build_object(
    'video_id', $1::text,
    'title', v.title,
    'channel_id', v.channel_id,
    'channel_title', v.channel_title,
    'category_id', v.category_id,
    'published_at', v.published_at,
    'newest', (SELECT json_build_object(
                   'at', "timestamp", 'views', view_count, 'likes', like_count, 'comments', comment_count)
               FROM newest),
    'trend', (SELECT json_build_object(
                  'label', t.label,
                  'as_of', t.as_of,
                  'gained', json_build_array(
                      t.views_gained_1h, t.views_gained_6h, t.views_gained_24h, t.views_gained_7d),
                  'per_hour', json_build_array(
                      t.views_per_hour_1h, t.views_per_hour_6h, t.views_per_hour_24h, t.views_per_hour_7d),
                  'outlier_score', (SELECT o.outlier_score FROM video_trends o
                                    WHERE o.video_id = $1 AND o.channel_id = v.channel_id))
              FROM trends t WHERE t.video_id = $1),
    'hours', (SELECT coalesce(json_agg(json_build_object(
                  'hour', hour_start, 'gained', gained, 'last_count', last_count) ORDER BY hour_start), '[]')
              FROM hours),
    'snapshots', (SELECT coalesce(json_agg(json_build_object(
                      'at', "timestamp",
                      'counts', json_build_array(view_count, like_count, comment_count),
                      'deltas', json_build_array(views_delta, likes_delta, comments_delta),
                      'growth_rates', json_build_array(views_growth_rate, likes_growth_rate, comments_growth_rate)
                  ) ORDER BY "timestamp" DESC), '[]') FROM snapshots),
    'fans', (SELECT coalesce(json_agg(json_build_object(
                 'issued_at', issued_at, 'base', base, 'made_by', made_by, 'horizons', horizons)
                 ORDER BY issued_at), '[]') FROM fans),
    'line', (SELECT coalesce(json_agg(json_build_array("timestamp", count) ORDER BY "timestamp"), '[]') FROM line),
    'scores', (SELECT coalesce(json_agg(json_build_object(
                   'member', member, 'horizon_hours', horizon_hours, 'forecasts', forecasts, 'mae', mae)
                   ORDER BY member, horizon_hours), '[]') FROM scores)
)::text
FROM (SELECT) AS one
LEFT JOIN videos v ON v.video_id = $1
WHERE v.video_id IS NOT NULL OR EXISTS (SELECT FROM newest)
