// What axe-core finds in a page.

import { axeSource } from "./modules.js";

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"];

// All rules, or those of `only`. A page's own policy holds for its scripts and not for what is evaluated from outside.
export const violations = async (page, only) => {
  await page.evaluate(axeSource);
  const runOnly = only ? { type: "rule", values: only } : { type: "tag", values: RULES };
  const found = await page.evaluate((runOnly) => window.axe.run(document, { runOnly, resultTypes: ["violations"] }), runOnly);
  return found.violations.flatMap(({ id, help, nodes }) =>
    nodes.map((node) => `axe ${id}: ${help}: ${node.target.join(" ")}: ${node.html.slice(0, 160)} ${node.failureSummary ?? ""}`),
  );
};
