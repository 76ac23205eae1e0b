// Whatever a title is, it is shown as it is, runs nothing, and reads in its own direction.

import { rollupAgrees } from "../values/rollup.js";
import { searchAgrees } from "../values/search.js";
import { videoAgrees } from "../values/video.js";
import { Visitor } from "../visitor.js";

const VIDEOS = `
  SELECT v.video_id, v.title, v.channel_id, count(s.view_count) AS snapshots, count(s.like_count) AS likes
  FROM videos v JOIN video_stats_processed s USING (video_id) GROUP BY v.video_id ORDER BY v.video_id`;

// Of the letters that have a direction the first one says which.
const direction = (title) => (/^[^\p{L}]*[\p{Script=Hebrew}\p{Script=Arabic}]/u.test(title) ? "rtl" : "ltr");

const shown = (page) =>
  page.evaluate(() => {
    const title = document.querySelector("h1 bdi");
    const isInside = (element) => title.contains(element);
    return {
      title: title.textContent,
      direction: getComputedStyle(title).direction,
      elements: title.childElementCount,
      // Of a title the white space is folded where a window or a tab shows it.
      name: document.title,
      scripts: document.scripts.length,
      isAnythingInside: [...document.querySelectorAll("main script, main style, main iframe, main img")].some(isInside),
    };
  });

const folded = (title) => title.replace(/[\t\n\f\r ]+/g, " ").trim();

const titleIsShown = async (page, { title }) => {
  const found = await shown(page);
  const expected = {
    title,
    direction: direction(title),
    elements: 0,
    name: folded(`${title} - viewtide`),
    scripts: 1,
    isAnythingInside: false,
  };
  for (const [name, value] of Object.entries(expected)) {
    if (found[name] !== value)
      throw new Error(`title "${title}": ${name} is ${JSON.stringify(found[name])}, not ${JSON.stringify(value)}`);
  }
};

// What was sent again and again is shown as what was sent at first.
const staysAsItIs = async (visitor, video) => {
  const again = visitor.page.waitForResponse((response) => response.url().includes("/live/video"));
  await visitor.page.reload();
  await again;
  await visitor.page.evaluate(() => {
    document.querySelector("main h1").id = "before";
  });
  await visitor.page.waitForFunction(() => !document.getElementById("before"), { timeout: 10_000 });
  await titleIsShown(visitor.page, video);
};

export const titles = async (browser, { origin, sql, pictures, sizes }) => {
  const videos = await sql.rows(VIDEOS);
  for (const size of sizes) {
    const visitor = await Visitor.come(browser, origin, size, pictures);
    await visitor.open("/");
    await visitor.stop("titles");
    for (const video of videos) {
      await visitor.open(`/video?id=${video.video_id}`);
      await titleIsShown(visitor.page, video);
      if (size === sizes[0]) {
        for (const metric of ["views", "likes"]) {
          await visitor.open(`/video?id=${video.video_id}&metric=${metric}`);
          await videoAgrees(visitor.page, sql, video.video_id, metric);
        }
        await staysAsItIs(visitor, video);
        await visitor.search(folded(video.title));
        await searchAgrees(visitor.page, sql, folded(video.title));
        await titleIsNoMarkup(visitor.page);
      }
      await visitor.open(`/video?id=${video.video_id}`);
      await visitor.stop(`title-of-${video.video_id}`);
    }
    await visitor.follow(".known a[href^='/channel']");
    await rollupAgrees(visitor.page, sql, "channel", new URL(visitor.page.url()).searchParams.get("id"));
    await visitor.stop("channel");
    await visitor.leave();
  }
  const alone = videos.filter(({ snapshots }) => snapshots === 1).length;
  const hidden = videos.filter(({ likes }) => likes === 0).length;
  if (alone === 0 || hidden === 0) throw new Error("no video has a single snapshot, or none is without likes");
  return `${videos.length} titles, ${alone} of a single snapshot, ${hidden} without likes`;
};

const titleIsNoMarkup = async (page) => {
  const found = await page.evaluate(
    () => document.querySelectorAll("main script, main b, main img, body > *:not(a, header, main, footer)").length,
  );
  if (found > 0) throw new Error(`${page.url()}: a title became ${found} elements`);
};
