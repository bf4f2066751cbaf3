/** The waiting room: the truth about where one is, and nothing of what happens in the visit. */

import { build, el, given, having } from "../dom.js";
import { loading } from "../loading.js";
import { helpLine } from "../operator.js";
import { setText } from "../text.js";
import { WakeLock } from "../wake.js";
import { clockTime } from "../wording.js";
import { Controls, ownPicture, play } from "./controls.js";

const MINUTE = 60_000; // ms

/**
 * Where staff are, as far as is known.
 *
 * @param {import("../state.js").VisitState} state
 * @param {"unknown" | "present" | "absent"} presence
 */
function statusKey({ held, staffSeen }, presence) {
  if (presence === "absent") return staffSeen ? "waiting.staff.away" : "waiting.staff.absent";
  return held ? "waiting.held" : `waiting.staff.${presence}`;
}

/**
 * Why somebody waits who may not have expected to.
 *
 * @param {import("../protocol.js").JoinAnswer | null} me
 */
function reasonKey(me) {
  if (me?.role === "clinician" && me.verified) return "waiting.clinician";
  return me?.second_device ? "waiting.second_device" : null;
}

export class WaitingView extends HTMLElement {
  titleKey = "waiting.title";
  /** @type {import("../devices.js").Devices} */
  devices = given();
  /** Told that somebody wants to leave. */
  leave = () => {};
  heading = el("h1", { text: "waiting.title", attrs: { tabindex: -1 } });
  #status = el("p", { class: "lead", testid: "waiting-status", attrs: { role: "status" } });
  #facts = el("dl", { class: "facts", testid: "facts" });
  #clock = el("dd", { testid: "clock" });
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #tick;
  #notices = el("div", { class: "notices", testid: "notices", attrs: { role: "log" }, label: "waiting.notices" });
  #hint = el("p", { class: "small", testid: "waiting-reason" });
  #picture = ownPicture();
  #placeholder = el("p", { class: "preview-off", text: "preview.off" });
  #controls = new Controls();
  #shownNotices = 0;
  #toldFacts = "";
  #wake = new WakeLock();
  /** @type {import("./level.js").LevelLine | null} */
  #level = null;
  #metering = el("div");
  #measured = false;
  #changing = false;

  connectedCallback() {
    const { devices, leave } = this;
    build(
      this,
      { class: "card waiting", testid: "waiting" },
      this.heading,
      this.#status,
      this.#notices,
      this.#facts,
      el("div", { class: "preview" }, this.#picture, this.#placeholder),
      el("p", { class: "small", text: "waiting.private" }),
      this.#controls.faults,
      having(this.#controls, { devices, leave }),
      this.#metering,
      el("button", { class: "button plain", testid: "change-devices", text: "devices.change", attrs: { type: "button" }, on: { click: () => void this.#change() } }),
      this.#hint,
      helpLine(),
    );
    this.#wake.hold();
    this.#tellTime();
  }

  disconnectedCallback() {
    this.#wake.release();
    clearTimeout(this.#tick);
  }

  /** Beside the booked time, so that nobody wonders whether they are late. */
  #tellTime() {
    setText(this.#clock, "facts.moment", { time: () => clockTime(new Date().toISOString()) });
    this.#tick = setTimeout(() => this.#tellTime(), MINUTE - (Date.now() % MINUTE));
  }

  /** What only whoever has a microphone needs comes later than the rest, or not at all. */
  async #measure() {
    if (this.#measured) return;
    this.#measured = true;
    const level = await loading.need(() => import("./level.js"), () => false).catch(() => null);
    if (!level || !this.isConnected) return;
    this.#level = new level.LevelLine();
    this.#metering.replaceChildren(this.#level);
    this.#level.update(this.devices.microphone);
  }

  /** However often it has been pressed until it comes, it is asked once. */
  async #change() {
    if (this.#changing) return;
    this.#changing = true;
    try {
      const choosing = await loading.need(() => import("./choosing.js"), () => false).catch(() => null);
      if (!choosing) loading.dispatchEvent(new Event("missed"));
      else await choosing.chooseDevices(this.devices, () => this.isConnected);
    } finally {
      this.#changing = false;
    }
  }

  /** @param {import("../state.js").VisitState} state */
  update(state) {
    const presence = state.staffPresent === null ? "unknown" : state.staffPresent ? "present" : "absent";
    setText(this.#status, statusKey(state, presence));
    // Without a channel nothing of it may be true any more; the line on top says so.
    this.#status.hidden = state.reconnecting;
    this.dataset.staff = presence;
    const why = reasonKey(state.me);
    this.#hint.hidden = why === null;
    if (why !== null) setText(this.#hint, why);
    this.#showFacts(state.me?.visit ?? null);
    for (const text of state.notices.slice(this.#shownNotices)) {
      this.#notices.append(el("p", { class: "notice", testid: "notice" }, el("strong", { text: "waiting.notice" }), " ", el("bdi", {}, text)));
    }
    this.#shownNotices = state.notices.length;
    const { camera, microphone } = this.devices;
    play(this.#picture, camera.track);
    this.#picture.hidden = !camera.track;
    this.#placeholder.hidden = !this.#picture.hidden;
    this.#metering.hidden = !microphone.on;
    if (microphone.track) void this.#measure();
    this.#level?.update(microphone);
    this.#controls.update();
  }

  /** @param {import("../protocol.js").VisitFacts | null} visit */
  #showFacts(visit) {
    // Told anew when the booking is moved; otherwise it stands still.
    const told = JSON.stringify(visit);
    if (!visit || told === this.#toldFacts) return;
    this.#toldFacts = told;
    this.#facts.replaceChildren();
    const time = visit.starts_at ?? "";
    /** @type {[string, HTMLElement | null][]} */
    const facts = [
      ["facts.title", visit.title ? el("dd", {}, visit.title) : null],
      ["facts.unit", visit.unit_name ? el("dd", {}, visit.unit_name) : null],
      ["facts.time", time ? el("dd", { text: ["facts.moment", { time: () => clockTime(time) }] }) : null],
      ["facts.now", time ? this.#clock : null],
    ];
    for (const [key, value] of facts) if (value) this.#facts.append(el("div", {}, el("dt", { text: key }), value));
  }
}

customElements.define("evisit-waiting", WaitingView);
