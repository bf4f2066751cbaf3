/** The line on top of every view: what this is, and the language. It stands in the document. */

import { language, onLanguage } from "../text.js";

export class Header {
  element = /** @type {HTMLElement} */ (document.querySelector(".header"));
  #buttons = [.../** @type {NodeListOf<HTMLButtonElement>} */ (this.element.querySelectorAll(".language"))];

  /** @param {(code: import("../text.js").Language) => void} choose */
  constructor(choose) {
    for (const button of this.#buttons) {
      button.addEventListener("click", () => choose(/** @type {import("../text.js").Language} */ (button.lang)));
    }
    onLanguage(() => {
      for (const button of this.#buttons) button.setAttribute("aria-pressed", String(button.lang === language()));
    });
  }
}
