/* The page on which a post is made: pictures are dropped, sent, and join the draft as they arrive; every field is saved
   as it is left, so that a reload loses nothing. The draft itself is drawn by the site. */
import { attachBench } from "./gallery_bench.js";
import { Api } from "./upload_api.js";
import { Transfer } from "./upload_transfer.js";

const AT_ONCE = 2;
const WATCH_MS = 2000;
const PICTURE = /\.(png|jpe?g|webp|avif|gif|mp4|m4v|webm)$/i;

const page = document.querySelector("[data-post-page]");
const words = JSON.parse(document.getElementById("post-words").textContent);
const api = new Api(page.dataset.api, page.querySelector("[name=csrfmiddlewaretoken]").value);
const list = document.getElementById("sending");
const heard = document.getElementById("post-heard");
const transfers = new Map(); // row -> Transfer
let beginning = null;
let place = Number(document.getElementById("post").dataset.next);

const post = () => document.getElementById("post");
const say = (text) => {
  heard.textContent = text;
};
const filled = (text, values) => text.replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);

// Pictures ---------------------------------------------------------------------------------------------------------

async function take(files) {
  const wanted = files.filter((file) => file.size && PICTURE.test(file.name));
  for (const file of files) if (!wanted.includes(file)) say(filled(words.refused, { name: file.name }));
  if (!wanted.length) return;
  const unfinished = await api.call("GET", "uploads?state=receiving").catch(() => ({ results: [] }));
  for (const file of wanted) {
    const row = newRow(file);
    const transfer = new Transfer(api, { file, onchange: (each) => draw(row, each) });
    transfer.place = place++;
    transfers.set(row, transfer);
    draw(row, transfer);
  }
  startNext(unfinished.results);
}

function startNext(known = []) {
  const running = [...transfers.values()].filter((each) => ["checking", "sending"].includes(each.state)).length;
  const queued = [...transfers.values()].filter((each) => each.state === "queued");
  for (const transfer of queued.slice(0, Math.max(0, AT_ONCE - running))) transfer.run(known);
}

function newRow({ name }) {
  const row = document.getElementById("picture-sending").content.firstElementChild.cloneNode(true);
  row.querySelector("[data-called]").textContent = name;
  row.querySelector("progress").setAttribute("aria-label", name);
  row.addEventListener("click", (event) => {
    const act = event.target.closest("[data-act]")?.dataset.act;
    const transfer = transfers.get(row);
    if (act === "resume") transfer.error && transfer.joining ? join(row, transfer) : transfer.run();
    if (act === "drop") drop(row, transfer);
  });
  list.append(row);
  return row;
}

async function drop(row, transfer) {
  await transfer.abandon().catch(() => {}); // one that is done or gone already needs no ending
  forget(row);
}

function forget(row) {
  transfers.delete(row);
  row.remove();
  startNext();
}

const sized = (count, whole) => (whole < 1e6 ? `${Math.ceil(count / 1e3)} kB` : `${(count / 1e6).toFixed(1)} MB`);
// States that go by the words of another.
const NAMED = { queued: "waiting", inspecting: "complete", broken: "failed" };

function draw(row, transfer) {
  const { state, size, error } = transfer;
  const sent = transfer.upload ? transfer.sent : 0;
  row.querySelector("[data-text]").textContent = words[NAMED[state] ?? state];
  row.querySelector("[data-figure]").textContent = filled(words.of, { done: sized(sent, size), total: sized(size, size) });
  row.querySelector("[data-refused]").textContent = ["broken", "failed"].includes(state) ? error?.message || words.offline : "";
  const bar = row.querySelector("progress");
  [bar.max, bar.value, bar.hidden] = [size, state === "complete" ? size : sent, state === "failed"];
  row.querySelector("[data-act=resume]").hidden = !["paused", "broken"].includes(state);
  if (["complete", "inspecting", "done"].includes(state) && !transfer.joining) join(row, transfer);
  if (["failed", "broken"].includes(state)) startNext();
}

