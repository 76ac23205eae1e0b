-- Views an hour over 24 hours, by the median of the videos of its channel; empty where that has fewer than four.
-- include chosen_video
SELECT CASE WHEN count(t.views_per_hour_24h) >= 4 THEN
           max(mine.views_per_hour_24h) / nullif(greatest(percentile_cont(0.5) WITHIN GROUP (ORDER BY t.views_per_hour_24h), 0), 0)
       END AS "times the median"
FROM chosen
JOIN trends AS mine USING (video_id)
LEFT JOIN videos AS its USING (video_id)
LEFT JOIN videos AS of_channel ON of_channel.channel_id = its.channel_id
LEFT JOIN trends AS t ON t.video_id = of_channel.video_id
