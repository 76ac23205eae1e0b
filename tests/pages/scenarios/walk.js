// Through every page by mouse, with a close look and a comparison at each.

import { walkByTab } from "../keyboard.js";
import { forecastsAgree } from "../values/forecasts.js";
import { overviewAgrees, risersAgree } from "../values/overview.js";
import { rollupAgrees } from "../values/rollup.js";
import { searchAgrees } from "../values/search.js";
import { videoAgrees } from "../values/video.js";
import { Visitor } from "../visitor.js";

const WINDOWS = [1, 6, 168, 24];

// Where the links are.
const OVERVIEW = "header nav a[href='/overview']";
const FORECASTS = "header nav a[href='/forecasts']";
const choice = (words) => `.choices a[href*='${words}']`;
const inTable = (id, link) => `section:has(#${id}) table ${link}`;

// How a walk goes.
//   isSettled   nothing comes any more, so that what pages keep for half a minute has to agree too
//   isCompared  values are compared with SQL; the server says the same at every size
//   isClose     at each stop it is looked closely
//   isBrief     but not where a page is of the same kind as one before
class Walk {
  constructor(visitor, sql, how) {
    Object.assign(this, { visitor, page: visitor.page, sql }, how);
  }

  // What the address of this page has of `name`.
  asked(name) {
    return new URL(this.page.url()).searchParams.get(name);
  }

  async stop(name, agrees) {
    if (this.isCompared) await agrees?.();
    if (this.isClose) await this.visitor.stop(name);
  }

  // The same for a page of the same kind as one before.
  async stopAgain(name, agrees) {
    if (!this.isBrief) await this.stop(name, agrees);
  }

  async overview() {
    const agrees = this.isSettled ? overviewAgrees : risersAgree;
    await this.visitor.open("/");
    await this.stop("overview", () => agrees(this.page, this.sql, 24));
    for (const hours of WINDOWS) {
      await this.visitor.follow(choice(`window=${hours}`));
      await this.stopAgain(`overview-${hours}h`, () => risersAgree(this.page, this.sql, hours));
    }
  }

  async videos() {
    await this.visitor.follow(inTable("risers", "a.title"));
    const id = this.asked("id");
    await this.stop("video", () => videoAgrees(this.page, this.sql, id, "views"));
    for (const metric of ["likes", "comments"]) {
      await this.visitor.follow(choice(`metric=${metric}`));
      await this.stopAgain(`video-${metric}`, () => videoAgrees(this.page, this.sql, id, metric));
    }
  }

  // A video that stands out, its channel, its category. Returns a word of the channel's name.
  async rollups() {
    await this.visitor.follow(OVERVIEW);
    await this.visitor.follow(inTable("outliers", "a.title"));
    await this.stopAgain("outlier", () => videoAgrees(this.page, this.sql, this.asked("id"), "views"));
    const name = await this.visitor.follow(".known a[href^='/channel']");
    await this.stop("channel", () => rollupAgrees(this.page, this.sql, "channel", this.asked("id")));
    await this.visitor.follow(OVERVIEW);
    await this.visitor.follow(inTable("categories", "a"));
    // Its outliers are read every half minute.
    const agrees = () => this.isSettled && rollupAgrees(this.page, this.sql, "category", this.asked("id"));
    await this.stop("category", agrees);
    return name.split(/\s+/)[0];
  }

  async searches(words) {
    await this.visitor.search(words);
    await this.stop("search", () => searchAgrees(this.page, this.sql, words));
    await this.visitor.follow(inTable("videos", "a.title"));
    await this.stopAgain("found", () => videoAgrees(this.page, this.sql, this.asked("id"), "views"));
    const none = "nothing that anybody wrote 0123456789";
    await this.visitor.search(none);
    await this.stopAgain("search-none", () => searchAgrees(this.page, this.sql, none));
  }

  async forecasts() {
    const agrees = (how) => () => this.isSettled && forecastsAgree(this.page, this.sql, how);
    const stop = (metric, basis, span) => this.stopAgain(`forecasts-${metric}-${basis}-${span}`, agrees({ metric, basis, span }));
    await this.visitor.follow(FORECASTS);
    await this.stop("forecasts", agrees({ metric: "views", basis: "full", span: "total" }));
    await this.visitor.follow(choice("metric=likes"));
    await stop("likes", "full", "total");
    await this.visitor.follow(choice("span=7d"));
    await stop("likes", "full", "7d");
    await this.visitor.follow(choice("basis=short"));
    await stop("likes", "short", "7d");
    await this.visitor.follow(choice("metric=comments"));
    await stop("comments", "short", "7d");
    await this.visitor.follow(choice("basis=full"));
    await this.visitor.follow(choice("span=total"));
    await this.visitor.follow(choice("metric=views"));
  }

  async nothing() {
    await this.visitor.open("/nothing", 404);
    await this.stop("nothing");
    await this.visitor.open("/video?id=nothing", 404);
    await this.stopAgain("no-video");
    await this.visitor.open("/overview?window=5", 400);
    await this.stopAgain("not-understood");
  }

  async byKeyboard() {
    const video = await this.page.evaluate(() => document.querySelector("table a.title").getAttribute("href"));
    for (const address of ["/", video, "/forecasts", "/search?q=a"]) {
      await this.visitor.open(address);
      await walkByTab(this.page);
    }
  }
}

// A walk of one size. Returns the number of stops.
export const walk = async (browser, { origin, sql, pictures, size, ...how }) => {
  const visitor = await Visitor.come(browser, origin, size, pictures);
  const walk = new Walk(visitor, sql, how);
  await walk.overview();
  await walk.byKeyboard();
  await visitor.open("/");
  await walk.videos();
  const words = await walk.rollups();
  await walk.searches(words);
  await walk.forecasts();
  await walk.nothing();
  await visitor.leave();
  return visitor.stops;
};
