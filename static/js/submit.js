/* data-behavior="submit" on a form of choices: sends itself when one changes, and leaves empty fields out of the
   address. Its button stays for people without scripts and is hidden here (data-without-script). */

export function attach(form) {
  for (const spare of form.querySelectorAll("[data-without-script]")) spare.hidden = true;
  form.addEventListener("change", () => form.requestSubmit());
  form.addEventListener("formdata", (event) => {
    for (const [name, value] of [...event.formData.entries()]) {
      if (value === "") event.formData.delete(name);
    }
  });
}
