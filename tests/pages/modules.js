// What `make setup-test` fetched by npm. It lies in target/ and not beside the scripts, so that nothing gets into the source tree.

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const target = process.env.CARGO_TARGET_DIR ?? path.join(here, "../../target");
const lock = readFileSync(path.join(here, "package-lock.json"));
const version = createHash("sha256").update(lock).digest("hex").slice(0, 12);
const folder = path.resolve(target, "tools", `pages-${version}`);

if (!existsSync(folder)) throw new Error(`no ${folder}: run \`make setup-test\` first`);
const require = createRequire(path.join(folder, "package.json"));

export const puppeteer = require("puppeteer-core");

// As text, to be run within a page.
export const axeSource = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
