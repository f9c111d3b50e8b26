/* data-behavior="keys" on the dialog that lists the keys: `/` goes to the search box, `?` opens the list. */

const FIELDS = "input, textarea, select, [contenteditable]";

export function attach(dialog) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.(FIELDS)) return;
    if (event.key === "/") {
      const box = document.getElementById("search");
      if (!box) return;
      event.preventDefault();
      box.focus();
      box.select();
    } else if (event.key === "?" && !dialog.open) {
      event.preventDefault();
      dialog.showModal();
    }
  });
}
