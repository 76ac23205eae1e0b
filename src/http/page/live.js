"use strict";

// Keeps the main part of a page up to date. Where somebody is in it by keyboard, they stay where they are.
const main = document.getElementById("main");
const state = document.getElementById("live");

const say = (words) => {
  if (state.textContent !== words) state.textContent = words;
};

// What came last and is not shown yet: while a pointer is down, or text is selected, what that is on stays.
let waiting = null;
let isPressed = false;

const isInUse = () => {
  const selection = document.getSelection();
  return isPressed || (selection && !selection.isCollapsed && main.contains(selection.anchorNode));
};

const show = () => {
  if (waiting === null || isInUse()) return;
  const places = () => [...main.querySelectorAll("a, [tabindex]")];
  const focused = places().indexOf(document.activeElement);
  const scrolled = [...main.querySelectorAll(".wide")].map((wide) => wide.scrollLeft);
  main.innerHTML = waiting;
  waiting = null;
  main.querySelectorAll(".wide").forEach((wide, place) => { wide.scrollLeft = scrolled[place] || 0; });
  if (focused >= 0) places()[focused]?.focus({ preventScroll: true });
};

document.addEventListener("pointerdown", () => { isPressed = true; });
for (const end of ["pointerup", "pointercancel"]) {
  document.addEventListener(end, () => {
    isPressed = false;
    // After the click that this is the end of.
    setTimeout(show);
  });
}
document.addEventListener("selectionchange", show);

// Only while somebody looks: a browser has few connections for one address, and each page that is open would keep one.
let events = null;

const listen = () => {
  if (events || document.hidden || !main.dataset.live) return;
  events = new EventSource(main.dataset.live);
  events.onopen = () => say("live");
  events.onerror = () => say("no answer from viewtide; trying again");
  events.onmessage = (event) => {
    say("live");
    waiting = event.data;
    show();
  };
};

const rest = () => {
  events?.close();
  events = null;
};

document.addEventListener("visibilitychange", () => (document.hidden ? rest() : listen()));
window.addEventListener("pagehide", rest);
window.addEventListener("pageshow", listen);
