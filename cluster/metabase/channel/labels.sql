-- How many of the channel's videos rise, fall, spike or are steady.
-- include chosen_channel
SELECT coalesce(label, 'not known yet') AS trend, count(*) AS videos
FROM chosen JOIN videos USING (channel_id) JOIN trends USING (video_id)
GROUP BY 1 ORDER BY 2 DESC, 1
