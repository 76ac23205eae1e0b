-- The 100 videos whose newest snapshot is oldest.
SELECT coalesce(title, video_id) AS title, as_of AT TIME ZONE 'UTC' AS "newest snapshot",
       extract(epoch FROM (SELECT max(newest.as_of) FROM trends AS newest) - as_of)::double precision / 3600 AS "hours behind", video_id
FROM trends LEFT JOIN videos USING (video_id)
ORDER BY as_of, video_id LIMIT 100
