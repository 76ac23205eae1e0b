// Somebody who looks at pages: opens them, clicks, writes, and looks closely wherever they stop.

import path from "node:path";

import { PATIENCE_MS, until } from "./agree.js";
import { violations } from "./axe.js";
import { Watch } from "./watch.js";

export const SIZES = {
  phone: { width: 390, height: 844, isMobile: true, hasTouch: true },
  wide: { width: 1920, height: 1080 },
  laptop: { width: 1280, height: 800 },
};

const SCHEMES = ["light", "dark"];

export class Visitor {
  // `browser` is puppeteer's, `origin` that of the pages, `pictures` a folder.
  static async come(browser, origin, size, pictures) {
    const page = await browser.newPage();
    await page.setViewport(SIZES[size]);
    return new Visitor(page, origin, size, pictures);
  }

  constructor(page, origin, size, pictures) {
    Object.assign(this, { page, origin, size, pictures, stops: 0, watch: new Watch(page, origin) });
  }

  // Of an address that is written by hand.
  async open(address, status = 200) {
    if (status >= 400) this.watch.expectRefusal(this.origin + address);
    const response = await this.page.goto(this.origin + address);
    if (response.status() !== status) throw new Error(`${address}: ${response.status()} and not ${status}`);
    return this;
  }

  // Clicks on the first link that `selector` finds, with the mouse, and is where it leads. Returns its words.
  async follow(selector) {
    for (let tries = 1; ; tries += 1) {
      const { words, href, x, y } = await this.#hold(selector);
      const arrived = this.page.waitForNavigation({ timeout: 10_000 }).catch(() => null);
      await this.page.mouse.click(x, y);
      const response = await arrived;
      if (response?.url() === href && response.status() === 200) return words;
      const what = response ? `${response.status()} of ${response.url()}` : "nothing came";
      if (response || tries === 3) throw new Error(`a click on "${words}" (${href}): ${what}`);
    }
  }

  // Writes into the search, and presses Enter.
  async search(words) {
    const input = "input[type=search]";
    await this.page.focus(input);
    await this.page.$eval(input, (input) => {
      input.value = "";
    });
    await this.page.keyboard.type(words);
    const [response] = await Promise.all([this.page.waitForNavigation(), this.page.keyboard.press("Enter")]);
    const asked = new URL(response.url()).searchParams.get("q");
    if (response.status() !== 200 || asked !== words)
      throw new Error(`a search for ${words}: ${response.status()} of "${asked}"`);
  }

  // Where the link is, once it is in view. Marked text keeps a page from changing under the mouse.
  async #hold(selector) {
    const find = (selector) => {
      document.getSelection().selectAllChildren(document.querySelector("main h1"));
      const link = document.querySelector(selector);
      if (!link) return null;
      link.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
      const box = link.getClientRects()[0];
      return { words: link.textContent, href: link.href, x: box.left + Math.min(box.width / 2, 40), y: box.top + box.height / 2 };
    };
    return until(`a link ${selector} in ${this.page.url()}`, () => this.page.evaluate(find, selector), PATIENCE_MS);
  }

  // Looks closely at what is there, light and dark, and keeps pictures of both; throws what is wrong.
  async stop(name) {
    this.stops += 1;
    const place = String(this.stops).padStart(2, "0");
    const trouble = [];
    for (const scheme of SCHEMES) {
      await this.page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
      const file = path.join(this.pictures, `${this.size}-${scheme}-${place}-${name}.png`);
      await this.page.evaluate(() => {
        document.getSelection().removeAllRanges();
        scrollTo(0, 0);
      });
      await this.page.screenshot({ path: file, fullPage: true, optimizeForSpeed: true });
      await this.page.evaluate(() => document.getSelection().selectAllChildren(document.querySelector("main h1")));
      // Between the two only colours differ.
      trouble.push(...(await violations(this.page, scheme === "light" ? undefined : ["color-contrast"])));
    }
    trouble.push(...(await this.#overflow()));
    await this.page.evaluate(() => document.getSelection().removeAllRanges());
    this.watch.trouble.push(...new Set(trouble));
    this.watch.check(`${this.size}, ${name}, ${this.page.url()}`);
  }

  // Nothing is wider than the page.
  #overflow() {
    return this.page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.scrollingElement;
      if (scrollWidth <= clientWidth) return [];
      const isWide = (element) => element.getBoundingClientRect().right > clientWidth + 0.5 && !element.closest(".wide");
      const wide = [...document.body.querySelectorAll("*")].filter(isWide).slice(-3);
      return [`${scrollWidth} px wide in ${clientWidth} px: ${wide.map((element) => element.outerHTML.slice(0, 80)).join("; ")}`];
    });
  }

  async leave() {
    this.watch.check(this.size);
    await this.page.close();
  }
}
