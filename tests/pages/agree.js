// Whether a page says what the tables say.

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

// Longer than the longest that a page keeps what it has read (30 s), for pages that nothing changes any more.
export const PATIENCE_MS = 45_000;

const differences = (shown, stored) => {
  const lines = (what) => JSON.stringify(what, null, 1)?.split("\n") ?? ["nothing"];
  const [left, right] = [lines(shown), lines(stored)];
  const places = left.map((_, place) => place).filter((place) => left[place] !== right[place]);
  const some = places.slice(0, 8).map((place) => `    page ${left[place]}\n    SQL  ${right[place] ?? "nothing"}`);
  if (left.length !== right.length) some.push(`    ${left.length} lines in the page, ${right.length} in SQL`);
  return some.join("\n");
};

// Compares until the page says what SQL said at some moment since the beginning; throws at the end of all patience. What a page
// shows is a second or two old, so that while records arrive SQL was asked for it before. Both `shown` and `stored` give something
// that JSON can say.
export const agree = async (name, shown, stored, patienceMs = PATIENCE_MS) => {
  const end = Date.now() + patienceMs;
  const said = new Set();
  for (;;) {
    const asked = await stored();
    said.add(JSON.stringify(asked));
    const seen = await shown();
    if (said.has(JSON.stringify(seen))) return;
    if (Date.now() > end) throw new Error(`${name} does not agree with SQL:\n${differences(seen, asked)}`);
    await sleep(200);
  }
};

// Looks until `look` gives something; throws `what` after a while.
export const until = async (what, look, patienceMs = 20_000) => {
  const end = Date.now() + patienceMs;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited ${patienceMs / 1000} s in vain for ${what}`);
    await sleep(100);
  }
};
