/**
 * This device's microphone and camera. Nothing here sends anything.
 *
 * A microphone that is off stays open and is silent, so that it is back at once. A camera that is off is closed, so that
 * its light is out.
 *
 * @typedef {"microphone" | "camera"} Source
 * @typedef {"blocked" | "missing" | "busy" | "lost" | "failed" | "unsupported"} Fault
 */

/** @type {Record<Source, MediaTrackConstraints>} */
const CONSTRAINTS = {
  microphone: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
  // EN 301 549 6.5: at least 320x240 and 20 frames a second, better 640x480 and 30.
  camera: { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 }, facingMode: "user" },
};
/** @type {Record<Source, "audio" | "video">} */
const KINDS = { microphone: "audio", camera: "video" };
/** @type {Record<string, Fault>} */
const FAULTS = {
  NotAllowedError: "blocked",
  SecurityError: "blocked",
  NotFoundError: "missing",
  OverconstrainedError: "missing",
  NotReadableError: "busy",
  AbortError: "busy",
  NotSupportedError: "unsupported",
};

/** @type {Source[]} */
export const SOURCES = ["microphone", "camera"];

class Device {
  wanted = false;
  /** Whether somebody has turned it on, and the server does not know yet. */
  turnedOn = false;
  /** Id of the device that was chosen; empty: the browser's own choice. */
  chosen = "";
  asking = false;
  /** @type {MediaStreamTrack | null} */
  track = null;
  /** @type {Fault | null} */
  fault = null;

  get on() {
    return this.wanted && this.track !== null;
  }
}

/** Emits `change` whenever a device goes on, off, or wrong, and `turned` ({source: on}) when somebody decided it. */
export class Devices extends EventTarget {
  microphone = new Device();
  camera = new Device();
  /** Id of the loudspeaker that was chosen; empty: the browser's own choice. */
  output = "";
  /** @type {Pick<import("./entry.js").TabMemory, "now" | "remember"> | null} */
  #memory = null;
  #blurred = false;
  #stopped = false;

  /**
   * Use what was chosen in this tab before, as far as it is still there, and have it remember what is chosen from now on.
   *
   * @param {Pick<import("./entry.js").TabMemory, "now" | "remember">} memory
   */
  keepIn(memory) {
    const { microphone = "", camera = "", output = "" } = memory.now.chosen ?? {};
    this.microphone.chosen = microphone;
    this.camera.chosen = camera;
    this.output = output;
    this.#memory = memory;
  }

