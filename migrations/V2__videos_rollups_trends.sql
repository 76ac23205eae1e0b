-- What is known of videos, roll-ups by channel, by category and in total, trends, and the videos that gain most.

ALTER TABLE viewtide_progress ADD COLUMN beside jsonb NOT NULL DEFAULT '{}';
COMMENT ON COLUMN viewtide_progress.beside IS 'What is read beside the snapshots: {"videos_topic": .., "videos_file": ..}, each as in source.';

CREATE TABLE videos (
    video_id text COLLATE "C" PRIMARY KEY,
    title text,
    channel_id text COLLATE "C",
    channel_title text,
    category_id text COLLATE "C",
    published_at timestamptz,
    source text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 90);
-- For the outlier score, which compares a video with those of its channel.
CREATE INDEX videos_channel_id ON videos (channel_id);
COMMENT ON TABLE videos IS 'What is known of a video beside its counts: the strongest word on it, whole.';
COMMENT ON COLUMN videos.video_id IS 'YouTube video id, 11 characters.';
COMMENT ON COLUMN videos.title IS 'Title; NULL where not known, as the next four.';
COMMENT ON COLUMN videos.channel_id IS 'Id of the channel.';
COMMENT ON COLUMN videos.channel_title IS 'Name of the channel.';
COMMENT ON COLUMN videos.category_id IS 'Id of the category, as YouTube gives it: digits.';
COMMENT ON COLUMN videos.published_at IS 'When the video was published.';
COMMENT ON COLUMN videos.source IS 'Where the row comes from, the strongest first: videos_topic, snippet (came with a snapshot), videos_file. A weaker one never overwrites a stronger one.';
COMMENT ON COLUMN videos.updated_at IS 'When the row was last written.';

CREATE TABLE channel_hourly (
    channel_id text COLLATE "C" NOT NULL,
    hour_start timestamptz NOT NULL,
    views_gained bigint NOT NULL,
    likes_gained bigint NOT NULL,
    comments_gained bigint NOT NULL,
    active_videos bigint NOT NULL,
    total_records bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (channel_id, hour_start)
) WITH (fillfactor = 80);
COMMENT ON TABLE channel_hourly IS 'Sums of hourly_aggregations over the videos that the table videos gives the channel now.';
COMMENT ON COLUMN channel_hourly.channel_id IS 'Id of the channel.';
COMMENT ON COLUMN channel_hourly.hour_start IS 'Start of the UTC hour.';
COMMENT ON COLUMN channel_hourly.views_gained IS 'Sum of total_views_gained; NULL counts as 0.';
COMMENT ON COLUMN channel_hourly.likes_gained IS 'Sum of total_likes_gained; NULL counts as 0.';
COMMENT ON COLUMN channel_hourly.comments_gained IS 'Sum of total_comments_gained; NULL counts as 0.';
COMMENT ON COLUMN channel_hourly.active_videos IS 'Videos that have a row in hourly_aggregations for the hour.';
COMMENT ON COLUMN channel_hourly.total_records IS 'Sum of total_records.';
COMMENT ON COLUMN channel_hourly.updated_at IS 'When the row was last written.';

CREATE TABLE category_hourly (
    category_id text COLLATE "C" NOT NULL,
    hour_start timestamptz NOT NULL,
    views_gained bigint NOT NULL,
    likes_gained bigint NOT NULL,
    comments_gained bigint NOT NULL,
    active_videos bigint NOT NULL,
    total_records bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (category_id, hour_start)
) WITH (fillfactor = 80);
COMMENT ON TABLE category_hourly IS 'Sums of hourly_aggregations over the videos that the table videos gives the category now.';
COMMENT ON COLUMN category_hourly.category_id IS 'Id of the category.';
COMMENT ON COLUMN category_hourly.hour_start IS 'Start of the UTC hour.';
COMMENT ON COLUMN category_hourly.views_gained IS 'Sum of total_views_gained; NULL counts as 0.';
COMMENT ON COLUMN category_hourly.likes_gained IS 'Sum of total_likes_gained; NULL counts as 0.';
COMMENT ON COLUMN category_hourly.comments_gained IS 'Sum of total_comments_gained; NULL counts as 0.';
COMMENT ON COLUMN category_hourly.active_videos IS 'Videos that have a row in hourly_aggregations for the hour.';
COMMENT ON COLUMN category_hourly.total_records IS 'Sum of total_records.';
COMMENT ON COLUMN category_hourly.updated_at IS 'When the row was last written.';

CREATE TABLE total_hourly (
    hour_start timestamptz NOT NULL,
    views_gained bigint NOT NULL,
    likes_gained bigint NOT NULL,
    comments_gained bigint NOT NULL,
    active_videos bigint NOT NULL,
    total_records bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (hour_start)
) WITH (fillfactor = 80);
COMMENT ON TABLE total_hourly IS 'Sums of hourly_aggregations over all videos.';
COMMENT ON COLUMN total_hourly.hour_start IS 'Start of the UTC hour.';
COMMENT ON COLUMN total_hourly.views_gained IS 'Sum of total_views_gained; NULL counts as 0.';
COMMENT ON COLUMN total_hourly.likes_gained IS 'Sum of total_likes_gained; NULL counts as 0.';
COMMENT ON COLUMN total_hourly.comments_gained IS 'Sum of total_comments_gained; NULL counts as 0.';
COMMENT ON COLUMN total_hourly.active_videos IS 'Videos that have a row in hourly_aggregations for the hour.';
COMMENT ON COLUMN total_hourly.total_records IS 'Sum of total_records.';
COMMENT ON COLUMN total_hourly.updated_at IS 'When the row was last written.';

