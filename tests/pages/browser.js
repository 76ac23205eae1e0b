// Chromium without a window, with a profile of its own that goes with it.

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { puppeteer } from "./modules.js";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

const program = () => {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  const folders = (process.env.PATH ?? "").split(path.delimiter);
  const places = NAMES.flatMap((name) => folders.map((folder) => path.join(folder, name)));
  const found = places.find((place) => existsSync(place));
  if (!found) throw new Error(`none of ${NAMES.join(", ")} is on PATH: install one, or name it in CHROMIUM`);
  return found;
};

// Runs `work` with a browser, and ends it whatever comes.
export const withBrowser = async (work) => {
  const profile = mkdtempSync(path.join(tmpdir(), "viewtide-pages-"));
  // Chromium's sandbox cannot be had by root, as whom builds run in containers.
  const sandbox = process.getuid() === 0 ? ["--no-sandbox"] : [];
  const browser = await puppeteer.launch({
    executablePath: program(),
    headless: true,
    // Where this is killed Chromium ends too, for want of the other end.
    pipe: true,
    userDataDir: profile,
    // Containers have little of /dev/shm.
    args: [
      ...sandbox,
      "--disable-dev-shm-usage",
      "--disable-gpu",
      "--hide-scrollbars",
      "--force-color-profile=srgb",
      "--lang=en-US",
    ],
    env: { ...process.env, HOME: profile, LC_ALL: "C.UTF-8", TZ: "UTC" },
  });
  const pid = browser.process().pid;
  try {
    return await work(browser);
  } finally {
    await browser.close().catch(() => browser.process()?.kill("SIGKILL"));
    endGroup(pid);
    rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
};

// What may be left of it: it leads a process group of its own.
const endGroup = (pid) => {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nothing is.
  }
};
