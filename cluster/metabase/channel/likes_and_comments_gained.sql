-- Likes and comments that the channel's videos gained, the newest 2,000 points.
-- include chosen_channel
SELECT date_trunc({{unit}}, hour_start AT TIME ZONE 'UTC') AS time,
       sum(likes_gained)::bigint AS "likes gained", sum(comments_gained)::bigint AS "comments gained"
FROM channel_hourly JOIN chosen USING (channel_id) WHERE {{time}}
GROUP BY 1 ORDER BY 1 DESC LIMIT 2000
