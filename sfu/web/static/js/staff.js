/** What those who may admit can do: each taken back, or else asked back, and each failure explained. */

import { ChannelLost, Refused } from "./protocol.js";
import { el } from "./dom.js";
import { hasText, t } from "./text.js";
import { ask } from "./views/dialog.js";
import { presentIn } from "./state.js";
import { plainName, roleKey } from "./wording.js";

/**
 * @typedef {import("./state.js").Waiting} Waiting
 * @typedef {{participant: string, name: string, role: string, booked?: boolean}} Person `booked` where it is known
 * @typedef {"done" | "expected" | "failed"} Outcome `expected`: refused with a code that the caller deals with; what has failed has been said
 */

const NOTICE_LENGTH = 500; // the protocol's limits
const REASON_LENGTH = 200;
/** What is written most often. */
const NOTICES = ["notice.soon", "notice.late", "notice.call"];

export class StaffActions {
  #visit;
  #announcer;

  /**
   * @param {import("./visit.js").Visit} visit
   * @param {import("./announce.js").Announcer} announcer
   */
  constructor(visit, announcer) {
    this.#visit = visit;
    this.#announcer = announcer;
  }

  /** @param {Person} person */
  admit = async (person) => {
    if (person.booked === false) return this.#admitAgreed(person);
    const outcome = await this.#move("admit", { participant: person.participant, agreed: false }, ["agreement_required"]);
    if (outcome === "expected") await this.#admitAgreed(person);
    else if (outcome === "done") this.#admitted(person);
  };

