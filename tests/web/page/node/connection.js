/** An RTCPeerConnection that agrees to everything, as far as the page uses one: sections that come, stop and give their place to the next. */

globalThis.RTCRtpReceiver = /** @type {any} */ ({ getCapabilities: () => ({ codecs: [] }) });
globalThis.MediaStream = /** @type {any} */ (class {});

class Sender {
  constructor(track) {
    this.track = track;
  }

  async replaceTrack(track) {
    this.track = track;
  }
}

class Transceiver {
  mid = null;
  currentDirection = null;

  constructor(kind, track, direction) {
    this.kind = kind;
    this.direction = direction;
    this.sender = new Sender(track);
    this.receiver = { track: { kind } };
  }

  stop() {
    this.direction = "stopped";
  }
}

export class Connection {
  connectionState = "new";
  signalingState = "stable";
  #transceivers = [];
  #mids = 0;

  addTransceiver(what, { direction }) {
    const made = typeof what === "string" ? new Transceiver(what, null, direction) : new Transceiver(what.kind, what, direction);
    this.#transceivers.push(made);
    return made;
  }

  getTransceivers() {
    return [...this.#transceivers];
  }

  async setLocalDescription() {
    for (const transceiver of this.#transceivers) transceiver.mid ??= String(this.#mids++);
    this.localDescription = { sdp: "v=0\r\n" };
  }

  /** A stopped section is one until its stop has been agreed on (RFC 9429 5.10). */
  async setRemoteDescription() {
    this.#transceivers = this.#transceivers.filter(({ direction }) => direction !== "stopped");
    for (const transceiver of this.#transceivers) transceiver.currentDirection = transceiver.direction;
    this.connectionState = "connected";
    this.onconnectionstatechange?.();
  }

  restartIce() {}
  setConfiguration() {}
  close() {}
}
