/* The upload page: files are dropped or picked, sent while the form is filled in, and join the draft as they arrive.
   Without this script the page tells how to send files from a terminal. */
import { Api } from "./upload_api.js";
import { recognize } from "./upload_header.js";
import { attachPictures } from "./upload_pictures.js";
import { Transfer } from "./upload_transfer.js";

const AT_ONCE = 2;
const WATCH_MS = 2000;
const PICTURE = /\.(png|jpe?g|webp|avif|gif)$/i;

const page = document.querySelector("[data-upload]");
const words = JSON.parse(document.getElementById("upload-words").textContent);
const api = new Api(page.dataset.api, page.querySelector("[name=csrfmiddlewaretoken]").value);
const list = document.getElementById("sending");
const heard = document.getElementById("upload-heard");
const transfers = new Map(); // row -> Transfer
const touched = new Set();
let known = [];

const versionId = () => document.getElementById("draft").dataset.version || "";
const say = (text) => {
  heard.textContent = text;
};

// Files ------------------------------------------------------------------------------------------------------------

/** Every file of a drop, folders opened. */
async function filesOf(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...transfer.files];
  const found = await Promise.all(entries.map(filesIn));
  return found.flat();
}

async function filesIn(entry) {
  if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return found;
    for (const each of some) found.push(...(await filesIn(each)));
  }
}

async function take(files) {
  const wanted = files.filter((file) => file.size && !file.name.startsWith("."));
  const unfinished = await api.call("GET", "uploads?state=receiving").catch(() => ({ results: [] }));
  const mine = new Set([...transfers.values()].map((each) => each.upload?.id));
  known = unfinished.results.filter((each) => !mine.has(each.id));
  for (const file of wanted) {
    const row = rowFor(file) || newRow(file);
    transfers.set(row, new Transfer(api, { file, onchange: (transfer) => draw(row, transfer) }));
    draw(row, transfers.get(row));
    if (/\.safetensors$/i.test(file.name)) fill(file);
  }
  startNext();
}

/** The row of an unfinished upload that this file goes on with: the same name and size. */
function rowFor(file) {
  return [...list.children].find(
    (row) => row.dataset.state === "receiving" && row.dataset.name === file.name && Number(row.dataset.size) === file.size,
  );
}

function startNext() {
  const running = [...transfers.values()].filter((each) => ["checking", "sending"].includes(each.state)).length;
  const queued = [...transfers.values()].filter((each) => each.state === "queued");
  for (const transfer of queued.slice(0, Math.max(0, AT_ONCE - running))) start(transfer);
}

async function start(transfer) {
  await transfer.run(known);
  startNext();
}

// Rows -------------------------------------------------------------------------------------------------------------

function newRow({ name, size }) {
  const row = document.getElementById("sending-row").content.firstElementChild.cloneNode(true);
  row.querySelector("[data-called]").textContent = name;
  Object.assign(row.dataset, { name, size });
  attachRow(row);
  list.append(row);
  return row;
}

const bytes = (count) =>
  count >= 1e9 ? `${(count / 1e9).toFixed(2)} GB` : count >= 1e6 ? `${(count / 1e6).toFixed(1)} MB` : `${Math.ceil(count / 1e3)} kB`;

function duration(seconds) {
  const style = { style: "unit", unitDisplay: "short", maximumFractionDigits: 0 };
  const [value, unit] = seconds < 90 ? [seconds, "second"] : seconds < 5400 ? [seconds / 60, "minute"] : [seconds / 3600, "hour"];
  return new Intl.NumberFormat(document.documentElement.lang, { ...style, unit }).format(value);
}

const filled = (text, values) => text.replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);

/** What the row says: words, figure, and how far it is. */
function reading(transfer) {
  const { state, size, upload, error } = transfer;
  const amount = filled(words.of, { done: bytes(transfer.upload ? transfer.sent : 0), total: bytes(size) });
  if (state === "sending") {
    const left = transfer.secondsLeft;
    return [words.sending, left === null ? amount : `${amount} · ${filled(words.left, { time: duration(left) })}`, transfer.sent];
  }
  if (state === "inspecting" && upload.inspection) {
    const { step, bytes_read: read } = upload.inspection;
    return [words.steps[step] || words.steps[""], filled(words.of, { done: bytes(read), total: bytes(size) }), read];
  }
  if (state === "broken") return [error.message || words.offline, amount, transfer.sent];
  if (state === "failed") return [`${words.failed}: ${error?.message || ""}`, "", 0];
  const said = { queued: words.waiting, checking: words.checking, paused: words.paused, complete: words.complete, done: words.done };
  return [said[state], bytes(size), state === "queued" ? 0 : transfer.upload ? transfer.sent : 0];
}

