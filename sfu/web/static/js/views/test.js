/** The page at /test: one's equipment, tried at any time before the visit. Nobody is met, nobody is told. It stands in the document. */

import { adoptTexts } from "../text.js";
import { Equipment } from "./equipment.js";

export class TestView {
  titleKey = "test.title";
  element = /** @type {HTMLElement} */ (document.querySelector("main"));
  #start;

  /**
   * @param {object} options
   * @param {import("../devices.js").Devices} options.devices
   * @param {{url: string, entry: import("../entry.js").Entry | null}} options.link
   */
  constructor({ devices, link }) {
    const start = /** @type {HTMLButtonElement} */ (this.element.querySelector("button"));
    start.addEventListener("click", () => {
      const equipment = new Equipment(devices, link);
      start.replaceWith(equipment.element);
      equipment.start();
      this.element.querySelector("h1")?.focus();
    });
    this.#start = start;
    adoptTexts(this.element);
    const visit = /** @type {HTMLAnchorElement} */ (this.element.querySelector("a"));
    visit.hidden = !link.entry;
  }

  /** All is there that it takes. */
  open() {
    this.#start.disabled = false;
  }
}
