/**
 * How well this device is connected, from what the browser measures. No DOM; the rating itself is pure.
 *
 * @typedef {"good" | "weak" | "poor"} Rating
 * @typedef {{lost: number, expected: number, away: number, reported: boolean, roundTrip: number}} Sample what happened between two
 *   measurements: packets that did not come and that should have, the share of what was sent that the server missed (0 to 1),
 *   whether it has told, and seconds there and back
 */

const EVERY = 3_000; // ms
const WEAK = { loss: 0.05, roundTrip: 0.4 }; // share, seconds: words begin to go missing, people begin to talk over each other
const POOR = { loss: 0.12, roundTrip: 0.9 };
const ENOUGH = 50; // packets; fewer say nothing about loss
const WORSE_AFTER = 2; // samples; one bad moment is none
const BETTER_AFTER = 4; // samples; a line that comes and goes is worse than one that stays

/**
 * @param {Sample} sample
 * @returns {Rating}
 */
export function rate({ lost, expected, away, reported, roundTrip }) {
  const down = expected >= ENOUGH ? Math.max(0, lost) / expected : 0;
  const loss = Math.max(down, reported ? away : 0);
  if (loss >= POOR.loss || roundTrip >= POOR.roundTrip) return "poor";
  if (loss >= WEAK.loss || roundTrip >= WEAK.roundTrip) return "weak";
  return "good";
}

/** What is shown, of ratings that come one by one. */
export class Steady {
  /** @type {Rating} */
  shown = "good";
  /** @type {Rating} */
  #candidate = "good";
  #times = 0;

  /**
   * @param {Rating} rating
   * @returns {boolean} whether what is shown has changed
   */
  take(rating) {
    this.#times = rating === this.#candidate ? this.#times + 1 : 1;
    this.#candidate = rating;
    const enough = rating === "good" || (rating === "weak" && this.shown === "poor") ? BETTER_AFTER : WORSE_AFTER;
    if (rating === this.shown || this.#times < enough) return false;
    this.shown = rating;
    return true;
  }
}

export class QualityWatch {
  #measure;
  #onRating;
  #steady = new Steady();
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  /** @type {{lost: number, received: number} | null} */
  #before = null;

  /**
   * @param {object} options
   * @param {() => Promise<RTCStatsReport | null>} options.measure
   * @param {(rating: Rating) => void} options.onRating told of changes
   */
  constructor({ measure, onRating }) {
    this.#measure = measure;
    this.#onRating = onRating;
  }

  start() {
    this.stop();
    this.#timer = setInterval(() => void this.#look(), EVERY);
  }

  stop() {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#before = null;
    this.#steady = new Steady();
  }

  async #look() {
    const report = await this.#measure();
    if (!report || this.#timer === undefined) {
      this.#before = null;
      return;
    }
    const now = { lost: 0, received: 0 };
    let away = 0;
    let reported = false;
    let roundTrip = 0;
    report.forEach((stat) => {
      if (stat.type === "inbound-rtp") {
        now.lost += stat.packetsLost ?? 0;
        now.received += stat.packetsReceived ?? 0;
      } else if (stat.type === "remote-inbound-rtp") {
        reported = true;
        away = Math.max(away, stat.fractionLost ?? 0);
        roundTrip = Math.max(roundTrip, stat.roundTripTime ?? 0);
      } else if (stat.type === "candidate-pair" && stat.nominated) {
        roundTrip = Math.max(roundTrip, stat.currentRoundTripTime ?? 0);
      }
    });
    const before = this.#before;
    this.#before = now;
    // Streams that have gone take their figures with them: nothing can be said then.
    if (!before || now.received < before.received) return;
    const lost = now.lost - before.lost;
    if (this.#steady.take(rate({ lost, expected: now.received - before.received + lost, away, reported, roundTrip }))) {
      this.#onRating(this.#steady.shown);
    }
  }
}
