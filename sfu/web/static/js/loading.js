/**
 * What is fetched only when it is needed. Where the network fails it is asked for again, until it comes. Firefox before 155 and
 * Safari 26 ask once for a module: where that has failed, only a new document helps. No DOM.
 */

const AGAIN_AFTER = 1_000; // ms; then twice as long, up to
const AT_MOST = 8_000;
const STUCK_AFTER = 2; // failures while the server answers

/** Emits `change` when `missing` begins or ends, `stuck` whenever only a new document helps; `missed` is for what was asked for in vain. */
class Loading extends EventTarget {
  #waits = 0;

  /** Whether something has failed to come and is waited for. */
  get missing() {
    return this.#waits > 0;
  }

  /**
   * @template Found
   * @param {() => Promise<Found>} fetched without a `need` in it
   * @param {() => boolean} [needed] false where one goes on without it: then nobody is told, and where only a new document helps it is given up
   * @returns {Promise<Found>} rejected when it is given up
   */
  async need(fetched, needed = () => true) {
    let failures = -1;
    let waits = 0;
    for (let pause = AGAIN_AFTER, silent = false; ; ) {
      try {
        const found = await fetched();
        this.#wait(-waits);
        return found;
      } catch (error) {
        const more = Number(needed()) - waits;
        waits += more;
        this.#wait(more);
        failures = silent ? 0 : failures + 1;
        if (failures >= STUCK_AFTER) {
          if (!waits) throw error;
          this.dispatchEvent(new Event("stuck"));
        }
      }
      await rest(pause);
      const before = silent;
      silent = !(await answers());
      pause = before && !silent ? AGAIN_AFTER : Math.min(2 * pause, AT_MOST);
    }
  }

  /** @param {number} more */
  #wait(more) {
    if (!more) return;
    this.#waits += more;
    this.dispatchEvent(new Event("change"));
  }
}

export const loading = new Loading();

/** @param {number} pause ms at most, until the network is back */
const rest = (pause) =>
  new Promise((done) => {
    const end = () => (removeEventListener("online", end), done(null));
    addEventListener("online", end);
    setTimeout(end, pause);
  });

/** Whether the server gives what it has given before. */
const answers = () => fetch(import.meta.url, { method: "HEAD", cache: "no-store" }).then(({ ok }) => ok, () => false);
