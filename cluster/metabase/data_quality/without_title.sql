-- Videos whose snapshots come and of which nobody has said a title.
SELECT count(*) AS videos FROM trends LEFT JOIN videos USING (video_id) WHERE title IS NULL
