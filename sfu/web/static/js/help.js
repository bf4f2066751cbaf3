/** The number to call when the page does not help: the operator's, written into the page by the server. */

import { el } from "./dom.js";

/** @returns {HTMLElement | null} null where there is none */
export function helpLine() {
  const number = document.body.dataset.helpPhone ?? "";
  if (!number) return null;
  const dialled = number.replace(/[^\d+]/g, "");
  return el("p", { class: "help", testid: "help" }, el("span", { text: "help.call" }), " ", el("a", { attrs: { href: `tel:${dialled}` } }, number));
}
