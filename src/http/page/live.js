"use strict";

// Keeps the main part of a page up to date. Where somebody is in it by keyboard, they stay where they are.
const main = document.getElementById("main");
const state = document.getElementById("live");
const events = new EventSource(main.dataset.live);

const say = (words) => {
  if (state.textContent !== words) state.textContent = words;
};

events.onopen = () => say("live");
events.onerror = () => say("no answer from viewtide; trying again");
events.onmessage = (event) => {
  say("live");
  const selection = document.getSelection();
  if (selection && !selection.isCollapsed && main.contains(selection.anchorNode)) return;
  const places = () => [...main.querySelectorAll("a, [tabindex]")];
  const focused = places().indexOf(document.activeElement);
  const scrolled = [...main.querySelectorAll(".wide")].map((wide) => wide.scrollLeft);
  main.innerHTML = event.data;
  main.querySelectorAll(".wide").forEach((wide, place) => { wide.scrollLeft = scrolled[place] || 0; });
  if (focused >= 0) places()[focused]?.focus({ preventScroll: true });
};
