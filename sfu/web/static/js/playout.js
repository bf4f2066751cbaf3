/**
 * How long a picture waits before it is shown, so that what was lost and sent again is there in time. No DOM; the decision itself is pure.
 *
 * A browser knows how long its own repairs take. It does not know that of a packet that was lost before it came to the server, and shows pictures
 * as early as those that came whole allow: each that waits for a repair is left out, with all that build on it.
 *
 * @typedef {{asked: number, late: number}} Sample of one stream, what happened between two looks: packets that were asked for again, and pictures that
 *   came too late to be shown
 */

const EVERY = 1_000; // ms
const STEP = 50; // ms
const FIRST = 100; // ms; about what a packet takes that is noticed missing and sent again, 50 ms there and back
const MOST = 250; // ms; more is heard when people speak in turn (ITU-T G.114 draws the line at 400 from mouth to ear)
const LATE = 2; // pictures in a look; one alone is chance
const CALM = 20; // looks in which nothing was asked for again

/** Of one stream. */
export class Hold {
  /** Milliseconds, as `jitterBufferTarget` has them; null: the browser's own choice. @type {number | null} */
  target = null;
  #calm = 0;

  /**
   * @param {Sample} sample
   * @returns {boolean} whether `target` has changed
   */
  take({ asked, late }) {
    const before = this.target;
    this.#calm = asked ? 0 : this.#calm + 1;
    // Pictures are left out by a busy device too, and there waiting helps nobody.
    if (asked && late >= LATE) this.target = Math.min(MOST, before === null ? FIRST : before + STEP);
    else if (this.#calm >= CALM && before !== null) {
      this.#calm = 0;
      this.target = before > FIRST ? before - STEP : null;
    }
    return this.target !== before;
  }
}

/** Looks at what one connection receives, and has its receivers wait. */
export class Playout {
  #pc;
  /** By the receiver's track. @type {Map<string, {hold: Hold, asked: number, late: number}>} */
  #streams = new Map();
  #timer;

  /** @param {RTCPeerConnection} pc */
  constructor(pc) {
    this.#pc = pc;
    this.#timer = setInterval(() => void this.#look(), EVERY);
  }

  stop() {
    clearInterval(this.#timer);
  }

  async #look() {
    if (this.#pc.connectionState !== "connected") return;
    const report = await this.#pc.getStats();
    const receivers = new Map(this.#pc.getReceivers().map((receiver) => [receiver.track.id, receiver]));
    for (const id of this.#streams.keys()) if (!receivers.has(id)) this.#streams.delete(id);
    report.forEach(({ type, kind, trackIdentifier: id, nackCount: asked = 0, framesDropped: late = 0 }) => {
      const receiver = receivers.get(id);
      // The sound of whoever is seen is kept with the picture by the browser.
      if (type !== "inbound-rtp" || kind !== "video" || !receiver) return;
      const stream = this.#streams.get(id) ?? { hold: new Hold(), asked, late };
      // Another stream in the same section counts from nothing.
      const sample = { asked: Math.max(0, asked - stream.asked), late: Math.max(0, late - stream.late) };
      if (stream.hold.take(sample)) receiver.jitterBufferTarget = stream.hold.target;
      this.#streams.set(id, { ...stream, asked, late });
    });
  }
}
