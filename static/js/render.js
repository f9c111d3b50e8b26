/* The form of a render: words put into the prompt by a press, pictures to begin with, the mask brush. */
import { MaskBrush } from "./mask_brush.js";
import { Api } from "./upload_api.js";
import { Transfer } from "./upload_transfer.js";

// What a person is told of each state of a transfer, by the name of its words on the page.
const WORDS = {
  queued: "sending", checking: "sending", sending: "sending", paused: "sending",
  complete: "inspecting", inspecting: "inspecting", done: "done", broken: "failed", failed: "failed",
};

const form = document.querySelector('form[data-behavior="render"]');
if (form) attach(form);
const fill = document.querySelector('form[data-behavior="fill"]');
if (fill) takeDrops(fill);

function attach(form) {
  const prompt = form.elements.prompt;
  const status = form.querySelector("[data-begin-status]");
  const api = new Api(form.dataset.api, form.elements.csrfmiddlewaretoken.value);
  const brush = new MaskBrush(form.querySelector("[data-brush]"));
  const say = (name, state, error) => (status.textContent = `${name}: ${error?.message || status.dataset[WORDS[state]]}`);
  let arriving = Promise.resolve(); // the pictures that were chosen, on their way
  /** Whether one was chosen and is not there: still on its way, or refused. */
  const missing = () => [...form.querySelectorAll("[data-pick]")].some(({ files, dataset }) => files.length && !form.elements[dataset.pick].value);

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
    form.elements[field].value = "";
    const sent = send(api, file, say).then((id) => (form.elements[field].value = id ?? ""));
    arriving = Promise.all([arriving, sent]);
    if (field !== "init") return;
    form.querySelector('[data-begin="init"] .begin__shown')?.remove();
    form.querySelector('[data-clear="init"]').hidden = false;
    await brush.show(file);
  });

  form.addEventListener("submit", async (event) => {
    if (event.submitter?.name === "refit" || (!brush.marked && !missing())) return;
    event.preventDefault();
    await arriving;
    if (missing()) return status.scrollIntoView({ block: "nearest" }); // where its refusal stands
    if (!brush.marked) return form.submit();
    const file = await brush.file(Number(form.elements.width.value) || 0, Number(form.elements.height.value) || 0);
    const id = await send(api, file, say);
    if (!id) return undefined;
    form.elements.mask.value = id;
    return form.submit();
  });

  const shown = form.querySelector(".begin__picture");
  if (shown) brush.show(shown.src);
}

/** Upload a picture and wait until it is judged; answers with the upload's id, or nothing. `say` hears how it goes. */
async function send(api, file, say) {
  const transfer = new Transfer(api, { file, onchange: ({ state, error }) => say(file.name, state, error) });
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
  form.querySelector('[data-pick="init"]').value = "";
  form.querySelector('[data-clear="init"]').hidden = true;
  form.querySelector("[data-begin-status]").textContent = "";
  form.querySelector('[data-begin="init"] .begin__shown')?.remove();
  brush.hide();
}

/** A picture that is chosen, or dropped anywhere on the page, is read for its generation data. */
function takeDrops(form) {
  const field = form.querySelector('input[type="file"]');
  field.addEventListener("change", () => field.files.length && form.requestSubmit());
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
