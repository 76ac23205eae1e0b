-- Views that the video gained in the 24 hours to its newest snapshot.
-- include chosen_video
SELECT views_gained_24h AS "views in 24 h" FROM trends JOIN chosen USING (video_id)
