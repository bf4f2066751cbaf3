/**
 * One admitted period's media: an RTCPeerConnection on which the client always offers and the server always answers.
 *
 * What is to be sent and received is set at any time; one offer at a time brings the connection there.
 *
 * @typedef {import("./sections.js").Source} Source
 * @typedef {import("./sections.js").Wanted} Wanted
 * @typedef {import("./sections.js").Bindings} Bindings
 * @typedef {{sdp: string} & Bindings} Offer
 * @typedef {{sdp: string, send: {mid: string, track: string}[]}} Answer
 * @typedef {"connecting" | "connected" | "interrupted" | "failed"} MediaStatus
 */

import { leanOffer } from "./formats.js";
import { Playout } from "./playout.js";
import { ChannelLost, Refused } from "./protocol.js";
import { Sections } from "./sections.js";

const RESTART_AFTER = 3_000; // ms of `disconnected`; shorter gaps mend themselves
const REPLACE_AFTER = 8_000; // ms that an ICE restart is given once the server has answered it
const CONNECT_TIMEOUT = 15_000; // ms until the first connection counts as failed
const RETRY_AFTER = [500, 1_000, 2_000, 4_000, 8_000]; // ms between failed offers; the last one again and again

/**
 * What the server proves itself by, as its answer says it: the browser's own account of the answer may leave some out.
 *
 * @param {string} sdp
 */
const fingerprintOf = (sdp) => [...new Set(sdp.toLowerCase().match(/^a=fingerprint:.*$/gm))].sort().join();

export class MediaConnection {
  #iceServers;
  #negotiate;
  #onRemote;
  #onSent;
  #onStatus;
  /** @type {RTCPeerConnection | null} */
  #pc = null;
  /** Of this connection. @type {Sections | null} */
  #sections = null;
  /** Of this connection. @type {Playout | null} */
  #playout = null;
  /** @type {Map<Source, string>} */
  #sent = new Map();
  /** Sources that are not sent any more, and will be gone with the next offer. @type {Set<Source>} */
  #retired = new Set();
  /** @type {Map<Source, MediaStreamTrack>} */
  #local = new Map();
  /** @type {Wanted[]} */
  #wanted = [];
  /** Own tracks that a roster has named; one that goes missing again has lost its transport. */
  #seen = new Set();
  /** @type {string[]} */
  #own = [];
  /** @type {string | null} The server's, since this connection's first answer. */
  #fingerprint = null;
  #dirty = false;
  /** @type {RTCPeerConnection | null} The one with an offer under way. A closed one may never answer, so it does not count. */
  #busy = null;
  /** How far a restart of ICE has come. @type {null | "asked" | "answered"} */
  #restart = null;
  #failures = 0;
  #replacements = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #watch;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retry;

  /**
   * @param {object} options
   * @param {RTCIceServer[]} options.iceServers relays, as the server last named them; none is the rule
   * @param {(offer: Offer) => Promise<Answer>} options.negotiate asks the server
   * @param {(remote: Map<string, MediaStreamTrack>) => void} options.onRemote what is received now, by track id
   * @param {(sent: Map<Source, string>) => void} options.onSent the track ids of what is sent now
   * @param {(status: MediaStatus) => void} options.onStatus
   */
  constructor({ iceServers, negotiate, onRemote, onSent, onStatus }) {
    this.#iceServers = iceServers;
    this.#negotiate = negotiate;
    this.#onRemote = onRemote;
    this.#onSent = onSent;
    this.#onStatus = onStatus;
    this.#open();
  }

