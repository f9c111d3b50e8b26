/* The form of a render: words put into the prompt by a press, pictures to begin with, the mask brush. */
import { MaskBrush } from "./mask_brush.js";
import { Api } from "./upload_api.js";
import { Transfer } from "./upload_transfer.js";

const form = document.querySelector('form[data-behavior="render"]');
if (form) attach(form);
const fill = document.querySelector('form[data-behavior="fill"]');
if (fill) takeDrops(fill);

function attach(form) {
  const prompt = form.elements.prompt;
  const status = form.querySelector("[data-begin-status]");
  const api = new Api(form.dataset.api, form.elements.csrfmiddlewaretoken.value);
  const brush = new MaskBrush(form.querySelector("[data-brush]"));

  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-insert], [data-style-prompt], [data-clear]");
    if (!button) return;
    if (button.dataset.insert) insert(prompt, button.dataset.insert);
    else if (button.dataset.clear) clear(form, brush);
    else applyStyle(form, button);
  });

  form.addEventListener("change", async (event) => {
    const field = event.target.dataset?.pick;
    const [file] = event.target.files ?? [];
    if (!field || !file) return;
    status.textContent = file.name;
    if (field === "init") await brush.show(file);
    form.elements[field].value = (await send(api, file, (words) => (status.textContent = words))) ?? "";
  });

  form.addEventListener("submit", async (event) => {
    if (!brush.marked || event.submitter?.name === "refit") return;
    event.preventDefault();
    const file = await brush.file(Number(form.elements.width.value) || 0, Number(form.elements.height.value) || 0);
    const id = await send(api, file, (words) => (status.textContent = words));
    if (!id) return;
    form.elements.mask.value = id;
    form.submit();
  });

  const shown = form.querySelector(".begin__picture");
  if (shown) brush.show(shown.src);
}

/** Upload a picture and wait until it is judged; answers with the upload's id, or nothing. */
async function send(api, file, say) {
  const transfer = new Transfer(api, { file, onchange: ({ state, error }) => say(`${file.name}: ${error?.message || state}`) });
  await transfer.run();
  return transfer.state === "done" ? transfer.upload.id : null;
}

function insert(field, words) {
  const before = field.value.slice(0, field.selectionStart);
  const after = field.value.slice(field.selectionEnd);
  const gap = before && !/\s$/.test(before) ? " " : "";
  field.setRangeText(gap + words + (after && !/^\s/.test(after) ? " " : ""), field.selectionStart, field.selectionEnd, "end");
  field.focus();
}

function applyStyle(form, { dataset }) {
  for (const [name, style] of [["prompt", dataset.stylePrompt], ["negative", dataset.styleNegative]]) {
    if (!style) continue;
    const field = form.elements[name];
    if (style.includes("{prompt}")) field.value = style.replace("{prompt}", field.value);
    else field.value = [field.value, style].filter(Boolean).join(", ");
  }
  form.elements.prompt.focus();
}

function clear(form, brush) {
  form.elements.init.value = form.elements.mask.value = "";
  form.querySelector('[data-begin="init"] .begin__shown')?.remove();
  brush.hide();
}

/** A picture dropped anywhere on the page is read for its generation data. */
function takeDrops(form) {
  const field = form.querySelector('input[type="file"]');
  addEventListener("dragover", (event) => {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    form.toggleAttribute("data-over", true);
  });
  addEventListener("dragleave", (event) => event.relatedTarget ?? form.removeAttribute("data-over"));
  addEventListener("drop", (event) => {
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    form.removeAttribute("data-over");
    field.files = event.dataTransfer.files;
    form.requestSubmit();
  });
}
