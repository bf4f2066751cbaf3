/** Copying the shared link: from a field that shows it, or as the answer of a form that asks for it. */

/**
 * @param {Document} page
 * @param {() => void} begun what to do before it is copied, such as closing the menu
 */
export function copyFrom(page, begun) {
  page.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    if (button?.dataset.copies) {
      const field = page.getElementById(button.dataset.copies);
      field.select();
      say(page, navigator.clipboard.writeText(field.value));
    } else if (button?.hasAttribute("data-copies-answer") && navigator.clipboard) {
      event.preventDefault();
      begun();
      say(page, copyAnswer(button.form), () => button.form.submit());
    }
  });
}

/**
 * The clipboard is asked at the click itself, with an answer that comes later: Safari refuses it afterwards.
 *
 * @param {HTMLFormElement} form
 */
async function copyAnswer(form) {
  const answer = fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), headers: { Accept: "text/plain" } }).then(
    async (response) => {
      if (!response.ok) throw new Error("refused");
      return new Blob([await response.text()], { type: "text/plain" });
    },
  );
  await navigator.clipboard.write([new ClipboardItem({ "text/plain": answer })]);
}

/**
 * @param {Document} page
 * @param {Promise<void>} copying
 * @param {() => void} [otherwise] another way to the same end
 */
async function say(page, copying, otherwise) {
  const status = page.getElementById("status");
  status.textContent = "";
  try {
    await copying;
    status.textContent = page.body.dataset.copied;
  } catch {
    if (otherwise) otherwise();
    else status.textContent = page.body.dataset.notCopied;
  }
}
