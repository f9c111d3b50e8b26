/* The pictures of a draft: what is said of them is saved as it is left; order by dragging or by buttons. */

import { attachModels } from "./gallery_models.js";

/** Attach to the post under `root`. `redraw` has the site draw it anew, `say` tells screen readers. */
export function attachBench(root, { api, redraw, say, words }) {
  if (root.dataset.live || !root.dataset.post) return;
  root.dataset.live = "";
  const id = root.dataset.post;

  const act = async (work, row = null) => {
    const note = row?.querySelector("[data-refused]");
    try {
      await work();
      if (note) note.hidden = true;
      say(words.saved);
    } catch (refusal) {
      const text = refusal.message || words.offline;
      if (note) [note.hidden, note.textContent] = [false, text];
      say(text);
    }
    redraw();
  };

  root.addEventListener("submit", (event) => {
    if (event.target.matches("[data-saves]")) event.preventDefault();
  });
  root.addEventListener("change", (event) => {
    const { target } = event;
    const row = target.closest("[data-image]");
    if (target.matches("[data-rate-all]")) {
      if (target.value) act(() => rateAll(target.value));
      return;
    }
    const resource = target.closest("[data-resource]")?.dataset.resource;
    if (resource) {
      const weight = target.value === "" ? null : Number(target.value);
      act(() => api.call("PATCH", `image-resources/${resource}`, { weight }), row);
      return;
    }
    const place = target.closest("[data-saves]");
    const name = nameOf(target);
    if (!place || !name || (name === "rating" && !target.value)) return;
    const body = place.matches("[data-generation]") ? { generation: generationOf(place) } : { [name]: valueOf(target) };
    act(() => api.call("PATCH", place.dataset.saves, body), row);
    if (name === "rating") weighRating(row);
  });
  root.addEventListener("click", (event) => {
    const button = event.target.closest("[data-act]");
    const row = button?.closest("[data-image]");
    if (!row) return;
    event.preventDefault(); // without a script it sends the form
    const image = row.dataset.image;
    const resource = button.closest("[data-resource]")?.dataset.resource;
    const acts = {
      earlier: () => move(row, -1, button),
      later: () => move(row, 1, button),
      remove: () => act(() => api.call("DELETE", `images/${image}`), row),
      propose: () => act(() => takeProposal(row, button), row),
      "as-read": () => act(() => api.call("PATCH", `images/${image}`, { generation: null }), row),
      "confirm-resource": () => act(() => api.call("PATCH", `image-resources/${resource}`, { confirm: true }), row),
      "remove-resource": () => act(() => api.call("DELETE", `image-resources/${resource}`), row),
    };
    acts[button.dataset.act]?.();
  });

  /** Those that have no rating show the one they got: rows that stay as they were are not drawn anew. */
  async function rateAll(rating) {
    await api.call("PATCH", `posts/${id}`, { rating });
    for (const row of rows()) {
      const field = row.querySelector("select[name$=-rating]");
      if (field.value) continue;
      field.value = rating;
      weighRating(row);
    }
  }

  async function takeProposal(row, button) {
    const rating = button.closest("[data-proposed]").dataset.proposed;
    await api.call("PATCH", `images/${row.dataset.image}`, { rating });
    row.querySelector("select[name$=-rating]").value = rating;
    weighRating(row);
  }

  attachModels(root, api, (row, version) =>
    act(() => api.call("POST", `images/${row.dataset.image}/resources`, { version }), row),
  );

  // Order ----------------------------------------------------------------------------------------------------------

  const rows = () => [...root.querySelectorAll("[data-image]")];
  const saveOrder = () =>
    act(() => api.call("POST", `posts/${id}/images/order`, { images: rows().map((row) => Number(row.dataset.image)) }));

  function move(row, step, button) {
    const all = rows();
    const other = all[all.indexOf(row) + step];
    if (!other) return;
    if (step < 0) other.before(row);
    else other.after(row);
    button.focus();
    say(words.moved.replace("{number}", rows().indexOf(row) + 1).replace("{count}", all.length));
    saveOrder();
  }

  let dragged = null;
  root.addEventListener("dragstart", (event) => {
    dragged = event.target.closest?.("[data-handle]")?.closest("[data-image]") || null;
    if (!dragged) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", dragged.dataset.image);
    dragged.dataset.dragged = "";
  });
  root.addEventListener("dragover", (event) => {
    const target = dragged && event.target.closest("[data-image]");
    if (!target) return;
    event.preventDefault();
    if (target === dragged) return;
    const { top, height } = target.getBoundingClientRect();
    if (event.clientY < top + height / 2) target.before(dragged);
    else target.after(dragged);
  });
  root.addEventListener("dragend", () => {
    if (!dragged) return;
    delete dragged.dataset.dragged;
    dragged = null;
    saveOrder();
  });
}

/** What the site calls a field, without the picture's number that stands before it. */
function nameOf(field) {
  return field.name.split("-").pop();
}

/** What a field holds, as the site takes it. */
function valueOf(field) {
  if (field.type === "checkbox") return field.checked;
  if (nameOf(field) === "tags") return field.value.split(",").map((tag) => tag.trim()).filter(Boolean);
  return field.value;
}

/** Say whether the rating is milder than what the classifier proposes; its button is needless where they agree. */
function weighRating(row) {
  const place = row.querySelector("[data-proposed]");
  if (!place) return;
  const names = [...row.querySelectorAll("select[name$=-rating] option")].map((option) => option.value).filter(Boolean);
  const chosen = names.indexOf(row.querySelector("select[name$=-rating]").value);
  const proposed = names.indexOf(place.dataset.proposed);
  place.querySelector(".bench-row__milder").hidden = !(chosen >= 0 && chosen < proposed);
  const button = place.querySelector("[data-act=propose]");
  if (button) button.hidden = chosen === proposed;
}

/** All that is said of how a picture was made. */
function generationOf(place) {
  return Object.fromEntries([...place.querySelectorAll("[name]")].map((field) => [nameOf(field), field.value]));
}
