/** The line on top of every view: what this is, and the language. */

import { el } from "../dom.js";
import { brandName, logo } from "../operator.js";
import { language } from "../text.js";

/** @type {[import("../text.js").Language, string][]} */
const LANGUAGES = [
  ["sv", "Svenska"],
  ["en", "English"],
];

export class Header {
  #buttons = LANGUAGES.map(([code, name]) =>
    el("button", { class: "language", testid: `language-${code}`, attrs: { type: "button", lang: code }, on: { click: () => this.#choose(code) } }, name),
  );
  #brand = el("span", {});
  #choose;

  /** @param {(code: import("../text.js").Language) => void} choose */
  constructor(choose) {
    this.#choose = choose;
    this.element = el(
      "header",
      { class: "header" },
      el("p", { class: "brand", testid: "brand" }, logo(), this.#brand),
      el("div", { class: "languages", label: "language.choose", attrs: { role: "group" } }, ...this.#buttons),
    );
  }

  update() {
    this.#brand.textContent = brandName();
    for (const button of this.#buttons) button.setAttribute("aria-pressed", String(button.lang === language()));
  }
}
