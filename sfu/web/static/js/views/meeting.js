/** The visit itself: everybody's tile, the people beside them, the controls below. */

import { build, el, given, having, icon } from "../dom.js";
import { hide } from "../focus.js";
import { KEYS, listen } from "../shortcuts.js";
import { clearText, setText } from "../text.js";
import { WakeLock } from "../wake.js";
import { presentIn } from "../state.js";
import { plainName } from "../wording.js";
import { Captions } from "./captions.js";
import { heedUnplugged } from "./choosing.js";
import { Controls } from "./controls.js";
import { ask } from "./dialog.js";
import { LobbyPanel } from "./lobby.js";
import { People } from "./people.js";
import { plainButton, preferenceButton, Settings } from "./settings.js";
import { TextPane } from "./text.js";
import { Tiles } from "./tiles.js";
import { Windows } from "./windows.js";

/** From here on there is room for the people beside the tiles; the same as in the style sheet. */
const WIDE = "(min-width: 60rem)";

/** Keys that are of use to those who may admit alone. */
const FOR_STAFF = new Set(["admit", "undo"]);

export class MeetingView extends HTMLElement {
  titleKey = "meeting.title";
  /** @type {import("../devices.js").Devices} */
  devices = given();
  /** @type {import("../staff.js").StaffActions} */
  staff = given();
  /** @type {import("../screen.js").Screen} */
  screen = given();
  /** @type {import("../texting.js").Texting} */
  texting = given();
  /** @type {import("../preferences.js").Preferences} */
  preferences = given();
  /** Told that somebody wants to leave. */
  leave = () => {};
  /** Told what everybody who looks or listens is to know. @type {(key: string) => void} */
  say = () => {};
  /** Told how a received picture is shown. @type {(view: import("./tile.js").TrackView) => Promise<unknown>} */
  viewed = async () => {};
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
  #textBadge = el("span", { class: "badge", attrs: { "aria-hidden": "true", hidden: true } });
  #textToggle = el(
    "button",
    {
      class: "control",
      testid: "text-toggle",
      attrs: { type: "button", "aria-controls": "text-pane", "aria-expanded": "false" },
      on: { click: () => this.#openText(this.#text.hidden === true) },
    },
    icon("text"),
    el("span", { text: "control.text" }),
    this.#textBadge,
  );
  #share = el("button", { class: "control", testid: "share", attrs: { type: "button" }, on: { click: () => this.#toggleShare() } });
  #sharing = el("p", { class: "notice-line", testid: "sharing", text: "share.on", attrs: { role: "status", hidden: true } });
  #quality = el("p", { class: "notice-line", testid: "quality", attrs: { role: "status" } });
  #captions = new Captions();
  #lockButton = el("button", { class: "button plain small-button", testid: "lock", attrs: { type: "button" } });
  #visitPart = el("section", { class: "panel-part" });
  #people = new People();
  #lobby = new LobbyPanel();
  #tiles = new Tiles();
  #controls = new Controls();
  #windows = new Windows();
  #text = new TextPane();
  #panel = el("aside", { class: "panel", testid: "panel", label: "people.panel", attrs: { id: "panel" } });
  #wake = new WakeLock();
  #left = new AbortController();
  #wide = matchMedia(WIDE);
  #isLocked = false;
  #mayAdmit = false;
  /** @type {import("../state.js").Waiting[]} Whom the user may let in. */
  #waiting = [];
  /** Lines that there were when the text was last seen. */
  #linesSeen = 0;
  /** Lines that there were when captions were last shown. */
  #linesCaptioned = 0;
  /** @type {import("../texting.js").Transcript} */
  #written = { lines: [], writing: [], count: 0 };
  /** The user does not want the text to open by itself. */
  #textUnwanted = false;

