// A channel's or a category's values, out of the hours and trends of its videos.

import { agree } from "../agree.js";
import { count, rate, time, trend, withoutAge } from "../figures.js";
import { category } from "../names.js";
import { bars, table, text, tiles, video } from "../read.js";
import { OUTLIER_SCORES } from "./overview.js";

const hours = (scope) => `
  SELECT h.hour_start, sum(coalesce(h.total_views_gained, 0))::bigint AS gained, count(*) AS videos
  FROM hourly_aggregations h JOIN videos v USING (video_id) WHERE v.${scope}_id = :'id' GROUP BY h.hour_start`;

const gains = (scope) => `
  WITH hours AS (${hours(scope)})
  SELECT to_char(hour_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') AS hour, ${time("hour_start")} AS full_hour, gained, videos,
         hour_start > (SELECT max(hour_start) FROM hours) - interval '24 hours' AS is_of_24
  FROM hours WHERE hour_start > (SELECT max(hour_start) FROM hours) - interval '168 hours' ORDER BY hour_start`;

const KNOWN = {
  channel: "SELECT count(*) AS videos, max(channel_title) AS title FROM videos WHERE channel_id = :'id'",
  category: "SELECT count(*) AS videos FROM videos WHERE category_id = :'id'",
};

const videos = (scope) => `
  SELECT t.video_id, v.title, v.channel_id, v.channel_title, s.outlier_score, t.views_gained_24h, t.views_per_hour_24h, t.label,
         ${time("t.as_of")} AS as_of
  FROM trends t JOIN videos v USING (video_id) LEFT JOIN (${OUTLIER_SCORES}) AS s USING (video_id)
  WHERE v.${scope}_id = :'id'
  ORDER BY s.outlier_score DESC NULLS LAST, t.views_gained_24h DESC, t.video_id COLLATE "C" LIMIT 50`;

const shown = async (page) => {
  const counts = await tiles(page, "counts");
  return {
    title: await text(page, "h1 bdi"),
    videos: counts.Videos?.value,
    active: counts["Videos with snapshots"]?.value,
    gained: counts["Views in 24 hours"]?.value,
    up_to: withoutAge(counts["Views in 24 hours"]?.note ?? ""),
    bars: await bars(page, "gains"),
    table: await table(page, "videos"),
  };
};

const stored = async (sql, scope, id) => {
  const [known, hours, rows] = [
    await sql.row(KNOWN[scope], { id }),
    await sql.rows(gains(scope), { id }),
    await sql.rows(videos(scope), { id }),
  ];
  const ofDay = hours.filter((hour) => hour.is_of_24).reduce((sum, hour) => sum + hour.gained, 0);
  return {
    title: scope === "channel" ? (known.title ?? id) : category(id),
    videos: count(known.videos),
    active: count(hours.at(-1)?.videos),
    gained: hours.length > 0 ? count(ofDay) : "-",
    up_to: hours.length > 0 ? `up to the hour of ${hours.at(-1).full_hour} UTC` : "",
    bars: hours.map((hour) => `${hour.hour} UTC: ${count(hour.gained)}`),
    table: rows.map((row) => [
      scope === "channel" ? (row.title ?? row.video_id) : video(row),
      rate(row.outlier_score),
      count(row.views_gained_24h),
      rate(row.views_per_hour_24h),
      trend(row.label),
      row.as_of,
    ]),
  };
};

// All that the page of a channel or a category (`scope`) says.
export const rollupAgrees = (page, sql, scope, id) =>
  agree(
    `${scope} ${id}`,
    () => shown(page),
    () => stored(sql, scope, id),
  );
