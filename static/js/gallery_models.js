/* On the workbench of a post: names a model of the site that a picture was made with. Typing finds models, choosing one
   offers its versions, and the chosen version is linked. */

const PAUSE_MS = 400;
const MOST = 6;

/** Attach to every `[data-add-model]` under `root`; `link(image, version)` has the site do it. */
export function attachModels(root, api, link) {
  let timer = 0;
  let asked = 0;
  root.addEventListener("input", (event) => {
    const place = event.target.closest("[data-add-model]");
    if (!place) return;
    clearTimeout(timer);
    timer = setTimeout(() => find(place, event.target.value.trim()), PAUSE_MS);
  });
  root.addEventListener("click", async (event) => {
    const choice = event.target.closest("[data-add-model] [data-choice]");
    if (!choice) return;
    const place = choice.closest("[data-add-model]");
    const { model, version } = choice.dataset;
    if (version) return link(place.closest("[data-image]"), Number(version));
    const { versions } = await api.call("GET", `models/${model}`);
    const known = versions.filter((each) => each.state === "published");
    if (known.length === 1) return link(place.closest("[data-image]"), known[0].id);
    return offer(place, known.map((each) => ({ text: each.name, version: each.id })));
  });

  async function find(place, words) {
    const mine = ++asked;
    if (words.length < 2) return offer(place, []);
    const found = await api.call("GET", `models?q=${encodeURIComponent(words)}`).catch(() => ({ results: [] }));
    if (mine !== asked) return undefined; // something else is asked by now
    return offer(
      place,
      found.results.slice(0, MOST).map((each) => ({ text: `${each.title} · ${each.owner}`, model: `${each.owner}/${each.name}` })),
    );
  }
}

function offer(place, choices) {
  const list = place.querySelector("[data-choices]");
  list.replaceChildren(
    ...choices.map(({ text, model = "", version = "" }) => {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", className: "chip", textContent: text });
      Object.assign(button.dataset, { choice: "", model, version });
      return button;
    }),
  );
}
