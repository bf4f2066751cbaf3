/** The page's live regions: a polite line that everybody sees, and an urgent one for screen readers. */

import { el } from "./dom.js";
import { hide } from "./focus.js";
import { clearText, setText, t } from "./text.js";

export const SHOWN_FOR = 10_000; // ms; an old line must not be taken for news
const UNDO_FOR = 15_000; // ms; longer than it takes to notice a slip of the finger

export class Announcer {
  status = el("p", { class: "status", testid: "status", attrs: { role: "status" } });
  #undoText = el("span", { attrs: { role: "status" } });
  #undoButton = el("button", { class: "button plain small-button", testid: "undo", text: "undo", attrs: { type: "button", hidden: true } });
  /** What has just been done, and can be taken back. */
  undo = el("div", { class: "undo", testid: "undo-line" }, this.#undoText, this.#undoButton);
  /** @type {(() => void) | null} */
  #takeBack = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #undoTimer;
  urgent = el("p", { class: "visually-hidden", testid: "urgent", attrs: { role: "alert" } });
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** What is said in one go stands together: of several that follow each other at once only the last would be heard. @type {[string, import("./text.js").Params][]} */
  #together = [];

  constructor() {
    this.#undoButton.addEventListener("click", () => this.takeBack());
  }

  /**
   * @param {string} key
   * @param {import("./text.js").Params} [params]
   * @param {{seen?: boolean}} [options] `seen` is false where the page shows it in another place as well
   */
  say(key, params = {}, { seen = true } = {}) {
    if (!this.#together.length) {
      clearText(this.status); // what is said a second time is heard a second time
      queueMicrotask(() => (this.#together = []));
    }
    const together = this.#together;
    together.push([key, params]);
    this.status.classList.toggle("visually-hidden", !seen && together.length === 1);
    setText(this.status, "{all}", { all: () => together.map((said) => t(...said)).join(" ") });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => clearText(this.status), SHOWN_FOR);
  }

  /**
   * Say what has been done, and offer to take it back for a while. Afterwards there are other ways to do so.
   *
   * @param {string} key
   * @param {import("./text.js").Params} params
   * @param {() => void} takeBack
   */
  offerUndo(key, params, takeBack) {
    setText(this.#undoText, key, params);
    setText(this.#undoButton, "undo.named", { what: () => this.#undoText.textContent ?? "" }, "aria-label");
    this.#undoButton.hidden = false;
    this.#takeBack = takeBack;
    clearTimeout(this.#undoTimer);
    this.#undoTimer = setTimeout(() => this.forget(), UNDO_FOR);
  }

  /** Take back what was done last, if that is still offered. */
  takeBack() {
    const act = this.#takeBack;
    this.forget();
    act?.();
  }

  /** Nothing can be taken back here any more. */
  forget() {
    clearTimeout(this.#undoTimer);
    this.#takeBack = null;
    clearText(this.#undoText);
    hide(this.#undoButton, true);
  }

  /**
   * @param {string} key
   * @param {import("./text.js").Params} [params]
   */
  interrupt(key, params) {
    setText(this.urgent, key, params);
  }
}
