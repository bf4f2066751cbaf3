/** The page at /test: one's equipment, tried at any time before the visit. Nobody is met, nobody is told. It stands in the document. */

import { given, having } from "../dom.js";
import { Equipment } from "./equipment.js";

export class TestView extends HTMLElement {
  titleKey = "test.title";
  /** @type {import("../devices.js").Devices} */
  devices = given();
  /** @type {{url: string, entry: import("../entry.js").Entry | null}} */
  link = given();

  /** All is there that it takes. Called once, with all properties set. */
  open() {
    const start = /** @type {HTMLButtonElement} */ (this.querySelector("button"));
    start.addEventListener("click", () => {
      start.replaceWith(having(new Equipment(), { devices: this.devices, link: this.link }));
      this.querySelector("h1")?.focus();
    });
    start.disabled = false;
    /** @type {HTMLAnchorElement} */ (this.querySelector("a")).hidden = !this.link.entry;
  }
}

customElements.define("evisit-test", TestView);
