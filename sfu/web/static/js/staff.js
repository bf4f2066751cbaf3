/** What those who may admit can do: each asked back where it cannot be undone, each failure explained. */

import { ChannelLost, Refused } from "./protocol.js";
import { hasText, plainName, roleKey, t } from "./text.js";
import { ask } from "./views/dialog.js";

/** @typedef {import("./visit.js").Waiting} Waiting */

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
   * @param {string[]} [expected] codes that the caller deals with
   * @returns {Promise<boolean>} whether it was refused with one of those
   */
  async #request(type, fields, expected = []) {
    try {
      await this.#visit.request(type, fields);
    } catch (error) {
      if (error instanceof Refused && expected.includes(error.code)) return true;
      if (error instanceof Refused) this.#announcer.say(hasText(`error.${error.code}`) ? `error.${error.code}` : "error.internal");
      else if (error instanceof ChannelLost) this.#announcer.say("error.channel");
      else throw error;
    }
    return false;
  }
}
