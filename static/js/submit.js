/* data-behavior="submit" on a form of choices: sends itself when one changes, and leaves empty fields out of the
   address. Its button is for people without scripts; the style sheet hides it from the others (data-without-script). */

export function attach(form) {
  form.addEventListener("change", () => form.requestSubmit());
  form.addEventListener("formdata", (event) => {
    for (const [name, value] of [...event.formData.entries()]) {
      if (value === "") event.formData.delete(name);
    }
  });
}
