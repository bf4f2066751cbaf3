/**
 * The way to the server and back, tried with one's own media (protocol.md, Testing one's equipment). No DOM.
 *
 * @typedef {import("./entry.js").Entry} Entry
 * @typedef {"good" | "fair" | "poor" | "no_media" | "no_server" | "later" | "no_link" | "not_tried"} Verdict
 * @typedef {{loss: number, roundTrip: number, received: number}} Measured share lost, seconds, packets that came back
 */

import { leanOffer, preferFormats } from "./formats.js";
import { SUBPROTOCOL } from "./protocol.js";

const ANSWER_TIMEOUT = 8_000; // ms until the server counts as not reached
const CONNECT_TIMEOUT = 8_000; // ms until media counts as blocked on the way
const MEASURE = 4_000; // ms of echo; a jerky network shows by then
const POOR_LOSS = 0.1; // share of packets; speech begins to break up
const FAIR_LOSS = 0.03;
const POOR_ROUND_TRIP = 0.8; // s; people begin to talk over each other
const FAIR_ROUND_TRIP = 0.4;

/** Refusals that say nothing of the network. */
const LATER = new Set(["rate_limited", "draining", "internal"]);

/** @param {Measured} measured */
export function verdictOn({ loss, roundTrip, received }) {
  if (!received) return "no_media";
  if (loss > POOR_LOSS || roundTrip > POOR_ROUND_TRIP) return "poor";
  return loss > FAIR_LOSS || roundTrip > FAIR_ROUND_TRIP ? "fair" : "good";
}

/**
 * Send these tracks to the server and listen to what comes back, for some seconds. Never throws.
 *
 * @param {object} options
 * @param {string} options.url of the signalling channel
 * @param {Entry | null} options.entry what the link holds
 * @param {MediaStreamTrack[]} options.tracks at most one of a kind
 * @param {AbortSignal} options.signal ends it early
 * @returns {Promise<Verdict>}
 */
export async function tryConnection({ url, entry, tracks, signal }) {
  if (!entry) return "no_link";
  if (!tracks.length) return "not_tried";
  const channel = new EchoChannel(url);
  const pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
  signal.addEventListener("abort", () => {
    channel.close();
    pc.close();
  });
  try {
    await channel.open();
    const begun = await channel.ask("test", entry);
    if (begun.type !== "ok") return LATER.has(begun.code) ? "later" : "no_link";
    const failure = await connect(pc, channel, tracks);
    if (failure) return failure;
    await pause(MEASURE);
    return verdictOn(await measure(pc));
  } catch {
    return "no_server";
  } finally {
    pc.close();
    channel.close();
  }
}

/**
 * @param {RTCPeerConnection} pc
 * @param {EchoChannel} channel
 * @param {MediaStreamTrack[]} tracks
 * @returns {Promise<Verdict | null>} null when media can flow
 */
async function connect(pc, channel, tracks) {
  const sending = tracks.map((track) => pc.addTransceiver(track, { direction: "sendonly" }));
  const echoes = tracks.map((track) => pc.addTransceiver(track.kind, { direction: "recvonly" }));
  [...sending, ...echoes].forEach((transceiver, index) => {
    preferFormats(transceiver, /** @type {"audio" | "video"} */ (tracks[index % tracks.length].kind));
  });
  const connected = new Promise((resolve) => {
    pc.onconnectionstatechange = () => {
      if (pc.connectionState === "connected") resolve(true);
      if (pc.connectionState === "failed") resolve(false);
    };
  });
  await pc.setLocalDescription();
  const sourceOf = (/** @type {MediaStreamTrack} */ track) => (track.kind === "audio" ? "microphone" : "camera");
  const answer = await channel.ask("offer", {
    sdp: leanOffer(pc.localDescription?.sdp ?? ""),
    send: tracks.map((track, index) => ({ mid: sending[index].mid, source: sourceOf(track) })),
    receive: tracks.map((track, index) => ({ mid: echoes[index].mid, track: `echo:${sourceOf(track)}` })),
  });
  if (answer.type !== "ok") return "later";
  await pc.setRemoteDescription({ type: "answer", sdp: answer.sdp });
  return (await Promise.race([connected, pause(CONNECT_TIMEOUT)])) === true ? null : "no_media";
}

/**
 * @param {RTCPeerConnection} pc
 * @returns {Promise<Measured>}
 */
async function measure(pc) {
  let received = 0;
  let lost = 0;
  let sentLoss = 0;
  let roundTrip = 0;
  for (const stat of (await pc.getStats()).values()) {
    if (stat.type === "inbound-rtp") {
      received += stat.packetsReceived ?? 0;
      lost += Math.max(0, stat.packetsLost ?? 0);
    } else if (stat.type === "remote-inbound-rtp") {
      sentLoss = Math.max(sentLoss, stat.fractionLost ?? 0);
    } else if (stat.type === "candidate-pair" && stat.nominated) {
      roundTrip = Math.max(roundTrip, stat.currentRoundTripTime ?? 0);
    }
  }
  return { received, roundTrip, loss: Math.max(sentLoss, lost / Math.max(1, lost + received)) };
}

/** @param {number} duration ms */
const pause = (duration) => new Promise((resolve) => setTimeout(resolve, duration));

/** A channel that asks for a test and never joins. A closed one rejects what is still asked. */
class EchoChannel {
  #socket;
  #lastId = 0;

  /** @param {string} url */
  constructor(url) {
    this.#socket = new WebSocket(url, SUBPROTOCOL);
  }

  open() {
    return this.#settle((resolve) => {
      this.#socket.onopen = () => resolve(undefined);
    });
  }

  /**
   * @param {string} type
   * @param {object} fields
   * @returns {Promise<any>} the answer, `ok` or `error`
   */
  ask(type, fields) {
    const id = ++this.#lastId;
    this.#socket.send(JSON.stringify({ type, id, ...fields }));
    return this.#settle((resolve) => {
      this.#socket.onmessage = ({ data }) => {
        const message = JSON.parse(data);
        if (message.id === id) resolve(message);
      };
    });
  }

  close() {
    this.#socket.close();
  }

  /** @param {(resolve: (value: any) => void) => void} arm */
  #settle(arm) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("no answer")), ANSWER_TIMEOUT);
      arm((value) => resolve((clearTimeout(timer), value)));
      this.#socket.onclose = () => reject(new Error("closed"));
    });
  }
}
