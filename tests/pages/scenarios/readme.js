// Pictures of the pages for who reads of them: no more than a window shows, and few bytes.

import path from "node:path";

import { until } from "../agree.js";
import { tiles } from "../read.js";
import { SIZES, Visitor } from "../visitor.js";

const WINDOW = { width: 1280, height: 900 };
const PHONE = { ...SIZES.phone, deviceScaleFactor: 2 };

const take = async ({ page, pictures }, name, scheme, clip) => {
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.mouse.move(0, 0);
  await page.screenshot({ path: path.join(pictures, `${name}.png`), clip });
};

// From the heading `id` on, with what is above it left out.
const from = async (page, id) => {
  const top = await page.evaluate((id) => document.getElementById(id).getBoundingClientRect().top + scrollY, id);
  return { x: 0, y: Math.max(0, top - 16), ...WINDOW };
};

// The first channel's video that has forecasts stands for all.
const VIDEO = `
  SELECT p.video_id
  FROM predictions p JOIN videos v USING (video_id) JOIN trends t USING (video_id)
  WHERE p.actual_views IS NOT NULL AND p.views_has_20_steps AND v.title IS NOT NULL
  GROUP BY p.video_id, t.views_gained_24h ORDER BY t.views_gained_24h DESC, p.video_id LIMIT 1`;

export const readme = async (browser, { origin, sql, pictures }) => {
  const visitor = await Visitor.come(browser, origin, "laptop", pictures);
  const { page } = visitor;
  await page.setViewport(WINDOW);
  await visitor.open("/");
  const isIdle = async () => (await tiles(page, "now"))["Coming in"]?.value === "0.0 records/s";
  await until("all records to be read", isIdle, 180_000);
  await take(visitor, "overview", "light");
  const { video_id: id } = await sql.row(VIDEO);
  await visitor.open(`/video?id=${id}`);
  await take(visitor, "video", "dark", await from(page, "forecasts"));
  await visitor.open("/forecasts");
  await take(visitor, "forecasts", "light");
  await page.setViewport(PHONE);
  await visitor.open("/");
  await take(visitor, "phone", "dark");
  await visitor.leave();
  return `four pictures in ${pictures}`;
};