  /**
   * Send this track, or nothing for now. The section stays: turning a camera off and on needs no new offer.
   *
   * @param {Source} source
   * @param {MediaStreamTrack | null} track
   */
  send(source, track) {
    if ((this.#local.get(source) ?? null) === track) return;
    if (track) this.#local.set(source, track);
    else this.#local.delete(source);
    if (!this.#sections?.replace(source, track)) this.#change();
  }

  /**
   * Send this no more, and take it off the roster.
   *
   * @param {Source} source
   */
  retire(source) {
    if (this.#local.delete(source)) this.#change();
    this.#retired.add(source);
    // Its going is no sign of a lost transport, though rosters name it until the server knows.
    this.#seen.delete(this.#sent.get(source));
    this.#sent.delete(source);
  }

  /**
   * Receive these tracks of the roster, in this order of importance.
   *
   * @param {Wanted[]} wanted
   * @param {string[]} own the roster's tracks of this participant
   */
  receive(wanted, own) {
    const same = wanted.length === this.#wanted.length && wanted.every((w, i) => w.track === this.#wanted[i].track);
    this.#wanted = wanted;
    this.#own = own;
    if ([...this.#seen].some((track) => !own.includes(track)) && this.#busy !== this.#pc) return this.#replace();
    this.#noteSeen();
    if (!same) this.#change();
  }

  #noteSeen() {
    for (const track of this.#sent.values()) {
      if (this.#own.includes(track)) this.#seen.add(track);
    }
  }

  /**
   * Encode what somebody watches, and nothing else.
   *
   * @param {string} track one's own, as the server names it
   * @param {string[]} wanted rids; "" is that of a track without layers
   */
  encode(track, wanted) {
    const source = [...this.#sent].find(([, id]) => id === track)?.[0];
    if (source) this.#sections?.encode(source, wanted);
  }

  /** The channel is back after a loss: the server may have lost what it knew of this connection. */
  resume() {
    const state = this.#pc?.connectionState;
    if (state === "failed" || state === "closed") return this.#replace();
    if (state === "disconnected") this.#restartIce();
    this.#change();
  }

  /** The network may be another one: look for a way over it at once, whatever the browser still believes of the old one. */
  renew() {
    this.#pc?.restartIce();
    this.#change();
  }

  /**
   * Relays, with credentials that hold: for the next connection, and for this one when it next restarts ICE.
   *
   * @param {RTCIceServer[]} servers
   */
  relayBy(servers) {
    this.#iceServers = servers;
    this.#pc?.setConfiguration(this.#configuration());
  }

  /** What the browser has measured; null where there is no connection. @returns {Promise<RTCStatsReport | null>} */
  async measure() {
    return this.#pc?.connectionState === "connected" ? this.#pc.getStats() : null;
  }

  close() {
    this.#shut();
    this.#local.clear();
    this.#wanted = [];
  }

  #open() {
    const pc = new RTCPeerConnection(this.#configuration());
    pc.onconnectionstatechange = () => this.#connectionChanged(pc);
    this.#pc = pc;
    this.#sections = new Sections(pc);
    this.#playout = new Playout(pc);
    this.#onStatus("connecting");
  }

  /** @returns {RTCConfiguration} */
  #configuration() {
    return { iceServers: this.#iceServers, bundlePolicy: "max-bundle", rtcpMuxPolicy: "require" };
  }

  #shut() {
    clearTimeout(this.#watch);
    clearTimeout(this.#retry);
    const pc = this.#pc;
    this.#pc = null;
    if (pc) {
      pc.onconnectionstatechange = null;
      pc.close();
    }
    this.#sections = null;
    this.#playout?.stop();
    this.#playout = null;
    this.#sent.clear();
    this.#seen.clear();
    this.#retired.clear();
    this.#fingerprint = null;
    this.#restart = null;
    this.#onRemote(new Map());
  }

  /** Begin anew with a fresh RTCPeerConnection, carrying what the old one was to carry. */
  #replace() {
    if (!this.#pc) return;
    this.#shut();
    this.#replacements += 1;
    this.#open();
    this.#change();
  }

  #change() {
    this.#dirty = true;
    if (this.#pc && this.#busy !== this.#pc) void this.#catchUp(this.#pc);
  }

  /**
   * One offer at a time, until the connection is as it is wanted.
   *
   * @param {RTCPeerConnection} pc
   */
  async #catchUp(pc) {
    this.#busy = pc;
    await null; // what is asked for in one go goes into one offer
    while (this.#dirty && pc === this.#pc) {
      this.#dirty = false;
      try {
        await this.#round(pc);
        this.#failures = 0;
      } catch (error) {
        if (pc === this.#pc) await this.#roundFailed(pc, error);
      }
    }
    if (this.#busy === pc) this.#busy = null;
  }

  /** @param {RTCPeerConnection} pc */
  async #round(pc) {
    const sections = this.#sections;
    if (!sections) return;
    const unfinished = sections.arrange(this.#local, this.#retired, this.#wanted);
    this.#retired.clear();
    if (sections.empty && !this.#sent.size) {
      // Nothing to agree on: the connection stays as it is for whoever comes next, and where it is lost a new one will do.
      if (this.#restart) return this.#replace();
      return this.#onRemote(sections.remote());
    }
    await pc.setLocalDescription();
    if (pc.connectionState === "new") this.#watchFor(pc, CONNECT_TIMEOUT, () => this.#replace());
    const answer = await this.#negotiate({ sdp: leanOffer(pc.localDescription?.sdp ?? ""), ...sections.bindings() });
    if (pc !== this.#pc) return;
    const fingerprint = fingerprintOf(answer.sdp);
    if (this.#fingerprint !== null && this.#fingerprint !== fingerprint) {
      // Another server process answers: this connection's keys are gone with the old one.
      return this.#replace();
    }
    this.#fingerprint = fingerprint;
    await pc.setRemoteDescription({ type: "answer", sdp: answer.sdp });
    if (pc !== this.#pc) return;
    if (unfinished) this.#dirty = true;
    if (this.#restart === "asked") {
      // Not before: where nothing gets through, a fresh connection could not be agreed on either, and the old one may live on.
      this.#restart = "answered";
      this.#watchFor(pc, REPLACE_AFTER, () => this.#replace());
    }
    const sources = (/** @type {string} */ mid) => sections.sources(mid).filter((source) => !this.#retired.has(source));
    this.#sent = new Map(answer.send.flatMap(({ mid, track }) => sources(mid).map((source) => [source, track])));
    this.#noteSeen();
    this.#onSent(new Map(this.#sent));
    this.#onRemote(sections.remote());
  }

  /**
   * @param {RTCPeerConnection} pc
   * @param {unknown} error
   */
  async #roundFailed(pc, error) {
    if (pc.connectionState === "new") clearTimeout(this.#watch);
    if (pc.signalingState === "have-local-offer") {
      await pc.setLocalDescription({ type: "rollback" }).catch(() => {});
      if (pc !== this.#pc) return;
    }
    if (error instanceof ChannelLost) return; // resume() comes
    const code = error instanceof Refused ? error.code : "";
    if (code === "not_admitted") return; // the state event that says so comes
    if (code === "bad_sdp" || code === "media_unsupported") return this.#onStatus("failed");
    if (!code) console.error("an answer could not be used", error);
    const delay = RETRY_AFTER[Math.min(this.#failures, RETRY_AFTER.length - 1)];
    this.#failures += 1;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => {
      // A refusal leaves the connection as it was; anything else may have broken it.
      if (code) this.#change();
      else this.#replace();
    }, delay);
  }

  /** @param {RTCPeerConnection} pc */
  #connectionChanged(pc) {
    if (pc !== this.#pc) return;
    switch (pc.connectionState) {
      case "connected":
        clearTimeout(this.#watch);
        this.#restart = null;
        this.#replacements = 0;
        this.#onStatus("connected");
        break;
      case "disconnected":
        this.#onStatus("interrupted");
        if (!this.#restart) this.#watchFor(pc, RESTART_AFTER, () => this.#restartIce());
        break;
      case "failed":
        this.#onStatus("interrupted");
        if (this.#restart === "answered") this.#replaceSoon(pc);
        else if (!this.#restart) this.#restartIce();
        break;
    }
  }

  #restartIce() {
    const pc = this.#pc;
    if (!pc || pc.connectionState === "connected") return;
    clearTimeout(this.#watch);
    this.#restart = "asked";
    pc.restartIce();
    this.#change();
  }

  /** @param {RTCPeerConnection} pc */
  #replaceSoon(pc) {
    const delay = RETRY_AFTER[Math.min(this.#replacements, RETRY_AFTER.length - 1)];
    this.#watchFor(pc, delay, () => this.#replace());
  }

  /**
   * @param {RTCPeerConnection} pc
   * @param {number} duration ms
   * @param {() => void} act done then, unless the connection is back or another by then
   */
  #watchFor(pc, duration, act) {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => {
      if (pc === this.#pc && pc.connectionState !== "connected") act();
    }, duration);
  }
}
