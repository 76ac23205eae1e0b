// Once all has arrived: every page at every size, and every value.

import { walk } from "./walk.js";

export const settled = async (browser, { sizes, ...setting }) => {
  let stops = 0;
  for (const [place, size] of sizes.entries()) {
    stops += await walk(browser, { ...setting, size, isSettled: true, isCompared: place === 0 });
  }
  return `${stops} stops, light and dark`;
};
