/** Who waits, for those who may admit: who they are, how surely, how long; and who was turned away. */

import { build, el, given, having } from "../dom.js";
import { hide } from "../focus.js";
import { reconcile } from "../rows.js";
import { setText } from "../text.js";
import { expectedIn, presentIn } from "../state.js";
import { plainName, roleKey } from "../wording.js";
import { Marks } from "./marks.js";

/**
 * @typedef {import("../state.js").Waiting} Waiting
 * @typedef {import("../state.js").TurnedAway} TurnedAway
 * @typedef {{admit: (p: Waiting) => void, deny: (p: Waiting) => void, allow: (p: TurnedAway) => void, admitAll: (p: Waiting[]) => void,
 *   notice: (p: Waiting | null) => void}} Actions
 */

const MINUTE = 60_000; // ms
const CLOCK_STEP = 15_000; // ms between looks at how long people have waited

export class LobbyPanel extends HTMLElement {
  /** @type {Actions} */
  actions = given();
  heading = el("h2", { text: ["lobby.title", { count: "0" }], attrs: { tabindex: -1, id: "lobby-title" } });
  #empty = el("p", { class: "small", text: "lobby.empty" });
  #list = el("div", { class: "people knocking", testid: "lobby", attrs: { role: "list", "aria-labelledby": "lobby-title" } });
  #noticeAll = el("button", {
    class: "button plain small-button all",
    testid: "notice-all",
    text: "notice.all",
    attrs: { type: "button" },
    on: { click: () => this.actions.notice(null) },
  });
  #admitAll = el("button", {
    class: "button primary small-button all",
    testid: "admit-all",
    attrs: { type: "button" },
    on: { click: () => this.actions.admitAll(this.#expected) },
  });
  /** @type {Waiting[]} */
  #expected = [];
  #turnedAwayTitle = el("h3", { text: "lobby.turned_away", attrs: { tabindex: -1, id: "turned-away-title" } });
  #turnedAwayList = el("div", { class: "people", testid: "turned-away", attrs: { role: "list", "aria-labelledby": "turned-away-title" } });
  /** @type {Map<string, WaitingEntry>} */
  #entries = new Map();
  /** @type {Map<string, TurnedAwayEntry>} */
  #turnedAway = new Map();
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #clock;

  connectedCallback() {
    build(
      this,
      { class: "panel-part lobby" },
      this.heading,
      this.#empty,
      this.#admitAll,
      this.#list,
      this.#noticeAll,
      this.#turnedAwayTitle,
      this.#turnedAwayList,
    );
    this.#clock = setInterval(() => {
      for (const entry of this.#entries.values()) entry.tick();
    }, CLOCK_STEP);
  }

  disconnectedCallback() {
    clearInterval(this.#clock);
  }

  /** @param {import("../state.js").VisitState} state */
  update(state) {
    const { actions } = this;
    const { waiting, turned_away: turnedAway } = state.lobby;
    const present = presentIn(state.lobby).length;
    setText(this.heading, "lobby.title", { count: String(present) });
    this.#empty.hidden = present > 0;
    hide(this.#noticeAll, present < 2, this.heading);
    this.#expected = expectedIn(state.lobby);
    hide(this.#admitAll, this.#expected.length < 2, this.heading);
    setText(this.#admitAll, "lobby.admit_all", { count: String(this.#expected.length) });
    reconcile(this.#list, this.#entries, waiting, (p) => p.participant, () => having(new WaitingEntry(), { actions }), this.heading);
    reconcile(this.#turnedAwayList, this.#turnedAway, turnedAway, (p) => p.participant, () => having(new TurnedAwayEntry(), { actions }), this.heading);
    this.#turnedAwayTitle.hidden = this.#turnedAwayList.hidden = turnedAway.length === 0;
  }
}

class WaitingEntry extends HTMLElement {
  /** @type {Actions} */
  actions = given();
  #name = el("bdi", { class: "name" });
  #role = el("span", { class: "role" });
  #marks = new Marks();
  #since = el("span", { class: "since" });
  #admit = el("button", { class: "button primary small-button", testid: "admit", text: "lobby.admit", attrs: { type: "button" } });
  #deny = el("button", { class: "button plain small-button", testid: "deny", text: "lobby.deny", attrs: { type: "button" } });
  #notice = el("button", { class: "button plain small-button", testid: "notify", text: "notice.open", attrs: { type: "button" } });
  /** @type {Waiting} */
  #waiting = given();

  connectedCallback() {
    if (this.firstChild) return; // it has another place in the list
    const { actions } = this;
    this.#admit.addEventListener("click", () => actions.admit(this.#waiting));
    this.#deny.addEventListener("click", () => actions.deny(this.#waiting));
    this.#notice.addEventListener("click", () => actions.notice(this.#waiting));
    build(
      this,
      { class: "entry", testid: "lobby-entry", attrs: { role: "listitem" } },
      el("span", { class: "who" }, this.#name, this.#role, this.#since),
      this.#marks,
      el("div", { class: "entry-buttons" }, this.#admit, this.#deny, this.#notice),
    );
  }

  /** @param {Waiting} waiting */
  update(waiting) {
    this.#waiting = waiting;
    this.dataset.participant = waiting.participant;
    const name = plainName(waiting.name);
    if (this.#name.textContent !== waiting.name) this.#name.textContent = waiting.name;
    setText(this.#role, roleKey(waiting.role));
    setText(this.#admit, "lobby.admit.named", { name }, "aria-label");
    setText(this.#deny, "lobby.deny.named", { name }, "aria-label");
    setText(this.#notice, "notice.open.named", { name }, "aria-label");
    this.#marks.update([
      waiting.verified ? "verified" : "unverified",
      ...(waiting.booked ? [] : ["unbooked"]),
      ...(waiting.second_device ? ["second_device"] : []),
      ...(waiting.connected ? [] : ["away"]),
    ]);
    this.classList.toggle("away", !waiting.connected);
    this.#since.hidden = !waiting.connected;
    this.tick();
  }

  tick() {
    const minutes = Math.floor((Date.now() - new Date(this.#waiting.waiting_since).getTime()) / MINUTE);
    // A clock that goes wrong on this device makes no strange figures.
    if (minutes >= 1) setText(this.#since, "lobby.since", { minutes: String(minutes) });
    else setText(this.#since, "lobby.since.now");
  }
}

class TurnedAwayEntry extends HTMLElement {
  /** @type {Actions} */
  actions = given();
  #name = el("bdi", { class: "name" });
  #role = el("span", { class: "role" });
  #state = el("span", { class: "since" });
  #allow = el("button", { class: "button plain small-button", testid: "allow", text: "lobby.allow", attrs: { type: "button" } });
  /** @type {TurnedAway} */
  #person = given();

  connectedCallback() {
    if (this.firstChild) return; // it has another place in the list
    this.#allow.addEventListener("click", () => this.actions.allow(this.#person));
    build(
      this,
      { class: "entry", testid: "turned-away-entry", attrs: { role: "listitem" } },
      el("span", { class: "who" }, this.#name, this.#role, this.#state),
      el("div", { class: "entry-buttons" }, this.#allow),
    );
  }

  /** @param {TurnedAway} person */
  update(person) {
    this.#person = person;
    this.dataset.participant = person.participant;
    if (this.#name.textContent !== person.name) this.#name.textContent = person.name;
    setText(this.#role, roleKey(person.role));
    setText(this.#state, person.state === "removed" ? "lobby.was_removed" : "lobby.was_denied");
    setText(this.#allow, "lobby.allow.named", { name: plainName(person.name) }, "aria-label");
  }
}

customElements.define("evisit-waiting-entry", WaitingEntry);
customElements.define("evisit-turned-away", TurnedAwayEntry);
customElements.define("evisit-lobby", LobbyPanel);
