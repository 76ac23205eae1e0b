-- Hours since the newest event time of all.
SELECT (extract(epoch FROM now() - max(as_of)) / 3600)::double precision AS hours FROM trends
