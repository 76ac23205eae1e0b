// A page by keyboard: Tab reaches everything that can be used, in the order in which it stands there, and it is seen where one is.

// The place of what has the focus among all that can have it (-1 where nothing has), how it is called, and whether it is seen.
const focused = (page) =>
  page.evaluate(() => {
    const all = [...document.querySelectorAll("a[href], button, input, select, textarea, [tabindex='0']")];
    const element = document.activeElement;
    const box = element.getBoundingClientRect();
    const style = getComputedStyle(element);
    // A table that is moved sideways may be higher than the window.
    const isInside = box.right > 0 && box.bottom > 0 && box.left < innerWidth && box.top < innerHeight;
    return {
      place: all.indexOf(element),
      all: all.length,
      name: `${element.tagName.toLowerCase()} ${element.className} "${element.textContent.slice(0, 40)}"`,
      isSeen: isInside && box.width > 0 && box.height > 0,
      isMarked: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    };
  });

// Throws where it is otherwise. The page was opened just now.
export const walkByTab = async (page) => {
  let { all } = await focused(page);
  for (let place = 0; place < all; place += 1) {
    await page.keyboard.press("Tab");
    const now = await focused(page);
    if (now.place !== place) throw new Error(`Tab ${place + 1} of ${all} reached ${now.place + 1}: ${now.name}`);
    if (!now.isSeen) throw new Error(`by Tab one is at what is not to be seen: ${now.name}`);
    if (!now.isMarked) throw new Error(`the focus has no mark: ${now.name}`);
    all = now.all;
  }
  return all;
};
