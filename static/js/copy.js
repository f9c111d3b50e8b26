/* data-behavior="copy" on a button: puts data-copy (or the text of the element named by data-copy-from) on the
   clipboard, and says so in its own place and to screen readers. */

const SHOWN_FOR_MS = 1600;

/** The page's one polite announcer, made when first needed. */
function announcer() {
  let region = document.getElementById("heard");
  if (!region) {
    region = document.createElement("div");
    region.id = "heard";
    region.className = "only-heard";
    region.setAttribute("role", "status");
    document.body.append(region);
  }
  return region;
}

/** Copy without the clipboard's permission, which an address without TLS does not have. */
function copyThroughSelection(text) {
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "only-heard";
  field.setAttribute("readonly", "");
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  return copied;
}

async function put(text) {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // Refused, e.g. by a permission policy: the older way may still work.
    }
  }
  return copyThroughSelection(text);
}

export function attach(button) {
  const done = button.querySelector(".copy__done");
  let timer;
  button.dataset.ready = "";
  button.addEventListener("click", async () => {
    const from = button.dataset.copyFrom;
    const text = from ? document.getElementById(from).textContent : button.dataset.copy;
    if (!(await put(text))) return;
    button.focus();
    button.dataset.copied = "";
    announcer().textContent = done ? done.dataset.said : "";
    clearTimeout(timer);
    timer = setTimeout(() => {
      delete button.dataset.copied;
      announcer().textContent = "";
    }, SHOWN_FOR_MS);
  });
}
