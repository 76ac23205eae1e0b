// A video's values, out of raw snapshots, trends and predictions.

import { agree } from "../agree.js";
import { count, fixed, rate, time, trend, withoutAge } from "../figures.js";
import { MEMBERS, category, method } from "../names.js";
import { bars, table, text, tiles } from "../read.js";
import { OUTLIER_SCORES } from "./overview.js";

const KNOWN = `
  SELECT v.title, v.channel_id, v.channel_title, v.category_id
  FROM (SELECT :'id'::text AS video_id) AS asked LEFT JOIN videos v USING (video_id)`;

const SNAPSHOTS = `
  SELECT ${time('"timestamp"')} AS at, view_count AS views, like_count AS likes, comment_count AS comments,
         view_count - lag(view_count) OVER past AS views_delta, like_count - lag(like_count) OVER past AS likes_delta,
         comment_count - lag(comment_count) OVER past AS comments_delta,
         lag(view_count) OVER past AS views_before, lag(like_count) OVER past AS likes_before,
         lag(comment_count) OVER past AS comments_before
  FROM video_stats_processed WHERE video_id = :'id' AND folded_in
  WINDOW past AS (ORDER BY "timestamp") ORDER BY "timestamp" DESC LIMIT 24`;

const TRENDS = `
  SELECT t.label, ${time("t.as_of")} AS as_of, s.outlier_score,
         json_build_array(views_gained_1h, views_gained_6h, views_gained_24h, views_gained_7d) AS gained,
         json_build_array(views_per_hour_1h, views_per_hour_6h, views_per_hour_24h, views_per_hour_7d) AS per_hour
  FROM trends t LEFT JOIN (${OUTLIER_SCORES}) AS s USING (video_id) WHERE t.video_id = :'id'`;

const METRICS = ["views", "likes", "comments"];

const hours = (metric) => `
  WITH hours AS (
    SELECT date_trunc('hour', "timestamp") AS hour, sum(${metric}_delta)::bigint AS gained
    FROM video_stats_processed WHERE video_id = :'id' AND folded_in GROUP BY 1
  )
  SELECT to_char(hour AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') AS hour, gained
  FROM hours
  WHERE gained IS NOT NULL AND hour > (SELECT max(hour) FROM hours) - interval '168 hours' ORDER BY hours.hour`;

const forecasts = (metric) => `
  SELECT ${time("issued_at")} AS origin, horizon_hours AS ahead, predicted_${metric} AS predicted,
         predicted_${metric}_low AS low, predicted_${metric}_high AS high, actual_${metric} AS actual,
         predicted_${metric} - base_${metric} AS gain, members_${metric} AS members, ${metric}_model AS model,
         issued_at = newest.origin AS is_newest
  FROM predictions,
       (SELECT max(issued_at) AS origin FROM predictions WHERE video_id = :'id' AND predicted_${metric} IS NOT NULL) AS newest,
       (SELECT max(issued_at) AS origin FROM predictions
        WHERE video_id = :'id' AND predicted_${metric} IS NOT NULL AND actual_${metric} IS NOT NULL AND horizon_hours = 24) AS known
  WHERE video_id = :'id' AND predicted_${metric} IS NOT NULL AND issued_at IN (newest.origin, known.origin)
  ORDER BY issued_at, horizon_hours`;

// The place of a member, 12 for what was issued, and how far it was off.
const errors = (metric) => `
  SELECT member, horizon_hours AS ahead, avg(abs(
           CASE member WHEN 12 THEN (predicted_${metric} - base_${metric})::double precision
                       ELSE members_${metric}[member]::double precision END
           - (actual_${metric} - base_${metric}))) AS error
  FROM predictions, generate_series(1, 12) AS member
  WHERE video_id = :'id' AND actual_${metric} IS NOT NULL AND ${metric}_has_20_steps
        AND issued_at > (SELECT max(issued_at) FROM predictions WHERE video_id = :'id') - interval '168 hours'
  GROUP BY member, horizon_hours`;

const WINDOWS = ["1 hour", "6 hours", "24 hours", "7 days"];

