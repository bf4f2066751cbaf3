/** What everybody can set for themselves in the meeting: devices, windows, keys, and what they want to hear and see. */

import { build, el, given } from "../dom.js";
import { chooseDevices } from "./choosing.js";

/**
 * @param {string} testid
 * @param {string} text
 * @param {() => void} act
 */
export const plainButton = (testid, text, act) =>
  el("button", { class: "button plain small-button", testid, text, attrs: { type: "button" }, on: { click: act } });

/**
 * A button that stays pressed while something is wanted.
 *
 * @param {import("../preferences.js").Preferences} preferences
 * @param {import("../preferences.js").Preference} name
 * @param {string} testid
 * @param {string} text
 */
export function preferenceButton(preferences, name, testid, text) {
  const button = plainButton(testid, text, () => {
    preferences.turn(name);
    show();
  });
  const show = () => button.setAttribute("aria-pressed", String(preferences.wants(name)));
  show();
  return button;
}

export class Settings extends HTMLElement {
  /** @type {import("../devices.js").Devices} */
  devices = given();
  /** @type {import("../preferences.js").Preferences} */
  preferences = given();
  /** Stands among the buttons. @type {HTMLElement} */
  windows = given();
  /** Told that somebody wants to see the keys. */
  showKeys = () => {};

  connectedCallback() {
    const { devices, preferences } = this;
    build(
      this,
      { class: "panel-part" },
      el("h2", { text: "screen.title" }),
      el(
        "div",
        { class: "entry-buttons" },
        plainButton("change-devices", "devices.change", () => void chooseDevices(devices, () => this.isConnected)),
        this.windows,
        preferenceButton(preferences, "captions", "captions-toggle", "captions.toggle"),
        preferenceButton(preferences, "pictureFirst", "picture-first", "quality.picture_first"),
        preferenceButton(preferences, "announcements", "announcements", "announcements"),
        plainButton("shortcuts", "shortcuts.open", () => this.showKeys()),
      ),
    );
  }
}

customElements.define("evisit-settings", Settings);
