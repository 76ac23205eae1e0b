// While records arrive: pages change by themselves, and agree with SQL all the same.

import { until } from "../agree.js";
import { tiles } from "../read.js";
import { Visitor } from "../visitor.js";
import { walk } from "./walk.js";

const read = async (page) => (await tiles(page, "now"))["Snapshots read"].value;

// Nobody loads the page again.
const changesByItself = async (browser, { origin, pictures }) => {
  const visitor = await Visitor.come(browser, origin, "laptop", pictures);
  await visitor.open("/");
  await visitor.page.evaluate(() => {
    window.isTheSame = true;
  });
  for (let changes = 0; changes < 3; changes += 1) {
    const before = await read(visitor.page);
    await until("the number of snapshots to change", async () => (await read(visitor.page)) !== before);
  }
  if (!(await visitor.page.evaluate(() => window.isTheSame))) throw new Error("the page was loaded again");
  await visitor.leave();
};

// Nothing stands still for a close look meanwhile, and agreeing takes its time: one page of each kind is compared, and all are seen.
export const arriving = async (browser, { sizes, ...setting }) => {
  await changesByItself(browser, setting);
  await walk(browser, { ...setting, size: sizes.at(-1), isSettled: false, isCompared: true, isClose: false, isBrief: true });
  return "pages changed by themselves, and agreed with SQL";
};
