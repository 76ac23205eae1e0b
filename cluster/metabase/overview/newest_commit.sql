-- Minutes since viewtide last wrote something.
SELECT round(extract(epoch FROM now() - committed_at) / 60)::bigint AS minutes FROM viewtide_progress
