/**
 * How this tab came to the visit, kept so that a reload finds its way back.
 *
 * The secret of a link stands in the fragment. It is taken out of the address bar at once: it is not seen on a shared screen, not
 * copied, not bookmarked. It lives on in sessionStorage, which belongs to this tab alone and ends with it.
 *
 * @typedef {{ticket: string} | {visit: string, key: string}} Entry
 * @typedef {{fragment: string, resume?: string, guest?: {name: string, role: string}, language?: string,
 *   microphone?: boolean, camera?: boolean, chosen?: Record<string, string>, arrivalSound?: boolean, announcements?: boolean, pictureFirst?: boolean, captions?: boolean,
 *   begunAnew?: number[]}} Memory
 */

const KEY = "evisit";
const ANEW_AFTER = 20_000; // ms from one new document to the next at least …
const ANEW_MOST = 3; // … of so many within
const ANEW_WITHIN = 3_600_000; // ms

/**
 * @param {string} fragment without `#`
 * @returns {Entry | null} null where the link is not whole
 */
export function readFragment(fragment) {
  const fields = new URLSearchParams(fragment);
  const ticket = fields.get("ticket");
  if (ticket) return { ticket };
  const visit = fields.get("visit");
  const key = fields.get("key");
  return visit && key ? { visit, key } : null;
}

/** What this tab remembers. Where the browser refuses storage, it remembers until the next reload. */
export class TabMemory {
  /** @type {Memory} */
  #memory = { fragment: "" };
  #kept = false;

  constructor() {
    try {
      const stored = JSON.parse(sessionStorage.getItem(KEY) ?? "{}");
      if (typeof stored.fragment === "string") this.#memory = stored;
    } catch {
      // Blocked or broken storage is the same as none.
    }
  }

  get now() {
    return this.#memory;
  }

  /** @param {Partial<Memory>} changes an undefined value forgets that field */
  remember(changes) {
    this.#memory = { ...this.#memory, ...changes };
    try {
      sessionStorage.setItem(KEY, JSON.stringify(this.#memory));
      this.#kept = true;
    } catch {
      // As above.
    }
  }

  /** Let a new document go on where this one is; not where it would remember nothing, and a few times an hour only. */
  beginAnew() {
    const now = Date.now();
    // The clock may have been set meanwhile.
    const past = (this.#memory.begunAnew ?? []).filter((then) => Math.abs(now - then) < ANEW_WITHIN);
    if (past.length >= ANEW_MOST || Math.abs(now - (past.at(-1) ?? 0)) < ANEW_AFTER) return;
    this.remember({ begunAnew: [...past, now] });
    if (this.#kept) location.reload();
  }

  /**
   * Take the fragment out of the address bar. Another link than the one remembered begins anew; half a link takes nothing from a whole one.
   *
   * @returns {boolean} whether there was another link
   */
  takeFragment() {
    const fragment = location.hash.slice(1);
    if (!fragment) return false;
    history.replaceState(null, "", location.pathname + location.search);
    if (fragment === this.#memory.fragment || (this.entry && !readFragment(fragment))) return false;
    this.remember({ fragment, resume: undefined, guest: undefined, begunAnew: undefined });
    return true;
  }

  /** @returns {Entry | null} */
  get entry() {
    return readFragment(this.#memory.fragment);
  }
}
