/** What the page's live regions say while a question stands before them. The browser hides all that is behind it, these too, from screen readers. */

import { SHOWN_FOR } from "../announce.js";
import { el } from "../dom.js";

const LIVE = "[role=status], [role=alert], [role=log]";

/** @param {Element} region whose role older browsers tell as an attribute alone */
const roleOf = (region) => region.getAttribute("role");

export class Overheard {
  #calm = el("p", { attrs: { role: "status" } });
  #urgent = el("p", { attrs: { role: "alert" } });
  /** Stands in the question. */
  element = el("div", { class: "visually-hidden", testid: "overheard" }, this.#calm, this.#urgent);
  /** @type {Map<Element, ReturnType<typeof setTimeout>>} */
  #clearing = new Map();
  #observer = new MutationObserver((changes) => this.#heard(changes));

  start() {
    this.#observer.observe(document.body, { attributeFilter: ["hidden"], characterData: true, childList: true, subtree: true });
  }

  stop() {
    this.#observer.disconnect();
    for (const timer of this.#clearing.values()) clearTimeout(timer);
  }

  /** @param {MutationRecord[]} changes */
  #heard(changes) {
    /** What each region has come to say. @type {Map<Element, Set<Node>>} */
    const said = new Map();
    for (const { target, addedNodes } of changes) {
      const region = (target instanceof Element ? target : target.parentElement)?.closest(LIVE);
      // What stands in a question is heard by itself.
      if (!region?.getClientRects().length || region.closest("dialog")) continue;
      const nodes = said.get(region) ?? new Set();
      said.set(region, nodes);
      // A log tells what is added to it; the others tell all that they have become.
      for (const node of roleOf(region) === "log" ? addedNodes : [region]) nodes.add(node);
    }
    for (const line of [this.#calm, this.#urgent]) {
      const regions = [...said].filter(([region]) => (roleOf(region) === "alert") === (line === this.#urgent));
      const text = regions.flatMap(([, nodes]) => [...nodes].map((node) => (node.textContent ?? "").trim())).filter(Boolean).join(" ");
      if (text) this.#say(line, text);
    }
  }

  /**
   * @param {Element} line
   * @param {string} text
   */
  #say(line, text) {
    line.textContent = text;
    clearTimeout(this.#clearing.get(line));
    this.#clearing.set(line, setTimeout(() => line.replaceChildren(), SHOWN_FOR));
  }
}