CREATE TABLE trends (
    video_id text COLLATE "C" PRIMARY KEY,
    as_of timestamptz NOT NULL,
    label text,
    views_gained_1h bigint NOT NULL,
    views_per_hour_1h double precision,
    views_acceleration_1h double precision,
    views_gained_6h bigint NOT NULL,
    views_per_hour_6h double precision,
    views_acceleration_6h double precision,
    views_gained_24h bigint NOT NULL,
    views_per_hour_24h double precision,
    views_acceleration_24h double precision,
    views_gained_7d bigint NOT NULL,
    views_per_hour_7d double precision,
    views_acceleration_7d double precision,
    updated_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);
COMMENT ON TABLE trends IS 'Where each video is heading, over its folded-in snapshots with a view count. No row while the newest of them lies more than 30 h before the video''s newest snapshot.';
COMMENT ON COLUMN trends.video_id IS 'YouTube video id, 11 characters.';
COMMENT ON COLUMN trends.as_of IS 'Newest event time with a view count; windows reach back from it.';
COMMENT ON COLUMN trends.label IS 'spiking: per hour over 1 h is at least 3 times that over 24 h, and at least 100 gained over 1 h. rising, falling: the acceleration over 24 h is beyond a tenth of the rate over 24 h. steady: else. NULL without the acceleration over 24 h.';
COMMENT ON COLUMN trends.views_gained_1h IS 'Views gained over the last 1 h, or since the first snapshot where that is later; linear between snapshots.';
COMMENT ON COLUMN trends.views_per_hour_1h IS 'The gain by the hours it spans; NULL with a single snapshot.';
COMMENT ON COLUMN trends.views_acceleration_1h IS 'Views per hour in the later half of the window less that in the earlier half; NULL where the history is shorter than 1 h.';
COMMENT ON COLUMN trends.views_gained_6h IS 'Views gained over the last 6 h, or since the first snapshot where that is later; linear between snapshots.';
COMMENT ON COLUMN trends.views_per_hour_6h IS 'The gain by the hours it spans; NULL with a single snapshot.';
COMMENT ON COLUMN trends.views_acceleration_6h IS 'Views per hour in the later half of the window less that in the earlier half; NULL where the history is shorter than 6 h.';
COMMENT ON COLUMN trends.views_gained_24h IS 'Views gained over the last 24 h, or since the first snapshot where that is later; linear between snapshots.';
COMMENT ON COLUMN trends.views_per_hour_24h IS 'The gain by the hours it spans; NULL with a single snapshot.';
COMMENT ON COLUMN trends.views_acceleration_24h IS 'Views per hour in the later half of the window less that in the earlier half; NULL where the history is shorter than 24 h.';
COMMENT ON COLUMN trends.views_gained_7d IS 'Views gained over the last 7 days, or since the first snapshot where that is later; linear between snapshots.';
COMMENT ON COLUMN trends.views_per_hour_7d IS 'The gain by the hours it spans; NULL with a single snapshot.';
COMMENT ON COLUMN trends.views_acceleration_7d IS 'Views per hour in the later half of the window less that in the earlier half; NULL where the history is shorter than 7 days.';
COMMENT ON COLUMN trends.updated_at IS 'When the row was last written.';

CREATE TABLE trending (
    scope text COLLATE "C" NOT NULL,
    window_hours integer NOT NULL,
    rank integer NOT NULL,
    video_id text COLLATE "C" NOT NULL,
    views_gained bigint NOT NULL,
    views_per_hour double precision,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (scope, window_hours, rank)
) WITH (fillfactor = 50);
COMMENT ON TABLE trending IS 'The 50 videos that gained most, over all and in each category, among those whose trend reaches into the window that ends with the newest trend of all.';
COMMENT ON COLUMN trending.scope IS 'all, or the id of a category.';
COMMENT ON COLUMN trending.window_hours IS 'Length of the window: 1, 6, 24 or 168 hours.';
COMMENT ON COLUMN trending.rank IS 'From 1; equal gains in order of video ids.';
COMMENT ON COLUMN trending.video_id IS 'YouTube video id, 11 characters.';
COMMENT ON COLUMN trending.views_gained IS 'As in trends.';
COMMENT ON COLUMN trending.views_per_hour IS 'As in trends.';
COMMENT ON COLUMN trending.updated_at IS 'When the row was last written.';

CREATE VIEW video_trends AS
WITH channels AS (
    SELECT v.channel_id,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY t.views_per_hour_24h) AS median,
           count(t.views_per_hour_24h) AS videos
    FROM trends t JOIN videos v USING (video_id)
    WHERE v.channel_id IS NOT NULL
    GROUP BY v.channel_id
)
SELECT t.video_id, v.title, v.channel_id, v.channel_title, v.category_id,
       'https://www.youtube.com/watch?v=' || t.video_id AS link,
       t.as_of, t.label,
       t.views_gained_1h, t.views_per_hour_1h, t.views_acceleration_1h,
       t.views_gained_6h, t.views_per_hour_6h, t.views_acceleration_6h,
       t.views_gained_24h, t.views_per_hour_24h, t.views_acceleration_24h,
       t.views_gained_7d, t.views_per_hour_7d, t.views_acceleration_7d,
       CASE WHEN c.videos >= 4 AND c.median > 0 THEN t.views_per_hour_24h / c.median END AS outlier_score
FROM trends t
LEFT JOIN videos v USING (video_id)
LEFT JOIN channels c ON c.channel_id = v.channel_id;
COMMENT ON VIEW video_trends IS 'Trends with what is known of each video, a link, and how far it stands out from its channel.';
COMMENT ON COLUMN video_trends.link IS 'The video on YouTube.';
COMMENT ON COLUMN video_trends.outlier_score IS 'Views per hour over 24 h by the median of the channel''s videos that have one, itself included; NULL with fewer than four such, or a median of 0 or less.';
