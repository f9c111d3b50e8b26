/* What a page asks for anew every few seconds keeps what a person did with it: where the focus is, what is unfolded,
   how far something was scrolled. Elements of the old and the new part are matched by what they are and say, else by
   their place. */

const REACHED = "a[href], button, input, select, textarea, summary, [tabindex]";

const nameOf = (element) => [element.tagName, element.name, element.getAttribute("href"), element.textContent.trim()].join(" ");

/** The element of `root` that is to it what another was to the part before: the same name, counted among its equals. */
function alike(root, selector, { name, place, index, count }) {
  const all = [...root.querySelectorAll(selector)];
  return all.filter((each) => nameOf(each) === name)[place] ?? (all.length === count ? all[index] : undefined);
}

function remember(root, selector, old) {
  const all = [...root.querySelectorAll(selector)];
  const equals = all.filter((each) => nameOf(each) === nameOf(old));
  return { name: nameOf(old), place: equals.indexOf(old), index: all.indexOf(old), count: all.length };
}

let kept = null;

/** Call before a part of the page is exchanged. */
function keep(root) {
  const focused = document.activeElement;
  kept = {
    id: root.id,
    focus: root.contains(focused) && focused !== root ? remember(root, REACHED, focused) : null,
    open: [...root.querySelectorAll("details[open] > summary")].map((each) => remember(root, "summary", each)),
    scrolled: [...root.querySelectorAll("[tabindex]")].map(({ scrollLeft, scrollTop }) => [scrollLeft, scrollTop]),
  };
}

/** Call after it. */
function giveBack() {
  const root = kept && document.getElementById(kept.id);
  if (!root) return;
  for (const each of kept.open) alike(root, "summary", each)?.parentElement.setAttribute("open", "");
  [...root.querySelectorAll("[tabindex]")].forEach((each, place) => each.scrollTo(...(kept.scrolled[place] ?? [0, 0])));
  if (kept.focus && !root.contains(document.activeElement)) alike(root, REACHED, kept.focus)?.focus({ preventScroll: true });
  kept = null;
}

document.addEventListener("htmx:beforeSwap", ({ detail }) => detail.target.id && keep(detail.target));
document.addEventListener("htmx:afterSwap", giveBack);
