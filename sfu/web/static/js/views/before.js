/**
 * Before the visit: what will happen, and for whoever comes by a shared link, who they are. It stands in the document, to be read
 * before any script has come; the buttons wait for this one.
 */

import { applyTexts, clearText, setText } from "../text.js";

/** @typedef {{name: string, role: string}} Guest */

export class BeforeView extends HTMLElement {
  titleKey = "before.title";
  /** Whether name and role must be asked for. */
  guest = false;
  /** What was answered earlier in this tab. @type {Guest | undefined} */
  known;
  /** Told that somebody wants to join. @type {(guest: Guest | null) => void} */
  enter = () => {};
  /** Fetches what tries the devices. @type {() => Promise<HTMLElement | null>} */
  equipment = () => Promise.reject();
  /** @type {HTMLElement | null} */
  #equipment = null;

  connectedCallback() {
    applyTexts(this); // another language may have been chosen since it was last shown
  }

  disconnectedCallback() {
    this.#equipment?.remove();
    this.#equipment = null;
    this.#try.hidden = false;
  }

  /** All is there that its buttons need. Called once, with all properties set. */
  open() {
    const asked = /** @type {HTMLElement} */ (this.querySelector(".guest"));
    asked.hidden = false;
    if (!this.guest) asked.remove();
    else if (this.known) {
      this.#name.value = this.known.name;
      this.#role.value = this.known.role;
    }
    this.addEventListener("submit", this.#submit);
    this.#try.addEventListener("click", () => void this.#tryEquipment());
    this.#join.disabled = this.#try.disabled = false;
  }

  /** What a guest has answered so far. @returns {Guest | undefined} */
  get typed() {
    return this.guest ? { name: this.#name.value, role: this.#role.value } : undefined;
  }

  get heading() {
    return /** @type {HTMLElement} */ (this.querySelector("h1"));
  }

  get #join() {
    return this.#find("join", HTMLButtonElement);
  }

  get #try() {
    return this.#find("try", HTMLButtonElement);
  }

  get #name() {
    return this.#find("name", HTMLInputElement);
  }

  get #role() {
    return this.#find("role", HTMLSelectElement);
  }

  /**
   * @template {HTMLElement} Kind
   * @param {string} testid
   * @param {new () => Kind} kind
   */
  #find(testid, kind) {
    const found = this.querySelector(`[data-testid="${testid}"]`);
    if (!(found instanceof kind)) throw new TypeError(`the document has no ${testid}`);
    return found;
  }

  /** The browser asks for the devices when somebody has asked to try them, not before. */
  async #tryEquipment() {
    const button = this.#try;
    button.setAttribute("aria-disabled", "true");
    const equipment = await this.equipment();
    button.setAttribute("aria-disabled", "false");
    if (!equipment || !this.isConnected || this.#equipment) return;
    this.#equipment = equipment;
    button.hidden = true;
    button.after(this.#equipment);
    this.#equipment.focus();
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

  /** @param {Event} event */
  #submit = (event) => {
    event.preventDefault();
    if (this.#join.getAttribute("aria-disabled") === "true") return;
    const guest = this.guest ? this.#answers() : null;
    if (this.guest && !guest) return;
    this.#show(true);
    this.enter(guest);
  };

  /** @returns {Guest | null} null where something is missing, which has been said */
  #answers() {
    const name = this.#name.value.trim().replace(/\s+/g, " ");
    const role = this.#role.value;
    const named = name !== "" && !/\p{Cc}/u.test(name);
    this.#fault(this.#name, named ? null : "before.name.missing");
    this.#fault(this.#role, role ? null : "before.role.missing");
    if (named && role) return { name, role };
    (named ? this.#role : this.#name).focus();
    return null;
  }

  /**
   * @param {HTMLInputElement | HTMLSelectElement} control
   * @param {string | null} key what is wrong with it
   */
  #fault(control, key) {
    control.setAttribute("aria-invalid", String(key !== null));
    control.parentElement?.classList.toggle("wrong", key !== null);
    const place = this.#find(`${control.id}-fault`, HTMLElement);
    if (key) setText(place, key);
    else clearText(place);
  }
}

customElements.define("evisit-before", BeforeView);
