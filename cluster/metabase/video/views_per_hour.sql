-- Views an hour, over the 24 hours to the video's newest snapshot.
-- include chosen_video
SELECT views_per_hour_24h AS "views an hour" FROM trends JOIN chosen USING (video_id)
