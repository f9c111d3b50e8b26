/* data-behavior="walk" on an image's page: arrow keys and swipes follow its previous and next links, Escape closes,
   F likes. */

const FIELDS = "input, textarea, select, video, [contenteditable], dialog, details[open]";
const LEAST = 60; // pixels of a swipe

export function attach(root) {
  const follow = (selector) => root.querySelector(selector)?.click();
  const steps = { ArrowLeft: "a[rel=prev]", ArrowRight: "a[rel=next]", Escape: "a[data-back]", f: "[data-key=f]" };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    if (!steps[event.key] || event.target.closest?.(FIELDS) || document.querySelector("dialog[open]")) return;
    // A prompt that scrolls sideways keeps its arrows.
    if (event.target.scrollWidth > event.target.clientWidth && event.target !== document.body) return;
    follow(steps[event.key]);
  });
  const stage = root.querySelector("[data-swipe]");
  let start = null;
  stage?.addEventListener("touchstart", (event) => {
    const leads = event.touches.length === 1 && !event.target.closest("video"); // whose own bar is dragged
    start = leads ? event.touches[0] : null;
  }, { passive: true });
  stage?.addEventListener("touchend", (event) => {
    const end = event.changedTouches[0];
    const across = start ? end.clientX - start.clientX : 0;
    const down = start ? Math.abs(end.clientY - start.clientY) : 0;
    start = null;
    const isZoomed = window.visualViewport && window.visualViewport.scale > 1.05;
    if (Math.abs(across) > LEAST && down < LEAST && !isZoomed) follow(across > 0 ? steps.ArrowLeft : steps.ArrowRight);
  }, { passive: true });
}
