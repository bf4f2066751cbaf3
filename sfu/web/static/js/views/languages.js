/** The choice of language, on the line on top of every view. It stands in the document. */

import { language, onLanguage } from "../text.js";

/** @typedef {import("../text.js").Language} Language */

export class Languages extends HTMLElement {
  /** Told what somebody wants to read. @type {(code: Language) => void} */
  choose = () => {};

  connectedCallback() {
    for (const button of this.querySelectorAll("button")) {
      button.addEventListener("click", () => this.choose(/** @type {Language} */ (button.lang)));
      onLanguage(() => button.setAttribute("aria-pressed", String(button.lang === language())));
    }
  }
}

customElements.define("evisit-languages", Languages);
