-- Models that come and go while forecasts are made, and what is known of each training.

ALTER TABLE models ADD COLUMN replaces integer;
COMMENT ON COLUMN models.replaces IS 'Version that was in use before this one was; a rollback goes back to it. NULL where none was.';
COMMENT ON COLUMN models.status IS 'active: forecasts are made by it. retired: they were. candidate: added, and not used yet. rejected: a retraining that was not better than what was in use.';

CREATE TABLE model_metrics (
    run_id text COLLATE "C" NOT NULL,
    metric_name text COLLATE "C" NOT NULL,
    model_name text NOT NULL,
    metric_value double precision NOT NULL,
    "timestamp" timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (run_id, metric_name)
);
COMMENT ON TABLE model_metrics IS 'What came of each retraining: how good the new model and the one in use are on the newest data, which neither learned from.';
COMMENT ON COLUMN model_metrics.run_id IS 'The retraining of one model: its name, the version that it made, and when it began.';
COMMENT ON COLUMN model_metrics.metric_name IS 'What was measured, as mae_1h or incumbent_mae_1h: of the new model, or of the one in use.';
COMMENT ON COLUMN model_metrics.model_name IS 'Name of the model, as in models.';
COMMENT ON COLUMN model_metrics.metric_value IS 'The figure.';
COMMENT ON COLUMN model_metrics."timestamp" IS 'When it was written.';
