-- What is usual of a channel has a view of its own: who asks for one channel does not wait for the medians of all.

CREATE VIEW channel_medians AS
SELECT v.channel_id,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY t.views_per_hour_24h) AS views_per_hour_24h
FROM trends t JOIN videos v USING (video_id)
WHERE v.channel_id IS NOT NULL
GROUP BY v.channel_id
HAVING count(t.views_per_hour_24h) >= 4
       AND percentile_cont(0.5) WITHIN GROUP (ORDER BY t.views_per_hour_24h) > 0;
COMMENT ON VIEW channel_medians IS 'What is usual of a channel''s videos: what outlier scores compare with.';
COMMENT ON COLUMN channel_medians.channel_id IS 'Id of the channel. Not there with fewer than four videos that have views per hour over 24 h, or a median of 0 or less.';
COMMENT ON COLUMN channel_medians.views_per_hour_24h IS 'Median of its videos'' views per hour over 24 h, of those that have one.';

CREATE OR REPLACE VIEW video_trends AS
SELECT t.video_id, v.title, v.channel_id, v.channel_title, v.category_id,
       'https://www.youtube.com/watch?v=' || t.video_id AS link,
       t.as_of, t.label,
       t.views_gained_1h, t.views_per_hour_1h, t.views_acceleration_1h,
       t.views_gained_6h, t.views_per_hour_6h, t.views_acceleration_6h,
       t.views_gained_24h, t.views_per_hour_24h, t.views_acceleration_24h,
       t.views_gained_7d, t.views_per_hour_7d, t.views_acceleration_7d,
       t.views_per_hour_24h / m.views_per_hour_24h AS outlier_score
FROM trends t
LEFT JOIN videos v USING (video_id)
LEFT JOIN channel_medians m ON m.channel_id = v.channel_id;
