/** Who waits, for those who may admit: who they are, how surely, how long; and who was turned away. */

import { el, reconcile } from "../dom.js";
import { plainName, roleKey, setText } from "../text.js";
import { expectedIn, presentIn } from "../state.js";
import { Marks } from "./marks.js";

/**
 * @typedef {import("../state.js").Waiting} Waiting
 * @typedef {import("../state.js").TurnedAway} TurnedAway
 * @typedef {{admit: (p: Waiting) => void, deny: (p: Waiting) => void, allow: (p: TurnedAway) => void, admitAll: (p: Waiting[]) => void,
 *   notice: (p: Waiting | null) => void}} Actions
 */

const MINUTE = 60_000; // ms
const CLOCK_STEP = 15_000; // ms between looks at how long people have waited

export class LobbyPanel {
  heading = el("h2", { text: ["lobby.title", { count: "0" }], attrs: { tabindex: -1, id: "lobby-title" } });
  #empty = el("p", { class: "small", text: "lobby.empty" });
  #list = el("ul", { class: "people knocking", testid: "lobby", attrs: { "aria-labelledby": "lobby-title" } });
  #noticeAll = el("button", {
    class: "button plain small-button all",
    testid: "notice-all",
    text: "notice.all",
    attrs: { type: "button" },
    on: { click: () => this.#actions.notice(null) },
  });
  #admitAll = el("button", {
    class: "button primary small-button all",
    testid: "admit-all",
    attrs: { type: "button" },
    on: { click: () => this.#actions.admitAll(this.#expected) },
  });
  /** @type {Waiting[]} */
  #expected = [];
  #turnedAwayTitle = el("h3", { text: "lobby.turned_away", attrs: { tabindex: -1, id: "turned-away-title" } });
  #turnedAwayList = el("ul", { class: "people", testid: "turned-away", attrs: { "aria-labelledby": "turned-away-title" } });
  element = el("section", { class: "panel-part lobby" }, this.heading, this.#empty, this.#admitAll, this.#list, this.#noticeAll, this.#turnedAwayTitle, this.#turnedAwayList);
  /** @type {Map<string, WaitingEntry>} */
  #entries = new Map();
  /** @type {Map<string, TurnedAwayEntry>} */
  #turnedAway = new Map();
  #actions;
  #clock = setInterval(() => {
    for (const entry of this.#entries.values()) entry.tick();
  }, CLOCK_STEP);

  /** @param {Actions} actions */
  constructor(actions) {
    this.#actions = actions;
  }

  /** @param {import("../state.js").VisitState} state */
  update(state) {
    const { waiting, turned_away: turnedAway } = state.lobby;
    const present = presentIn(state.lobby).length;
    setText(this.heading, "lobby.title", { count: String(present) });
    this.#empty.hidden = present > 0;
    this.#noticeAll.hidden = present < 2;
    this.#expected = expectedIn(state.lobby);
    this.#admitAll.hidden = this.#expected.length < 2;
    setText(this.#admitAll, "lobby.admit_all", { count: String(this.#expected.length) });
    reconcile(this.#list, this.#entries, waiting, (p) => p.participant, (p) => new WaitingEntry(p, this.#actions), this.heading);
    reconcile(this.#turnedAwayList, this.#turnedAway, turnedAway, (p) => p.participant, (p) => new TurnedAwayEntry(p, this.#actions), this.heading);
    this.#turnedAwayTitle.hidden = this.#turnedAwayList.hidden = turnedAway.length === 0;
  }

  stop() {
    clearInterval(this.#clock);
  }
}

class WaitingEntry {
  #name = el("bdi", { class: "name" });
  #role = el("span", { class: "role" });
  #marks = new Marks();
  #since = el("span", { class: "since" });
  #admit = el("button", { class: "button primary small-button", testid: "admit", text: "lobby.admit", attrs: { type: "button" } });
  #deny = el("button", { class: "button plain small-button", testid: "deny", text: "lobby.deny", attrs: { type: "button" } });
  #notice = el("button", { class: "button plain small-button", testid: "notify", text: "notice.open", attrs: { type: "button" } });
  #waiting;

  /**
   * @param {Waiting} waiting
   * @param {Actions} actions
   */
  constructor(waiting, actions) {
    this.#waiting = waiting;
    this.#admit.addEventListener("click", () => actions.admit(this.#waiting));
    this.#deny.addEventListener("click", () => actions.deny(this.#waiting));
    this.#notice.addEventListener("click", () => actions.notice(this.#waiting));
    this.element = el(
      "li",
      { class: "entry", testid: "lobby-entry", data: { participant: waiting.participant } },
      el("span", { class: "who" }, this.#name, this.#role, this.#since),
      this.#marks.element,
      el("div", { class: "entry-buttons" }, this.#admit, this.#deny, this.#notice),
    );
  }

  /** @param {Waiting} waiting */
  update(waiting) {
    this.#waiting = waiting;
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
    this.element.classList.toggle("away", !waiting.connected);
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

class TurnedAwayEntry {
  #name = el("bdi", { class: "name" });
  #role = el("span", { class: "role" });
  #state = el("span", { class: "since" });
  #allow = el("button", { class: "button plain small-button", testid: "allow", text: "lobby.allow", attrs: { type: "button" } });
  #person;

  /**
   * @param {TurnedAway} person
   * @param {Actions} actions
   */
  constructor(person, actions) {
    this.#person = person;
    this.#allow.addEventListener("click", () => actions.allow(this.#person));
    this.element = el(
      "li",
      { class: "entry", testid: "turned-away-entry", data: { participant: person.participant } },
      el("span", { class: "who" }, this.#name, this.#role, this.#state),
      el("div", { class: "entry-buttons" }, this.#allow),
    );
  }

  /** @param {TurnedAway} person */
  update(person) {
    this.#person = person;
    if (this.#name.textContent !== person.name) this.#name.textContent = person.name;
    setText(this.#role, roleKey(person.role));
    setText(this.#state, person.state === "removed" ? "lobby.was_removed" : "lobby.was_denied");
    setText(this.#allow, "lobby.allow.named", { name: plainName(person.name) }, "aria-label");
  }
}
