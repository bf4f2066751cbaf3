/** Microphone, camera, people, leave. A button's label says what it does when it is pressed. */

import { el, icon } from "../dom.js";
import { SOURCES } from "../devices.js";
import { setText } from "../text.js";

/** @typedef {import("../devices.js").Source} Source */

export class Controls {
  #devices;
  /** @type {Map<Source, HTMLButtonElement>} */
  #buttons = new Map();
  faults = el("div", { class: "device-faults", attrs: { role: "status" } });

  /**
   * @param {object} options
   * @param {import("../devices.js").Devices} options.devices
   * @param {() => void} options.leave
   * @param {HTMLElement[]} [options.more] buttons between the devices and leave
   */
  constructor({ devices, leave, more = [] }) {
    this.#devices = devices;
    for (const source of SOURCES) {
      const toggle = () => void devices.turn(source, !devices[source].on);
      this.#buttons.set(source, el("button", { class: "control", testid: source, attrs: { type: "button" }, on: { click: toggle } }));
    }
    this.element = el(
      "div",
      { class: "controls", label: "controls", attrs: { role: "group" } },
      ...this.#buttons.values(),
      ...more,
      el(
        "button",
        { class: "control leave", testid: "leave", attrs: { type: "button" }, on: { click: leave } },
        icon("leave"),
        el("span", { text: "control.leave" }),
      ),
    );
  }

  update() {
    /** @type {string[]} */
    const faults = [];
    for (const [source, button] of this.#buttons) {
      const { on, asking, fault } = this.#devices[source];
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
    if (SOURCES.some((source) => this.#devices[source].asking)) faults.push("fault.asking");
    if (faults.join() === this.faults.dataset.faults) return;
    this.faults.dataset.faults = faults.join();
    this.faults.replaceChildren(...faults.map((text) => el("p", { class: "notice-line", testid: "device-fault", data: { fault: text }, text })));
  }
}

/** The user's own picture, as in a mirror. */
export class Preview {
  element = el("video", { class: "mirrored", testid: "preview", label: "preview", attrs: { autoplay: true, playsinline: true, muted: true } });

  constructor() {
    this.element.muted = true; // the attribute alone does not mute an element made by script
  }

  /** @param {MediaStreamTrack | null} track */
  update(track) {
    const shown = /** @type {MediaStream | null} */ (this.element.srcObject)?.getVideoTracks()[0] ?? null;
    if (shown !== track) this.element.srcObject = track ? new MediaStream([track]) : null;
    this.element.hidden = !track;
  }
}
