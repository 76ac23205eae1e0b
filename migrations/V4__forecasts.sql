-- Forecasts, what came of them, how good they are, and what they are made by.

CREATE TABLE models (
    model_name text NOT NULL,
    version integer NOT NULL,
    metric text NOT NULL,
    horizon_hours integer[] NOT NULL,
    artifact bytea NOT NULL,
    manifest jsonb NOT NULL,
    trained_at timestamptz,
    status text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (model_name, version)
);
COMMENT ON TABLE models IS 'What forecasts are made by: networks and what is known of them.';
COMMENT ON COLUMN models.model_name IS 'Name of the model; one of each counter, named like it.';
COMMENT ON COLUMN models.version IS 'Version, from 1; predictions name it.';
COMMENT ON COLUMN models.metric IS 'Counter that it forecasts: views, likes or comments.';
COMMENT ON COLUMN models.horizon_hours IS 'How far ahead it forecasts, hours.';
COMMENT ON COLUMN models.artifact IS 'The file that viewtide train writes (safetensors).';
COMMENT ON COLUMN models.manifest IS 'What the file says of itself: recipe, training videos and time span, seeds, scores, version of the features.';
COMMENT ON COLUMN models.trained_at IS 'When it was trained; NULL for those that come with viewtide.';
COMMENT ON COLUMN models.status IS 'active: forecasts are made by it. retired: they were, or never are.';
COMMENT ON COLUMN models.created_at IS 'When the row was written.';
CREATE UNIQUE INDEX models_one_active ON models (metric) WHERE status = 'active';

CREATE TABLE predictions (
    video_id text COLLATE "C" NOT NULL,
    issued_at timestamptz NOT NULL,
    horizon_hours integer NOT NULL,
    prediction_timestamp timestamptz NOT NULL,
    predicted_views bigint,
    predicted_likes bigint,
    predicted_comments bigint,
    actual_views bigint,
    actual_likes bigint,
    actual_comments bigint,
    predicted_views_low bigint,
    predicted_likes_low bigint,
    predicted_comments_low bigint,
    predicted_views_high bigint,
    predicted_likes_high bigint,
    predicted_comments_high bigint,
    views_model text,
    likes_model text,
    comments_model text,
    views_has_20_steps boolean,
    likes_has_20_steps boolean,
    comments_has_20_steps boolean,
    base_views bigint,
    base_likes bigint,
    base_comments bigint,
    last_increment_views bigint,
    last_increment_likes bigint,
    last_increment_comments bigint,
    members_views real[],
    members_likes real[],
    members_comments real[],
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (video_id, issued_at, horizon_hours)
) WITH (fillfactor = 80);
COMMENT ON TABLE predictions IS 'Forecasts of each video, issued at the first snapshot of each of its hours to arrive. A row changes while its target is ahead, where late or corrected records change what it rests on; after that only what came of it does.';
COMMENT ON COLUMN predictions.video_id IS 'YouTube video id, 11 characters.';
COMMENT ON COLUMN predictions.issued_at IS 'Event time of the origin: nothing later was used.';
COMMENT ON COLUMN predictions.horizon_hours IS 'How far ahead is forecast: 1, 6 or 24 hours.';
COMMENT ON COLUMN predictions.prediction_timestamp IS 'The target: issued_at and the horizon.';
COMMENT ON COLUMN predictions.predicted_views IS 'Views that are forecast for the target; NULL where the origin has no count, as in all columns of a counter.';
COMMENT ON COLUMN predictions.predicted_likes IS 'Likes that are forecast.';
COMMENT ON COLUMN predictions.predicted_comments IS 'Comments that are forecast.';
COMMENT ON COLUMN predictions.actual_views IS 'Views at the target, between the snapshots around it, half to even; NULL while it is ahead, and where those are more than 6 hours apart.';
COMMENT ON COLUMN predictions.actual_likes IS 'Likes at the target; NULL also where they are hidden.';
COMMENT ON COLUMN predictions.actual_comments IS 'Comments at the target; NULL also where they are disabled.';
COMMENT ON COLUMN predictions.predicted_views_low IS 'Lower end of the 80 % interval of views.';
COMMENT ON COLUMN predictions.predicted_likes_low IS 'Lower end of the 80 % interval of likes.';
COMMENT ON COLUMN predictions.predicted_comments_low IS 'Lower end of the 80 % interval of comments.';
COMMENT ON COLUMN predictions.predicted_views_high IS 'Upper end of the 80 % interval of views.';
COMMENT ON COLUMN predictions.predicted_likes_high IS 'Upper end of the 80 % interval of likes.';
COMMENT ON COLUMN predictions.predicted_comments_high IS 'Upper end of the 80 % interval of comments.';
COMMENT ON COLUMN predictions.views_model IS 'What made the forecast of views: blend:N (model version N and the naive forecasts), trend (the naive forecasts), last_value.';
COMMENT ON COLUMN predictions.likes_model IS 'What made the forecast of likes.';
COMMENT ON COLUMN predictions.comments_model IS 'What made the forecast of comments.';
COMMENT ON COLUMN predictions.views_has_20_steps IS 'Whether the last 20 hourly steps of views are there.';
COMMENT ON COLUMN predictions.likes_has_20_steps IS 'Whether the last 20 hourly steps of views and likes are there.';
COMMENT ON COLUMN predictions.comments_has_20_steps IS 'Whether the last 20 hourly steps of views and comments are there.';
COMMENT ON COLUMN predictions.base_views IS 'Views at the origin, when the forecast was made.';
COMMENT ON COLUMN predictions.base_likes IS 'Likes at the origin.';
COMMENT ON COLUMN predictions.base_comments IS 'Comments at the origin.';
COMMENT ON COLUMN predictions.last_increment_views IS 'Views gained over as many hours before the origin, half to even; NULL where missing.';
COMMENT ON COLUMN predictions.last_increment_likes IS 'Likes gained over as many hours before the origin.';
COMMENT ON COLUMN predictions.last_increment_comments IS 'Comments gained over as many hours before the origin.';
COMMENT ON COLUMN predictions.members_views IS 'Views gained by the target as each member of the blend forecast it: lstm, last_value, last_increment, ewma_3, ewma_6, mean_24, median_24, same_hours_yesterday, power_law, then the blend of all and that of the naive ones; NULL where a member says nothing.';
COMMENT ON COLUMN predictions.members_likes IS 'Likes gained, as members_views.';
COMMENT ON COLUMN predictions.members_comments IS 'Comments gained, as members_views.';
COMMENT ON COLUMN predictions.created_at IS 'When the forecast was made; anew where it was revised.';

