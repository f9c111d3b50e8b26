/* The draft's preview pictures: describe, rate, order, take away. Each act is one call; where it changes the list, that is drawn anew. */

/** Attach to the list of pictures under `root`; `redraw` fetches the draft again. */
export function attachPictures(root, api, redraw, say) {
  const list = root.querySelector("[data-pictures]");
  if (!list || list.dataset.live) return;
  list.dataset.live = "";
  const ids = () => [...list.querySelectorAll("[data-picture]")].map((row) => Number(row.dataset.picture));
  const act = async (work, changesList = true) => {
    try {
      await work();
      // A field shows already what was written. Drawing the list anew would take away what stands in the next field.
      if (!changesList) return;
    } catch (refusal) {
      say(refusal.message);
    }
    await redraw();
  };
  list.addEventListener("change", (event) => {
    const row = event.target.closest("[data-picture]");
    const { name, value } = event.target;
    if (row && name) act(() => api.call("PATCH", `pictures/${row.dataset.picture}`, { [name]: value }), false);
  });
  list.addEventListener("click", (event) => {
    const button = event.target.closest("[data-act]");
    if (!button) return;
    const id = Number(button.closest("[data-picture]").dataset.picture);
    if (button.dataset.act === "remove") act(() => api.call("DELETE", `pictures/${id}`));
    else act(() => api.call("POST", `versions/${list.dataset.pictures}/pictures/order`, { pictures: moved(ids(), id, button.dataset.act) }));
  });
}

function moved(ids, id, direction) {
  const from = ids.indexOf(id);
  const to = from + (direction === "earlier" ? -1 : 1);
  if (to < 0 || to >= ids.length) return ids;
  [ids[from], ids[to]] = [ids[to], ids[from]];
  return ids;
}
