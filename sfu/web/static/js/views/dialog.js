/** Questions that must be answered before anything is done: the browser's own dialog, so focus and Escape are right. */

import { el } from "../dom.js";
import { Overheard } from "./overheard.js";

let count = 0;
/** @type {Set<HTMLDialogElement>} */
const open = new Set();

/**
 * @typedef {object} Choice
 * @property {string} id what `ask` resolves to
 * @property {string} text key
 * @property {string} testid
 * @property {"primary" | "danger" | "plain"} kind
 *
 * @param {object} question
 * @param {string} question.testid
 * @param {[string, import("../text.js").Params]} question.title
 * @param {[string, import("../text.js").Params]} [question.text]
 * @param {HTMLElement} [question.content] between text and choices; what it marks `autofocus` has the focus
 * @param {Choice[]} question.choices the last one is the safe one and has the focus, unless the content has it
 * @returns {Promise<string | null>} null where it was dismissed
 */
export function ask({ testid, title, text, content, choices }) {
  const id = `dialog-${(count += 1)}`;
  const buttons = choices.map((choice) =>
    el("button", {
      class: `button ${choice.kind}`,
      testid: choice.testid,
      text: choice.text,
      attrs: { type: "button", autofocus: choice === choices[choices.length - 1] },
      on: { click: () => dialog.close(choice.id) },
    }),
  );
  const overheard = new Overheard();
  const dialog = el(
    "dialog",
    { class: "dialog", testid, attrs: { "aria-labelledby": `${id}-title`, ...(text && { "aria-describedby": `${id}-text` }) } },
    el("h2", { text: title, attrs: { id: `${id}-title` } }),
    text ? el("p", { text, attrs: { id: `${id}-text` } }) : null,
    content ?? null,
    el("div", { class: "choices" }, ...buttons),
    overheard.element,
  );
  const asker = document.activeElement;
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      open.delete(dialog);
      overheard.stop();
      dialog.remove();
      resolve(dialog.returnValue || null);
      // The browser gives the focus back to where it was. What was there may have gone meanwhile, or be hidden.
      if (!asker?.getClientRects().length) document.querySelector("h1")?.focus();
    });
    document.body.append(dialog);
    open.add(dialog);
    dialog.showModal();
    overheard.start();
  });
}

/** What was asked has been overtaken. */
export function dismissDialogs() {
  for (const dialog of open) dialog.close();
}