function draw(row, transfer) {
  const before = row.dataset.state;
  const { state, upload } = transfer;
  const [text, figure, done] = reading(transfer);
  row.dataset.state = state;
  row.querySelector("[data-text]").textContent = text;
  row.querySelector("[data-figure]").textContent = figure;
  const bar = row.querySelector("progress");
  bar.max = transfer.size;
  bar.value = ["complete", "done"].includes(state) ? transfer.size : done;
  bar.hidden = ["done", "failed"].includes(state);
  show(row, "pause", ["queued", "checking", "sending"].includes(state));
  show(row, "resume", ["paused", "broken"].includes(state));
  if (state !== before) changed(row, transfer, upload);
}

const show = (row, act, shown) => {
  row.querySelector(`[data-act=${act}]`).hidden = !shown;
};

function changed(row, transfer, upload) {
  const { state } = transfer;
  if (["complete", "inspecting", "done"].includes(state)) {
    const box = row.querySelector("[name=uploads]");
    // The site draws the box of an unfinished upload too, disabled until the bytes are there.
    if (!box.value || box.disabled) [box.value, box.checked, box.disabled] = [upload.id, !row.dataset.picture, false];
    join(row);
  }
  const light = row.querySelector("[data-verdict]");
  const verdict = upload?.verdict;
  light.hidden = !["done", "failed"].includes(state) || Boolean(row.dataset.picture);
  if (verdict) [light.className, light.textContent] = [`verdict verdict--${verdict}`, words.verdicts[verdict]];
  if (["done", "failed", "broken"].includes(state)) say(`${transfer.name}: ${row.querySelector("[data-text]").textContent}`);
}

// The draft --------------------------------------------------------------------------------------------------------

/** Put what a row has sent into the draft, once both are there; a picture waits for its rating. */
async function join(row) {
  const version = versionId();
  const box = row.querySelector("[name=uploads]");
  if (!version || row.dataset.joined || !box.value) return;
  const rating = row.querySelector("[name=rating]").value;
  if (row.dataset.picture && !rating) return;
  if (!row.dataset.picture && !box.checked) return;
  row.dataset.joined = "yes";
  try {
    const alt = row.querySelector("[name=alt]").value;
    if (row.dataset.picture) await api.call("POST", `versions/${version}/pictures`, { upload: box.value, alt, rating });
    else await api.call("POST", `versions/${version}/files`, { upload: box.value, name: transfers.get(row)?.name || row.dataset.name });
    showJoined(row);
    await redraw();
  } catch (refusal) {
    row.dataset.joined = "";
    row.querySelector("[data-refused]").textContent = refusal.message || words.offline;
  }
}

async function redraw() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (answer.ok) exchange(await answer.text());
}

/** Take the draft's part of a fetched page; what is being sent stays as it is. */
function exchange(text) {
  const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("draft");
  document.getElementById("draft").replaceWith(document.adoptNode(fresh));
  enlivenDraft();
}

function enlivenDraft() {
  const draft = document.getElementById("draft");
  attachPictures(draft, api, redraw, say);
  const form = draft.querySelector("form[data-begin]");
  if (!form || form.dataset.live) return;
  form.dataset.live = "";
  form.addEventListener("input", (event) => touched.add(event.target.name));
  form.addEventListener("submit", begin);
}

/** Make the draft without leaving the page, so that nothing which is being sent breaks off. */
async function begin(event) {
  event.preventDefault();
  const form = event.target;
  const button = form.querySelector("[data-submit]");
  const named = new Set(new FormData(form).getAll("uploads"));
  button.disabled = true;
  try {
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form), headers: { Accept: "text/html" } });
    exchange(await answer.text());
    if (answer.redirected) history.replaceState(null, "", answer.url);
    if (versionId()) for (const row of list.children) settle(row, named);
    document.getElementById("draft").focus();
  } catch {
    button.disabled = false;
    say(words.offline);
  }
}

/** The form named what had arrived by then; what arrives later joins by itself. */
function settle(row, named) {
  if (!named.has(row.querySelector("[name=uploads]").value)) return join(row);
  row.dataset.joined = "yes";
  showJoined(row);
  return undefined;
}

