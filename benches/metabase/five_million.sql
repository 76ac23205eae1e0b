-- Five million snapshots: 20,000 videos of 1,000 channels, polled every hour for 250 hours, and what goes with them.
SET synchronous_commit = off;
CREATE TEMP TABLE v AS
    SELECT n, lpad(n::text, 11, 'a') AS video_id, 'UC' || (n % 1000) AS channel_id, (ARRAY['10', '20', '24', '25', '28'])[1 + n % 5] AS category_id,
           10 + (n * 7919 % 997)::bigint AS speed FROM generate_series(1, 20000) AS n;
CREATE TEMP TABLE h AS SELECT g AS i, '2026-01-01T00:00:00Z'::timestamptz + g * interval '1 hour' AS hour FROM generate_series(0, 249) AS g;
INSERT INTO videos (video_id, title, channel_id, channel_title, category_id, published_at, source)
    SELECT video_id, 'Video ' || n, channel_id, 'Channel ' || channel_id, category_id, '2025-12-01', 'videos_file' FROM v;
INSERT INTO video_stats_processed (video_id, "timestamp", view_count, like_count, comment_count, views_growth_rate, views_delta, likes_delta, comments_delta, elapsed_seconds, folded_in)
    SELECT video_id, hour + interval '7 minutes', 1000 + i * speed, i * speed / 10, i * speed / 100, 100.0 * speed / (1000 + i * speed), speed, speed / 10, speed / 100, 3600, true FROM v, h ORDER BY i, n;
INSERT INTO hourly_aggregations (video_id, hour_start, avg_view_count, total_views_gained, total_likes_gained, total_comments_gained, min_view_count, max_view_count, first_view_count, last_view_count, total_records)
    SELECT video_id, hour, 1000 + i * speed, speed, speed / 10, speed / 100, 1000 + i * speed, 1000 + i * speed, 1000 + i * speed, 1000 + i * speed, 1 FROM v, h ORDER BY i, n;
INSERT INTO channel_hourly SELECT channel_id, hour, sum(speed), sum(speed / 10), sum(speed / 100), count(*), count(*) FROM v, h GROUP BY 1, 2;
INSERT INTO category_hourly SELECT category_id, hour, sum(speed), sum(speed / 10), sum(speed / 100), count(*), count(*) FROM v, h GROUP BY 1, 2;
INSERT INTO total_hourly SELECT hour, sum(speed), sum(speed / 10), sum(speed / 100), count(*), count(*) FROM v, h GROUP BY 1;
INSERT INTO trends (video_id, as_of, label, views_gained_1h, views_per_hour_1h, views_gained_6h, views_gained_24h, views_per_hour_24h, views_acceleration_24h, views_gained_7d)
    SELECT video_id, '2026-01-11T09:07:00Z', (ARRAY['spiking', 'rising', 'falling', 'steady'])[1 + n % 4], speed, speed, speed * 6, speed * 24, speed, n % 13 - 6, speed * 168 FROM v;
INSERT INTO trending SELECT 'all', w, row_number() OVER (ORDER BY speed DESC, n), video_id, speed * w, speed FROM (SELECT * FROM v ORDER BY speed DESC, n LIMIT 50) AS best, unnest(ARRAY[1, 6, 24, 168]) AS w WHERE w = 24;
INSERT INTO trending SELECT 'all', w, rank, video_id, views_gained * w / 24, views_per_hour FROM trending, unnest(ARRAY[1, 6, 168]) AS w;
INSERT INTO trending SELECT category_id, 24, row_number() OVER (PARTITION BY category_id ORDER BY speed DESC, n), video_id, speed * 24, speed FROM (SELECT *, row_number() OVER (PARTITION BY category_id ORDER BY speed DESC, n) AS r FROM v) AS best WHERE r <= 50;
INSERT INTO predictions (video_id, issued_at, horizon_hours, prediction_timestamp, predicted_views, predicted_views_low, predicted_views_high, base_views, actual_views, views_model, views_has_20_steps, members_views)
    SELECT video_id, hour + interval '7 minutes', ahead, hour + ahead * interval '1 hour' + interval '7 minutes', 1000 + (i + ahead) * speed, 990 + (i + ahead) * speed, 1010 + (i + ahead) * speed, 1000 + i * speed,
           CASE WHEN i + ahead < 250 THEN 1001 + (i + ahead) * speed END, 'blend:1', true, ARRAY[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]::real[]
    FROM v, h, unnest(ARRAY[1, 6, 24]) AS ahead WHERE i >= 170 ORDER BY i, n;
INSERT INTO forecast_score_hours SELECT model, metric, ahead, basis, hour, 20000, 1e6, 1e8, 1e6, 1e6, 1e8, 20000, 1e9, 20000, 15000, 20000, 16000
    FROM h, unnest(ARRAY['issued', 'blend:1', 'member:lstm', 'member:last_value', 'member:last_increment', 'member:ewma_3', 'member:ewma_6', 'member:mean_24', 'member:median_24', 'member:same_hours_yesterday', 'member:power_law', 'member:blend', 'member:naive']) AS model,
         unnest(ARRAY['views', 'likes', 'comments']) AS metric, unnest(ARRAY[1, 6, 24]) AS ahead, unnest(ARRAY['full', 'short']) AS basis;
INSERT INTO dead_letters (topic, "partition", kafka_offset, item, reason, received_at) SELECT 'youtube_stats', n % 4, n, 0, 'it is not JSON', '2026-01-01T00:00:00Z'::timestamptz + n * interval '10 seconds' FROM generate_series(1, 100000) AS n;
INSERT INTO viewtide_progress (incarnation, tick, positions, source, outputs, retentions, future_max_us, first_started_at, backend_pid, backend_started_at) VALUES (1, 1, '{"0": {"first": 0, "next": 5000000}}', '{}', '{}', '[]', 0, now(), 1, now());
