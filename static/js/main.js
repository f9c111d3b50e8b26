/* Finds what a page marks with data-behavior and gives each element its module. Pages work without any of this. */
import { attach as copy } from "./copy.js";
import { attach as keys } from "./keys.js";
import { attach as menu } from "./menu.js";
import { attach as strip } from "./strip.js";
import { attach as submit } from "./submit.js";
import { attach as theme } from "./theme.js";
import { attach as walk } from "./walk.js";
import "./steady.js";

const behaviors = { copy, keys, menu, strip, submit, theme, walk };

/** Attach the named behaviors under `root`, once for each element. */
export function enliven(root) {
  const marked = [...root.querySelectorAll("[data-behavior]")];
  if (root.matches?.("[data-behavior]")) marked.unshift(root);
  for (const element of marked) {
    for (const name of element.dataset.behavior.split(" ")) {
      const done = `behavior-${name}`;
      if (!behaviors[name] || element[done]) continue;
      element[done] = true;
      behaviors[name](element);
    }
  }
}

enliven(document.documentElement);
// What htmx has put into the page since.
document.addEventListener("htmx:load", (event) => enliven(event.detail.elt));
