/**
 * Real-time text (EN 301 549 6.2): what is typed reaches the others while it is typed. No DOM.
 *
 * Each message carries a writer's whole line as it stands, so that a line that was corrected, or a message that was lost, needs
 * nothing more. A line is final when its writer ends it. Nothing is kept anywhere else than here, and it goes with the visit.
 *
 * @typedef {{participant: string, name: string, text: string, own: boolean}} Line
 * @typedef {{lines: Line[], writing: Line[], count: number}} Transcript `count` of lines ever ended, those forgotten too
 */

import { ChannelLost, Refused } from "./protocol.js";

/** ms between messages: with the network's own delay, a character is at the others within the half second that the standard gives. */
const SEND_EVERY = 400;
const RETRY_AFTER = 1_500; // ms; after `rate_limited`
const LINES_KEPT = 500; // a long visit of somebody who only writes
export const LINE_LENGTH = 500; // the protocol's limit

/** Emits `change` where the transcript has changed. */
export class Texting extends EventTarget {
  /** @type {Transcript} */
  transcript = { lines: [], writing: [], count: 0 };
  #request;
  #draft = "";
  #sent = "";
  #sentAt = -Infinity;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** Ended lines that the server is not known to have yet. Two of them may read the same. @type {{text: string}[]} */
  #outbox = [];
  #sending = false;

  /** @param {(fields: {text: string, final: boolean}) => Promise<unknown>} request sends one message of type `text` */
  constructor(request) {
    super();
    this.#request = request;
  }

  /** @param {string} text the line as it stands, after every change */
  type(text) {
    this.#draft = text.slice(0, LINE_LENGTH);
    this.#sendSoon();
  }

  /** The line is finished. */
  end() {
    const text = this.#draft;
    this.#begin();
    if (!text.trim()) return;
    this.#outbox.push({ text });
    void this.#post();
  }

  /**
   * The server has passed on what somebody wrote; to its writer too.
   *
   * @param {Line} line
   * @param {boolean} final
   */
  heard({ participant, name, text, own }, final) {
    const writing = this.transcript.writing.filter((line) => line.participant !== participant);
    if (final) {
      if (own && this.#outbox[0]?.text === text) this.#outbox.shift();
      this.#show([...this.transcript.lines, { participant, name, text, own }], writing, 1);
    } else if (!own) {
      this.#show(this.transcript.lines, text ? [...writing, { participant, name, text, own }] : writing, 0);
    }
  }

  /**
   * What somebody had begun to write stays to be read when they are gone.
   *
   * @param {Set<string>} here
   */
  settle(here) {
    const { lines, writing } = this.transcript;
    const left = writing.filter((line) => !here.has(line.participant));
    if (left.length) this.#show([...lines, ...left], writing.filter((line) => here.has(line.participant)), left.length);
  }

  /** The channel is back: say again what may not have arrived. */
  resume() {
    this.#sent = "";
    this.#sendSoon();
    void this.#post();
  }

  /** Whoever is put back into the waiting room writes to nobody: what has not been sent yet never will be. */
  hold() {
    this.#begin();
    this.#outbox = [];
  }

  /** Forget everything. */
  close() {
    this.hold();
    this.#show([], [], -this.transcript.count);
  }

  /** An empty line. */
  #begin() {
    this.#draft = this.#sent = "";
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #sendSoon() {
    if (this.#timer !== undefined || this.#draft === this.#sent) return;
    this.#timer = setTimeout(() => this.#sendDraft(), Math.max(0, this.#sentAt + SEND_EVERY - performance.now()));
  }

  #sendDraft() {
    this.#timer = undefined;
    const text = this.#draft;
    if (text === this.#sent) return;
    this.#sent = text;
    this.#sentAt = performance.now();
    // What is lost here is in the next message, or in the ended line.
    this.#request({ text, final: false }).catch(() => {
      this.#sent = "";
    });
  }

  /** One ended line after the other, in their order. */
  async #post() {
    if (this.#sending) return;
    this.#sending = true;
    try {
      for (let line = this.#outbox[0]; line !== undefined; line = this.#outbox[0]) {
        if (!(await this.#posted(line.text))) return;
        // Where it came back before the answer, it is gone from here already.
        if (this.#outbox[0] === line) this.#outbox.shift();
      }
    } finally {
      this.#sending = false;
    }
  }

  /**
   * @param {string} text
   * @returns {Promise<boolean>} whether nothing more is to be done about this line
   */
  async #posted(text) {
    try {
      await this.#request({ text, final: true });
    } catch (error) {
      if (error instanceof ChannelLost) return false; // resume() comes
      if (!(error instanceof Refused)) throw error;
      if (error.code !== "rate_limited") return true; // it would be refused again
      setTimeout(() => void this.#post(), RETRY_AFTER);
      return false;
    }
    return true;
  }

  /**
   * @param {Line[]} lines
   * @param {Line[]} writing
   * @param {number} added
   */
  #show(lines, writing, added) {
    this.transcript = { lines: lines.slice(-LINES_KEPT), writing, count: this.transcript.count + added };
    this.dispatchEvent(new Event("change"));
  }
}
