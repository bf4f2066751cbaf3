/**
 * Captions: what is said, in writing, in a lane of its own below the pictures, so that it covers neither faces nor hands.
 *
 * `<evisit-captions>` shows what it is given and knows nothing of where that comes from: today from those who write beside speech, such
 * as a writing interpreter; whoever has another source gives it lines in the same way.
 *
 *     const captions = document.querySelector("evisit-captions");
 *     captions.show({ speaker: "Anna Berg", text: "Hur har du", final: false });
 *     captions.show({ speaker: "Anna Berg", text: "Hur har du sovit?", final: true });
 *
 * It is no live region: who has it read out has the log of the text beside speech, or the voice itself.
 */

import { build, el, having } from "../dom.js";

const SHOWN = 3; // lines at most, the oldest ended one gives way
const ENDED_FOR = 8_000; // ms that an ended line stays: two lines of subtitles are read in six

export class Captions extends HTMLElement {
  /** One line of each speaker grows. @type {Map<string, CaptionLine>} */
  #growing = new Map();
  /** @type {Set<CaptionLine>} */
  #ended = new Set();

  connectedCallback() {
    build(this, { testid: "captions", label: "captions.title", attrs: { role: "region" } });
  }

  disconnectedCallback() {
    this.clear();
  }

  /**
   * What somebody is saying, from its beginning, as far as it is known. The same again with more of it makes the line grow.
   *
   * @param {object} said
   * @param {string} said.speaker name; shown, and the same for as long as one line grows
   * @param {string} said.text
   * @param {boolean} said.final the line is whole; the next is another
   */
  show({ speaker, text, final }) {
    const line = this.#growing.get(speaker) ?? having(new CaptionLine(), { speaker });
    line.grow(text);
    if (!line.isConnected) this.append(line);
    if (final) this.#end(speaker, line);
    else this.#growing.set(speaker, line);
    this.#trim();
  }

  /** @param {string} speaker what was begun comes to nothing */
  drop(speaker) {
    this.#growing.get(speaker)?.remove();
    this.#growing.delete(speaker);
  }

  /** Show nothing any more. */
  clear() {
    for (const line of this.#ended) clearTimeout(line.timer);
    this.#ended.clear();
    this.#growing.clear();
    this.replaceChildren();
  }

  /** @returns {string[]} whose line grows */
  get speaking() {
    return [...this.#growing.keys()];
  }

  /**
   * @param {string} speaker
   * @param {CaptionLine} line
   */
  #end(speaker, line) {
    this.#growing.delete(speaker);
    this.#ended.add(line);
    line.timer = setTimeout(() => this.#forget(line), ENDED_FOR);
  }

  #trim() {
    for (const line of this.#ended) {
      if (this.childElementCount <= SHOWN) break;
      this.#forget(line);
    }
  }

  /** @param {CaptionLine} line */
  #forget(line) {
    clearTimeout(line.timer);
    this.#ended.delete(line);
    line.remove();
  }
}

class CaptionLine extends HTMLElement {
  speaker = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  timer;
  #text = el("bdi");

  connectedCallback() {
    build(this, { class: "caption-line", testid: "caption-line" }, el("bdi", { class: "caption-speaker" }, this.speaker), ": ", this.#text);
  }

  /** @param {string} text */
  grow(text) {
    if (this.#text.textContent !== text) this.#text.textContent = text;
  }
}

customElements.define("evisit-caption", CaptionLine);
customElements.define("evisit-captions", Captions);
