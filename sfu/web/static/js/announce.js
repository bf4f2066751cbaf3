/** The page's live regions: a polite line that everybody sees, and an urgent one for screen readers. */

import { el } from "./dom.js";
import { clearText, setText } from "./text.js";

const SHOWN_FOR = 10_000; // ms; an old line must not be taken for news

export class Announcer {
  status = el("p", { class: "status", testid: "status", attrs: { role: "status" } });
  urgent = el("p", { class: "visually-hidden", testid: "urgent", attrs: { role: "alert" } });
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {string} key
   * @param {import("./text.js").Params} [params]
   */
  say(key, params) {
    setText(this.status, key, params);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => clearText(this.status), SHOWN_FOR);
  }

  /**
   * @param {string} key
   * @param {import("./text.js").Params} [params]
   */
  interrupt(key, params) {
    setText(this.urgent, key, params);
  }
}
