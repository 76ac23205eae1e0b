-- What is known of the video, and where it is heading.
-- include chosen_video
SELECT coalesce(title, video_id) AS title, channel_title AS channel, category_id AS category,
       published_at AT TIME ZONE 'UTC' AS published, label AS trend, as_of AT TIME ZONE 'UTC' AS "newest snapshot",
       channel_id, video_id
FROM chosen JOIN trends USING (video_id) LEFT JOIN videos USING (video_id)
