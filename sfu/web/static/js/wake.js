/** Keeps the screen on while somebody waits or takes part: a phone that sleeps loses its place sooner or later, and its voice at once. */

export class WakeLock {
  /** @type {WakeLockSentinel | null} */
  #lock = null;
  #wanted = false;

  /** From now on; taken again whenever the page is seen again, since browsers let go of it then. */
  hold() {
    this.#wanted = true;
    document.addEventListener("visibilitychange", this.#take);
    void this.#take();
  }

  release() {
    this.#wanted = false;
    document.removeEventListener("visibilitychange", this.#take);
    void this.#lock?.release().catch(() => {});
    this.#lock = null;
  }

  #take = async () => {
    if (document.visibilityState !== "visible" || !navigator.wakeLock) return;
    try {
      const lock = await navigator.wakeLock.request("screen");
      if (this.#wanted) this.#lock = lock;
      else void lock.release();
    } catch {
      // The battery is low, or it is not allowed: all works as well until the screen goes dark.
    }
  };
}
