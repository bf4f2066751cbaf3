/** What those who may admit can do: each asked back where it cannot be undone, each failure explained. */

import { ChannelLost, Refused } from "./protocol.js";
import { el } from "./dom.js";
import { hasText, plainName, roleKey, t } from "./text.js";
import { ask } from "./views/dialog.js";
import { presentIn } from "./visit.js";

/** @typedef {import("./visit.js").Waiting} Waiting */

const NOTICE_LENGTH = 500; // the protocol's limit
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

  /** @param {Waiting} person */
  admit = async (person) => {
    if (!person.booked) return this.#admitAgreed(person);
    const refused = await this.#request("admit", { participant: person.participant, agreed: false }, ["agreement_required"]);
    if (refused) await this.#admitAgreed(person);
  };

  /** @param {Waiting} person */
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
    if (answer === "yes") await this.#request("admit", { participant: person.participant, agreed: true });
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
    if (await this.#done("notice", person ? { participant: person.participant, text } : { text })) this.#announcer.say("notice.sent");
  };

  /**
   * Until its owner turns it on again.
   *
   * @param {{track: string, name: string}} whose
   */
  silence = async ({ track, name }) => {
    if (await this.#done("silence", { track })) this.#announcer.say("silence.done", { name: plainName(name) });
  };

  /** @param {{participant: string}} person */
  deny = ({ participant }) => this.#request("deny", { participant });

  /** @param {{participant: string}} person */
  allow = ({ participant }) => this.#request("allow", { participant });

  /** @param {{participant: string}} person */
  hold = ({ participant }) => this.#request("hold", { participant });

  /** @param {{participant: string, name: string}} person */
  remove = async ({ participant, name }) => {
    const answer = await ask({
      testid: "remove-dialog",
      title: ["remove.title", { name: plainName(name) }],
      text: ["remove.text", { name: plainName(name) }],
      choices: [
        { id: "yes", text: "remove.yes", testid: "remove-yes", kind: "danger" },
        { id: "no", text: "cancel", testid: "remove-no", kind: "plain" },
      ],
    });
    if (answer === "yes") await this.#request("remove", { participant });
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

  /**
   * @param {string} type
   * @param {object} fields
   * @returns {Promise<boolean>} whether it was done; where not, that has been said
   */
  async #done(type, fields) {
    try {
      await this.#visit.request(type, fields);
      return true;
    } catch (error) {
      this.#explain(error);
      return false;
    }
  }

  /** @param {unknown} error */
  #explain(error) {
    if (error instanceof Refused) this.#announcer.say(hasText(`error.${error.code}`) ? `error.${error.code}` : "error.internal");
    else if (error instanceof ChannelLost) this.#announcer.say("error.channel");
    else throw error;
  }

  /**
   * @param {string} type
   * @param {object} fields
   * @param {string[]} [expected] codes that the caller deals with
   * @returns {Promise<boolean>} whether it was refused with one of those
   */
  async #request(type, fields, expected = []) {
    try {
      await this.#visit.request(type, fields);
    } catch (error) {
      if (error instanceof Refused && expected.includes(error.code)) return true;
      this.#explain(error);
    }
    return false;
  }
}
