-- The channel's 15 videos that gained most views in 24 hours.
-- include chosen_channel
SELECT coalesce(title, video_id) AS video, views_gained_24h AS "views in 24 h"
FROM chosen JOIN videos USING (channel_id) JOIN trends USING (video_id)
ORDER BY views_gained_24h DESC, video_id LIMIT 15