  #remember() {
    this.#memory?.remember({ chosen: { microphone: this.microphone.chosen, camera: this.camera.chosen, output: this.output } });
  }

  /**
   * Ask for what is wanted, in one question to the user where that can be.
   *
   * @param {Source[]} wanted
   */
  async start(wanted) {
    this.#stopped = false;
    for (const source of wanted) this[source].wanted = true;
    // What was opened before the visit, to try it, is open still.
    const closed = wanted.filter((source) => !this[source].track);
    for (const source of wanted) if (this[source].track) /** @type {MediaStreamTrack} */ (this[source].track).enabled = true;
    this.#changed();
    if (closed.length === 2 && (await this.#ask(closed))) return;
    // One of the two may be missing or blocked; the other is still worth having.
    for (const source of closed) {
      // Turned off, left, or asked for by another start, while the browser was asking.
      const { wanted: still, track, asking } = this[source];
      if (still && !track && !asking) await this.#ask([source]);
    }
  }

  /**
   * Use another microphone or camera from now on.
   *
   * @param {Source} source
   * @param {string} id of the device, as `list` gives it
   */
  async choose(source, id) {
    const device = this[source];
    device.chosen = id;
    this.#remember();
    if (!device.track) return;
    // A phone opens one camera at a time.
    if (source === "camera") this.#close(device);
    await this.#ask([source]);
  }

  /**
   * Play others on another loudspeaker from now on.
   *
   * @param {string} id
   */
  chooseOutput(id) {
    this.output = id;
    this.#remember();
    this.#changed();
  }

  /** Whether this camera's background is blurred by the browser or the system; null where the page cannot choose. */
  get backgroundBlur() {
    // Not in the types yet: Media Capture and Streams Extensions, background blur.
    const { track } = this.camera;
    const choices = /** @type {any} */ (track?.getCapabilities?.())?.backgroundBlur;
    if (!Array.isArray(choices) || choices.length < 2) return null;
    return /** @type {any} */ (track?.getSettings()).backgroundBlur === true;
  }

  /** @param {boolean} blurred from now on, with the cameras to come too */
  async blurBackground(blurred) {
    this.#blurred = blurred;
    await this.#applyBlur();
    this.#changed();
  }

  async #applyBlur() {
    const now = this.backgroundBlur;
    if (now === null || now === this.#blurred) return;
    // A camera that refuses goes on as it is; what is shown as chosen is what it tells.
    await this.camera.track?.applyConstraints(/** @type {any} */ ({ ...CONSTRAINTS.camera, backgroundBlur: this.#blurred })).catch(() => {});
  }

  /**
   * What there is to choose from. Browsers tell names only when devices have been allowed.
   *
   * @returns {Promise<Record<Source, {id: string, name: string, current: boolean}[]>>}
   */
  async list() {
    const found = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
    /** @param {Source} source */
    const of = (source) => {
      const current = this[source].track?.getSettings().deviceId;
      return found
        .filter(({ kind, deviceId, label }) => kind === `${KINDS[source]}input` && deviceId && label)
        .map(({ deviceId, label }) => ({ id: deviceId, name: label, current: deviceId === current }));
    };
    return { microphone: of("microphone"), camera: of("camera") };
  }

  /**
   * @param {Source} source
   * @param {boolean} on
   */
  async turn(source, on) {
    const device = this[source];
    device.wanted = device.turnedOn = on;
    this.dispatchEvent(new CustomEvent("turned", { detail: { [source]: on } }));
    if (!on) {
      if (source === "camera") this.#close(device);
      else if (device.track) device.track.enabled = false;
    } else if (device.track) {
      device.track.enabled = true;
    } else if (!device.asking) {
      await this.#ask([source]);
    }
    this.#changed();
  }

  /** Let go of everything. */
  stop() {
    this.#stopped = true;
    for (const source of SOURCES) {
      this[source].wanted = false;
      this.#close(this[source]);
    }
    this.#changed();
  }

  /**
   * @param {Source[]} sources
   * @returns {Promise<boolean>} whether all of them were given
   */
  async #ask(sources) {
    for (const source of sources) Object.assign(this[source], { asking: true, fault: null });
    this.#changed();
    try {
      if (!navigator.mediaDevices?.getUserMedia) throw new DOMException("", "NotSupportedError");
      const constraints = Object.fromEntries(sources.map((source) => [KINDS[source], this.#constraints(source)]));
      const stream = await navigator.mediaDevices.getUserMedia(constraints);
      for (const source of sources) this.#opened(source, stream.getTracks().find((t) => t.kind === KINDS[source]));
      return true;
    } catch (error) {
      const name = error instanceof Error ? error.name : "";
      // Where two were asked for, each is asked for alone next, and says what is wrong with it.
      if (sources.length > 1) return false;
      const [source] = sources;
      if (name === "OverconstrainedError" && this[source].chosen) {
        this[source].chosen = ""; // it has gone: another is better than none
        return await this.#ask(sources);
      }
      this[source].fault = FAULTS[name] ?? "failed";
      return false;
    } finally {
      for (const source of sources) this[source].asking = false;
      this.#changed();
    }
  }

  /**
   * @param {Source} source
   * @param {MediaStreamTrack | undefined} track
   */
  #opened(source, track) {
    const device = this[source];
    if (!track) return;
    // The user may have turned it off, or left, while the browser was asking.
    if (this.#stopped || (source === "camera" && !device.wanted)) return track.stop();
    device.track?.stop();
    device.track = track;
    device.fault = null;
    track.enabled = device.wanted;
    track.contentHint = source === "camera" ? "motion" : "speech";
    if (source === "camera" && this.#blurred) void this.#applyBlur();
    track.onended = () => {
      device.track = null;
      device.wanted = false;
      this.#changed();
      void this.#ended(source);
    };
  }

  /**
   * A track ends when its device is unplugged, and when its permission is taken back.
   *
   * @param {Source} source
   */
  async #ended(source) {
    let blocked = false;
    try {
      blocked = (await navigator.permissions.query({ name: source })).state === "denied";
    } catch {
      // Not every browser tells.
    }
    const device = this[source];
    if (this.#stopped || device.track || device.asking) return;
    device.fault = blocked ? "blocked" : "lost";
    this.#changed();
  }

  /** @param {Source} source */
  #constraints(source) {
    const { chosen } = this[source];
    if (!chosen) return CONSTRAINTS[source];
    const { facingMode, ...others } = CONSTRAINTS[source];
    // Chrome does not heed what is merely `ideal` (since 126).
    return { ...others, deviceId: { exact: chosen } };
  }

  /** @param {Device} device */
  #close(device) {
    if (!device.track) return;
    device.track.onended = null;
    device.track.stop();
    device.track = null;
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