  connectedCallback() {
    const { devices, staff, screen, preferences } = this;
    const { signal } = this.#left;
    preferences.addEventListener("change", this.#preferred, { signal });
    this.#wide.addEventListener("change", this.#widthChanged, { signal });
    heedUnplugged(devices, signal);
    this.#listen(signal);
    this.#wake.hold();
    this.#share.hidden = !screen.possible;
    this.#lockButton.addEventListener("click", () => void staff.lock(!this.#isLocked));
    this.#tiles.viewed = this.viewed;
    this.#lobby.actions = this.#people.actions = staff;
    having(this.#text, { texting: this.texting, close: () => this.#openText(false) });
    having(this.#windows, { mainVideo: () => this.#tiles.mainVideo, say: this.say });
    having(this.#controls, { devices, leave: this.leave, more: [this.#share, this.#textToggle, this.#peopleToggle] });
    this.#visitPart.append(
      el("h2", { text: "visit.title" }),
      el(
        "div",
        { class: "entry-buttons" },
        plainButton("copy-link", "link.copy", () => void staff.copyLink()),
        this.#lockButton,
        preferenceButton(preferences, "arrivalSound", "arrival-sound", "arrival.sound"),
        el("button", { class: "button danger-plain small-button", testid: "end", text: "visit.end", attrs: { type: "button" }, on: { click: () => void staff.end() } }),
      ),
    );
    this.#panel.append(
      el(
        "button",
        { class: "panel-close", testid: "panel-close", label: "people.close", attrs: { type: "button" }, on: { click: () => this.#openPanel(false) } },
        icon("close"),
      ),
      this.#lobby,
      this.#people,
      this.#visitPart,
      having(new Settings(), { devices, preferences, windows: this.#windows, showKeys: () => void this.#showShortcuts() }),
    );
    this.#panel.hidden = !this.#wide.matches;
    this.#panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !this.#wide.matches) this.#openPanel(false);
    });
    build(
      this,
      { class: "meeting", testid: "meeting" },
      el("div", { class: "meeting-head" }, this.heading, this.#subject, this.#locked),
      el("div", { class: "lines" }, this.#mediaLine, this.#quality, this.#sharing, this.#controls.faults, this.#alone, this.#knock),
      this.#tiles,
      this.#captions,
      this.#text,
      this.#panel,
      this.#controls,
    );
  }

  disconnectedCallback() {
    this.#left.abort();
    this.#wake.release();
  }

  /** @param {import("../state.js").VisitState} state */
  update(state) {
    const staff = state.me?.may_admit ?? false;
    const waiting = presentIn(state.lobby);
    const { title, unit_name: unit } = state.me?.visit ?? {};
    this.#subject.textContent = [title, unit].filter(Boolean).join(", ");
    this.#isLocked = state.roster.locked;
    this.#locked.hidden = !this.#isLocked;
    setText(this.#lockButton, this.#isLocked ? "visit.unlock" : "visit.lock");
    for (const part of [this.#lobby, this.#visitPart]) hide(part, !staff, this.#people.heading);
    this.#alone.hidden = state.roster.participants.length !== 1 || (staff && waiting.length > 0);
    const trouble = state.media === "interrupted" || state.media === "failed";
    this.#mediaLine.hidden = !trouble;
    if (trouble) setText(this.#mediaLine, `media.${state.media}`);
    this.#mayAdmit = staff;
    this.#written = state.written;
    const weak = state.quality !== "good" && !trouble && !state.reconnecting;
    const heldBack = [...state.paused.values()].includes("bandwidth") && !trouble && !state.reconnecting;
    this.#quality.hidden = !weak && !heldBack;
    const dear = this.preferences.wants("pictureFirst") ? "picture" : "camera";
    if (weak) setText(this.#quality, `quality.${state.quality}.${this.devices.camera.on ? dear : "sound"}`);
    else if (heldBack) setText(this.#quality, "quality.held_back");
    else clearText(this.#quality);
    this.#showShare();
    this.#showText(state.written);
    this.#people.update(state);
    this.#lobby.update(state);
    this.#tiles.update(state, this.devices);
    this.#windows.update();
    this.#controls.update();
    this.#waiting = staff ? waiting : [];
    this.#showPanel(!this.#panel.hidden);
  }

  /** A window that was made narrow shows the pictures; one that was made wide has room for both. */
  #widthChanged = () => {
    if (!this.#wide.matches && this.#panel.contains(document.activeElement)) return;
    this.#showPanel(this.#wide.matches);
  };

  /** @param {AbortSignal} signal */
  #listen(signal) {
    const { microphone, camera } = this.devices;
    const actions = {
      microphone: () => void this.devices.turn("microphone", !microphone.on),
      camera: () => void this.devices.turn("camera", !camera.on),
      share: () => this.screen.possible && this.#toggleShare(),
      text: () => this.#openText(this.#text.hidden === true),
      people: () => this.#openPanel(this.#panel.hidden === true),
      admit: () => void (this.#mayAdmit && this.staff.admitNext()),
      undo: () => this.staff.takeBack(),
      help: () => void this.#showShortcuts(),
    };
    listen(actions, signal);
  }

  async #showShortcuts() {
    const keys = Object.entries(KEYS).filter(
      ([action]) => (!FOR_STAFF.has(action) || this.#mayAdmit) && (action !== "share" || this.screen.possible),
    );
    await ask({
      testid: "shortcuts-dialog",
      title: ["shortcuts.title", {}],
      content: el(
        "dl",
        { class: "shortcuts" },
        ...keys.map(([action, code]) => el("div", {}, el("dt", {}, el("kbd", {}, `Alt + ${code.slice(3)}`)), el("dd", { text: `shortcuts.${action}` }))),
      ),
      choices: [{ id: "close", text: "close", testid: "shortcuts-close", kind: "primary" }],
    });
  }

  #toggleShare() {
    if (this.screen.on) this.screen.stop();
    else void this.screen.start();
  }

  #showShare() {
    const { on } = this.screen;
    const state = on ? "on" : "off";
    this.#sharing.hidden = !on;
    if (this.#share.dataset.sharing === state) return;
    this.#share.dataset.sharing = state;
    this.#share.replaceChildren(icon("share", on), el("span", { text: `control.share.${state}` }));
  }

  /** What somebody wants to see has changed: the next drawing has it; captions begin with what is being written. */
  #preferred = () => {
    this.#captions.clear();
    this.#linesCaptioned = this.#written.count;
    this.#caption(this.#written);
  };

  /**
   * What others write beside speech is their captions, for whoever wants them large and below the pictures.
   *
   * @param {import("../texting.js").Transcript} transcript
   */
  #caption({ lines, writing, count }) {
    const wanted = this.preferences.wants("captions");
    this.#captions.hidden = !wanted;
    const fresh = lines.slice(lines.length - Math.min(lines.length, Math.max(0, count - this.#linesCaptioned)));
    this.#linesCaptioned = count;
    if (!wanted) return;
    for (const { name, text, own } of fresh) if (!own) this.#captions.show({ speaker: name, text, final: true });
    for (const { name, text } of writing) this.#captions.show({ speaker: name, text, final: false });
    const names = new Set(writing.map(({ name }) => name));
    for (const speaker of this.#captions.speaking) if (!names.has(speaker)) this.#captions.drop(speaker);
  }

  /**
   * What somebody writes is seen, unless one has chosen not to. The focus stays where it is.
   *
   * @param {import("../texting.js").Transcript} transcript
   */
  #showText(transcript) {
    const { count, writing, lines } = transcript;
    const fresh = count - this.#linesSeen;
    const others = writing.length > 0 || lines.slice(-fresh).some((line) => fresh > 0 && !line.own);
    this.#caption(transcript);
    if (others && !this.#textUnwanted && !this.preferences.wants("captions")) this.#text.hidden = false;
    const open = !this.#text.hidden;
    if (open) this.#linesSeen = count;
    this.#text.update(transcript);
    this.#textToggle.setAttribute("aria-expanded", String(open));
    this.#textBadge.hidden = open || fresh <= 0;
    this.#textBadge.textContent = String(fresh);
  }

  /** @param {boolean} open */
  #openText(open) {
    const held = this.#text.contains(document.activeElement);
    this.#textUnwanted = !open;
    this.#text.hidden = !open;
    this.#textToggle.setAttribute("aria-expanded", String(open));
    if (open) {
      this.#textBadge.hidden = true;
      this.#text.shown();
      this.#text.input.focus();
    } else if (held) {
      this.#textToggle.focus();
    }
  }

  /**
   * Who waits is seen although the panel is closed.
   *
   * @param {boolean} open
   */
  #showPanel(open) {
    const waiting = this.#waiting;
    this.#panel.hidden = !open;
    hide(this.#knock, open || waiting.length === 0);
    if (waiting.length === 1) setText(this.#knock, "lobby.knock.one", { name: plainName(waiting[0].name) });
    else if (waiting.length) setText(this.#knock, "lobby.knock.many", { count: String(waiting.length) });
    this.#peopleToggle.setAttribute("aria-expanded", String(open));
    setText(this.#peopleLabel, "control.people");
    this.#peopleBadge.hidden = waiting.length === 0;
    this.#peopleBadge.textContent = String(waiting.length);
  }

  /** @param {boolean} open */
  #openPanel(open) {
    const held = this.#panel.contains(document.activeElement);
    if (open) {
      this.#panel.hidden = false;
      (this.#lobby.hidden ? this.#people : this.#lobby).heading.focus();
    } else if (held) {
      this.#peopleToggle.focus();
    }
    this.#showPanel(open);
  }
}

customElements.define("evisit-meeting", MeetingView);
