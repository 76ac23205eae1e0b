-- The mirror to MLflow looks again and again which retrainings there are: one row of each.

CREATE INDEX model_metrics_retrainings ON model_metrics ("timestamp", run_id) WHERE metric_name = 'version';
