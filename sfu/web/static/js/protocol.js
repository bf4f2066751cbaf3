/**
 * A client of the signalling protocol `evisit.v1`. No DOM: other pages can use it as it stands.
 *
 *     const client = new SignallingClient({ url: "wss://…/api/v1/signal" });
 *     client.on("roster", (event) => …);
 *     const me = await client.join({ ticket: "…" });
 *     await client.request("mute", { track, muted: true });
 *
 * Every event of the protocol is emitted under its own `type`. Beside them, about the channel itself:
 *
 * - `reconnecting` ({}): the channel was lost; requests fail with ChannelLost until `resumed`
 * - `resumed` (JoinAnswer): a new channel took its place, with the resume token
 * - `closed` ({reason}): over, and nothing is tried any more. `reason` is an error code of the protocol, or one of
 *   `left`, `turned_away`, `replaced`, `ended`, `bad_frame`
 *
 * @typedef {{visit: string, title?: string, unit_name?: string, starts_at?: string, ends_at?: string}} VisitFacts
 * @typedef {{participant: string, state: "waiting" | "admitted", role: string, name: string, verified: boolean,
 *   may_admit: boolean, second_device?: boolean, resume: string, language: string, visit: VisitFacts, ice_servers?: RTCIceServer[]}} JoinAnswer
 * @typedef {{ticket: string} | {visit: string, key: string, name: string, role: string} | {resume: string}} JoinRequest
 * @typedef {{id?: number, type: string, [field: string]: any}} Message
 * @typedef {{resolve: (answer: any) => void, reject: (error: Error) => void, timer: ReturnType<typeof setTimeout>}} Pending
 */

export const SUBPROTOCOL = "evisit.v1";

const CONNECT_TIMEOUT = 10_000; // ms; a socket that has not opened by then is tried anew
const ANSWER_TIMEOUT = 10_000; // ms; the server answers at once, so a channel this silent is dead
const QUIET = 10_000; // ms; after so long without a word the server is asked whether it is there: a dead network tells nobody
const LEAVE_TIMEOUT = 2_000; // ms; somebody who leaves does not wait for a bad network
const BACKOFF = [300, 1_000, 2_000, 4_000, 8_000, 10_000]; // ms; the last one again and again
const RATE_LIMITED_PAUSE = 5_000; // ms; coming back faster would be refused again

/**
 * Close codes after which the same channel must not be asked for again. All others are resumed from; so is 1000 by whoever has not left: Firefox
 * tells a page that is being reloaded of the end of its channel, and it must not take that for its own leaving.
 */
const FINAL_CLOSES = new Map([
  [4400, "bad_frame"],
  [4403, "turned_away"],
  [4409, "replaced"],
  [4410, "ended"],
]);
const LEFT_CLOSE = 1000;
const RATE_LIMITED_CLOSE = 4429;
const FINAL_STATES = new Set(["denied", "removed", "ended"]);
/** Refusals that pass by themselves, so that a resume is tried again. */
export const PASSING_REFUSALS = new Set(["draining", "internal", "rate_limited"]);

/** The server refused a request. Nothing has changed there. */
export class Refused extends Error {
  /** @param {Message} answer */
  constructor(answer) {
    super(`${answer.code}: ${answer.message}`);
    this.name = "Refused";
    /** @type {string} One of the protocol's error codes. */
    this.code = answer.code;
    /** @type {Message} The whole answer, with further fields such as `opens_at`. */
    this.details = answer;
  }
}

/** There is no channel, or it was lost before the answer came. The request may or may not have been done. */
export class ChannelLost extends Error {
  constructor() {
    super("the signalling channel is lost");
    this.name = "ChannelLost";
  }
}

export class SignallingClient {
  #url;
  #openSocket;
  #random;
  /** @type {Map<string, Set<(event: any) => void>>} */
  #listeners = new Map();
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {Map<number, Pending>} */
  #pending = new Map();
  #lastId = 0;
  /** @type {string | null} */
  #resume = null;
  /** @type {"new" | "connecting" | "open" | "ending" | "down" | "over"} `down`: between two tries to resume. */
  #phase = "new";
  /** @type {(() => void) | null} */
  #wake = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #quiet;

  /**
   * @param {{url: string, openSocket?: (url: string) => WebSocket, random?: () => number}} options
   *   `random` gives [0, 1) and spreads the reconnects of many clients.
   */
  constructor({ url, openSocket = (to) => new WebSocket(to, SUBPROTOCOL), random = Math.random }) {
    this.#url = url;
    this.#openSocket = openSocket;
    this.#random = random;
  }

  /**
   * @param {string} type
   * @param {(event: any) => void} listener
   */
  on(type, listener) {
    const listeners = this.#listeners.get(type) ?? new Set();
    listeners.add(listener);
    this.#listeners.set(type, listeners);
  }

  /**
   * Join the visit, once. Later losses of the channel are mended here with the resume token.
   *
   * @param {JoinRequest} request
   * @returns {Promise<JoinAnswer>}
   * @throws {Refused} the server said no; `code` says why
   * @throws {ChannelLost} the server could not be reached
   */
  async join(request) {
    try {
      return await this.#connect(request);
    } catch (error) {
      this.#phase = "over";
      this.#drop();
      throw error;
    }
  }

