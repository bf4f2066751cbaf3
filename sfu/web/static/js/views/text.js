/** Text beside speech: what everybody writes, as it is written, and a line to write on. */

import { build, el, given, having, icon } from "../dom.js";
import { LINE_LENGTH } from "../texting.js";
import { setText } from "../text.js";

/** @typedef {import("../texting.js").Line} Line */

export class TextPane extends HTMLElement {
  /** @type {import("../texting.js").Texting} */
  texting = given();
  /** Told that somebody does not want to see it. */
  close = () => {};
  #ended = el("div", { class: "lines-written", attrs: { role: "list" } });
  #log = el("div", { testid: "text-log", label: "text.log", attrs: { role: "log" } }, this.#ended);
  // Read out letter by letter it would drown the voices: an ended line is read, a growing one is there to be looked up.
  #writing = el("div", { class: "lines-written writing", testid: "text-writing", label: "text.writing", attrs: { role: "list", "aria-live": "off" } });
  #scroll = el("div", { class: "text-scroll", label: "text.title", attrs: { tabindex: 0, role: "group" } });
  #hint = el("p", { class: "small", text: "text.hint", attrs: { id: "text-hint" } });
  input = el("input", {
    testid: "text-input",
    attrs: { id: "text-input", type: "text", maxlength: LINE_LENGTH, autocomplete: "off", enterkeyhint: "send", "aria-describedby": "text-hint" },
  });
  #count = 0;
  /** @type {Map<string, WrittenLine>} */
  #growing = new Map();

  connectedCallback() {
    this.input.addEventListener("input", () => this.texting.type(this.input.value));
    this.#scroll.append(this.#hint, this.#log, this.#writing);
    build(
      this,
      { class: "text-pane", testid: "text-pane", label: "text.title", attrs: { id: "text-pane", role: "region", hidden: true } },
      el(
        "button",
        { class: "panel-close text-close", testid: "text-close", label: "text.close", attrs: { type: "button" }, on: { click: () => this.close() } },
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
    this.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close();
    });
  }

  /** @param {import("../texting.js").Transcript} transcript */
  update({ lines, writing, count }) {
    const atEnd = this.#scroll.scrollHeight - this.#scroll.scrollTop - this.#scroll.clientHeight < 40;
    const fresh = count - this.#count;
    if (fresh < 0) this.#ended.replaceChildren();
    else if (fresh > 0) this.#ended.append(...lines.slice(-fresh).map((line) => having(new WrittenLine(), { line })));
    while (this.#ended.childElementCount > lines.length) this.#ended.firstElementChild?.remove();
    this.#count = count;
    const keys = new Set(writing.map((line) => line.participant));
    for (const [key, shown] of this.#growing) {
      if (keys.has(key)) continue;
      shown.remove();
      this.#growing.delete(key);
    }
    for (const line of writing) {
      const shown = this.#growing.get(line.participant) ?? having(new WrittenLine(), { line });
      shown.grow(line.text);
      this.#growing.set(line.participant, shown);
      if (!shown.isConnected) this.#writing.append(shown);
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
    this.texting.end();
    this.input.value = "";
    this.input.focus();
  }
}

class WrittenLine extends HTMLElement {
  #text = el("bdi", { class: "written" });

  /** Whole before it comes into the log, which reads what it is given. @param {Line} line */
  set line({ participant, name, text, own }) {
    const who = el("bdi", { class: "writer" });
    if (own) setText(who, "text.you");
    else who.textContent = name;
    this.grow(text);
    build(
      this,
      { class: own ? "line own" : "line", testid: "text-line", data: { participant, own: String(own) }, attrs: { role: "listitem" } },
      el("span", { class: "writer-name" }, who, ": "),
      this.#text,
    );
  }

  /** @param {string} text */
  grow(text) {
    if (this.#text.textContent !== text) this.#text.textContent = text;
  }
}

customElements.define("evisit-line", WrittenLine);
customElements.define("evisit-text", TextPane);