  /** @param {Person} person who has been let in */
  #admitted({ participant, name }) {
    this.#announcer.offerUndo("undo.admitted", { name: plainName(name) }, () => void this.#putBack(participant, name));
  }

  /**
   * What was done is undone; there is nothing more to take back.
   *
   * @param {string} participant
   * @param {string} name
   */
  async #putBack(participant, name) {
    if ((await this.#move("hold", { participant })) === "done") this.#announcer.say("undo.held", { name: plainName(name) });
  }

  /**
   * Let in all whom the booking names and who have shown who they are, one after the other. Whoever else waits is asked about one by one.
   *
   * @param {Waiting[]} people
   */
  admitAll = async (people) => {
    /** @type {Waiting[]} */
    const admitted = [];
    for (const person of people) {
      const outcome = await this.#move("admit", { participant: person.participant, agreed: false }, ["agreement_required", "participant_unknown"]);
      if (outcome === "failed") break;
      if (outcome === "done") admitted.push(person);
    }
    if (admitted.length === 1) this.#admitted(admitted[0]);
    else if (admitted.length) {
      this.#announcer.offerUndo("undo.admitted.many", { names: admitted.map(({ name }) => plainName(name)).join(", ") }, async () => {
        for (const { participant, name } of admitted) await this.#putBack(participant, name);
      });
    }
  };

  /** @param {Person} person */
  async #admitAgreed(person) {
    const answer = await ask({
      testid: "agreement-dialog",
      title: ["agreement.title", { name: plainName(person.name) }],
      text: ["agreement.text", { name: plainName(person.name), role: () => t(roleKey(person.role)) }],
      choices: [
        { id: "yes", text: "agreement.yes", testid: "agreement-yes", kind: "primary" },
        { id: "no", text: "agreement.no", testid: "agreement-no", kind: "plain" },
      ],
    });
    if (answer !== "yes") return;
    if ((await this.#move("admit", { participant: person.participant, agreed: true })) === "done") this.#admitted(person);
  }

  /** Take back what was done last, while that is offered. */
  takeBack() {
    this.#announcer.takeBack();
  }

  /** Let in who has waited longest. */
  admitNext = async () => {
    const [next] = presentIn(this.#visit.state.lobby);
    if (next) await this.admit(next);
    else this.#announcer.say("lobby.empty");
  };

  /**
   * Write to one who waits, or to all.
   *
   * @param {Waiting | null} person
   */
  notice = async (person) => {
    const input = el("textarea", { testid: "notice-text", attrs: { id: "notice-text", rows: 3, maxlength: NOTICE_LENGTH, autofocus: true } });
    const suggestions = NOTICES.map((key) =>
      el("button", { class: "button plain small-button", testid: "notice-suggestion", text: key, attrs: { type: "button" }, on: { click: () => (input.value = t(key)) } }),
    );
    const answer = await ask({
      testid: "notice-dialog",
      title: person ? ["notice.title", { name: plainName(person.name) }] : ["notice.title.all", {}],
      text: ["notice.explain", {}],
      content: el(
        "div",
        { class: "field" },
        el("label", { text: "notice.label", attrs: { for: "notice-text" } }),
        input,
        el("div", { class: "entry-buttons" }, ...suggestions),
      ),
      choices: [
        { id: "send", text: "notice.send", testid: "notice-send", kind: "primary" },
        { id: "no", text: "cancel", testid: "notice-no", kind: "plain" },
      ],
    });
    const text = input.value.trim();
    if (answer !== "send" || !text) return;
    const done = await this.#request("notice", person ? { participant: person.participant, text } : { text });
    if (done === "done") this.#announcer.say("notice.sent");
  };

  /**
   * Until its owner turns it on again.
   *
   * @param {{track: string, name: string, source: "microphone" | "screen"}} whose
   */
  silence = async ({ track, name, source }) => {
    const done = source === "screen" ? "silence.done.screen" : "silence.done";
    if ((await this.#request("silence", { track })) === "done") this.#announcer.say(done, { name: plainName(name) });
  };

  /**
   * Whoever is denied is cut off: allowing them again does not bring them back by itself.
   *
   * @param {{participant: string, name: string, verified?: boolean}} person
   */
  deny = async ({ participant, name, verified }) => {
    const reason = await this.#askWhy("deny", name, { title: "deny.title", text: verified ? "deny.text" : "deny.text.link", yes: "deny.yes" });
    if (reason === null) return;
    if ((await this.#request("deny", { participant, reason })) === "done") this.#announcer.say("deny.done", { name: plainName(name) });
  };

  /**
   * Whether somebody is to be turned away, and what they are told.
   *
   * @param {"deny" | "remove"} act
   * @param {string} name
   * @param {{title: string, text: string, yes: string}} keys
   * @returns {Promise<string | null>} what to tell them, maybe nothing; null where they may stay
   */
  async #askWhy(act, name, { title, text, yes }) {
    const input = el("input", { testid: "reason", attrs: { id: "reason", type: "text", maxlength: REASON_LENGTH, autocomplete: "off", "aria-describedby": "reason-hint" } });
    const answer = await ask({
      testid: `${act}-dialog`,
      title: [title, { name: plainName(name) }],
      text: [text, { name: plainName(name) }],
      content: el(
        "div",
        { class: "field" },
        el("label", { text: "reason.label", attrs: { for: "reason" } }),
        el("p", { class: "hint", text: "reason.hint", attrs: { id: "reason-hint" } }),
        input,
      ),
      choices: [
        { id: "yes", text: yes, testid: `${act}-yes`, kind: "danger" },
        { id: "no", text: "cancel", testid: `${act}-no`, kind: "plain" },
      ],
    });
    return answer === "yes" ? input.value.trim() : null;
  }

  /** @param {{participant: string}} person */
  allow = ({ participant }) => this.#request("allow", { participant });

  /** @param {Person} person */
  hold = async (person) => {
    const { participant, name } = person;
    if ((await this.#move("hold", { participant })) !== "done") return;
    this.#announcer.offerUndo("undo.held", { name: plainName(name) }, () => void this.admit(person));
  };

  /** Have everybody see somebody large, or no more. @param {{participant: string, pinned?: boolean}} person */
  pin = ({ participant, pinned = false }) => this.#request("pin", { participant, pinned: !pinned });

  /** Copy the shared link; where the browser does not let the page, it is shown. */
  copyLink = async () => {
    /** @type {string} */
    let link;
    try {
      link = (await this.#visit.request("link")).share_url;
    } catch (error) {
      return this.#explain(error);
    }
    try {
      await navigator.clipboard.writeText(link);
      this.#announcer.say("link.copied");
    } catch {
      await this.#showLink(link);
    }
  };

  /** @param {string} link */
  async #showLink(link) {
    const input = el("input", {
      testid: "link-text",
      attrs: { id: "link-text", type: "text", readonly: true, value: link, autofocus: true },
      on: { focus: () => input.select() },
    });
    await ask({
      testid: "link-dialog",
      title: ["link.title", {}],
      text: ["link.text", {}],
      content: el("div", { class: "field" }, el("label", { text: "link.label", attrs: { for: "link-text" } }), input),
      choices: [{ id: "close", text: "close", testid: "link-close", kind: "primary" }],
    });
  }

  /**
   * Who came by the shared link is known by nothing else, so the link still brings them to the door.
   *
   * @param {{participant: string, name: string, verified?: boolean}} person
   */
  remove = async ({ participant, name, verified }) => {
    const reason = await this.#askWhy("remove", name, { title: "remove.title", text: verified ? "remove.text" : "remove.text.link", yes: "remove.yes" });
    if (reason !== null) await this.#request("remove", { participant, reason });
  };

  /** @param {boolean} locked */
  lock = (locked) => this.#request("lock", { locked });

  end = async () => {
    const answer = await ask({
      testid: "end-dialog",
      title: ["end.title", {}],
      text: ["end.text", {}],
      choices: [
        { id: "yes", text: "end.yes", testid: "end-yes", kind: "danger" },
        { id: "no", text: "cancel", testid: "end-no", kind: "plain" },
      ],
    });
    if (answer === "yes") await this.endNow();
  };

  /** For whoever has been asked already. */
  endNow = () => this.#request("end", {});

  /** @param {unknown} error */
  #explain(error) {
    if (error instanceof Refused) this.#announcer.say(hasText(`error.${error.code}`) ? `error.${error.code}` : "error.internal");
    else if (error instanceof ChannelLost) this.#announcer.say("error.channel");
    else throw error;
  }

  /**
   * @param {string} type
   * @param {object} fields
   * @returns {Promise<Outcome>}
   */
  #request = (type, fields) => this.#outcome(this.#visit.request(type, fields));

  /**
   * Let in or put back; said here, and not once more when the server tells it to everybody.
   *
   * @param {"admit" | "hold"} act
   * @param {{participant: string, agreed?: boolean}} fields
   * @param {string[]} [expected] codes that the caller deals with
   * @returns {Promise<Outcome>}
   */
  #move = (act, fields, expected) => this.#outcome(this.#visit.move(act, fields), expected);

  /**
   * @param {Promise<unknown>} answer
   * @param {string[]} [expected]
   * @returns {Promise<Outcome>}
   */
  async #outcome(answer, expected = []) {
    try {
      await answer;
      return "done";
    } catch (error) {
      if (error instanceof Refused && expected.includes(error.code)) return "expected";
      this.#explain(error);
      return "failed";
    }
  }
}
