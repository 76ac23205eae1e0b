// Postgres goes away and comes back: pages say how old what they show is, and go on by themselves. Whoever runs this takes it away
// and brings it back at the words that are said here.

import { until } from "../agree.js";
import { table, text } from "../read.js";
import { risersAgree } from "../values/overview.js";
import { videoAgrees } from "../values/video.js";
import { Visitor } from "../visitor.js";

const age = async (page) => /What follows was read (\d+(?:\.\d+)? \S+) ago/.exec((await text(page, ".trouble")) ?? "")?.[1];

const mark = (page) =>
  page.evaluate(() => {
    window.isTheSame = true;
  });

const expectTheSame = async ({ page }) => {
  if (!(await page.evaluate(() => window.isTheSame))) throw new Error(`${page.url()} was loaded again`);
};

export const away = async (browser, { origin, sql, pictures }) => {
  const { video_id: unseen } = await sql.row("SELECT video_id FROM trends ORDER BY views_gained_24h DESC LIMIT 1");
  const visitor = await Visitor.come(browser, origin, "laptop", pictures);
  await visitor.open("/");
  await risersAgree(visitor.page, sql, 24);
  const before = await table(visitor.page, "risers");
  await mark(visitor.page);

  console.log("take the database away");
  const first = await until("the page to say how old it is", () => age(visitor.page));
  await until("that to change", async () => (await age(visitor.page)) !== first);
  const still = await table(visitor.page, "risers");
  if (JSON.stringify(still) !== JSON.stringify(before)) throw new Error("what was read last is not shown any more");
  await visitor.stop("away");
  await expectTheSame(visitor);
  // A page that was never read has nothing to show, and says so.
  const other = await Visitor.come(browser, origin, "phone", pictures);
  await other.open(`/video?id=${unseen}`, 503);
  await mark(other.page);
  const said = await text(other.page, "main");
  if (!said.includes("Nothing was read yet.")) throw new Error(`a page that was never read says "${said}"`);
  await other.stop("away-unread");

  console.log("bring the database back");
  await other.page.bringToFront();
  await until("the other page to have something", async () => (await text(other.page, ".trouble")) === null, 60_000);
  await videoAgrees(other.page, sql, unseen, "views");
  await expectTheSame(other);
  await other.stop("back-unread");
  await visitor.page.bringToFront();
  await until("the page to be of now", async () => (await text(visitor.page, ".trouble")) === null, 60_000);
  await risersAgree(visitor.page, sql, 24);
  await expectTheSame(visitor);
  await visitor.stop("back");
  await other.leave();
  await visitor.leave();
  return "old values while it was away, new ones since";
};
