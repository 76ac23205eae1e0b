// How good the forecasts were, out of the forecasts themselves: not out of the sums that are kept of them.

import { agree } from "../agree.js";
import { count, fixed, percent, rate, time, withoutAge } from "../figures.js";
import { MEMBERS, method } from "../names.js";
import { table, tiles } from "../read.js";

const NAMES = MEMBERS.map(([name]) => `'member:${name}'`).join(", ");

// Of each: a is what was gained from the origin to the target, p what was forecast.
const scores = (metric) => `
  WITH known AS (
    SELECT *, (actual_${metric} - base_${metric})::numeric AS a, (predicted_${metric} - base_${metric})::numeric AS p,
           date_trunc('hour', prediction_timestamp) AS target_hour
    FROM predictions WHERE actual_${metric} IS NOT NULL AND predicted_${metric} IS NOT NULL
  ),
  newest AS (
    SELECT max(date_trunc('hour', prediction_timestamp)) AS hour
    FROM predictions WHERE coalesce(actual_views, actual_likes, actual_comments) IS NOT NULL
  ),
  said AS (
    SELECT model, k.horizon_hours, k.a, k.p, k.last_increment_${metric}::numeric AS last,
           k.actual_${metric} BETWEEN k.predicted_${metric}_low AND k.predicted_${metric}_high AS is_covered,
           k.${metric}_has_20_steps, k.target_hour
    FROM known k, unnest(ARRAY['issued', k.${metric}_model]) AS model
    UNION ALL
    SELECT (ARRAY[${NAMES}])[place], k.horizon_hours, k.a, round(gain::double precision)::numeric,
           k.last_increment_${metric}::numeric, NULL, k.${metric}_has_20_steps, k.target_hour
    FROM known k, unnest(k.members_${metric}) WITH ORDINALITY AS member (gain, place) WHERE gain IS NOT NULL
  )
  SELECT model, horizon_hours AS ahead, count(*) AS n, avg(abs(p - a))::double precision AS mae,
         (sum(abs(p - a)) / nullif(sum(abs(a)), 0))::double precision AS mase,
         sqrt(avg((p - a) * (p - a))::double precision) AS rmse,
         avg(round(100 * abs((p - a) / nullif(a, 0)), 6))::double precision AS mape,
         (1 - sum((p - a) * (p - a)) / nullif(sum(a * a) - sum(a) * sum(a) / count(*), 0))::double precision AS r2,
         avg(CASE WHEN last IS NULL THEN NULL WHEN sign(p - last) = sign(a - last) THEN 1 ELSE 0 END)::double precision AS direction,
         avg(CASE WHEN is_covered IS NULL THEN NULL WHEN is_covered THEN 1 ELSE 0 END)::double precision AS coverage
  FROM said, newest
  WHERE ${metric}_has_20_steps = (:'basis' = 'full')
        AND (:'span' = 'total' OR target_hour > newest.hour - interval '168 hours')
  GROUP BY model, horizon_hours ORDER BY horizon_hours, mae, model COLLATE "C"`;

const share = (value) => percent(value === null ? null : 100 * value);

const row = (score) => [
  method(score.model.replace(/^member:/, "")),
  count(score.n),
  rate(score.mae),
  fixed(score.mase, 3),
  rate(score.rmse),
  percent(score.mape),
  fixed(score.r2, 3),
  share(score.direction),
];

const HORIZONS = [1, 6, 24];

// Newest first, those in use before others.
const MODELS = `
  SELECT model_name, version, status, replaces, ${time("trained_at")} AS trained, ${time("created_at")} AS added
  FROM (SELECT * FROM models ORDER BY (status = 'active') DESC, created_at DESC, model_name, version LIMIT 20) AS newest
  ORDER BY status, model_name, version DESC`;

const model = ({ model_name: name, version, status, replaces, trained, added }) => [
  name,
  String(version),
  status,
  trained ? `${trained} UTC` : "came with viewtide",
  `${added} UTC`,
  replaces === null ? "-" : String(replaces),
];

const stored = async (sql, metric, basis, span) => {
  const found = await sql.rows(scores(metric), { basis, span });
  const of = (ahead) => found.filter((score) => score.ahead === ahead);
  const issued = found.filter((score) => score.model === "issued");
  const covered = ({ ahead, n, coverage }) => [
    `${ahead} h ahead`,
    share(coverage),
    `of ${count(n)} outcomes in the 80 % interval`,
  ];
  return {
    coverage: issued.map(covered),
    scores: HORIZONS.map((ahead) => of(ahead).map(row)),
    models: (await sql.rows(MODELS)).map(model),
  };
};

const shown = async (page) => ({
  coverage: Object.entries(await tiles(page, "coverage")).map(([name, { value, note }]) => [name, value, note]),
  scores: await Promise.all(HORIZONS.map((ahead) => table(page, `horizon-${ahead}`))),
  models: (await table(page, "models")).map((row) => row.map(withoutAge)),
});

// All that the page says of forecasts of `metric`, with the last 20 steps (`full`) or without (`short`), of all time or of `7d`.
export const forecastsAgree = (page, sql, { metric, basis, span }) =>
  agree(
    `scores of ${metric}, ${basis}, ${span}`,
    () => shown(page),
    () => stored(sql, metric, basis, span),
  );