/** From here on the draft below has the say; what the row asked would change nothing any more. */
function showJoined(row) {
  row.querySelector("[data-joined]").hidden = false;
  for (const part of ["choose", "describe", "act=remove"]) row.querySelector(`[data-${part}]`).hidden = true;
}

/** Take a file out of the draft. Its row goes, too: what was sent stands nowhere now. */
async function removeFile(button) {
  button.disabled = true;
  try {
    await api.call("DELETE", `files/${button.dataset.file}`);
    const rows = [...list.children].filter((row) => row.querySelector("[name=uploads]").value === button.dataset.upload);
    for (const row of rows) drop(row);
  } catch (refusal) {
    say(refusal.message);
  }
  await redraw();
}

/** Fill in what the header says, in fields that the person has not touched. */
async function fill(file) {
  let found;
  try {
    found = await recognize(api, file);
  } catch (refusal) {
    say(refusal.message);
    return;
  }
  const form = document.querySelector("form[data-begin]");
  if (!found || !form) return;
  const stem = file.name.replace(/\.safetensors$/i, "").replaceAll("_", " ");
  put(form, "title", found.title || stem);
  if (found.model_type !== "other") put(form, "type", found.model_type, true);
  put(form, "version-base_model", found.base_model || "");
  put(form, "version-trained_words", found.trigger_words.join("\n"));
  const note = form.querySelector("[data-recognized]");
  note.hidden = false;
  note.textContent = found.model_type === "other" && !found.base_model ? words.unknown : filled(words.recognized, { name: file.name });
}

function put(form, name, value, over = false) {
  const field = form.elements[name];
  if (!field || !value || touched.has(name) || (field.value && !over)) return;
  field.value = value;
  touched.add(name);
}

// The page ---------------------------------------------------------------------------------------------------------

function attachRow(row) {
  const isPicture = PICTURE.test(row.dataset.name);
  row.dataset.picture = isPicture ? "yes" : "";
  row.querySelector("[data-describe]").hidden = !isPicture;
  row.querySelector("[data-choose]").hidden = isPicture;
  row.addEventListener("change", () => join(row));
  row.addEventListener("click", (event) => {
    const act = event.target.closest("[data-act]")?.dataset.act;
    if (act) acts[act](row, transfers.get(row));
  });
}

function drop(row) {
  transfers.delete(row);
  row.remove();
}

const acts = {
  pause: (row, transfer) => transfer.pause(),
  resume: (row, transfer) => start(transfer),
  async remove(row, transfer) {
    const gone = transfer ? transfer.abandon() : api.call("DELETE", `uploads/${row.querySelector("[name=uploads]").value}`);
    await gone.catch(() => {}); // one that is done or gone already needs no ending
    drop(row);
    startNext();
  },
};

/** Rows that the site drew: uploads of earlier that stand nowhere yet. */
function followEarlier() {
  for (const row of list.children) {
    attachRow(row);
    if (!["complete", "inspecting"].includes(row.dataset.state)) continue;
    const { name, size } = row.dataset;
    const upload = { id: row.querySelector("[name=uploads]").value, name, size: Number(size), part_size: Number(size) };
    const transfer = new Transfer(api, { upload, onchange: (each) => draw(row, each) });
    transfers.set(row, transfer);
    transfer.run();
  }
}

function attachDrop() {
  for (const input of page.querySelectorAll("input[type=file]")) {
    input.addEventListener("change", () => {
      take([...input.files]);
      input.value = "";
    });
  }
  const over = (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    page.toggleAttribute("data-over", event.type === "dragover");
  };
  for (const name of ["dragover", "dragleave", "drop"]) document.addEventListener(name, over);
  document.addEventListener("drop", async (event) => {
    if (event.dataTransfer?.types.includes("Files")) take(await filesOf(event.dataTransfer));
  });
  window.addEventListener("beforeunload", (event) => {
    if ([...transfers.values()].some((each) => each.state === "sending")) event.preventDefault();
  });
}

attachDrop();
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-act=remove-file]");
  if (button) removeFile(button);
});
enlivenDraft();
followEarlier();
setInterval(() => {
  const draft = document.getElementById("draft");
  const isBeingWritten = draft.querySelector(":focus")?.matches("input, select, textarea");
  if ("watching" in draft.dataset && !document.hidden && !isBeingWritten) redraw().catch(() => {}); // the next tick asks again
}, WATCH_MS);
