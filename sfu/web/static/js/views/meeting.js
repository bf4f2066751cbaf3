/** The visit itself: everybody's tile, the people beside them, the controls below. */

import { el, icon } from "../dom.js";
import { plainName, setText } from "../text.js";
import { Controls } from "./controls.js";
import { LobbyPanel } from "./lobby.js";
import { People } from "./people.js";
import { Tiles } from "./tiles.js";

/** From here on there is room for the people beside the tiles; the same as in the style sheet. */
const WIDE = "(min-width: 60rem)";

export class MeetingView {
  titleKey = "meeting.title";
  heading = el("h1", { text: "meeting.title", attrs: { tabindex: -1 } });
  #subject = el("p", { class: "small subject" });
  #locked = el("span", { class: "mark locked", testid: "locked" }, icon("lock"), el("span", { text: "meeting.locked" }));
  #alone = el("p", { class: "notice-line", testid: "alone", text: "meeting.alone" });
  #mediaLine = el("p", { class: "notice-line", testid: "media-status", attrs: { role: "status" } });
  #knock = el("button", { class: "knock", testid: "knock", attrs: { type: "button", hidden: true }, on: { click: () => this.#openPanel(true) } });
  #peopleBadge = el("span", { class: "badge", attrs: { "aria-hidden": "true" } });
  #peopleLabel = el("span");
  #peopleToggle = el(
    "button",
    {
      class: "control",
      testid: "people-toggle",
      attrs: { type: "button", "aria-controls": "panel", "aria-expanded": "false" },
      on: { click: () => this.#openPanel(this.#panel.hidden === true) },
    },
    icon("people"),
    this.#peopleLabel,
    this.#peopleBadge,
  );
  #lockButton = el("button", { class: "button plain", testid: "lock", attrs: { type: "button" } });
  #visitPart;
  #people;
  #lobby;
  #tiles;
  #controls;
  #panel;
  #devices;
  #isLocked = false;

  /**
   * @param {object} options
   * @param {import("../devices.js").Devices} options.devices
   * @param {import("../staff.js").StaffActions} options.staff
   * @param {() => void} options.leave
   * @param {(track: string, width: number, height: number) => void} options.onView
   */
  constructor({ devices, staff, leave, onView }) {
    this.#devices = devices;
    this.#people = new People(staff);
    this.#lobby = new LobbyPanel(staff);
    this.#tiles = new Tiles(onView);
    this.#controls = new Controls({ devices, leave, more: [this.#peopleToggle] });
    this.#lockButton.addEventListener("click", () => void staff.lock(!this.#isLocked));
    this.#visitPart = el(
      "section",
      { class: "panel-part" },
      el("h2", { text: "visit.title" }),
      el(
        "div",
        { class: "entry-buttons" },
        this.#lockButton,
        el("button", { class: "button danger-plain", testid: "end", text: "visit.end", attrs: { type: "button" }, on: { click: () => void staff.end() } }),
      ),
    );
    this.#panel = el(
      "aside",
      { class: "panel", testid: "panel", label: "people.panel", attrs: { id: "panel" } },
      el(
        "button",
        { class: "panel-close", testid: "panel-close", label: "people.close", attrs: { type: "button" }, on: { click: () => this.#openPanel(false) } },
        icon("close"),
      ),
      this.#lobby.element,
      this.#people.element,
      this.#visitPart,
    );
    this.#panel.hidden = !matchMedia(WIDE).matches;
    this.#panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !matchMedia(WIDE).matches) this.#openPanel(false);
    });
    this.element = el(
      "main",
      { class: "meeting", testid: "meeting" },
      el("div", { class: "meeting-head" }, this.heading, this.#subject, this.#locked),
      el("div", { class: "lines" }, this.#mediaLine, this.#controls.faults, this.#alone, this.#knock),
      this.#tiles.element,
      this.#panel,
      this.#controls.element,
    );
  }

  /** @param {import("../visit.js").VisitState} state */
  update(state) {
    const staff = state.me?.may_admit ?? false;
    const waiting = state.lobby.waiting;
    const { title, unit_name: unit } = state.me?.visit ?? {};
    this.#subject.textContent = [title, unit].filter(Boolean).join(", ");
    this.#isLocked = state.roster.locked;
    this.#locked.hidden = !this.#isLocked;
    setText(this.#lockButton, this.#isLocked ? "visit.unlock" : "visit.lock");
    this.#lobby.element.hidden = this.#visitPart.hidden = !staff;
    this.#alone.hidden = state.roster.participants.length !== 1 || (staff && waiting.length > 0);
    const trouble = state.media === "interrupted" || state.media === "failed";
    this.#mediaLine.hidden = !trouble;
    if (trouble) setText(this.#mediaLine, `media.${state.media}`);
    this.#people.update(state);
    this.#lobby.update(state);
    this.#tiles.update(state, this.#devices);
    this.#controls.update();
    this.#showKnock(staff ? waiting : []);
    this.#showToggle(staff ? waiting.length : 0);
  }

  stop() {
    this.#tiles.stop();
    this.#lobby.stop();
  }

  /**
   * Who waits is seen although the panel is closed.
   *
   * @param {import("../visit.js").Waiting[]} waiting
   */
  #showKnock(waiting) {
    this.#knock.hidden = !this.#panel.hidden || waiting.length === 0;
    if (waiting.length === 1) setText(this.#knock, "lobby.knock.one", { name: plainName(waiting[0].name) });
    else if (waiting.length) setText(this.#knock, "lobby.knock.many", { count: String(waiting.length) });
  }

  /** @param {number} waiting */
  #showToggle(waiting) {
    const open = !this.#panel.hidden;
    this.#peopleToggle.setAttribute("aria-expanded", String(open));
    setText(this.#peopleLabel, "control.people");
    this.#peopleBadge.hidden = waiting === 0;
    this.#peopleBadge.textContent = String(waiting);
  }

  /** @param {boolean} open */
  #openPanel(open) {
    const held = this.#panel.contains(document.activeElement);
    this.#panel.hidden = !open;
    this.#showToggle(Number(this.#peopleBadge.hidden ? 0 : this.#peopleBadge.textContent));
    if (open) {
      this.#knock.hidden = true;
      (this.#lobby.element.hidden ? this.#people : this.#lobby).heading.focus();
    } else if (held) {
      this.#peopleToggle.focus();
    }
  }
}
