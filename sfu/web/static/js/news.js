/**
 * What of all that changes among people is worth saying: who comes, who goes, who knocks. What the user of this tab has done is said
 * where it was done, and not once more when the server tells it to everybody. No DOM.
 *
 * @typedef {{key: string, params: Record<string, string>}} Said
 */

/**
 * One sentence, however many they are: of several that follow each other at once only the last would be heard.
 *
 * @param {string} one key
 * @param {string} many key
 * @param {{name: string}[]} people
 * @returns {Said[]}
 */
function together(one, many, people) {
  if (people.length > 1) return [{ key: many, params: { names: people.map(({ name }) => name).join(", ") } }];
  return people.map(({ name }) => ({ key: one, params: { name } }));
}

export class News {
  /** Who has been said to wait. @type {Set<string>} */
  #knocked = new Set();
  /** Whom this user has let in or put back, until it has been told. @type {Map<string, "admit" | "hold">} */
  #own = new Map();

  /**
   * The user does this; what comes of it is no news.
   *
   * @param {"admit" | "hold"} act
   * @param {string} participant
   */
  expect(act, participant) {
    this.#own.set(participant, act);
  }

  /**
   * It came to nothing.
   *
   * @param {string} participant
   */
  unexpect(participant) {
    this.#own.delete(participant);
  }

  /**
   * @param {import("./state.js").Admitted[]} before nobody where nothing was known: then everybody is there already
   * @param {import("./state.js").Admitted[]} now
   * @param {string | undefined} own this tab's participant
   * @returns {Said[]}
   */
  ofRoster(before, now, own) {
    if (!before.length) return [];
    const gone = new Map(before.map((p) => [p.participant, p]));
    const came = now.filter(({ participant }) => !gone.delete(participant) && !this.#expected("admit", participant));
    // Whoever is back in the waiting room is said to wait, or was put there by this user.
    const back = (/** @type {string} */ participant) => this.#knocked.has(participant) || this.#own.get(participant) === "hold";
    const went = [...gone.keys()].filter((participant) => participant !== own && !back(participant));
    return [
      ...together("message.came", "message.came.many", came),
      ...together("message.went", "message.went.many", went.flatMap((participant) => gone.get(participant) ?? [])),
    ];
  }

  /**
   * @param {import("./state.js").Waiting[]} waiting
   * @returns {Said | null} null where nobody is there who was not
   */
  ofLobby(waiting) {
    const present = waiting.filter((p) => p.connected);
    const fresh = present.filter(({ participant }) => !this.#knocked.has(participant) && !this.#expected("hold", participant));
    // Whoever has lost the connection and is back has been announced.
    const stay = waiting.filter((p) => p.connected || this.#knocked.has(p.participant));
    this.#knocked = new Set(stay.map((p) => p.participant));
    if (!fresh.length) return null;
    return fresh.length === 1
      ? { key: "message.knock", params: { name: fresh[0].name } }
      : { key: "message.knocks", params: { count: String(fresh.length) } };
  }

  /**
   * @param {"admit" | "hold"} act
   * @param {string} participant
   */
  #expected(act, participant) {
    return this.#own.get(participant) === act && this.#own.delete(participant);
  }
}
