/** The visit is over for this tab, or could not begin: why, and what to do now. */

import { build, el } from "../dom.js";
import { helpLine } from "../operator.js";
import { hasText, setText } from "../text.js";
import { clockTime } from "../wording.js";

/** Reasons after which trying again can help. */
const AGAIN = new Set([
  "left",
  "visit_not_open",
  "replaced",
  "full",
  "locked",
  "rate_limited",
  "draining",
  "internal",
  "unreachable",
  "away_too_long",
]);

/** Reasons after which nobody needs help. */
const CALM = new Set(["left", "ended", "replaced"]);

export class FinalView extends HTMLElement {
  titleKey = "";
  heading = el("h1", { attrs: { tabindex: -1 } });
  reason = "";
  /** What the server has said to it. @type {import("../protocol.js").Message | null} */
  refusal = null;
  /** What staff have written about it. */
  words = "";
  /** Told that somebody wants to try again. */
  again = () => {};

  connectedCallback() {
    const { reason, refusal, words } = this;
    const known = hasText(`final.${reason}.title`) ? reason : "internal";
    this.titleKey = `final.${known}.title`;
    setText(this.heading, this.titleKey);
    const opensAt = typeof refusal?.opens_at === "string" ? refusal.opens_at : "";
    const text = known === "visit_not_open" && clockTime(opensAt) ? "final.visit_not_open.text_time" : `final.${known}.text`;
    const button = hasText(`final.${known}.again`) ? `final.${known}.again` : "final.again";
    build(
      this,
      { class: "card final", testid: "final", data: { reason } },
      this.heading,
      el("p", { class: "lead", text: [text, { time: () => clockTime(opensAt) }] }),
      words ? el("p", { class: "notice", testid: "words" }, el("strong", { text: "waiting.notice" }), " ", el("bdi", {}, words)) : null,
      AGAIN.has(known)
        ? el("button", { class: "button primary wide", testid: "again", text: button, attrs: { type: "button" }, on: { click: () => this.again() } })
        : null,
      known === "visit_not_open"
        ? el("a", { class: "button plain", testid: "to-test", text: "final.test", attrs: { href: "/test" } })
        : null,
      CALM.has(known) ? null : helpLine(),
    );
  }

  update() {}
}

customElements.define("evisit-final", FinalView);
