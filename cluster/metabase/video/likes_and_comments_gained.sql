-- Likes and comments that the video gained in every hour, the newest 2,000 of them.
-- include chosen_video
SELECT hour_start AT TIME ZONE 'UTC' AS hour, total_likes_gained AS "likes gained", total_comments_gained AS "comments gained"
FROM hourly_aggregations JOIN chosen USING (video_id)
WHERE {{time}} ORDER BY hour_start DESC LIMIT 2000