CREATE TABLE forecaster_state (
    video_id text COLLATE "C" PRIMARY KEY,
    state bytea NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);
ALTER TABLE forecaster_state ALTER COLUMN state SET STORAGE PLAIN;
COMMENT ON TABLE forecaster_state IS 'What was learned of the forecasts of each video, so that a restart goes on as if there had been none.';
COMMENT ON COLUMN forecaster_state.video_id IS 'YouTube video id, 11 characters.';
COMMENT ON COLUMN forecaster_state.state IS 'Weights of the blend and widths of the intervals, in a form of its own; its first byte is the version.';
COMMENT ON COLUMN forecaster_state.updated_at IS 'When the row was last written.';

CREATE TABLE forecast_score_hours (
    model text NOT NULL,
    metric text NOT NULL,
    horizon_hours integer NOT NULL,
    basis text NOT NULL,
    target_hour timestamptz NOT NULL,
    forecasts numeric NOT NULL,
    absolute_errors numeric NOT NULL,
    squared_errors numeric NOT NULL,
    gains numeric NOT NULL,
    absolute_gains numeric NOT NULL,
    squared_gains numeric NOT NULL,
    with_gain numeric NOT NULL,
    relative_errors numeric NOT NULL,
    with_last_increment numeric NOT NULL,
    right_directions numeric NOT NULL,
    with_interval numeric NOT NULL,
    covered numeric NOT NULL,
    PRIMARY KEY (model, metric, horizon_hours, basis, target_hour)
) WITH (fillfactor = 50);
COMMENT ON TABLE forecast_score_hours IS 'Exact sums over predictions whose actual is known. Of each: a is what the counter gained from the origin to the target, p what was forecast, e = p - a.';
COMMENT ON COLUMN forecast_score_hours.model IS 'Whose forecasts: issued (all), a value of views_model and so on, or member:NAME.';
COMMENT ON COLUMN forecast_score_hours.metric IS 'Counter: views, likes or comments.';
COMMENT ON COLUMN forecast_score_hours.horizon_hours IS 'How far ahead was forecast.';
COMMENT ON COLUMN forecast_score_hours.basis IS 'full: the last 20 hourly steps were there. short: they were not.';
COMMENT ON COLUMN forecast_score_hours.target_hour IS 'UTC hour of the target.';
COMMENT ON COLUMN forecast_score_hours.forecasts IS 'Forecasts.';
COMMENT ON COLUMN forecast_score_hours.absolute_errors IS 'Sum of |e|.';
COMMENT ON COLUMN forecast_score_hours.squared_errors IS 'Sum of e^2.';
COMMENT ON COLUMN forecast_score_hours.gains IS 'Sum of a.';
COMMENT ON COLUMN forecast_score_hours.absolute_gains IS 'Sum of |a|.';
COMMENT ON COLUMN forecast_score_hours.squared_gains IS 'Sum of a^2.';
COMMENT ON COLUMN forecast_score_hours.with_gain IS 'Forecasts of which a is not 0.';
COMMENT ON COLUMN forecast_score_hours.relative_errors IS 'Sum of |e / a| over those, in millionths of a percent, each half to even.';
COMMENT ON COLUMN forecast_score_hours.with_last_increment IS 'Forecasts whose last_increment is known.';
COMMENT ON COLUMN forecast_score_hours.right_directions IS 'Of them those that lie on the same side of it as what came.';
COMMENT ON COLUMN forecast_score_hours.with_interval IS 'Forecasts with an interval: what was issued, not members.';
COMMENT ON COLUMN forecast_score_hours.covered IS 'Of them those whose actual lies in it.';

