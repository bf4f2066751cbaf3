/**
 * Before the visit: what will happen, and for whoever comes by a shared link, who they are. It stands in the document, so that there
 * is something to read before any script has come; the buttons wait for this one.
 */

import { adoptTexts, applyTexts, clearText, setText } from "../text.js";

/** @typedef {{name: string, role: string}} Guest */

export class BeforeView {
  titleKey = "before.title";
  element = /** @type {HTMLElement} */ (document.querySelector("main"));
  heading = /** @type {HTMLElement} */ (this.element.querySelector("h1"));
  #join = this.#find("join", HTMLButtonElement);
  #try = this.#find("try", HTMLButtonElement);
  #trying = /** @type {HTMLElement} */ (this.#try.parentElement);
  #name = new Field(this.#find("name", HTMLInputElement), this.#find("name-fault", HTMLElement));
  #role = new Field(this.#find("role", HTMLSelectElement), this.#find("role-fault", HTMLElement));
  /** @type {import("./equipment.js").Equipment | null} */
  #equipment = null;
  #stopped = false;
  #guest;
  #enter;
  #fetchEquipment;

  /**
   * @param {object} options
   * @param {boolean} options.guest whether name and role must be asked for
   * @param {Guest} [options.known] what was answered earlier in this tab
   * @param {(guest: Guest | null) => void} options.enter
   * @param {() => Promise<import("./equipment.js").Equipment>} options.equipment rejects where the network fails
   */
  constructor({ guest, known, enter, equipment }) {
    this.#guest = guest;
    this.#enter = enter;
    this.#fetchEquipment = equipment;
    const asked = /** @type {HTMLElement} */ (this.element.querySelector(".guest"));
    asked.hidden = false;
    if (!guest) asked.remove();
    if (known) {
      this.#name.control.value = known.name;
      this.#role.control.value = known.role;
    }
    adoptTexts(this.element);
    this.element.querySelector("form")?.addEventListener("submit", (event) => this.#submit(event));
    this.#try.addEventListener("click", () => void this.#tryEquipment());
    this.#join.disabled = this.#try.disabled = false;
  }

  /**
   * @template {HTMLElement} Kind
   * @param {string} testid
   * @param {new () => Kind} kind
   */
  #find(testid, kind) {
    const found = this.element.querySelector(`[data-testid="${testid}"]`);
    if (!(found instanceof kind)) throw new TypeError(`the document has no ${testid}`);
    return found;
  }

  /** Shown anew. */
  open() {
    this.#stopped = false;
    applyTexts(this.element);
  }

  stop() {
    this.#stopped = true;
    this.#equipment?.stop();
    this.#equipment = null;
    this.#trying.replaceChildren(this.#try);
  }

  /** The browser asks for the devices when somebody has asked to try them, not before. */
  async #tryEquipment() {
    this.#try.setAttribute("aria-disabled", "true");
    try {
      const equipment = await this.#fetchEquipment();
      if (this.#stopped || this.#equipment) return;
      this.#equipment = equipment;
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
    this.#show(state.phase === "joining");
  }

  /** @param {boolean} joining */
  #show(joining) {
    this.#join.setAttribute("aria-disabled", String(joining));
    setText(this.#join, joining ? "before.joining" : "before.join");
  }

  /** @param {SubmitEvent} event */
  #submit(event) {
    event.preventDefault();
    if (this.#join.getAttribute("aria-disabled") === "true") return;
    const guest = this.#guest ? this.#answers() : null;
    if (this.#guest && !guest) return;
    this.#show(true);
    this.#enter(guest);
  }

  /** @returns {Guest | null} null where something is missing, which has been said */
  #answers() {
    const name = this.#name.control.value.trim().replace(/\s+/g, " ");
    const role = this.#role.control.value;
    this.#name.fault(name && !/\p{Cc}/u.test(name) ? null : "before.name.missing");
    this.#role.fault(role ? null : "before.role.missing");
    const wrong = [this.#name, this.#role].find((field) => field.wrong);
    wrong?.control.focus();
    return wrong ? null : { name, role };
  }
}

/**
 * A control with a place for what is wrong with it.
 *
 * @template {HTMLInputElement | HTMLSelectElement} Control
 */
class Field {
  wrong = false;
  #fault;

  /**
   * @param {Control} control
   * @param {HTMLElement} fault
   */
  constructor(control, fault) {
    this.control = control;
    this.#fault = fault;
  }

  /** @param {string | null} key */
  fault(key) {
    this.wrong = key !== null;
    this.control.setAttribute("aria-invalid", String(this.wrong));
    this.control.parentElement?.classList.toggle("wrong", this.wrong);
    if (key) setText(this.#fault, key);
    else clearText(this.#fault);
  }
}
