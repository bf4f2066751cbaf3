/**
 * Whether this device is fit for a visit: browser, microphone, camera, connection. No DOM. Nothing leaves the device but the
 * echo of the connection's check, and that goes to the server and back alone.
 *
 * @typedef {"browser" | "microphone" | "camera" | "connection"} Item
 * @typedef {"idle" | "running" | "good" | "fair" | "bad"} Grade
 * @typedef {{grade: Grade, text: string}} Result `text` is the key of a sentence that says it, and how to mend it
 */

import { tryConnection } from "./echo.js";

/** @type {Item[]} */
export const ITEMS = ["browser", "microphone", "camera", "connection"];
/** What a page shows that lives inside another app, such as that of a social network. Cameras are often shut there. */
const IN_APP = /\b(FBAN|FBAV|Instagram|Line|Snapchat|TikTok|musical_ly|MicroMessenger)\b|; wv\)/;
/** @type {Record<import("./echo.js").Verdict, Grade>} */
const GRADES = { good: "good", fair: "fair", poor: "fair", no_media: "bad", no_server: "bad", later: "idle", no_link: "idle", not_tried: "idle" };

/** Emits `change`. */
export class Check extends EventTarget {
  /** @type {Record<Item, Result>} */
  results = {
    browser: { grade: "idle", text: "" },
    microphone: { grade: "idle", text: "" },
    camera: { grade: "idle", text: "" },
    connection: { grade: "idle", text: "" },
  };
  #devices;
  #link;
  #stopped = new AbortController();
  #tryConnection;
  /** The microphone that has given a sound. @type {MediaStreamTrack | null} */
  #heard = null;
  #running = false;

  /**
   * @param {import("./devices.js").Devices} devices
   * @param {{url: string, entry: import("./entry.js").Entry | null}} link to the server; without an entry it is not tried
   * @param {typeof tryConnection} attempt
   */
  constructor(devices, link, attempt = tryConnection) {
    super();
    this.#devices = devices;
    this.#link = link;
    this.#tryConnection = attempt;
    devices.addEventListener("change", this.#lookAtDevices);
  }

  /**
   * Key of the sentence that sums it up. A connection that is weak, or has not been tried, hinders nobody, and is not said to work.
   *
   * @returns {"check.passed" | "check.limited" | "check.not_passed"}
   */
  get summary() {
    const fit = ["browser", "microphone", "camera"].every((item) => ["good", "fair"].includes(this.results[/** @type {Item} */ (item)].grade));
    const { grade, text } = this.results.connection;
    if (!fit || grade === "bad" || grade === "running") return "check.not_passed";
    return grade === "idle" || text === "check.connection.poor" ? "check.limited" : "check.passed";
  }

  /** Look at everything. Asks for the devices; again, for those that failed. */
  async run() {
    if (this.#running) return;
    this.#running = true;
    this.#set("browser", ...this.#browser());
    this.#set("connection", "running", "check.running");
    await this.#devices.start(["microphone", "camera"]);
    if (!this.#stopped.signal.aborted) {
      const tracks = [this.#devices.microphone.track, this.#devices.camera.track].filter((track) => track !== null);
      const verdict = await this.#tryConnection({ ...this.#link, tracks, signal: this.#stopped.signal });
      this.#set("connection", GRADES[verdict], `check.connection.${verdict}`);
    }
    this.#running = false;
    this.dispatchEvent(new Event("change"));
  }

  get running() {
    return this.#running;
  }

  /** The microphone has given a sound. */
  heard() {
    this.#heard = this.#devices.microphone.track;
    this.#lookAtDevices();
  }

  stop() {
    this.#stopped.abort();
    this.#devices.removeEventListener("change", this.#lookAtDevices);
  }

  /** @returns {[Grade, string]} */
  #browser() {
    if (!("RTCPeerConnection" in window) || !navigator.mediaDevices?.getUserMedia) return ["bad", "check.browser.unsupported"];
    return IN_APP.test(navigator.userAgent) ? ["fair", "check.browser.in_app"] : ["good", "check.browser.good"];
  }

  #lookAtDevices = () => {
    for (const source of /** @type {const} */ (["microphone", "camera"])) {
      const { track, fault, asking } = this.#devices[source];
      if (asking) this.#set(source, "running", "check.asking");
      else if (fault) this.#set(source, "bad", `check.${source}.${fault}`);
      else if (!track) this.#set(source, "idle", `check.${source}.off`);
      else if (source === "microphone" && track !== this.#heard) this.#set(source, "running", "check.microphone.listening");
      else this.#set(source, "good", `check.${source}.good`);
    }
  };

  /**
   * @param {Item} item
   * @param {Grade} grade
   * @param {string} text
   */
  #set(item, grade, text) {
    const known = this.results[item];
    if (known.grade === grade && known.text === text) return;
    this.results = { ...this.results, [item]: { grade, text } };
    this.dispatchEvent(new Event("change"));
  }
}