const storedTiles = (newest, trends) => {
  const stored = {};
  for (const metric of METRICS) {
    const isGiven = newest[metric] !== null;
    const name = metric[0].toUpperCase() + metric.slice(1);
    stored[name] = [count(newest[metric]), `${isGiven ? "" : "not given; "}${newest.at} UTC`];
  }
  if (!trends) return stored;
  WINDOWS.forEach((name, place) => {
    stored[`In its last ${name}`] = [`${count(trends.gained[place])} views`, `${rate(trends.per_hour[place])} an hour`];
  });
  if (trends.outlier_score !== null)
    stored["Times the median"] = [rate(trends.outlier_score), "its views of 24 hours by its channel's median"];
  return stored;
};

const storedSnapshots = (rows) =>
  rows.map((row) => {
    const of = (metric) => {
      const [delta, before] = [row[`${metric}_delta`], row[`${metric}_before`]];
      const growth = delta === null || before === 0 ? null : (100 * delta) / before;
      return [count(row[metric]), count(delta), fixed(growth, 3)];
    };
    return [row.at, ...METRICS.flatMap(of)];
  });

const countsAgree = (page, sql, id) =>
  agree(
    `counts and snapshots of ${id}`,
    async () => {
      const counts = Object.entries(await tiles(page, "counts"));
      return {
        title: await text(page, "h1 bdi"),
        known: (await text(page, ".known"))
          ?.split(" · ")
          .slice(0, -1)
          .filter((said) => !said.startsWith("published")),
        tiles: Object.fromEntries(counts.map(([name, { value, note }]) => [name, [value, withoutAge(note)]])),
        trend: withoutAge((await text(page, "#counts ~ p")) ?? ""),
        snapshots: await table(page, "snapshots"),
      };
    },
    async () => {
      const [known, snapshots, trends] = [
        await sql.row(KNOWN, { id }),
        await sql.rows(SNAPSHOTS, { id }),
        await sql.row(TRENDS, { id }),
      ];
      const links = [
        known.channel_id && (known.channel_title ?? known.channel_id),
        known.category_id && category(known.category_id),
      ];
      return {
        title: known.title ?? id,
        known: [...links.filter(Boolean), "on YouTube"],
        tiles: storedTiles(snapshots[0], trends),
        trend: trends ? `Trend: ${trend(trends.label)}, as of ${trends.as_of} UTC` : "",
        snapshots: storedSnapshots(snapshots),
      };
    },
  );

const gainsAgree = (page, sql, id, metric) =>
  agree(
    `hourly gains of ${metric} of ${id}`,
    () => bars(page, "gains"),
    async () => (await sql.rows(hours(metric), { id })).map((row) => `${row.hour} UTC: ${count(row.gained)}`),
  );

const storedForecasts = (rows) =>
  rows.map((row) => [
    row.origin,
    String(row.ahead),
    count(row.predicted),
    `${count(row.low)} to ${count(row.high)}`,
    count(row.actual),
    count(row.actual === null ? null : row.predicted - row.actual),
    method(row.model),
  ]);

const HORIZONS = [1, 6, 24];

const storedMembers = (forecasts, errors) => {
  const newest = forecasts.filter((row) => row.is_newest);
  const error = (member) =>
    HORIZONS.map((ahead) => rate(errors.find((row) => row.member === member && row.ahead === ahead)?.error));
  const gains = (of) => HORIZONS.map((ahead) => rate(newest.filter((row) => row.ahead === ahead).map(of)[0]));
  const members = MEMBERS.map(([, name], place) => [name, ...gains((row) => row.members?.[place]), ...error(place + 1)]);
  return [...members, ["Issued", ...gains((row) => row.gain), ...error(MEMBERS.length + 1)]];
};

const forecastsAgree = (page, sql, id, metric) =>
  agree(
    `forecasts of ${metric} of ${id}`,
    async () => ({ forecasts: await table(page, "forecasts"), members: await table(page, "members") }),
    async () => {
      const stored = await sql.rows(forecasts(metric), { id });
      const members = stored.length > 0 ? storedMembers(stored, await sql.rows(errors(metric), { id })) : [];
      return { forecasts: storedForecasts(stored), members };
    },
  );

// All that the page of video `id` says of `metric`.
export const videoAgrees = async (page, sql, id, metric) => {
  await countsAgree(page, sql, id);
  await gainsAgree(page, sql, id, metric);
  await forecastsAgree(page, sql, id, metric);
};
