/** A meter that shows that the microphone hears something. */

import { build, el, given, icon } from "../dom.js";
import { LevelMeter } from "../level.js";

export class LevelLine extends HTMLElement {
  /** Told once, of the first sound of each microphone. */
  heard = () => {};
  /** @type {LevelMeter} */
  #meter = given();
  #level = el("meter", { class: "level", testid: "level", label: "equipment.level", attrs: { min: 0, max: 1, value: 0 } });

  connectedCallback() {
    this.#meter = new LevelMeter();
    this.#meter.addEventListener("heard", () => this.heard());
    this.#meter.addEventListener("level", (event) => {
      this.#level.value = /** @type {CustomEvent} */ (event).detail.level;
    });
    build(this, { class: "level-line" }, icon("microphone"), this.#level);
  }

  disconnectedCallback() {
    this.#meter.stop();
  }

  /** @param {{on: boolean, track: MediaStreamTrack | null}} microphone */
  update(microphone) {
    this.#meter.listen(microphone.on ? microphone.track : null);
  }
}

customElements.define("evisit-level", LevelLine);
