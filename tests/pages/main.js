// Clicks through viewtide's pages in headless Chromium and fails where something is wrong with them.
//
//   node tests/pages/main.js SCENARIO --page http://127.0.0.1:8088 [--pictures DIR] [--database-url-file FILE]
//                            [--sizes phone,wide,laptop] [--brief]
//
// The last of the sizes is the one at which values are compared; with --brief the others see one page of each kind only.
// Without a file that holds the database's address, psql's own variables (PGHOST, PGPASSFILE and so on) say which it is.

import { mkdirSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";

import { withBrowser } from "./browser.js";
import { arriving } from "./scenarios/arriving.js";
import { away } from "./scenarios/away.js";
import { empty } from "./scenarios/empty.js";
import { readme } from "./scenarios/readme.js";
import { settled } from "./scenarios/settled.js";
import { titles } from "./scenarios/titles.js";
import { Sql } from "./sql.js";
import { SIZES } from "./visitor.js";

const SCENARIOS = { arriving, settled, titles, empty, away, readme };

const options = {
  page: { type: "string" },
  pictures: { type: "string", default: "target/pages" },
  "database-url-file": { type: "string" },
  sizes: { type: "string", default: Object.keys(SIZES).join(",") },
  brief: { type: "boolean", default: false },
};

const { values, positionals } = parseArgs({ options, allowPositionals: true });
const scenario = SCENARIOS[positionals[0]];
if (!scenario || !values.page) {
  console.error(`write one of ${Object.keys(SCENARIOS).join(", ")}, and the address of the page by --page`);
  process.exit(2);
}
const urlFile = values["database-url-file"];
const setting = {
  origin: new URL(values.page).origin,
  pictures: values.pictures,
  sizes: values.sizes.split(","),
  isBrief: values.brief,
  sql: new Sql(urlFile && readFileSync(urlFile, "utf8").trim()),
};
mkdirSync(setting.pictures, { recursive: true });

try {
  const done = await withBrowser((browser) => scenario(browser, setting));
  console.log(`${positionals[0]}: ${done}`);
} catch (error) {
  console.error(`${positionals[0]}: ${error.message}`);
  if (process.env.DEBUG) console.error(error.stack);
  process.exitCode = 1;
}
