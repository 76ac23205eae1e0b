// The overview's values, out of raw snapshots, hours and trends: not out of the ranks, sums and views that are kept of them.

import { agree } from "../agree.js";
import { count, rate, time, trend } from "../figures.js";
import { category } from "../names.js";
import { table, text, tiles, video } from "../read.js";

// Of windows in hours, what the columns of `trends` are called.
const WINDOWS = { 1: "1h", 6: "6h", 24: "24h", 168: "7d" };

const risers = (hours) => `
  SELECT t.video_id, v.title, v.channel_id, v.channel_title, t.views_gained_${WINDOWS[hours]} AS gained,
         t.views_per_hour_${WINDOWS[hours]} AS per_hour, t.label, gains.low, gains.high
  FROM trends t
  LEFT JOIN videos v USING (video_id)
  LEFT JOIN LATERAL (
    SELECT min(gained) AS low, max(gained) AS high
    FROM (
      SELECT sum(s.views_delta)::bigint AS gained
      FROM video_stats_processed s
      WHERE s.video_id = t.video_id AND s.folded_in AND s."timestamp" >= date_trunc('hour', t.as_of) - interval '47 hours'
            AND s."timestamp" < date_trunc('hour', t.as_of) + interval '1 hour'
      GROUP BY date_trunc('hour', s."timestamp")
    ) AS hours
  ) AS gains ON true
  WHERE t.views_gained_${WINDOWS[hours]} > 0 AND t.as_of > (SELECT max(as_of) FROM trends) - interval '${hours} hours'
  ORDER BY t.views_gained_${WINDOWS[hours]} DESC, t.video_id COLLATE "C"
  LIMIT 20`;

// With each video's share of the median of its channel, where it has one.
export const OUTLIER_SCORES = `
  SELECT t.video_id, t.views_per_hour_24h / median.of_channel AS outlier_score
  FROM trends t JOIN videos v USING (video_id)
  JOIN (
    SELECT channel_id, percentile_cont(0.5) WITHIN GROUP (ORDER BY views_per_hour_24h) AS of_channel
    FROM trends JOIN videos USING (video_id) WHERE views_per_hour_24h IS NOT NULL
    GROUP BY channel_id HAVING count(*) >= 4
  ) AS median ON median.channel_id = v.channel_id AND median.of_channel > 0
  WHERE t.views_per_hour_24h IS NOT NULL`;

const OUTLIERS = `
  SELECT s.video_id, s.outlier_score, v.title, v.channel_id, v.channel_title, t.views_gained_24h, t.label
  FROM (${OUTLIER_SCORES}) AS s JOIN trends t USING (video_id) JOIN videos v USING (video_id)
  ORDER BY s.outlier_score DESC, s.video_id LIMIT 10`;

const CATEGORIES = `
  WITH hours AS (
    SELECT v.category_id, h.hour_start, sum(coalesce(h.total_views_gained, 0))::bigint AS gained, count(*) AS videos
    FROM hourly_aggregations h JOIN videos v USING (video_id) WHERE v.category_id IS NOT NULL
    GROUP BY v.category_id, h.hour_start
  )
  SELECT category_id, sum(gained)::bigint AS gained, max(videos) AS videos
  FROM hours WHERE hour_start > (SELECT max(hour_start) FROM hours) - interval '24 hours'
  GROUP BY category_id ORDER BY sum(gained) DESC, category_id LIMIT 50`;

const NEWEST = `SELECT ${time("max(as_of)")} AS at FROM trends`;

// Ranks, which follow every commit.
export const risersAgree = (page, sql, hours) =>
  agree(
    `the fastest risers of ${hours} h`,
    () => table(page, "risers"),
    async () =>
      (await sql.rows(risers(hours))).map((row, place) => [
        String(place + 1),
        video(row),
        count(row.gained),
        rate(row.per_hour),
        trend(row.label),
        `views gained in each of the last 48 hours, from ${count(row.low ?? 0)} to ${count(row.high ?? 0)}`,
      ]),
  );

const outliersAgree = (page, sql) =>
  agree(
    "the outliers",
    () => table(page, "outliers"),
    async () =>
      (await sql.rows(OUTLIERS)).map((row) => [
        video(row),
        rate(row.outlier_score),
        count(row.views_gained_24h),
        trend(row.label),
      ]),
  );

const categoriesAgree = (page, sql) =>
  agree(
    "the categories",
    () => table(page, "categories"),
    async () => (await sql.rows(CATEGORIES)).map((row) => [category(row.category_id), count(row.gained), count(row.videos)]),
  );

// Figures of the engine, where all that it ever read was read since its start, a snapshot a record.
const nowAgrees = (page, sql) =>
  agree(
    "the figures of now",
    async () => {
      const shown = await tiles(page, "now");
      return ["Snapshots read", "Forecasts issued", "Late rows", "Dead letters"].map((name) => shown[name]?.value);
    },
    async () => {
      const stored = await sql.row(`
        SELECT (SELECT sum((span ->> 'next')::bigint) FROM viewtide_progress, jsonb_each(positions) AS p (input, span)
                WHERE input ~ '^[0-9]+$')
               - (SELECT count(*) FROM dead_letters) AS snapshots,
               (SELECT count(*) FROM predictions) AS forecasts,
               (SELECT count(*) FROM video_stats_processed WHERE NOT folded_in) AS late,
               (SELECT count(*) FROM dead_letters) AS dead`);
      return [stored.snapshots, stored.forecasts, stored.late, stored.dead].map(count);
    },
  );

// All of it, once nothing comes any more.
export const overviewAgrees = async (page, sql, hours) => {
  await risersAgree(page, sql, hours);
  await nowAgrees(page, sql);
  await outliersAgree(page, sql);
  await categoriesAgree(page, sql);
  const { at } = await sql.row(NEWEST);
  const said = await text(page, "#risers ~ p");
  if (at && !said?.includes(`the newest of them is of ${at} UTC`)) {
    throw new Error(`the newest snapshot is of ${at} in SQL, and in the page: "${said}"`);
  }
};
