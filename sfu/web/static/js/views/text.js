/** Text beside speech: what everybody writes, as it is written, and a line to write on. */

import { el, icon } from "../dom.js";
import { LINE_LENGTH } from "../texting.js";
import { setText } from "../text.js";

/** @typedef {import("../texting.js").Line} Line */

export class TextPane {
  #ended = el("ul", { class: "lines-written" });
  #log = el("div", { testid: "text-log", label: "text.log", attrs: { role: "log" } }, this.#ended);
  // Read out letter by letter it would drown the voices: an ended line is read, a growing one is there to be looked up.
  #writing = el("ul", { class: "lines-written writing", testid: "text-writing", label: "text.writing", attrs: { "aria-live": "off" } });
  #scroll = el("div", { class: "text-scroll", label: "text.title", attrs: { tabindex: 0, role: "group" } });
  #hint = el("p", { class: "small", text: "text.hint", attrs: { id: "text-hint" } });
  input = el("input", {
    testid: "text-input",
    attrs: { id: "text-input", type: "text", maxlength: LINE_LENGTH, autocomplete: "off", enterkeyhint: "send", "aria-describedby": "text-hint" },
  });
  #texting;
  #count = 0;
  /** @type {Map<string, WrittenLine>} */
  #growing = new Map();

  /**
   * @param {object} options
   * @param {import("../texting.js").Texting} options.texting
   * @param {() => void} options.close
   */
  constructor({ texting, close }) {
    this.#texting = texting;
    this.input.addEventListener("input", () => texting.type(this.input.value));
    this.#scroll.append(this.#hint, this.#log, this.#writing);
    this.element = el(
      "section",
      { class: "text-pane", testid: "text-pane", label: "text.title", attrs: { id: "text-pane", hidden: true } },
      el(
        "button",
        { class: "panel-close text-close", testid: "text-close", label: "text.close", attrs: { type: "button" }, on: { click: close } },
        icon("close"),
      ),
      this.#scroll,
      el(
        "form",
        { class: "text-form", on: { submit: (event) => this.#submit(event) } },
        el("label", { class: "visually-hidden", text: "text.label", attrs: { for: "text-input" } }),
        this.input,
        el("button", { class: "button primary", testid: "text-end", text: "text.end", attrs: { type: "submit" } }),
      ),
    );
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Escape") close();
    });
  }

  /** @param {import("../texting.js").Transcript} transcript */
  update({ lines, writing, count }) {
    const atEnd = this.#scroll.scrollHeight - this.#scroll.scrollTop - this.#scroll.clientHeight < 40;
    const fresh = count - this.#count;
    if (fresh < 0) this.#ended.replaceChildren();
    else if (fresh > 0) this.#ended.append(...lines.slice(-fresh).map((line) => new WrittenLine(line).element));
    while (this.#ended.childElementCount > lines.length) this.#ended.firstElementChild?.remove();
    this.#count = count;
    const keys = new Set(writing.map((line) => line.participant));
    for (const [key, line] of this.#growing) {
      if (keys.has(key)) continue;
      line.element.remove();
      this.#growing.delete(key);
    }
    for (const line of writing) {
      const shown = this.#growing.get(line.participant) ?? new WrittenLine(line);
      shown.grow(line.text);
      this.#growing.set(line.participant, shown);
      if (!shown.element.isConnected) this.#writing.append(shown.element);
    }
    this.#hint.hidden = lines.length + writing.length > 0;
    // Whoever has scrolled back to read is left there.
    if (atEnd) this.#scroll.scrollTop = this.#scroll.scrollHeight;
  }

  /** Shown again: the newest is what one wants to see. */
  shown() {
    this.#scroll.scrollTop = this.#scroll.scrollHeight;
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
    this.#texting.end();
    this.input.value = "";
    this.input.focus();
  }
}

class WrittenLine {
  #text = el("bdi", { class: "written" });
  element;

  /** @param {Line} line */
  constructor({ participant, name, text, own }) {
    const who = el("bdi", { class: "writer" });
    if (own) setText(who, "text.you");
    else who.textContent = name;
    this.#text.textContent = text;
    this.element = el(
      "li",
      { class: own ? "line own" : "line", testid: "text-line", data: { participant, own: String(own) } },
      el("span", { class: "writer-name" }, who, ": "),
      this.#text,
    );
  }

  /** @param {string} text */
  grow(text) {
    if (this.#text.textContent !== text) this.#text.textContent = text;
  }
}
