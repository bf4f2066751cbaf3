/** What is the operator's own, written into the page by the server: name, number to call. The logo stands in the header, the colours in the style sheet. */

import { el } from "./dom.js";
import { t } from "./text.js";

export const brandName = () => document.body.dataset.brand || t("brand");

/** The number to call when the page does not help. @returns {HTMLElement | null} null where there is none */
export function helpLine() {
  const number = document.body.dataset.helpPhone ?? "";
  if (!number) return null;
  const dialled = number.replace(/[^\d+]/g, "");
  return el("p", { class: "help", testid: "help" }, el("span", { text: "help.call" }), " ", el("a", { attrs: { href: `tel:${dialled}` } }, number));
}
