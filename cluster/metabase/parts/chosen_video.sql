-- The video that is chosen; of several, or where none is, the one that gained most in 24 hours.
WITH chosen AS (
    SELECT video_id FROM trends WHERE {{video}} ORDER BY views_gained_24h DESC, video_id LIMIT 1
)
