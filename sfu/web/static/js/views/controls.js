/** Microphone, camera, people, leave. A button's label says what it does when it is pressed. */

import { build, el, given, icon } from "../dom.js";
import { SOURCES } from "../devices.js";
import { setText } from "../text.js";

/** @typedef {import("../devices.js").Source} Source */

export class Controls extends HTMLElement {
  /** @type {import("../devices.js").Devices} */
  devices = given();
  /** Told that somebody wants to leave. */
  leave = () => {};
  /** Buttons between the devices and leave. @type {HTMLElement[]} */
  more = [];
  /** @type {Map<Source, HTMLButtonElement>} */
  #buttons = new Map();
  /** What hinders the devices; it stands where the view wants it. */
  faults = el("div", { class: "device-faults", attrs: { role: "status" } });

  connectedCallback() {
    for (const source of SOURCES) {
      const toggle = () => void this.devices.turn(source, !this.devices[source].on);
      this.#buttons.set(source, el("button", { class: "control", testid: source, attrs: { type: "button" }, on: { click: toggle } }));
    }
    build(
      this,
      { class: "controls", label: "controls", attrs: { role: "group" } },
      ...this.#buttons.values(),
      ...this.more,
      el(
        "button",
        { class: "control leave", testid: "leave", attrs: { type: "button" }, on: { click: () => this.leave() } },
        icon("leave"),
        el("span", { text: "control.leave" }),
      ),
    );
  }

  update() {
    /** @type {string[]} */
    const faults = [];
    for (const [source, button] of this.#buttons) {
      const { on, asking, fault } = this.devices[source];
      const state = on ? "on" : "off";
      if (button.dataset.state !== state) {
        button.dataset.state = state;
        const label = el("span");
        button.replaceChildren(icon(source, !on), label);
        setText(label, `control.${source}.${state}`);
      }
      button.setAttribute("aria-busy", String(asking));
      if (fault) faults.push(`fault.${source}.${fault}`);
    }
    if (SOURCES.some((source) => this.devices[source].asking)) faults.push("fault.asking");
    if (faults.join() === this.faults.dataset.faults) return;
    this.faults.dataset.faults = faults.join();
    this.faults.replaceChildren(...faults.map((text) => el("p", { class: "notice-line", testid: "device-fault", data: { fault: text }, text })));
  }
}

customElements.define("evisit-controls", Controls);

/** The user's own picture, as in a mirror. */
export function ownPicture() {
  const video = el("video", { class: "mirrored", testid: "preview", label: "preview", attrs: { autoplay: true, playsinline: true, muted: true } });
  video.muted = true; // the attribute alone does not mute an element made by script
  return video;
}

/**
 * @param {HTMLMediaElement} media
 * @param {MediaStreamTrack | null} track what it plays from now on
 * @returns {boolean} whether that is something new to play
 */
export function play(media, track) {
  const playing = /** @type {MediaStream | null} */ (media.srcObject)?.getTracks()[0] ?? null;
  if (track === playing) return false;
  media.srcObject = track ? new MediaStream([track]) : null;
  return track !== null;
}
