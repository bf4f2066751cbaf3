/** Everybody in the visit, seen and heard: shared screens first, one tile a person, one's own last. */

import { el, icon, reconcile } from "../dom.js";
import { focused, grid } from "../layout.js";
import { plainName, roleKey, setText } from "../text.js";
import { Preview } from "./controls.js";

/**
 * @typedef {import("../visit.js").Admitted} Admitted
 * @typedef {import("../visit.js").VisitState} VisitState
 * @typedef {{participant: Admitted, screen: boolean, remote: Map<string, MediaStreamTrack>, speaking: boolean}} Shown
 * @typedef {{track: string, width: number, height: number, frame_rate: number, priority: number}} TrackView
 */

const VIEW_DELAY = 400; // ms; the server is told of sizes when they have settled
const PRIORITY = { large: 2, small: 1 };
/** Frames a second. Signing needs every one (EN 301 549 6.5: at least 20); a screen is read. */
const FRAME_RATE = { camera: 30, screen: 15 };

/** @param {Shown} shown */
const keyOf = ({ participant, screen }) => (screen ? `screen ${participant.participant}` : participant.participant);

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
  /** What the user wants to see large. @type {string | null} */
  #pinned = null;
  /** Screens that the user does not want to see large. @type {Set<string>} */
  #shrunk = new Set();
  #observer = new ResizeObserver(() => this.#arrange());

  /** @param {(view: TrackView) => void} onView told how a received picture is shown */
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
      [...others.filter((p) => p.tracks.some(isScreen)).map((p) => ({ participant: p, screen: true })), ...others.map((p) => ({ participant: p, screen: false }))].map(
        ({ participant, screen }) => ({ participant, screen, remote: state.remote, speaking: !screen && state.speaker === participant.participant }),
      ),
      keyOf,
      (shown) => new Tile(shown, () => this.#soundBlocked(), () => this.#pin(keyOf(shown))),
    );
    for (const key of this.#shrunk) if (!this.#tiles.has(key)) this.#shrunk.delete(key);
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
    const elements = /** @type {HTMLElement[]} */ ([...this.list.children]);
    const large = this.#large;
    const index = large === null ? -1 : elements.indexOf(/** @type {Tile} */ (this.#tiles.get(large)).element);
    const count = elements.length;
    const boxes = index < 0 ? grid(count, clientWidth, clientHeight) : focused(count, clientWidth, clientHeight, index);
    boxes.forEach(({ x, y, width, height }, i) => {
      const { style } = elements[i];
      for (const [side, length] of Object.entries({ left: x, top: y, width, height })) style.setProperty(side, `${length}px`);
    });
    for (const [key, tile] of this.#tiles) tile.setLarge(key === large);
    clearTimeout(this.#viewTimer);
    this.#viewTimer = setTimeout(() => this.#tellViews(), VIEW_DELAY);
  }

  /** What the user has chosen, or else what somebody shows to all. */
  get #large() {
    if (this.#pinned !== null && this.#tiles.has(this.#pinned)) return this.#pinned;
    return [...this.#tiles.keys()].find((key) => key.startsWith("screen ") && !this.#shrunk.has(key)) ?? null;
  }

  /** @param {string} key */
  #pin(key) {
    if (this.#large === key) {
      this.#pinned = null;
      this.#shrunk.add(key);
    } else {
      this.#pinned = key;
      this.#shrunk.delete(key);
    }
    this.#arrange();
  }

  /** The picture to go on with in a window of its own: the large one, or else the first that there is. */
  get mainVideo() {
    const large = this.#large;
    const tiles = [...(large === null ? [] : [this.#tiles.get(large)]), ...this.#tiles.values()];
    return tiles.find((tile) => tile?.view)?.video ?? null;
  }

  #tellViews() {
    const shown = [...this.#tiles.values()].flatMap((tile) => tile.view ?? []);
    for (const view of shown) {
      const { track } = view;
      const wish = JSON.stringify(view);
      if (this.#told.get(track) === wish) continue;
      this.#told.set(track, wish);
      this.#onView(view);
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
   * @param {string} testid
   */
  constructor(media, participant, testid = "tile") {
    this.element = el(
      "li",
      { class: "tile", testid, data: { participant } },
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
  update(participant, own, marks, what) {
    this.element.dataset.participant = participant.participant;
    const letters = initials(participant.name);
    if (this.#initials.textContent !== letters) this.#initials.textContent = letters;
    if (own) setText(this.#name, "you.named", { name: plainName(participant.name) });
    else if (this.#name.textContent !== participant.name) this.#name.textContent = participant.name;
    setText(this.#role, what ?? roleKey(participant.role));
    if (marks.join() === this.#shownMarks) return;
    this.#shownMarks = marks.join();
    this.#marks.replaceChildren(...marks.map(mark));
  }
}

/** @param {import("../visit.js").Track} track */
const isScreen = (track) => track.source === "screen";

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
  video = el("video", { attrs: { autoplay: true, playsinline: true, muted: true } });
  #audio = el("audio", { attrs: { autoplay: true } });
  #pin = el("button", { class: "pin", testid: "pin", attrs: { type: "button", "aria-pressed": "false" } }, icon("enlarge"));
  #frame;
  #onBlocked;
  #screen;

  /**
   * @param {Shown} shown
   * @param {() => void} onBlocked the browser wants a click before it plays sound
   * @param {() => void} onPin the user wants to see this large, or no more
   */
  constructor({ participant, screen }, onBlocked, onPin) {
    this.#onBlocked = onBlocked;
    this.#screen = screen;
    this.video.muted = true;
    this.video.addEventListener("resize", () => this.#reveal());
    this.#pin.addEventListener("click", onPin);
    this.#frame = new Frame([this.video, this.#audio], participant.participant, screen ? "screen-tile" : "tile");
    this.element = this.#frame.element;
    this.element.classList.toggle("screen", screen);
    this.element.append(this.#pin);
  }

  /** @param {boolean} large */
  setLarge(large) {
    if (this.element.classList.contains("large") === large) return;
    this.element.classList.toggle("large", large);
    this.#pin.setAttribute("aria-pressed", String(large));
    this.#pin.replaceChildren(icon(large ? "shrink" : "enlarge"));
  }

  /** @param {Shown} shown */
  update({ participant, remote, speaking }) {
    const name = plainName(participant.name);
    const [pictures, sounds] = this.#screen ? ["screen", "screen_audio"] : ["camera", "microphone"];
    const picture = participant.tracks.find((track) => track.source === pictures);
    const sound = participant.tracks.find((track) => track.source === sounds);
    if (this.#screen) this.#frame.update(participant, false, [], "tile.shares");
    else this.#frame.update(participant, false, marksOf(participant, speaking));
    setText(this.video, this.#screen ? "tile.screen" : "tile.video", { name }, "aria-label");
    setText(this.#pin, this.#screen ? "tile.enlarge.screen" : "tile.enlarge", { name }, "aria-label");
    this.element.classList.toggle("speaking", speaking);
    this.element.classList.toggle("away", !participant.connected);
    // Asked to play, since `autoplay` alone may wait until a picture is in view, and it is hidden until it has a frame.
    if (this.#attach(this.video, picture?.track ?? "", remote)) void this.video.play().catch(() => {});
    this.video.dataset.muted = String(picture?.muted ?? true);
    this.#reveal();
    if (this.#attach(this.#audio, sound?.track ?? "", remote)) this.play();
  }

  play() {
    void this.#audio.play().catch((error) => {
      if (error instanceof DOMException && error.name === "NotAllowedError") this.#onBlocked();
    });
  }

  /** What is shown, for the server to choose by. @returns {TrackView | null} */
  get view() {
    const { track } = this.video.dataset;
    const { clientWidth: width, clientHeight: height } = this.element;
    if (!track || this.video.hidden || !width) return null;
    const large = this.element.classList.contains("large");
    const frameRate = this.#screen ? FRAME_RATE.screen : FRAME_RATE.camera;
    return { track, width, height, frame_rate: frameRate, priority: large ? PRIORITY.large : PRIORITY.small };
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
