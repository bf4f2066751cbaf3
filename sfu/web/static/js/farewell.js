/**
 * Telling the server of somebody who has left while it could not be reached. Without it they would stand on everybody's roster until their
 * place expires. A channel of its own is resumed for as long as it takes to say so. No DOM.
 */

import { PASSING_REFUSALS, Refused, SignallingClient } from "./protocol.js";

const PAUSES = [300, 1_000, 2_000, 4_000, 8_000, 10_000]; // ms; the last one again and again
const TRIES = 30; // about five minutes; by then the server has let the place go by itself

export class Farewell {
  #connect;
  #resume;
  #wake = () => {};

  /**
   * @param {string} resume the token of whoever has left
   * @param {{url: string, openSocket?: (url: string) => WebSocket}} options as of the client
   */
  constructor(resume, options) {
    this.#resume = resume;
    this.#connect = () => new SignallingClient(options);
  }

  /** @returns {Promise<boolean>} whether the server knows it; it knows too where the token is worth nothing any more */
  async tell() {
    for (let tries = 0; tries < TRIES; tries += 1) {
      await this.#sleep(PAUSES[Math.min(tries, PAUSES.length - 1)]);
      const client = this.#connect();
      try {
        await client.join({ resume: this.#resume });
        if (await client.leave()) return true;
      } catch (error) {
        if (error instanceof Refused && !PASSING_REFUSALS.has(error.code)) return true;
      }
    }
    return false;
  }

  /** The network may be back: do not wait for the next try. */
  renew() {
    this.#wake();
  }

  /** @param {number} duration ms */
  #sleep(duration) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, duration);
      this.#wake = () => resolve(clearTimeout(timer));
    });
  }
}
