-- How far the newest snapshots of videos lie behind the newest of all; 168 stands for a week and more.
SELECT least(floor(extract(epoch FROM newest.as_of - trends.as_of) / 3600), 168)::integer AS "hours behind", count(*) AS videos
FROM trends CROSS JOIN (SELECT max(as_of) AS as_of FROM trends) AS newest
GROUP BY 1 ORDER BY 1
