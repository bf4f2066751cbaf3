/** What is the operator's own, written into the page by the server: name, logo, number to call. The colours are a style sheet. */

import { el } from "./dom.js";
import { t } from "./text.js";

export const brandName = () => document.body.dataset.brand || t("brand");

/** @returns {HTMLImageElement | null} null where there is none; the name stands beside it, so that it has none of its own */
export function logo() {
  const src = document.body.dataset.logo;
  return src ? el("img", { class: "logo", attrs: { src, alt: "" } }) : null;
}

/** The number to call when the page does not help. @returns {HTMLElement | null} null where there is none */
export function helpLine() {
  const number = document.body.dataset.helpPhone ?? "";
  if (!number) return null;
  const dialled = number.replace(/[^\d+]/g, "");
  return el("p", { class: "help", testid: "help" }, el("span", { text: "help.call" }), " ", el("a", { attrs: { href: `tel:${dialled}` } }, number));
}
