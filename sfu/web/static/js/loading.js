/**
 * What is fetched only when it is needed. Where the network fails it is asked for again, until it comes. Firefox and Safari keep a
 * module that has failed as failed for as long as the document lives: then only a new document helps. No DOM.
 */

const AGAIN_AFTER = 1_000; // ms; then twice as long, up to
const AT_MOST = 8_000;
const STUCK_AFTER = 2; // failures while the server answers

/** Emits `change` when `missing` begins or ends, `stuck` whenever only a new document helps; who asks for more in vain has it emit `missed`. */
class Loading extends EventTarget {
  #waits = 0;

  /** Whether something has failed to come and is waited for. */
  get missing() {
    return this.#waits > 0;
  }

  /**
   * @template Found
   * @param {() => Promise<Found>} fetched without a `need` in it
   * @param {() => boolean} [needed] asked after each failure: false where one goes on without it. Then nobody is told, and it may be given up
   * @returns {Promise<Found>} rejected only when it is given up
   */
  async need(fetched, needed = () => true) {
    let failures = 0;
    for (let pause = AGAIN_AFTER, waits = false, answered = false; ; answered = await answers()) {
      try {
        const found = await fetched();
        if (waits) this.#wait(-1);
        return found;
      } catch (error) {
        if (waits !== needed()) {
          waits = !waits;
          this.#wait(waits ? 1 : -1);
        }
        failures = answered ? failures + 1 : 0;
        if (failures >= STUCK_AFTER) {
          if (!waits) throw error;
          this.dispatchEvent(new Event("stuck"));
        }
      }
      await new Promise((done) => setTimeout(done, pause));
      pause = Math.min(2 * pause, AT_MOST);
    }
  }

  /** @param {number} more */
  #wait(more) {
    this.#waits += more;
    this.dispatchEvent(new Event("change"));
  }
}

export const loading = new Loading();

/** Whether the server gives what it has given before. */
const answers = () => fetch(import.meta.url, { method: "HEAD", cache: "no-store" }).then(({ ok }) => ok, () => false);
