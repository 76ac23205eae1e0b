-- Snapshots that are in the aggregates; late ones are not among them.
SELECT coalesce(sum(total_records), 0)::bigint AS snapshots FROM total_hourly WHERE {{time}}