/** What has arrived joins the draft at once, at the place in which it was dropped; the site prepares it there. */
async function join(row, transfer) {
  transfer.joining = true;
  startNext();
  try {
    const id = await draft();
    await api.call("POST", `posts/${id}/images`, { images: [{ upload: transfer.upload.id, position: transfer.place }] });
    transfer.follow = () => {};
    forget(row);
    soon();
  } catch (refusal) {
    transfer.error = refusal;
    row.querySelector("[data-refused]").textContent = refusal.message || words.offline;
    row.querySelector("[data-act=resume]").hidden = false;
  }
}

/** The draft's number; the first picture makes it, and the address becomes its own. */
async function draft() {
  if (post().dataset.post) return post().dataset.post;
  beginning ??= begin().catch((refusal) => {
    beginning = null;
    throw refusal;
  });
  return beginning;
}

async function begin() {
  const version = Number(post().dataset.version) || null;
  const made = await api.call("POST", "posts", version ? { version } : {});
  history.replaceState(null, "", page.dataset.edit.replace("/0/", `/${made.id}/`));
  const fresh = await fetched();
  post().replaceWith(document.adoptNode(fresh.getElementById("post")));
  enliven();
  return String(made.id);
}

// The draft --------------------------------------------------------------------------------------------------------

async function fetched() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) throw new Error(String(answer.status));
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

let timer = 0;
let drawing = Promise.resolve();

/** Draw the draft anew, once for many changes. */
function soon() {
  clearTimeout(timer);
  timer = setTimeout(redraw, 300);
}

function redraw() {
  drawing = drawing.then(async () => {
    const fresh = (await fetched()).querySelector("[data-bench]");
    const bench = document.querySelector("[data-bench]");
    if (document.querySelector("[data-dragged]")) return; // what is held in the hand stays there
    if (fresh && bench) exchange(bench, document.adoptNode(fresh));
  });
  return drawing.catch(() => {}); // the next tick asks again
}

/** Rows that are as they were stay, with what is being written in them. */
function exchange(bench, fresh) {
  const kept = new Map([...bench.querySelectorAll("[data-image]")].map((row) => [row.dataset.image, row]));
  const focused = document.activeElement;
  const isWriting = focused.matches("input, textarea, select");
  for (const row of [...fresh.querySelectorAll("[data-image]")]) {
    const old = kept.get(row.dataset.image);
    if (!old || (old.dataset.stamp !== row.dataset.stamp && !(isWriting && old.contains(focused)))) continue;
    for (const act of ["earlier", "later"]) {
      old.querySelector(`[data-act=${act}]`).disabled = row.querySelector(`[data-act=${act}]`).disabled;
    }
    row.replaceWith(old);
  }
  const form = bench.querySelector("#publish-form");
  const other = fresh.querySelector("#publish-form");
  if (form && other) {
    form.querySelector("[data-publish]").disabled = other.querySelector("[data-publish]").disabled;
    other.replaceWith(form);
  }
  bench.replaceWith(fresh);
  loosen();
  if (focused.isConnected) focused.focus({ preventScroll: true });
}

/** Fields of the page's form that are sent with another one where a script saves the rest. */
const loosen = () => document.querySelector("#publish-form [name=publish_at]")?.removeAttribute("form");
function enliven() {
  loosen();
  attachBench(post(), { api, redraw: soon, say, words });
}

// The page ---------------------------------------------------------------------------------------------------------

document.getElementById("pick-pictures").addEventListener("change", (event) => {
  take([...event.target.files]);
  event.target.value = "";
});
/** Files from outside; a picture of this page that is put in another place counts as one, too, for browsers. */
const isFiles = (event) => event.dataTransfer?.types.includes("Files") && !document.querySelector("[data-dragged]");
const over = (event) => {
  if (!isFiles(event)) return;
  event.preventDefault();
  page.toggleAttribute("data-over", event.type === "dragover");
};
for (const name of ["dragover", "dragleave", "drop"]) document.addEventListener(name, over);
document.addEventListener("drop", (event) => {
  if (isFiles(event)) take([...event.dataTransfer.files]);
});
window.addEventListener("beforeunload", (event) => {
  if ([...transfers.values()].some((each) => each.state === "sending")) event.preventDefault();
});
enliven();
setInterval(() => {
  if (document.querySelector("[data-watching]") && !document.hidden) redraw();
}, WATCH_MS);
