/**
 * The media sections of one RTCPeerConnection: which of them sends or receives what. No DOM.
 *
 * Sections of tracks that have gone are stopped, and give their place in the description to the next, so that it does not grow.
 *
 * @typedef {import("./devices.js").Source | import("./screen.js").ScreenSource} Source
 * @typedef {{track: string, kind: "audio" | "video"}} Wanted
 * @typedef {{send: {mid: string, source: Source}[], receive: {mid: string, track: string}[]}} Bindings
 * @typedef {{transceiver: RTCRtpTransceiver, kind: "audio" | "video", track: string | null}} Section
 */

import { Encodings, layersOf } from "./encodings.js";
import { preferFormats } from "./formats.js";

const MAX_SECTIONS = 24; // the protocol's limit on media sections

export class Sections {
  #pc;
  #stream = new MediaStream();
  /** @type {Map<Source, RTCRtpTransceiver>} */
  #sending = new Map();
  /** @type {WeakMap<RTCRtpSender, Encodings>} */
  #encodings = new WeakMap();
  /** Those without a track wait for one. @type {Section[]} */
  #receiving = [];
  /** Those that have sent a screen, for the next one. @type {Section[]} */
  #idle = [];

  /** @param {RTCPeerConnection} pc */
  constructor(pc) {
    this.#pc = pc;
  }

  /**
   * Send another track, or nothing, where this source has a section. Needs no offer.
   *
   * @param {Source} source
   * @param {MediaStreamTrack | null} track
   * @returns {boolean} whether it has one
   */
  replace(source, track) {
    const transceiver = this.#sending.get(source);
    if (transceiver) void transceiver.sender.replaceTrack(track).catch(() => {});
    return Boolean(transceiver);
  }

  /**
   * Encode the layers that somebody watches, and nothing else.
   *
   * @param {Source} source
   * @param {string[]} rids "" is that of a source without layers
   */
  encode(source, rids) {
    const sender = this.#sending.get(source)?.sender;
    if (!sender) return;
    let encodings = this.#encodings.get(sender);
    if (!encodings) this.#encodings.set(sender, (encodings = new Encodings(sender)));
    encodings.want(rids);
  }

