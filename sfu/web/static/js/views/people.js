/** The roster: everybody who is in, named. Those who may admit can put others on hold or remove them. */

import { build, el, given, having } from "../dom.js";
import { hide } from "../focus.js";
import { reconcile } from "../rows.js";
import { hasText, setText } from "../text.js";
import { plainName, roleKey } from "../wording.js";
import { Marks, marksOf, weakness } from "./marks.js";

/**
 * @typedef {import("../state.js").Admitted} Admitted
 * @typedef {{hold: (p: Admitted) => void, remove: (p: Admitted) => void, pin: (p: Admitted) => void,
 *   silence: (whose: {track: string, name: string, source: "microphone" | "screen"}) => void}} Actions
 * @typedef {{participant: Admitted, own: boolean, staff: boolean, speaking: boolean,
 *   reception: import("../state.js").Reception | undefined}} Listed
 */

export class People extends HTMLElement {
  /** @type {Actions} */
  actions = given();
  heading = el("h2", { text: ["people.title", { count: "0" }], attrs: { tabindex: -1, id: "people-title" } });
  #list = el("div", { class: "people", testid: "roster", attrs: { role: "list", "aria-labelledby": "people-title" } });
  /** @type {Map<string, PersonEntry>} */
  #entries = new Map();

  connectedCallback() {
    build(this, { class: "panel-part" }, this.heading, this.#list);
  }

  /** @param {import("../state.js").VisitState} state */
  update(state) {
    const { participants } = state.roster;
    setText(this.heading, "people.title", { count: String(participants.length) });
    const own = state.me?.participant;
    reconcile(
      this.#list,
      this.#entries,
      participants.map((participant) => ({
        participant,
        own: participant.participant === own,
        staff: state.me?.may_admit ?? false,
        speaking: state.speaker === participant.participant,
        reception: state.qualities.get(participant.participant),
      })),
      ({ participant }) => participant.participant,
      () => having(new PersonEntry(), { actions: this.actions }),
      this.heading,
    );
  }
}

class PersonEntry extends HTMLElement {
  /** @type {Actions} */
  actions = given();
  #name = el("bdi", { class: "name" });
  #role = el("span", { class: "role" });
  #marks = new Marks();
  #advice = el("p", { class: "small", testid: "advice" });
  #hold = el("button", { class: "button plain small-button", testid: "hold", text: "people.hold", attrs: { type: "button" } });
  #remove = el("button", { class: "button plain small-button", testid: "remove", text: "people.remove", attrs: { type: "button" } });
  #pin = el("button", { class: "button plain small-button", testid: "pin-for-all", attrs: { type: "button" } });
  #silence = el("button", { class: "button plain small-button", testid: "silence", text: "silence.microphone", attrs: { type: "button" } });
  #stopShare = el("button", { class: "button plain small-button", testid: "stop-share", text: "silence.screen", attrs: { type: "button" } });
  #buttons = el("div", { class: "entry-buttons" }, this.#pin, this.#silence, this.#stopShare, this.#hold, this.#remove);
  /** @type {Admitted} */
  #participant = given();

  connectedCallback() {
    if (this.firstChild) return; // it has another place in the list
    const { actions } = this;
    this.#hold.addEventListener("click", () => actions.hold(this.#participant));
    this.#pin.addEventListener("click", () => actions.pin(this.#participant));
    this.#remove.addEventListener("click", () => actions.remove(this.#participant));
    for (const [button, source] of /** @type {const} */ ([[this.#silence, "microphone"], [this.#stopShare, "screen"]])) {
      button.addEventListener("click", () => {
        const { name, tracks } = this.#participant;
        const track = tracks.find((known) => known.source === source)?.track;
        if (track) actions.silence({ track, name, source });
      });
    }
    build(
      this,
      { class: "entry", testid: "roster-entry", attrs: { role: "listitem", tabindex: -1 } },
      el("span", { class: "who" }, this.#name, this.#role),
      this.#marks,
      this.#advice,
      this.#buttons,
    );
  }

  /** @param {Listed} listed */
  update({ participant, own, staff, speaking, reception }) {
    this.#participant = participant;
    this.dataset.participant = participant.participant;
    const name = plainName(participant.name);
    if (own) setText(this.#name, "you.named", { name });
    else if (this.#name.textContent !== participant.name) this.#name.textContent = participant.name;
    setText(this.#role, roleKey(participant.role));
    this.#marks.update(marksOf(participant, { speaking, reception }));
    const weak = !own && participant.connected && weakness(reception) !== null;
    this.#advice.hidden = !weak;
    if (weak) setText(this.#advice, hasText(`advice.${reception?.reason}`) ? `advice.${reception?.reason}` : "advice.delay", { name });
    hide(this.#buttons, own || !staff, this);
    setText(this.#pin, participant.pinned ? "people.unpin" : "people.pin");
    setText(this.#pin, participant.pinned ? "people.unpin.named" : "people.pin.named", { name }, "aria-label");
    const open = (/** @type {string} */ source) => participant.tracks.some((track) => track.source === source && !track.muted);
    hide(this.#silence, !open("microphone"), this);
    hide(this.#stopShare, !open("screen"), this);
    setText(this.#silence, "silence.microphone.named", { name }, "aria-label");
    setText(this.#stopShare, "silence.screen.named", { name }, "aria-label");
    setText(this.#hold, "people.hold.named", { name }, "aria-label");
    setText(this.#remove, "people.remove.named", { name }, "aria-label");
  }
}

customElements.define("evisit-person", PersonEntry);
customElements.define("evisit-people", People);
