/** Camera, microphone, speaker and connection, tried before a visit: on the page at /test, and before joining. */

import { Check, ITEMS } from "../check.js";
import { chime } from "../chime.js";
import { SOURCES } from "../devices.js";
import { el, icon } from "../dom.js";
import { clearText, setText } from "../text.js";
import { blurChoice } from "./choosing.js";
import { Preview } from "./controls.js";
import { LevelLine } from "./level.js";

/** @typedef {import("../devices.js").Source} Source */

export class Equipment {
  #devices;
  #check;
  #level = new LevelLine(() => this.#check.heard());
  #preview = new Preview();
  #off = el("p", { class: "preview-off", text: "preview.off" });
  /** Somebody may look over the shoulder, and nobody likes to meet their own face unasked. */
  #blur = el("input", { testid: "blur", attrs: { type: "checkbox", id: "blur", checked: true } });
  /** @type {Map<Source, HTMLButtonElement>} */
  #toggles = new Map();
  /** @type {Map<Source, {field: HTMLElement, select: HTMLSelectElement, known: string}>} */
  #choices = new Map();
  #background = el("div");
  #items = new Map(ITEMS.map((item) => [item, new Item(item)]));
  #summary = el("p", { class: "check-summary", testid: "check-summary", attrs: { role: "status" } });
  #again = el("button", { class: "button plain", testid: "check-again", text: "check.again", attrs: { type: "button" } });

  /**
   * @param {import("../devices.js").Devices} devices
   * @param {{url: string, entry: import("../entry.js").Entry | null}} link
   */
  constructor(devices, link) {
    this.#devices = devices;
    this.#check = new Check(devices, link);
    this.#check.addEventListener("change", this.#draw);
    devices.addEventListener("change", this.#draw);
    navigator.mediaDevices?.addEventListener?.("devicechange", this.#listChoices);
    this.#again.addEventListener("click", () => void this.#check.run());
    const frame = el("div", { class: "preview" }, this.#preview.element, this.#off);
    this.#blur.addEventListener("change", () => frame.classList.toggle("clear", !this.#blur.checked));
    this.element = el(
      "section",
      { class: "equipment", testid: "equipment", label: "equipment.title", attrs: { tabindex: -1 } },
      frame,
      el("div", { class: "tick" }, this.#blur, el("label", { text: "equipment.blur", attrs: { for: "blur" } })),
      this.#level.element,
      el("div", { class: "choices" }, ...SOURCES.map((source) => this.#toggle(source))),
      ...SOURCES.map((source) => this.#choice(source)),
      this.#background,
      el(
        "div",
        { class: "speaker" },
        el("button", { class: "button plain", testid: "speaker-test", attrs: { type: "button" }, on: { click: () => this.#sound() } }, icon("sound"), el("span", { text: "equipment.speaker" })),
        el("p", { class: "hint", text: "equipment.speaker.hint" }),
      ),
      el("ul", { class: "checks", testid: "checks", label: "check.title" }, ...[...this.#items.values()].map(({ element }) => element)),
      this.#summary,
      this.#again,
    );
  }

  /** Begin; asks for the devices. */
  start() {
    void this.#check.run();
  }

  /** Stop looking. The devices stay as they are. */
  stop() {
    this.#check.stop();
    this.#level.stop();
    this.#devices.removeEventListener("change", this.#draw);
    navigator.mediaDevices?.removeEventListener?.("devicechange", this.#listChoices);
  }

  #draw = () => {
    const { camera, microphone } = this.#devices;
    this.#preview.update(camera.track);
    this.#off.hidden = camera.track !== null;
    this.#level.update(microphone);
    for (const [source, button] of this.#toggles) {
      const { on, asking } = this.#devices[source];
      button.setAttribute("aria-disabled", String(asking));
      if (button.dataset.state === String(on)) continue;
      button.dataset.state = String(on);
      button.replaceChildren(icon(source, !on), el("span", { text: `control.${source}.${on ? "on" : "off"}` }));
    }
    for (const [item, line] of this.#items) line.update(this.#check.results[item]);
    this.#again.hidden = this.#check.running;
    if (this.#check.running) clearText(this.#summary);
    else setText(this.#summary, this.#check.summary);
    this.#summary.dataset.passed = String(!this.#check.running && this.#check.summary === "check.passed");
    void this.#listChoices();
    const possible = this.#devices.backgroundBlur !== null;
    if (possible !== this.#background.hasChildNodes()) this.#background.replaceChildren(...(possible ? [blurChoice(this.#devices) ?? ""] : []));
  };

  /** @param {Source} source */
  #toggle(source) {
    const turn = () => {
      if (!this.#devices[source].asking) void this.#devices.turn(source, !this.#devices[source].on);
    };
    const button = el("button", { class: "button plain", testid: `try-${source}`, attrs: { type: "button" }, on: { click: turn } });
    this.#toggles.set(source, button);
    return button;
  }

  /** @param {Source} source */
  #choice(source) {
    const select = el("select", {
      testid: `choose-${source}`,
      attrs: { id: `choose-${source}` },
      on: { change: () => void this.#devices.choose(source, select.value) },
    });
    const field = el("div", { class: "field", attrs: { hidden: true } }, el("label", { text: `equipment.${source}`, attrs: { for: select.id } }), select);
    this.#choices.set(source, { field, select, known: "" });
    return field;
  }

  #listChoices = async () => {
    const found = await this.#devices.list();
    for (const [source, choice] of this.#choices) {
      const known = JSON.stringify(found[source]);
      if (known === choice.known) continue;
      choice.known = known;
      // One is no choice.
      choice.field.hidden = found[source].length < 2;
      choice.select.replaceChildren(
        ...found[source].map(({ id, name, current }) => el("option", { attrs: { value: id, selected: current } }, name)),
      );
    }
  };

  #sound() {
    chime();
  }
}

/** One line of the check: a mark, what it is, and a sentence. */
class Item {
  #sentence = el("span", { class: "check-text" });

  /** @param {import("../check.js").Item} item */
  constructor(item) {
    this.element = el(
      "li",
      { class: "check", testid: `check-${item}` },
      el("span", { class: "mark", attrs: { "aria-hidden": "true" } }),
      el("span", { attrs: { role: "status" } }, el("strong", { text: `check.${item}` }), " ", this.#sentence),
    );
  }

  /** @param {import("../check.js").Result} result */
  update({ grade, text }) {
    this.element.dataset.grade = grade;
    this.element.dataset.text = text;
    if (text) setText(this.#sentence, text);
  }
}
