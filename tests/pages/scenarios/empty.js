// Of a database without a single snapshot every page says so.

import { text } from "../read.js";
import { overviewAgrees } from "../values/overview.js";
import { searchAgrees } from "../values/search.js";
import { Visitor } from "../visitor.js";

const SAID = {
  "/": [
    "No video has gained any views in this window yet.",
    "No channel has four videos with a trend yet.",
    "No video's category is known yet.",
  ],
  "/forecasts": ["No such forecast's outcome is known yet."],
  "/search?q=": ["Write words of a title or of a channel's name, an id, or an address on YouTube."],
};

const NOT_THERE = {
  "/video?id=AAAAAAAAAAA": "No video of this id has been seen.",
  "/channel?id=UC": "No video of a channel of this id has been seen.",
  "/category?id=10": "No video of a category of this id has been seen.",
};

const expect = async (page, words) => {
  const main = await text(page, "main");
  if (!main.includes(words)) throw new Error(`${page.url()} does not say "${words}": ${main}`);
};

const look = async (visitor, sql) => {
  for (const [address, said] of Object.entries(SAID)) {
    await visitor.open(address);
    for (const words of said) await expect(visitor.page, words);
    if (address === "/") await overviewAgrees(visitor.page, sql, 24);
    await visitor.stop("empty");
  }
  await visitor.search("anything");
  await searchAgrees(visitor.page, sql, "anything");
  for (const [address, words] of Object.entries(NOT_THERE)) {
    await visitor.open(address, 404);
    await expect(visitor.page, words);
    await visitor.stop("not-there");
  }
};

export const empty = async (browser, { origin, sql, pictures, sizes }) => {
  for (const size of sizes) {
    const visitor = await Visitor.come(browser, origin, size, pictures);
    await look(visitor, sql);
    await visitor.leave();
  }
  return "every page says that there is nothing";
};
