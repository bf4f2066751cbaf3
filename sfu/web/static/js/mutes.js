/**
 * Own tracks and whether they are heard: muted here, which the server is told, or silenced by staff, which the buttons must show. No DOM.
 *
 * @typedef {import("./media.js").Source} MediaSource
 */

import { SOURCES } from "./devices.js";
import { Refused } from "./protocol.js";

const RETRY_AFTER = 1_500; // ms; a refusal may be of too many requests at once

export class Mutes {
  #devices;
  #tell;
  #onSilenced;
  #onRefused;
  /** Track ids of what is sent now. @type {Map<MediaSource, string>} */
  #sent = new Map();
  /** What the server was last told of each own track. @type {Map<string, boolean>} */
  #told = new Map();
  /** Own tracks with a request under way. @type {Set<string>} */
  #telling = new Set();

  /**
   * @param {object} options
   * @param {import("./devices.js").Devices} options.devices
   * @param {(fields: {track: string, muted: boolean}) => Promise<unknown>} options.tell the server
   * @param {() => void} options.onSilenced staff have turned off a device's track
   * @param {() => void} options.onRefused what was turned on is off again, since the server keeps it muted
   */
  constructor({ devices, tell, onSilenced, onRefused }) {
    this.#devices = devices;
    this.#tell = tell;
    this.#onSilenced = onSilenced;
    this.#onRefused = onRefused;
  }

  /** @param {MediaSource} source */
  trackOf(source) {
    return this.#sent.get(source);
  }

  /**
   * Other tracks are sent from now on.
   *
   * @param {Map<MediaSource, string>} sent
   * @param {import("./state.js").Track[]} own the roster's tracks of this participant
   */
  renew(sent, own) {
    const before = new Set(this.#sent.values());
    this.#sent = sent;
    // The roster that names a new track may have come before its id was known here. Of others it may be older than what they were told.
    this.heed(own.filter(({ track }) => !before.has(track)));
    this.sync();
  }

  /** Tell the server what it does not know yet. */
  sync() {
    for (const source of SOURCES) {
      const track = this.#sent.get(source);
      const muted = !this.#devices[source].on;
      if (track === undefined || this.#telling.has(track) || (this.#told.get(track) ?? false) === muted) continue;
      this.#telling.add(track);
      void this.#tellOf(source, track, muted);
    }
  }

  /**
   * @param {import("./devices.js").Source} source
   * @param {string} track
   * @param {boolean} muted
   * @param {boolean} [again] whether it has been refused once
   */
  async #tellOf(source, track, muted, again = false) {
    try {
      await this.#tell({ track, muted });
    } catch (error) {
      if (error instanceof Refused && !again) {
        setTimeout(() => this.#tellAgain(source, track, muted), RETRY_AFTER);
        return;
      }
      this.#telling.delete(track);
      // Lost with the channel: told anew with the next offer or resume. Refused twice: nobody hears or sees it, and the button says so.
      if (error instanceof Refused && !muted && this.#stands(source, track, muted)) {
        void this.#devices.turn(source, false);
        this.#onRefused();
      }
      return;
    }
    this.#told.set(track, muted);
    this.#telling.delete(track);
    this.sync();
  }

  /**
   * @param {import("./devices.js").Source} source
   * @param {string} track
   * @param {boolean} muted
   */
  #tellAgain(source, track, muted) {
    if (!this.#telling.has(track)) return;
    if (this.#stands(source, track, muted)) {
      void this.#tellOf(source, track, muted, true);
    } else {
      this.#telling.delete(track);
      this.sync();
    }
  }

  /**
   * Whether this is still to be told.
   *
   * @param {import("./devices.js").Source} source
   * @param {string} track
   * @param {boolean} muted
   */
  #stands(source, track, muted) {
    return this.#sent.get(source) === track && this.#devices[source].on === !muted;
  }

  /**
   * What the server keeps muted, or no more.
   *
   * A new track begins as the one before it was. If somebody has turned it on here since, that is still to be told; what staff have
   * silenced (`paused`) is otherwise not for the page to lift, and its button must not claim that it is heard.
   *
   * @param {import("./state.js").Track[]} own the roster's tracks of this participant
   */
  heed(own) {
    for (const source of SOURCES) {
      const track = this.#sent.get(source) ?? "";
      const listed = own.find((known) => known.track === track);
      if (!listed || this.#told.get(track) || this.#telling.has(track)) continue;
      const device = this.#devices[source];
      const begins = !this.#told.has(track);
      const asked = device.turnedOn;
      device.turnedOn = false;
      if (!listed.muted) this.#told.set(track, false);
      else if (listed.paused && !(begins && asked)) {
        this.#told.set(track, true);
        void this.#devices.turn(source, false);
        this.#onSilenced();
      } else if (begins) {
        this.#told.set(track, true);
        this.sync();
      }
    }
  }

  /** Nothing is sent any more. */
  clear() {
    this.#sent = new Map();
    this.#told.clear();
    this.#telling.clear();
  }
}