  /**
   * Turn what is wanted into sections, for the next offer. Only here do bindings change.
   *
   * @param {Map<Source, MediaStreamTrack>} local what is to be sent
   * @param {Set<Source>} retired what is not sent any more
   * @param {Wanted[]} remote what is to be received; where not everything fits, the last is not
   * @returns {boolean} whether something waits for places that come free with the answer to this offer: then arrange anew after it
   */
  arrange(local, retired, remote) {
    for (const source of retired) if (!local.has(source)) this.#idleFrom(source);
    const sending = new Set([...this.#sending.keys(), ...local.keys()]);
    const fitting = remote.slice(0, MAX_SECTIONS - sending.size);
    this.#release(new Set(fitting.map(({ track }) => track)));
    let missing = 0;
    for (const [source, track] of local) {
      if (this.#sending.has(source)) continue;
      const transceiver = this.#toSend(source, track);
      if (transceiver) this.#sending.set(source, transceiver);
      else missing += 1;
    }
    const bound = new Set(this.#receiving.map(({ track }) => track));
    for (const { track, kind } of fitting) if (!bound.has(track) && !this.#toReceive(track, kind)) missing += 1;
    return missing > 0 && this.#makeRoom(missing);
  }

  /** Whether nothing is to be sent or received. */
  get empty() {
    return this.#sending.size === 0 && this.#receiving.every(({ track }) => track === null);
  }

  /** What is sent and received where, once the offer is made. @returns {Bindings} */
  bindings() {
    return {
      send: [...this.#sending].flatMap(([source, { mid }]) => (mid !== null ? [{ mid, source }] : [])),
      receive: this.#receiving.flatMap(({ transceiver: { mid }, track }) => (track && mid !== null ? [{ mid, track }] : [])),
    };
  }

  /**
   * What is sent in the section of this mid: one source, or none.
   *
   * @param {string} mid
   */
  sources(mid) {
    return [...this.#sending].flatMap(([source, transceiver]) => (transceiver.mid === mid ? [source] : []));
  }

  /** What is received, by track id. @returns {Map<string, MediaStreamTrack>} */
  remote() {
    return new Map(this.#receiving.flatMap(({ transceiver, track }) => (track ? [[track, transceiver.receiver.track]] : [])));
  }

  /**
   * Let go of sections whose tracks are not wanted any more.
   *
   * Stopped, not set inactive: Chromium shows no picture on a section that was inactive in between. A stopped one gives its place in
   * the description to the next (RFC 9429 5.2.2). One that no answer has taken yet cannot be stopped: once its offer is rolled back
   * Chromium goes on counting with its place, and takes the next ones' sections for it. It waits for another track, or for an answer.
   * So does the last one of all: the connection would end with it.
   *
   * @param {Set<string>} wanted
   */
  #release(wanted) {
    /** @type {Section[]} */
    const kept = [];
    /** @type {Section[]} */
    const over = [];
    for (const section of this.#receiving) {
      const { transceiver, track } = section;
      if (track !== null && wanted.has(track)) kept.push(section);
      else if (transceiver.currentDirection === null) kept.push({ ...section, track: null });
      else over.push(section);
    }
    const last = kept.length + this.#sending.size + this.#idle.length === 0 ? over.pop() : undefined;
    if (last) kept.push({ ...last, track: null });
    for (const { transceiver } of over) transceiver.stop();
    this.#receiving = kept;
  }

  /**
   * What has sent a screen waits for the next one only while nothing else needs the place. A stopped section keeps its own until its stop
   * has been agreed on.
   *
   * @param {number} missing places
   * @returns {boolean} whether any comes free, with this answer or the one after it
   */
  #makeRoom(missing) {
    const leaving = this.#pc.getTransceivers().filter(({ direction }) => direction === "stopped").length;
    const answered = this.#idle.filter(({ transceiver }) => transceiver.currentDirection !== null);
    const stopped = new Set(answered.slice(0, Math.max(0, missing - leaving)));
    for (const { transceiver } of stopped) transceiver.stop();
    this.#idle = this.#idle.filter((section) => !stopped.has(section));
    const unanswered = this.#idle.length > answered.length - stopped.size || this.#receiving.some(({ track }) => track === null);
    return leaving + stopped.size > 0 || unanswered;
  }

  /**
   * @param {string} track
   * @param {"audio" | "video"} kind
   * @returns {boolean} whether there was a place for it
   */
  #toReceive(track, kind) {
    const waiting = this.#receiving.find((section) => section.track === null && section.kind === kind);
    if (waiting) {
      waiting.track = track;
      return true;
    }
    if (this.#pc.getTransceivers().length >= MAX_SECTIONS) return false;
    const transceiver = this.#pc.addTransceiver(kind, { direction: "recvonly" });
    preferFormats(transceiver, kind);
    this.#receiving.push({ transceiver, kind, track });
    return true;
  }

  /** @param {Source} source */
  #idleFrom(source) {
    const transceiver = this.#sending.get(source);
    if (!transceiver) return;
    this.#sending.delete(source);
    transceiver.direction = "inactive";
    void transceiver.sender.replaceTrack(null).catch(() => {});
    this.#idle.push({ transceiver, kind: source === "screen" ? "video" : "audio", track: null });
  }

  /**
   * @param {Source} source
   * @param {MediaStreamTrack} track
   * @returns {RTCRtpTransceiver | null} null where nothing more fits
   */
  #toSend(source, track) {
    // What has sent a screen has no layers.
    const free = source === "camera" ? undefined : this.#idle.find((section) => section.kind === track.kind);
    if (free) {
      this.#idle = this.#idle.filter((section) => section !== free);
      free.transceiver.direction = "sendonly";
      void free.transceiver.sender.replaceTrack(track).catch(() => {});
      return free.transceiver;
    }
    if (this.#pc.getTransceivers().length >= MAX_SECTIONS) return null;
    const transceiver = this.#pc.addTransceiver(track, {
      direction: "sendonly",
      streams: [this.#stream],
      ...(source === "camera" && { sendEncodings: layersOf(track) }),
    });
    preferFormats(transceiver, /** @type {"audio" | "video"} */ (track.kind));
    return transceiver;
  }
}
