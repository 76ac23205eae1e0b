// What a page says, as text.

// The rows of the table below the heading `id`: of each cell its text, or what is said of its picture. A cell of several links is
// a list of their words. Cells that say nothing are left out.
export const table = (page, id) =>
  page.evaluate((id) => {
    const table = document.getElementById(id)?.closest("section")?.querySelector("table");
    if (!table) return [];
    const said = (cell) => {
      const links = [...cell.querySelectorAll("a")];
      if (links.length > 1) return links.map((link) => link.textContent);
      return cell.textContent || cell.querySelector("[aria-label]")?.ariaLabel;
    };
    return [...table.tBodies[0].rows].map((row) => [...row.cells].map(said).filter(Boolean));
  }, id);

// Large figures below the heading `id`: of each name the value and the note.
export const tiles = (page, id) =>
  page.evaluate((id) => {
    const section = document.getElementById(id)?.closest("section");
    const each = [...(section?.querySelectorAll(".tiles > div") ?? [])];
    return Object.fromEntries(
      each.map((tile) => {
        const [value, note] = tile.querySelector("dd").childNodes;
        return [tile.querySelector("dt").textContent, { value: value?.textContent, note: note?.textContent ?? "" }];
      }),
    );
  }, id);

// What is said of each bar below the heading `id`.
export const bars = (page, id) =>
  page.evaluate((id) => {
    const section = document.getElementById(id)?.closest("section");
    return [...section.querySelectorAll(".chart .bar title")].map((title) => title.textContent);
  }, id);

// The text of the first element that `selector` finds, or none.
export const text = (page, selector) =>
  page.evaluate((selector) => document.querySelector(selector)?.textContent ?? null, selector);

// A video's cell in a table: its title, and its channel's name below.
export const video = ({ video_id: id, title, channel_id: channel, channel_title: name }) =>
  channel ? [title ?? id, name ?? channel] : (title ?? id);
