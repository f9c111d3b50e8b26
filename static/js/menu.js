/* data-behavior="menu" on a <details>: closes on Escape, on a click elsewhere, and when the focus leaves it.
   With data-closed-below="60rem" it starts closed on a narrow window. */

export function attach(details) {
  const narrow = details.dataset.closedBelow;
  if (narrow) {
    if (window.matchMedia(`(max-width: ${narrow})`).matches) details.open = false;
    details.dataset.ready = "";
    return; // a part of the page, not a list over it
  }
  const close = () => details.removeAttribute("open");
  details.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !details.open) return;
    close();
    details.querySelector("summary").focus();
  });
  document.addEventListener("click", (event) => {
    if (details.open && !details.contains(event.target)) close();
  });
  details.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !details.contains(event.relatedTarget)) close();
  });
}
