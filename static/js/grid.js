/* A grid of renders: zoom in steps, and copy a cell's parameters. It stays one table; the style sheet does the rest. */

const STEPS = 5;
let zoom = 3;

document.addEventListener("click", async (event) => {
  const step = event.target.closest("[data-grid-zoom]");
  if (step) return setZoom(zoom + Number(step.dataset.gridZoom));
  const copy = event.target.closest("[data-copy-from]");
  if (!copy) return;
  const answer = await fetch(copy.dataset.copyFrom);
  if (!answer.ok) return;
  await navigator.clipboard.writeText(await answer.text());
  const status = document.querySelector("#grid [role=status]");
  status.textContent = status.dataset.said;
});

// What htmx has put in its place keeps the zoom.
document.addEventListener("htmx:load", () => setZoom(zoom));

function setZoom(wanted) {
  zoom = Math.min(STEPS, Math.max(1, wanted));
  const grid = document.querySelector("#grid");
  if (grid) grid.dataset.zoom = String(zoom);
}
