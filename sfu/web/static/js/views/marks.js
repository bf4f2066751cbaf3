/** What is said of somebody in a word, with a sign where there is one: never a colour alone. */

import { build, el, icon } from "../dom.js";

/** @typedef {import("../state.js").Reception} Reception */

/** Scores below these are shown (protocol.md, quality): from 4 on nobody notices anything. */
const WEAK = 3.5;
const POOR = 2;

/** @type {Record<string, [Parameters<typeof icon>[0], boolean]>} */
const ICONS = {
  unverified: ["warning", false],
  muted: ["microphone", true],
  speaking: ["sound", false],
  pinned: ["enlarge", false],
  weak: ["signal", false],
  poor: ["signal", true],
  held_back: ["camera", true],
};

/** @param {string} name */
export function mark(name) {
  const sign = ICONS[name];
  return el("span", { class: `mark ${name}`, data: { mark: name } }, sign ? icon(...sign) : null, el("span", { text: `mark.${name}` }));
}

/**
 * @param {Reception | undefined} reception
 * @returns {"weak" | "poor" | null} null where there is nothing to say
 */
export function weakness(reception) {
  if (!reception || reception.score >= WEAK) return null;
  return reception.score < POOR ? "poor" : "weak";
}

/**
 * @param {import("../state.js").Admitted} participant
 * @param {object} [more]
 * @param {boolean} [more.speaking]
 * @param {Reception} [more.reception]
 * @param {boolean} [more.heldBack] whether their picture is not shown here for lack of bandwidth
 */
export function marksOf(participant, { speaking = false, reception, heldBack = false } = {}) {
  const microphone = participant.tracks.find((track) => track.source === "microphone");
  const weak = participant.connected ? weakness(reception) : null;
  return [
    ...(participant.verified ? [] : ["unverified"]),
    ...(participant.pinned ? ["pinned"] : []),
    ...(!microphone || microphone.muted ? ["muted"] : []),
    ...(participant.connected ? [] : ["reconnecting"]),
    ...(weak ? [weak] : []),
    ...(heldBack ? ["held_back"] : []),
    ...(speaking && microphone && !microphone.muted ? ["speaking"] : []),
  ];
}

/** A row of marks, drawn anew only when they change. */
export class Marks extends HTMLElement {
  #shown = "";

  connectedCallback() {
    build(this, { class: "marks" });
  }

  /** @param {string[]} marks */
  update(marks) {
    if (marks.join() === this.#shown) return;
    this.#shown = marks.join();
    this.replaceChildren(...marks.map(mark));
  }
}

customElements.define("evisit-marks", Marks);
