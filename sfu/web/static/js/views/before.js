/** Before the visit: what will happen, and for whoever comes by a shared link, who they are. */

import { el } from "../dom.js";
import { helpLine } from "../operator.js";
import { clearText, setText } from "../text.js";

const NAME_LENGTH = 80; // the protocol's limit
const ROLES = ["interpreter", "external", "guardian", "clinician", "patient"];
const STEPS = ["before.step.devices", "before.step.waiting", "before.step.admitted"];

export class BeforeView {
  titleKey = "before.title";
  heading = el("h1", { text: "before.title", attrs: { tabindex: -1 } });
  #join = el("button", { class: "button primary wide", testid: "join", text: "before.join", attrs: { type: "submit" } });
  #try = el("button", { class: "button plain wide", testid: "try", text: "before.try", attrs: { type: "button" } });
  #trying = el("div", { class: "trying" }, this.#try);
  /** @type {import("./equipment.js").Equipment | null} */
  #equipment = null;
  #stopped = false;
  #name;
  #role;

  /**
   * @param {object} options
   * @param {boolean} options.guest whether name and role must be asked for
   * @param {{name: string, role: string}} [options.known] what was answered earlier in this tab
   * @param {(guest: {name: string, role: string} | null) => void} options.join
   * @param {import("../devices.js").Devices} options.devices
   * @param {{url: string, entry: import("../entry.js").Entry | null}} options.link
   */
  constructor({ guest, known, join, devices, link }) {
    this.#try.addEventListener("click", () => void this.#tryEquipment(devices, link));
    this.#name = new Field(
      "name",
      el("input", { testid: "name", attrs: { type: "text", name: "name", autocomplete: "name", maxlength: NAME_LENGTH, spellcheck: "false" } }),
      "before.name.hint",
    );
    this.#role = new Field(
      "role",
      el(
        "select",
        { testid: "role", attrs: { name: "role" } },
        el("option", { text: "before.role.choose", attrs: { value: "" } }),
        ...ROLES.map((role) => el("option", { text: `before.role.${role}`, attrs: { value: role } })),
      ),
    );
    if (known) {
      this.#name.control.value = known.name;
      this.#role.control.value = known.role;
    }
    const form = el(
      "form",
      { attrs: { novalidate: true }, on: { submit: (event) => this.#submit(event, guest, join) } },
      ...(guest ? [this.#name.element, this.#role.element] : []),
      this.#join,
    );
    this.element = el(
      "main",
      { class: "card", testid: "before" },
      this.heading,
      el("p", { class: "lead", text: "before.lead" }),
      el("ol", { class: "steps" }, ...STEPS.map((text) => el("li", { text }))),
      this.#trying,
      form,
      el("p", { class: "small", text: "before.privacy" }),
      helpLine(),
    );
  }

  stop() {
    this.#stopped = true;
    this.#equipment?.stop();
  }

  /**
   * The browser asks for the devices when somebody has asked to try them, not before.
   *
   * @param {import("../devices.js").Devices} devices
   * @param {{url: string, entry: import("../entry.js").Entry | null}} link
   */
  async #tryEquipment(devices, link) {
    this.#try.setAttribute("aria-disabled", "true");
    try {
      const { Equipment } = await import("./equipment.js");
      if (this.#stopped || this.#equipment) return;
      this.#equipment = new Equipment(devices, link);
    } catch {
      return; // the network failed; another press tries again
    } finally {
      this.#try.setAttribute("aria-disabled", "false");
    }
    this.#trying.replaceChildren(this.#equipment.element);
    this.#equipment.element.focus();
    this.#equipment.start();
  }

  /** @param {import("../state.js").VisitState} state */
  update(state) {
    const joining = state.phase === "joining";
    this.#join.setAttribute("aria-disabled", String(joining));
    setText(this.#join, joining ? "before.joining" : "before.join");
  }

  /**
   * @param {SubmitEvent} event
   * @param {boolean} guest
   * @param {(guest: {name: string, role: string} | null) => void} join
   */
  #submit(event, guest, join) {
    event.preventDefault();
    if (this.#join.getAttribute("aria-disabled") === "true") return;
    if (!guest) return join(null);
    const name = this.#name.control.value.trim().replace(/\s+/g, " ");
    const role = this.#role.control.value;
    this.#name.fault(name && !/\p{Cc}/u.test(name) ? null : "before.name.missing");
    this.#role.fault(role ? null : "before.role.missing");
    const wrong = [this.#name, this.#role].find((field) => field.wrong);
    if (wrong) wrong.control.focus();
    else join({ name, role });
  }
}

/**
 * A labelled control with a hint and a place for what is wrong with it.
 *
 * @template {HTMLInputElement | HTMLSelectElement} Control
 */
class Field {
  wrong = false;
  #fault;

  /**
   * @param {string} id
   * @param {Control} control
   * @param {string} [hint] key
   */
  constructor(id, control, hint) {
    this.control = control;
    control.id = id;
    control.required = true;
    this.#fault = el("p", { class: "fault", testid: `${id}-fault`, attrs: { id: `${id}-fault` } });
    if (hint) control.setAttribute("aria-describedby", `${id}-hint ${id}-fault`);
    else control.setAttribute("aria-describedby", `${id}-fault`);
    this.element = el(
      "div",
      { class: "field" },
      el("label", { text: `before.${id}`, attrs: { for: id } }),
      hint ? el("p", { class: "hint", text: hint, attrs: { id: `${id}-hint` } }) : null,
      this.#fault,
      control,
    );
  }

  /** @param {string | null} key */
  fault(key) {
    this.wrong = key !== null;
    this.control.setAttribute("aria-invalid", String(this.wrong));
    this.element.classList.toggle("wrong", this.wrong);
    if (key) setText(this.#fault, key);
    else clearText(this.#fault);
  }
}
