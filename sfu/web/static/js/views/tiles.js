/** Everybody in the visit, seen and heard: shared screens first, one tile a person, one's own last. */

import { build, el, having, icon } from "../dom.js";
import { hide } from "../focus.js";
import { reconcile } from "../rows.js";
import { focused, grid } from "../layout.js";
import { OwnTile, Tile } from "./tile.js";

/**
 * @typedef {import("../state.js").Admitted} Admitted
 * @typedef {import("../state.js").VisitState} VisitState
 * @typedef {import("./tile.js").Shown} Shown
 * @typedef {import("./tile.js").TrackView} TrackView
 */

const VIEW_DELAY = 400; // ms; the server is told of sizes when they have settled
const HIDDEN_DELAY = 3_000; // ms; a glance at another window costs no picture

/** @param {Shown} shown */
const keyOf = ({ participant, screen }) => (screen ? `screen ${participant.participant}` : participant.participant);

/** @param {import("../state.js").Track} track */
const isScreen = (track) => track.source === "screen";

export class Tiles extends HTMLElement {
  /** Told how a received picture is shown. @type {(view: TrackView) => Promise<unknown>} */
  viewed = async () => {};
  #list = el("div", { class: "tiles", testid: "tiles", label: "tiles", attrs: { role: "list", tabindex: -1 } });
  #startSound = el(
    "button",
    { class: "button primary start-sound", testid: "start-sound", attrs: { type: "button", hidden: true }, on: { click: () => this.#playAll() } },
    icon("sound"),
    el("span", { text: "sound.start" }),
  );
  /** @type {Map<string, Tile>} */
  #tiles = new Map();
  #own = new OwnTile();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #viewTimer;
  /** What the server was last told of each track. @type {Map<string, TrackView>} */
  #told = new Map();
  /** What the user wants to see large. @type {string | null} */
  #chosen = null;
  /** What staff want everybody to see. @type {Set<string>} */
  #pinned = new Set();
  /** What the user does not want to see large. @type {Set<string>} */
  #shrunk = new Set();
  #observer = new ResizeObserver(() => this.#arrange());

  connectedCallback() {
    this.#observer.observe(this);
    document.addEventListener("visibilitychange", this.#tellSoon);
    for (const type of ["enterpictureinpicture", "leavepictureinpicture"]) this.addEventListener(type, this.#tellSoon);
    build(this, { class: "stage" }, this.#startSound, this.#list);
  }

  disconnectedCallback() {
    this.#observer.disconnect();
    document.removeEventListener("visibilitychange", this.#tellSoon);
    clearTimeout(this.#viewTimer);
  }

  /**
   * @param {VisitState} state
   * @param {import("../devices.js").Devices} devices
   */
  update(state, devices) {
    const me = state.me?.participant ?? "";
    const others = state.roster.participants.filter((p) => p.participant !== me);
    const screens = others.filter((p) => p.tracks.some(isScreen));
    /** @type {Shown[]} */
    const shown = [
      ...screens.map((participant) => ({ participant, screen: true, state, output: devices.output })),
      ...others.map((participant) => ({ participant, screen: false, state, output: devices.output })),
    ];
    reconcile(this.#list, this.#tiles, shown, keyOf, (first) => this.#tileOf(first), this.#list);
    const pinned = new Set(others.filter((p) => p.pinned).map((p) => p.participant));
    // Pinned anew, it is wanted anew.
    for (const key of pinned) if (!this.#pinned.has(key)) this.#shrunk.delete(key);
    this.#pinned = pinned;
    for (const key of this.#shrunk) if (!this.#tiles.has(key)) this.#shrunk.delete(key);
    this.#own.update(state, devices);
    if (this.#list.lastElementChild !== this.#own) this.#list.append(this.#own);
    this.#list.dataset.count = String(this.#list.childElementCount);
    this.#arrange();
  }

  /** @param {Shown} shown */
  #tileOf(shown) {
    const key = keyOf(shown);
    return having(new Tile(), {
      screen: shown.screen,
      blocked: () => (this.#startSound.hidden = false),
      pin: () => this.#choose(key),
    });
  }

  #arrange() {
    this.#tellSoon();
    const { clientWidth, clientHeight } = this;
    if (!clientWidth) return; // behind the people, on a phone
    const elements = /** @type {HTMLElement[]} */ ([...this.#list.children]);
    const large = this.#large;
    const indices = large.map((key) => elements.indexOf(/** @type {Tile} */ (this.#tiles.get(key))));
    const count = elements.length;
    const boxes = large.length ? focused(count, clientWidth, clientHeight, indices) : grid(count, clientWidth, clientHeight);
    boxes.forEach(({ x, y, width, height }, i) => {
      const { style } = elements[i];
      for (const [side, length] of Object.entries({ left: x, top: y, width, height })) style.setProperty(side, `${length}px`);
    });
    for (const [key, tile] of this.#tiles) tile.setLarge(large.includes(key));
  }

  /** What the user has chosen, or else what somebody shows to all; and whom staff want everybody to see. */
  get #large() {
    const keys = [...this.#tiles.keys()];
    const screen = keys.find((key) => key.startsWith("screen ") && !this.#shrunk.has(key)) ?? null;
    const first = this.#chosen !== null && this.#tiles.has(this.#chosen) ? this.#chosen : screen;
    return keys.filter((key) => key === first || (this.#pinned.has(key) && !this.#shrunk.has(key)));
  }

  /** @param {string} key */
  #choose(key) {
    if (this.#large.includes(key)) {
      if (this.#chosen === key) this.#chosen = null;
      this.#shrunk.add(key);
    } else {
      this.#chosen = key;
      this.#shrunk.delete(key);
    }
    this.#arrange();
  }

  /** The picture to go on with in a window of its own: a large one, or else the first that there is. */
  get mainVideo() {
    const tiles = [...this.#large.map((key) => this.#tiles.get(key)), ...this.#tiles.values()];
    return tiles.find((tile) => tile?.showing)?.video ?? null;
  }

  #tellSoon = () => {
    clearTimeout(this.#viewTimer);
    this.#viewTimer = setTimeout(() => this.#tellViews(), document.hidden ? HIDDEN_DELAY : VIEW_DELAY);
  };

  #tellViews() {
    const seen = !document.hidden && this.clientWidth > 0;
    const views = [...this.#tiles.values()].flatMap((tile) => tile.view(seen) ?? []);
    for (const view of views) {
      const told = this.#told.get(view.track);
      // Where nothing is shown there is no size either: the last one stands.
      const wish = told && !view.width ? { ...told, paused: view.paused } : view;
      if (told && JSON.stringify(told) === JSON.stringify(wish)) continue;
      this.#told.set(view.track, wish);
      // What the server has not heard is said again with the next change.
      this.viewed(wish).catch(() => this.#told.delete(view.track));
    }
    const tracks = new Set(views.map(({ track }) => track));
    for (const track of this.#told.keys()) if (!tracks.has(track)) this.#told.delete(track);
  }

  #playAll() {
    hide(this.#startSound, true, this.#list);
    for (const tile of this.#tiles.values()) tile.play();
  }
}

customElements.define("evisit-tiles", Tiles);
