-- Likes and comments that all videos gained, the newest 2,000 points.
SELECT date_trunc({{unit}}, hour_start AT TIME ZONE 'UTC') AS time,
       sum(likes_gained)::bigint AS "likes gained", sum(comments_gained)::bigint AS "comments gained"
FROM total_hourly WHERE {{time}}
GROUP BY 1 ORDER BY 1 DESC LIMIT 2000
