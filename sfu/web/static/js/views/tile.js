/** One tile: a picture or initials, a name, marks. Others' tiles are heard too. */

import { build, el, given, icon } from "../dom.js";
import { setText } from "../text.js";
import { plainName, roleKey } from "../wording.js";
import { ownPicture, play } from "./controls.js";
import { Marks, marksOf } from "./marks.js";

/**
 * @typedef {import("../state.js").Admitted} Admitted
 * @typedef {import("../state.js").VisitState} VisitState
 * @typedef {{participant: Admitted, screen: boolean, state: VisitState, output: string}} Shown `output` is the loudspeaker to use
 * @typedef {{track: string, width: number, height: number, frame_rate: number, priority: number, paused: boolean}} TrackView
 */

const PRIORITY = { large: 2, small: 1 };
/** Frames a second. Signing needs every one (EN 301 549 6.5: at least 20); a screen is read. */
const FRAME_RATE = { camera: 30, screen: 15 };

/** @param {string} name */
function initials(name) {
  const words = plainName(name).split(/\s+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  return letters.map((word) => [...word][0].toUpperCase()).join("");
}

/** What both kinds of tile are made of: a picture or initials, a name, marks. */
class Frame extends HTMLElement {
  #initials = el("span", { class: "initials", attrs: { "aria-hidden": "true" } });
  #name = el("bdi", { class: "name" });
  #role = el("span", { class: "role" });
  #marks = new Marks();

  /**
   * @param {string} kind
   * @param {...HTMLElement} media
   */
  frame(kind, ...media) {
    build(
      this,
      { class: `tile ${kind}`, testid: kind === "screen" ? "screen-tile" : "tile", attrs: { role: "listitem" } },
      this.#initials,
      ...media,
      el("div", { class: "caption" }, el("span", { class: "who" }, this.#name, this.#role), this.#marks),
    );
  }

  /**
   * @param {Admitted} participant
   * @param {boolean} own
   * @param {string[]} marks
   * @param {string} [what] key of what is said of them, in the place of their role
   */
  name(participant, own, marks, what) {
    this.dataset.participant = participant.participant;
    const letters = initials(participant.name);
    if (this.#initials.textContent !== letters) this.#initials.textContent = letters;
    if (own) setText(this.#name, "you.named", { name: plainName(participant.name) });
    else if (this.#name.textContent !== participant.name) this.#name.textContent = participant.name;
    setText(this.#role, what ?? roleKey(participant.role));
    this.#marks.update(marks);
  }
}

export class Tile extends Frame {
  /** A shared screen, not its owner's camera. */
  screen = false;
  /** Told that the browser wants a click before it plays sound. */
  blocked = () => {};
  /** Told that the user wants to see this large, or no more. */
  pin = () => {};
  video = el("video", { attrs: { autoplay: true, playsinline: true, muted: true } });
  #audio = el("audio", { attrs: { autoplay: true } });
  #pin = el("button", { class: "pin", testid: "pin", attrs: { type: "button", "aria-pressed": "false" } }, icon("enlarge"));
  #output = "";
  /** The picture that is wanted here; empty: none is sent. */
  #wanted = "";

  connectedCallback() {
    if (this.firstChild) return; // it has another place among the others
    this.video.muted = true;
    this.video.addEventListener("resize", () => this.#reveal());
    this.#pin.addEventListener("click", () => this.pin());
    this.frame(this.screen ? "screen" : "", this.video, this.#audio);
    this.append(this.#pin);
  }

  /** @param {boolean} large */
  setLarge(large) {
    if (this.classList.contains("large") === large) return;
    this.classList.toggle("large", large);
    this.#pin.setAttribute("aria-pressed", String(large));
    this.#pin.replaceChildren(icon(large ? "shrink" : "enlarge"));
  }

  /** @param {Shown} shown */
  update({ participant, state, output }) {
    const name = plainName(participant.name);
    const speaking = !this.screen && state.speaker === participant.participant;
    const [pictures, sounds] = this.screen ? ["screen", "screen_audio"] : ["camera", "microphone"];
    const picture = participant.tracks.find((track) => track.source === pictures);
    const sound = participant.tracks.find((track) => track.source === sounds);
    const heldBack = state.paused.get(picture?.track ?? "") === "bandwidth" && !picture?.muted;
    if (this.screen) this.name(participant, false, heldBack ? ["held_back"] : [], "tile.shares");
    else this.name(participant, false, marksOf(participant, { speaking, reception: state.qualities.get(participant.participant), heldBack }));
    setText(this.video, this.screen ? "tile.screen" : "tile.video", { name }, "aria-label");
    setText(this.#pin, this.screen ? "tile.enlarge.screen" : "tile.enlarge", { name }, "aria-label");
    this.classList.toggle("speaking", speaking);
    this.classList.toggle("away", !participant.connected);
    // Asked to play, since `autoplay` alone may wait until a picture is in view, and it is hidden until it has a frame.
    if (this.#attach(this.video, picture?.track ?? "", state.remote)) void this.video.play().catch(() => {});
    // A picture that stands still looks as if somebody did.
    this.video.dataset.muted = String((picture?.muted ?? true) || heldBack);
    this.#wanted = picture && !picture.muted ? picture.track : "";
    this.#reveal();
    if (this.#attach(this.#audio, sound?.track ?? "", state.remote)) this.play();
    this.#playOn(output);
  }

  /**
   * @param {string} output id of a loudspeaker; empty: the browser's choice
   */
  #playOn(output) {
    if (output === this.#output || !("setSinkId" in this.#audio)) return;
    this.#output = output;
    // One that is gone by now leaves the sound where it is. One that the browser does not allow yet is tried again when something changes.
    void this.#audio.setSinkId(output).catch(() => (this.#output = ""));
  }

  play() {
    void this.#audio.play().catch((error) => {
      if (error instanceof DOMException && error.name === "NotAllowedError") this.blocked();
    });
  }

  /**
   * What is shown, for the server to choose by.
   *
   * @param {boolean} seen whether anybody can see it
   * @returns {TrackView | null}
   */
  view(seen) {
    const { clientWidth: width, clientHeight: height } = this;
    if (!this.#wanted) return null;
    const large = this.classList.contains("large");
    const paused = !seen && document.pictureInPictureElement !== this.video;
    const frameRate = this.screen ? FRAME_RATE.screen : FRAME_RATE.camera;
    return { track: this.#wanted, width, height, frame_rate: frameRate, priority: large ? PRIORITY.large : PRIORITY.small, paused };
  }

  /** Whether there is a picture to look at. */
  get showing() {
    return !this.video.hidden;
  }

  #reveal() {
    this.video.hidden = this.video.dataset.muted === "true" || this.video.videoWidth === 0;
  }

  /**
   * @param {HTMLMediaElement} element
   * @param {string} track
   * @param {Map<string, MediaStreamTrack>} remote
   * @returns {boolean} whether something new is to be played
   */
  #attach(element, track, remote) {
    const media = remote.get(track) ?? null;
    if (media) element.dataset.track = track;
    else delete element.dataset.track;
    return play(element, media);
  }
}

export class OwnTile extends Frame {
  #picture = ownPicture();

  connectedCallback() {
    if (!this.firstChild) this.frame("own", this.#picture);
  }

  /**
   * @param {VisitState} state
   * @param {import("../devices.js").Devices} devices
   */
  update(state, devices) {
    play(this.#picture, devices.camera.track);
    this.#picture.hidden = !devices.camera.track;
    if (!state.me) return;
    const { participant, name, role, verified } = state.me;
    const speaking = state.speaker === participant && devices.microphone.on;
    this.classList.toggle("speaking", speaking);
    const pinned = state.roster.participants.find((known) => known.participant === participant)?.pinned;
    const marks = [
      ...(verified ? [] : ["unverified"]),
      ...(pinned ? ["pinned"] : []),
      ...(devices.microphone.on ? [] : ["muted"]),
      ...(speaking ? ["speaking"] : []),
    ];
    this.name({ participant, name, role, verified, connected: true, admitted_at: "", tracks: [] }, true, marks);
  }
}

customElements.define("evisit-tile", Tile);
customElements.define("evisit-own-tile", OwnTile);
