/**
 * What somebody wants in the meeting, remembered by this tab. No DOM.
 *
 * @typedef {"arrivalSound" | "announcements" | "pictureFirst" | "captions"} Preference
 */

/** @type {Record<Preference, boolean>} */
const DEFAULTS = { arrivalSound: true, announcements: true, pictureFirst: false, captions: false };

/** Emits `change`. */
export class Preferences extends EventTarget {
  #memory;

  /** @param {Pick<import("./entry.js").TabMemory, "now" | "remember">} memory */
  constructor(memory) {
    super();
    this.#memory = memory;
  }

  /** @param {Preference} name */
  wants(name) {
    return this.#memory.now[name] ?? DEFAULTS[name];
  }

  /** @param {Preference} name */
  turn(name) {
    this.#memory.remember({ [name]: !this.wants(name) });
    this.dispatchEvent(new Event("change"));
  }
}
