/* What has been written into the form before the draft is made outlives a reload; the tab keeps it until then. */

const KEY = "upload-form";
const form = () => document.querySelector("form[data-begin]");
const entriesOf = (written) => [...new FormData(written)].filter(([name]) => name !== "csrfmiddlewaretoken");

function restore(written, entries) {
  const kept = new Map();
  for (const [name, value] of entries) kept.set(name, [...(kept.get(name) || []), value]);
  for (const field of written.elements) {
    if (!kept.has(field.name)) continue;
    const values = kept.get(field.name);
    const isMark = ["checkbox", "radio"].includes(field.type);
    if (isMark ? values.includes(field.value) === field.checked : values[0] === field.value) continue;
    if (isMark) field.checked = !field.checked;
    else [field.value] = values;
    field.dispatchEvent(new Event("input", { bubbles: true })); // a file's header is not to write over it
  }
}

const mine = document.querySelector("[data-upload]").dataset.person;
const [whose, entries] = JSON.parse(sessionStorage.getItem(KEY) || "[]");
if (form() && entries && whose === mine) restore(form(), entries);
addEventListener("pagehide", () => {
  if (form()) sessionStorage.setItem(KEY, JSON.stringify([mine, entriesOf(form())]));
  else sessionStorage.removeItem(KEY); // the draft is made
});
