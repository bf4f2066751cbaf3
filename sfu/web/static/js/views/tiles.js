/** Everybody in the visit, seen and heard. One tile a person, one's own last. */

import { el, icon, reconcile } from "../dom.js";
import { plainName, roleKey, setText } from "../text.js";
import { Preview } from "./controls.js";

/**
 * @typedef {import("../visit.js").Admitted} Admitted
 * @typedef {import("../visit.js").VisitState} VisitState
 * @typedef {{participant: Admitted, remote: Map<string, MediaStreamTrack>, speaking: boolean}} Shown
 */

const RATIO = 4 / 3; // of a tile, as of the cameras
const GAP = 12; // px between tiles; the same as in the style sheet
const VIEW_DELAY = 400; // ms; the server is told of sizes when they have settled

/**
 * How wide tiles can be so that all of them fit, and are as large as can be.
 *
 * @param {number} count
 * @param {number} width px
 * @param {number} height px
 */
export function tileWidth(count, width, height) {
  let best = 0;
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const across = (width - GAP * (columns - 1)) / columns;
    const down = ((height - GAP * (rows - 1)) / rows) * RATIO;
    best = Math.max(best, Math.min(across, down));
  }
  return Math.floor(best);
}

/** @param {string} name */
function initials(name) {
  const words = plainName(name).split(/\s+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  return letters.map((word) => [...word][0].toUpperCase()).join("");
}

export class Tiles {
  list = el("ul", { class: "tiles", testid: "tiles", label: "tiles" });
  #startSound = el(
    "button",
    { class: "button primary start-sound", testid: "start-sound", attrs: { type: "button", hidden: true }, on: { click: () => this.#playAll() } },
    icon("sound"),
    el("span", { text: "sound.start" }),
  );
  element = el("div", { class: "stage" }, this.#startSound, this.list);
  /** @type {Map<string, Tile>} */
  #tiles = new Map();
  #own;
  #onView;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #viewTimer;
  /** @type {Map<string, string>} */
  #told = new Map();
  #observer = new ResizeObserver(() => this.#arrange());

  /** @param {(track: string, width: number, height: number) => void} onView told how large a received picture is shown */
  constructor(onView) {
    this.#onView = onView;
    this.#own = new OwnTile();
    this.#observer.observe(this.element);
  }

  /**
   * @param {VisitState} state
   * @param {import("../devices.js").Devices} devices
   */
  update(state, devices) {
    const me = state.me?.participant ?? "";
    const others = state.roster.participants.filter((p) => p.participant !== me);
    reconcile(
      this.list,
      this.#tiles,
      others.map((participant) => ({ participant, remote: state.remote, speaking: state.speaker === participant.participant })),
      ({ participant }) => participant.participant,
      ({ participant }) => new Tile(participant.participant, () => this.#soundBlocked()),
    );
    this.#own.update(state, devices);
    if (this.list.lastElementChild !== this.#own.element) this.list.append(this.#own.element);
    this.list.dataset.count = String(this.list.childElementCount);
    this.#arrange();
  }

  stop() {
    this.#observer.disconnect();
    clearTimeout(this.#viewTimer);
  }

  #arrange() {
    const { clientWidth, clientHeight } = this.element;
    if (!clientWidth) return; // behind the people, on a phone
    this.list.style.setProperty("--tile-width", `${tileWidth(this.list.childElementCount, clientWidth, clientHeight)}px`);
    clearTimeout(this.#viewTimer);
    this.#viewTimer = setTimeout(() => this.#tellViews(), VIEW_DELAY);
  }

  #tellViews() {
    const shown = [...this.#tiles.values()].flatMap((tile) => tile.view ?? []);
    for (const { track, width, height } of shown) {
      const size = `${width}x${height}`;
      if (this.#told.get(track) === size) continue;
      this.#told.set(track, size);
      this.#onView(track, width, height);
    }
    const tracks = new Set(shown.map(({ track }) => track));
    for (const track of this.#told.keys()) if (!tracks.has(track)) this.#told.delete(track);
  }

  #soundBlocked() {
    this.#startSound.hidden = false;
  }

  #playAll() {
    this.#startSound.hidden = true;
    for (const tile of this.#tiles.values()) tile.play();
  }
}

/** What both kinds of tile are made of: a picture or initials, a name, marks. */
class Frame {
  #initials = el("span", { class: "initials", attrs: { "aria-hidden": "true" } });
  #name = el("bdi", { class: "name" });
  #role = el("span", { class: "role" });
  #marks = el("span", { class: "marks" });
  #shownMarks = "";

  /**
   * @param {HTMLElement[]} media
   * @param {string} participant
   */
  constructor(media, participant) {
    this.element = el(
      "li",
      { class: "tile", testid: "tile", data: { participant } },
      this.#initials,
      ...media,
      el("div", { class: "caption" }, el("span", { class: "who" }, this.#name, this.#role), this.#marks),
    );
  }

  /**
   * @param {Admitted} participant
   * @param {boolean} own
   * @param {string[]} marks
   */
  update(participant, own, marks) {
    this.element.dataset.participant = participant.participant;
    const letters = initials(participant.name);
    if (this.#initials.textContent !== letters) this.#initials.textContent = letters;
    if (own) setText(this.#name, "you.named", { name: plainName(participant.name) });
    else if (this.#name.textContent !== participant.name) this.#name.textContent = participant.name;
    setText(this.#role, roleKey(participant.role));
    if (marks.join() === this.#shownMarks) return;
    this.#shownMarks = marks.join();
    this.#marks.replaceChildren(...marks.map(mark));
  }
}

/** @type {Record<string, [Parameters<typeof icon>[0], boolean]>} */
const MARK_ICONS = { unverified: ["warning", false], muted: ["microphone", true], speaking: ["sound", false] };

/**
 * A word, with a sign where there is one: never a colour alone.
 *
 * @param {string} name
 */
export function mark(name) {
  const sign = MARK_ICONS[name];
  return el(
    "span",
    { class: `mark ${name}`, data: { mark: name } },
    sign ? icon(...sign) : null,
    el("span", { text: `mark.${name}` }),
  );
}

/**
 * @param {Admitted} participant
 * @param {boolean} speaking
 */
export function marksOf(participant, speaking) {
  const microphone = participant.tracks.find((track) => track.source === "microphone");
  return [
    ...(participant.verified ? [] : ["unverified"]),
    ...(!microphone || microphone.muted ? ["muted"] : []),
    ...(participant.connected ? [] : ["reconnecting"]),
    ...(speaking && microphone && !microphone.muted ? ["speaking"] : []),
  ];
}

class Tile {
  #video = el("video", { attrs: { autoplay: true, playsinline: true, muted: true } });
  #audio = el("audio", { attrs: { autoplay: true } });
  #frame;
  #onBlocked;

  /**
   * @param {string} participant
   * @param {() => void} onBlocked the browser wants a click before it plays sound
   */
  constructor(participant, onBlocked) {
    this.#onBlocked = onBlocked;
    this.#video.muted = true;
    this.#video.addEventListener("resize", () => this.#reveal());
    this.#frame = new Frame([this.#video, this.#audio], participant);
    this.element = this.#frame.element;
  }

  /** @param {Shown} shown */
  update({ participant, remote, speaking }) {
    const camera = participant.tracks.find((track) => track.source === "camera");
    const microphone = participant.tracks.find((track) => track.source === "microphone");
    this.#frame.update(participant, false, marksOf(participant, speaking));
    setText(this.#video, "tile.video", { name: plainName(participant.name) }, "aria-label");
    this.element.classList.toggle("speaking", speaking);
    this.element.classList.toggle("away", !participant.connected);
    this.#attach(this.#video, camera?.track ?? "", remote);
    this.#video.dataset.muted = String(camera?.muted ?? true);
    this.#reveal();
    if (this.#attach(this.#audio, microphone?.track ?? "", remote)) this.play();
  }

  play() {
    void this.#audio.play().catch((error) => {
      if (error instanceof DOMException && error.name === "NotAllowedError") this.#onBlocked();
    });
  }

  /** What is shown, for the server to choose by. */
  get view() {
    const track = this.#video.dataset.track;
    const { clientWidth: width, clientHeight: height } = this.element;
    return track && !this.#video.hidden && width ? { track, width, height } : null;
  }

  #reveal() {
    this.#video.hidden = this.#video.dataset.muted === "true" || this.#video.videoWidth === 0;
  }

  /**
   * @param {HTMLMediaElement} element
   * @param {string} track
   * @param {Map<string, MediaStreamTrack>} remote
   * @returns {boolean} whether something new is to be played
   */
  #attach(element, track, remote) {
    const media = remote.get(track) ?? null;
    const playing = /** @type {MediaStream | null} */ (element.srcObject)?.getTracks()[0] ?? null;
    if (media) element.dataset.track = track;
    else delete element.dataset.track;
    if (media === playing) return false;
    element.srcObject = media ? new MediaStream([media]) : null;
    return media !== null;
  }
}

class OwnTile {
  #preview = new Preview();
  #frame = new Frame([this.#preview.element], "");
  element = this.#frame.element;

  constructor() {
    this.element.classList.add("own");
  }

  /**
   * @param {VisitState} state
   * @param {import("../devices.js").Devices} devices
   */
  update(state, devices) {
    this.#preview.update(devices.camera.track);
    if (!state.me) return;
    const { participant, name, role, verified } = state.me;
    const speaking = state.speaker === participant && devices.microphone.on;
    this.element.classList.toggle("speaking", speaking);
    const marks = [...(verified ? [] : ["unverified"]), ...(devices.microphone.on ? [] : ["muted"]), ...(speaking ? ["speaking"] : [])];
    this.#frame.update({ participant, name, role, verified, connected: true, admitted_at: "", tracks: [] }, true, marks);
  }
}
