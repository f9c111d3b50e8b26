/* data-behavior="theme" on the form of the theme switch: changes the page at once. The server does the same without
   a script; the cookie, which it reads when it writes <html data-theme>, is set by its answer in both cases. */

export function attach(form) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const chosen = event.submitter.value;
    const root = document.documentElement;
    if (chosen === "system") delete root.dataset.theme;
    else root.dataset.theme = chosen;
    for (const button of form.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button === event.submitter));
    }
    const body = new FormData(form, event.submitter);
    await fetch(form.action, { method: "POST", body, redirect: "manual" });
  });
}
