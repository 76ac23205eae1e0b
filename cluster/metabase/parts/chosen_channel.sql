-- The channel that is chosen; of several, or where none is, the one whose videos gained most in 24 hours.
WITH chosen AS (
    SELECT channel_id, max(channel_title) AS channel
    FROM videos JOIN trends USING (video_id)
    WHERE channel_id IS NOT NULL AND {{channel}} AND {{channel_id}}
    GROUP BY channel_id ORDER BY sum(views_gained_24h) DESC, channel_id LIMIT 1
)