  /**
   * @param {string} type
   * @param {object} [fields]
   * @returns {Promise<any>} the `ok` answer
   * @throws {Refused}
   * @throws {ChannelLost}
   */
  request(type, fields = {}) {
    const socket = this.#socket;
    if (this.#phase !== "open" || socket?.readyState !== WebSocket.OPEN) return Promise.reject(new ChannelLost());
    return this.#ask(socket, type, fields);
  }

  /**
   * Leave the visit for good.
   *
   * @returns {Promise<boolean>} whether the server knows it. Where it could not be told in two seconds, `Farewell` (farewell.js) does so
   *   when it can be reached again
   */
  async leave() {
    const asked = this.request("leave").then(
      () => true,
      () => false,
    );
    if (this.#phase === "open") this.#phase = "ending";
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const silence = new Promise((done) => (timer = setTimeout(done, LEAVE_TIMEOUT, false)));
    const told = await Promise.race([asked, silence]);
    clearTimeout(timer);
    this.#end("left");
    return told;
  }

  /** The network may be back, or another one: do not wait for the next try, and do not trust the old channel. */
  renew() {
    this.#wake?.();
    if (this.#phase === "open" && this.#socket) this.#lost(this.#socket, 0);
  }

  /** The device may have slept: do not wait for the next try, and ask whether the channel is still one. */
  check() {
    this.#wake?.();
    if (this.#phase === "open") this.request("ping").catch(() => {});
  }

  /** Anything that comes shows that the channel is one. */
  #listen() {
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => this.check(), QUIET);
  }

  /**
   * @param {string} type
   * @param {any} event
   */
  #emit(type, event) {
    for (const listener of this.#listeners.get(type) ?? []) listener(event);
  }

  /**
   * @param {JoinRequest} request
   * @returns {Promise<JoinAnswer>}
   */
  async #connect(request) {
    this.#phase = "connecting";
    const socket = this.#openSocket(this.#url);
    this.#socket = socket;
    this.#lastId = 0;
    await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new ChannelLost()), CONNECT_TIMEOUT);
      socket.onopen = () => resolve(clearTimeout(timer));
      socket.onclose = () => reject((clearTimeout(timer), new ChannelLost()));
    });
    socket.onclose = (event) => this.#lost(socket, event.code);
    socket.onmessage = (event) => this.#received(socket, event.data);
    const answer = await this.#ask(socket, "join", request);
    this.#resume = answer.resume;
    this.#phase = "open";
    this.#listen();
    return answer;
  }

  /**
   * @param {WebSocket} socket
   * @param {string} type
   * @param {object} fields
   * @returns {Promise<any>}
   */
  #ask(socket, type, fields) {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#lost(socket, 0), ANSWER_TIMEOUT);
      this.#pending.set(id, { resolve, reject, timer });
      socket.send(JSON.stringify({ type, id, ...fields }));
    });
  }

  /**
   * @param {WebSocket} socket
   * @param {unknown} data
   */
  #received(socket, data) {
    if (socket !== this.#socket || typeof data !== "string") return;
    /** @type {Message} */
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      return;
    }
    if (typeof message?.type !== "string") return;
    this.#listen();
    if (message.id === undefined) {
      if (message.type === "state" && FINAL_STATES.has(message.state)) this.#phase = "ending";
      this.#emit(message.type, message);
      return;
    }
    const pending = this.#pending.get(message.id);
    if (!pending) return;
    this.#pending.delete(message.id);
    clearTimeout(pending.timer);
    if (message.type === "ok") pending.resolve(message);
    else pending.reject(new Refused(message));
  }

  /** Forget the socket, whatever it does from now on. */
  #drop() {
    clearTimeout(this.#quiet);
    const socket = this.#socket;
    this.#socket = null;
    if (socket) {
      socket.onopen = socket.onclose = socket.onmessage = null;
      if (socket.readyState <= WebSocket.OPEN) socket.close();
    }
    for (const pending of this.#pending.values()) {
      clearTimeout(pending.timer);
      pending.reject(new ChannelLost());
    }
    this.#pending.clear();
  }

  /**
   * @param {WebSocket} socket
   * @param {number} code close code; 0 where it was given up on this side
   */
  #lost(socket, code) {
    if (socket !== this.#socket) return;
    this.#drop();
    if (this.#phase === "connecting") return; // whoever joins or resumes has had its promise rejected
    const reason = FINAL_CLOSES.get(code);
    if (reason || this.#phase !== "open") this.#end(reason ?? (code === LEFT_CLOSE ? "left" : "turned_away"));
    else void this.#reconnect(code === RATE_LIMITED_CLOSE ? RATE_LIMITED_PAUSE : 0);
  }

  /** @param {string} reason */
  #end(reason) {
    if (this.#phase === "over") return;
    this.#phase = "over";
    this.#drop();
    this.#wake?.();
    this.#emit("closed", { reason });
  }

  /** @param {number} pause ms to wait before the first try, beside the usual backoff */
  async #reconnect(pause) {
    this.#phase = "down";
    this.#emit("reconnecting", {});
    for (let attempt = 0; ; attempt += 1) {
      const step = BACKOFF[Math.min(attempt, BACKOFF.length - 1)];
      await this.#sleep((attempt ? 0 : pause) + step * (0.75 + this.#random() / 2));
      if (this.#phase !== "down") return;
      try {
        const answer = await this.#connect({ resume: /** @type {string} */ (this.#resume) });
        this.#emit("resumed", answer);
        return;
      } catch (error) {
        this.#drop();
        if (this.#left()) return;
        if (error instanceof Refused && !PASSING_REFUSALS.has(error.code)) return this.#end(error.code);
        this.#phase = "down";
      }
    }
  }

  /** Whether `leave` has come between. */
  #left() {
    return this.#phase === "over";
  }

  /** @param {number} duration ms */
  #sleep(duration) {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#wake = null;
        resolve(undefined);
      };
      const timer = setTimeout(done, duration);
      this.#wake = done;
    });
  }
}
