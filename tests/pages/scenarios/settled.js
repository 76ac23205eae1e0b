// Once all has arrived: every page at every size, and every value.

import { walk } from "./walk.js";

// Values are compared at the last size: what pages have kept for half a minute of the time before is gone by then.
export const settled = async (browser, { sizes, isBrief, ...setting }) => {
  let stops = 0;
  for (const size of sizes) {
    const isCompared = size === sizes.at(-1);
    stops += await walk(browser, {
      ...setting,
      size,
      isSettled: true,
      isClose: true,
      isCompared,
      isBrief: isBrief && !isCompared,
    });
  }
  return `${stops} stops, light and dark`;
};
