/** The page at /test: one's equipment, tried at any time before the visit. Nobody is met, nobody is told. */

import { el } from "../dom.js";
import { Equipment } from "./equipment.js";

export class TestView {
  titleKey = "test.title";
  heading = el("h1", { text: "test.title", attrs: { tabindex: -1 } });
  #start = el("button", { class: "button primary wide", testid: "test-start", text: "test.start", attrs: { type: "button" } });

  /**
   * @param {object} options
   * @param {import("../devices.js").Devices} options.devices
   * @param {{url: string, entry: import("../entry.js").Entry | null}} options.link
   */
  constructor({ devices, link }) {
    const place = el("div", {}, this.#start);
    this.#start.addEventListener("click", () => {
      const equipment = new Equipment(devices, link);
      place.replaceChildren(equipment.element);
      equipment.start();
      this.heading.focus();
    });
    this.element = el(
      "main",
      { class: "card", testid: "test" },
      this.heading,
      el("p", { class: "lead", text: "test.lead" }),
      place,
      el("p", { class: "small", text: "test.private" }),
      link.entry ? el("a", { class: "button plain", testid: "to-visit", text: "test.to_visit", attrs: { href: "/join" } }) : null,
    );
  }
}