CREATE VIEW forecast_scores AS
WITH newest AS (SELECT max(target_hour) AS hour FROM forecast_score_hours),
spans AS (
    SELECT 'total' AS span, s.* FROM forecast_score_hours s
    UNION ALL
    SELECT '7d', s.* FROM forecast_score_hours s, newest WHERE s.target_hour > newest.hour - interval '168 hours'
),
sums AS (
    SELECT model, metric, horizon_hours, basis, span, sum(forecasts) AS n, sum(absolute_errors) AS absolute_errors,
           sum(squared_errors) AS squared_errors, sum(gains) AS gains, sum(absolute_gains) AS absolute_gains,
           sum(squared_gains) AS squared_gains, sum(with_gain) AS with_gain, sum(relative_errors) AS relative_errors,
           sum(with_last_increment) AS with_last_increment, sum(right_directions) AS right_directions,
           sum(with_interval) AS with_interval, sum(covered) AS covered
    FROM spans GROUP BY model, metric, horizon_hours, basis, span
)
SELECT model, metric, horizon_hours, basis, span, n::bigint AS n,
       (absolute_errors / n)::double precision AS mae,
       (squared_errors / n)::double precision AS mse,
       sqrt((squared_errors / n)::double precision) AS rmse,
       (absolute_errors / nullif(absolute_gains, 0))::double precision AS mase,
       (relative_errors / 1000000 / nullif(with_gain, 0))::double precision AS mape,
       (1 - squared_errors / nullif(squared_gains - gains * gains / n, 0))::double precision AS r2,
       (right_directions / nullif(with_last_increment, 0))::double precision AS directional_accuracy,
       (covered / nullif(with_interval, 0))::double precision AS interval_coverage
FROM sums;
COMMENT ON VIEW forecast_scores IS 'How good forecasts were, from forecast_score_hours.';
COMMENT ON COLUMN forecast_scores.model IS 'Whose forecasts: issued (all), a value of views_model and so on, or member:NAME.';
COMMENT ON COLUMN forecast_scores.metric IS 'Counter: views, likes or comments.';
COMMENT ON COLUMN forecast_scores.horizon_hours IS 'How far ahead was forecast.';
COMMENT ON COLUMN forecast_scores.basis IS 'full: the last 20 hourly steps were there. short: they were not.';
COMMENT ON COLUMN forecast_scores.span IS 'total, or 7d: targets of the 168 hours to the newest one.';
COMMENT ON COLUMN forecast_scores.n IS 'Forecasts whose actual is known.';
COMMENT ON COLUMN forecast_scores.mae IS 'Mean absolute error.';
COMMENT ON COLUMN forecast_scores.mse IS 'Mean squared error.';
COMMENT ON COLUMN forecast_scores.rmse IS 'Its root.';
COMMENT ON COLUMN forecast_scores.mase IS 'Sum of absolute errors over that of the forecast that nothing changes.';
COMMENT ON COLUMN forecast_scores.mape IS 'Mean of the errors over what was gained, percent, where something was.';
COMMENT ON COLUMN forecast_scores.r2 IS '1 less the squared errors over the squared deviations of what was gained from its mean.';
COMMENT ON COLUMN forecast_scores.directional_accuracy IS 'Share of forecasts on the same side of the last increment as what came.';
COMMENT ON COLUMN forecast_scores.interval_coverage IS 'Share of what came that lay in the interval.';
