/** A meter that shows that the microphone hears something. */

import { el, icon } from "../dom.js";
import { LevelMeter } from "../level.js";

export class LevelLine {
  #meter = new LevelMeter();
  #level = el("meter", { class: "level", testid: "level", label: "equipment.level", attrs: { min: 0, max: 1, value: 0 } });
  element = el("div", { class: "level-line" }, icon("microphone"), this.#level);

  /** @param {() => void} [onHeard] told once, of the first sound of each microphone */
  constructor(onHeard = () => {}) {
    this.#meter.addEventListener("heard", onHeard);
    this.#meter.addEventListener("level", (event) => {
      this.#level.value = /** @type {CustomEvent} */ (event).detail.level;
    });
  }

  /** @param {{on: boolean, track: MediaStreamTrack | null}} microphone */
  update(microphone) {
    this.#meter.listen(microphone.on ? microphone.track : null);
  }

  stop() {
    this.#meter.stop();
  }
}
