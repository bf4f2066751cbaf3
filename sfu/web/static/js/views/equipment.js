/** Camera, microphone, speaker and connection, tried before a visit: on the page at /test, and before joining. */

import { Check, ITEMS } from "../check.js";
import { chime } from "../chime.js";
import { SOURCES } from "../devices.js";
import { build, el, given, having, icon } from "../dom.js";
import { hide } from "../focus.js";
import { clearText, setText } from "../text.js";
import { blurChoice, heedUnplugged, loudspeakers, option } from "./choosing.js";
import { ownPicture, play } from "./controls.js";
import { LevelLine } from "./level.js";

/** @typedef {import("../devices.js").Source} Source */

/** What there may be a choice of: for each source a device, and a loudspeaker. */
const CHOICES = /** @type {const} */ ([...SOURCES, "output"]);

export class Equipment extends HTMLElement {
  /** @type {import("../devices.js").Devices} */
  devices = given();
  /** To the server; without an entry the connection is not tried. @type {{url: string, entry: import("../entry.js").Entry | null}} */
  link = given();
  /** @type {Check} */
  #check = given();
  #left = new AbortController();
  #level = new LevelLine();
  #picture = ownPicture();
  #off = el("p", { class: "preview-off", text: "preview.off" });
  /** Somebody may look over the shoulder, and nobody likes to meet their own face unasked. */
  #blur = el("input", { testid: "blur", attrs: { type: "checkbox", id: "blur", checked: true } });
  /** @type {Map<Source, HTMLButtonElement>} */
  #toggles = new Map();
  /** @type {Map<typeof CHOICES[number], {field: HTMLElement, select: HTMLSelectElement, known: string}>} */
  #choices = new Map();
  #background = el("div");
  #items = new Map(ITEMS.map((item) => [item, having(new CheckLine(), { item })]));
  #checks = el("div", { class: "checks", testid: "checks", label: "check.title", attrs: { role: "list", tabindex: -1 } }, ...this.#items.values());
  #summary = el("p", { class: "check-summary", testid: "check-summary", attrs: { role: "status" } });
  #again = el("button", { class: "button plain", testid: "check-again", text: "check.again", attrs: { type: "button" } });

  /** Shown, it begins, and asks for the devices. */
  connectedCallback() {
    const { signal } = this.#left;
    this.#check = new Check(this.devices, this.link);
    this.#check.addEventListener("change", this.#draw);
    this.devices.addEventListener("change", this.#draw, { signal });
    navigator.mediaDevices?.addEventListener?.("devicechange", this.#listChoices, { signal });
    heedUnplugged(this.devices, signal);
    this.#level.heard = () => this.#check.heard();
    this.#again.addEventListener("click", () => void this.#check.run());
    const frame = el("div", { class: "preview" }, this.#picture, this.#off);
    this.#blur.addEventListener("change", () => frame.classList.toggle("clear", !this.#blur.checked));
    build(
      this,
      { class: "equipment", testid: "equipment", label: "equipment.title", attrs: { role: "region", tabindex: -1 } },
      frame,
      el("div", { class: "tick" }, this.#blur, el("label", { text: "equipment.blur", attrs: { for: "blur" } })),
      this.#level,
      el("div", { class: "choices" }, ...SOURCES.map((source) => this.#toggle(source))),
      ...CHOICES.map((what) => this.#choice(what)),
      this.#background,
      el(
        "div",
        { class: "speaker" },
        el("button", { class: "button plain", testid: "speaker-test", attrs: { type: "button" }, on: { click: () => this.#sound() } }, icon("sound"), el("span", { text: "equipment.speaker" })),
        el("p", { class: "hint", text: "equipment.speaker.hint" }),
      ),
      this.#checks,
      this.#summary,
      this.#again,
    );
    void this.#check.run();
  }

  /** The devices stay as they are. */
  disconnectedCallback() {
    this.#left.abort();
    this.#check.stop();
  }

  #draw = () => {
    const { camera, microphone } = this.devices;
    play(this.#picture, camera.track);
    this.#picture.hidden = !camera.track;
    this.#off.hidden = camera.track !== null;
    this.#level.update(microphone);
    for (const [source, button] of this.#toggles) {
      const { on, asking } = this.devices[source];
      button.setAttribute("aria-disabled", String(asking));
      if (button.dataset.state === String(on)) continue;
      button.dataset.state = String(on);
      button.replaceChildren(icon(source, !on), el("span", { text: `control.${source}.${on ? "on" : "off"}` }));
    }
    for (const [item, line] of this.#items) line.update(this.#check.results[item]);
    hide(this.#again, this.#check.running, this.#checks);
    if (this.#check.running) clearText(this.#summary);
    else setText(this.#summary, this.#check.summary);
    this.#summary.dataset.passed = String(!this.#check.running && this.#check.summary === "check.passed");
    void this.#listChoices();
    const possible = this.devices.backgroundBlur !== null;
    if (possible !== this.#background.hasChildNodes()) this.#background.replaceChildren(...(possible ? [blurChoice(this.devices) ?? ""] : []));
  };

  /** @param {Source} source */
  #toggle(source) {
    const turn = () => {
      if (!this.devices[source].asking) void this.devices.turn(source, !this.devices[source].on);
    };
    const button = el("button", { class: "button plain", testid: `try-${source}`, attrs: { type: "button" }, on: { click: turn } });
    this.#toggles.set(source, button);
    return button;
  }

  /** @param {typeof CHOICES[number]} what */
  #choice(what) {
    const choose = (/** @type {string} */ id) => (what === "output" ? this.devices.chooseOutput(id) : void this.devices.choose(what, id));
    const select = el("select", {
      testid: `choose-${what}`,
      attrs: { id: `choose-${what}` },
      on: { change: () => choose(select.value) },
    });
    const field = el("div", { class: "field", attrs: { hidden: true } }, el("label", { text: `equipment.${what}`, attrs: { for: select.id } }), select);
    this.#choices.set(what, { field, select, known: "" });
    return field;
  }

  #listChoices = async () => {
    const found = { ...(await this.devices.list()), output: await loudspeakers(this.devices) };
    for (const [what, choice] of this.#choices) {
      const known = JSON.stringify(found[what]);
      if (known === choice.known) continue;
      choice.known = known;
      // One is no choice.
      hide(choice.field, found[what].length < 2, this);
      choice.select.replaceChildren(...found[what].map(option));
    }
  };

  #sound() {
    void chime(this.devices.output);
  }
}

/** One line of the check: a mark, what it is, and a sentence. */
class CheckLine extends HTMLElement {
  /** @type {import("../check.js").Item} */
  item = given();
  #sentence = el("span", { class: "check-text" });

  connectedCallback() {
    const { item } = this;
    build(
      this,
      { class: "check", testid: `check-${item}`, attrs: { role: "listitem" } },
      el("span", { class: "mark", attrs: { "aria-hidden": "true" } }),
      el("span", { attrs: { role: "status" } }, el("strong", { text: `check.${item}` }), " ", this.#sentence),
    );
  }

  /** @param {import("../check.js").Result} result */
  update({ grade, text }) {
    this.dataset.grade = grade;
    this.dataset.text = text;
    if (text) setText(this.#sentence, text);
  }
}

customElements.define("evisit-check", CheckLine);
customElements.define("evisit-equipment", Equipment);
