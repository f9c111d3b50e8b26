/* [data-queue], the moderators' list: j and k go from case to case, 1 to 5 choose a decision, Enter sends it,
   o opens the thing. Fields keep their keys. */

const FIELDS = "input:not([type=radio]):not([type=checkbox]), textarea, select, summary, dialog";
// The same key means the same for every kind of thing.
const ACTS = { 1: "keep", 2: "hold", 3: "remove", 4: "rate", 5: "restore" };

function attach(root) {
  const cases = () => [...root.querySelectorAll("[data-case]")];
  let current = null;

  function go(steps) {
    const all = cases();
    const place = all.indexOf(current);
    const next = all[Math.min(Math.max(place + steps, 0), all.length - 1)];
    if (!next) return;
    current = next;
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "start" });
  }

  root.addEventListener("focusin", (event) => {
    current = event.target.closest("[data-case]") ?? current;
  });

  function act(key) {
    if (key === "j") return go(1), true;
    if (key === "k") return go(-1), true;
    if (!current) return false;
    if (key === "o") return current.querySelector("[data-open]")?.click(), true;
    const choice = ACTS[key] && current.querySelector(`input[name=act][value=${ACTS[key]}]`);
    if (choice) {
      choice.checked = true;
      choice.focus({ preventScroll: true });
      return true;
    }
    return false;
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.(FIELDS)) return;
    if (document.querySelector("dialog[open]")) return;
    const onLink = event.target.closest?.("a, button");
    if (event.key === "Enter" && current && !onLink) {
      event.preventDefault();
      current.querySelector("form")?.requestSubmit();
    } else if (act(event.key)) event.preventDefault();
  });
}

const root = document.querySelector("[data-queue]");
if (root) attach(root);
