/** The menu of a booking, as menus of programs are (WAI-ARIA: menu button): right mouse button, Shift+F10, the menu key, a button. */

const EDGE = 8; // pixels between the menu and the edge of the window

export class Menus {
  /** @type {{menu: HTMLElement, opener: HTMLElement, back: HTMLElement} | null} */
  #open = null;

  /** @param {Iterable<HTMLElement>} bookings */
  constructor(bookings) {
    for (const booking of bookings) {
      const menu = booking.querySelector("[role=menu]");
      const opener = booking.querySelector("[aria-haspopup=menu]");
      if (menu && opener) this.#bind(booking, menu, opener);
    }
    document.addEventListener("pointerdown", (event) => {
      if (this.#open && !this.#open.menu.contains(event.target) && !this.#open.opener.contains(event.target)) this.close(false);
    });
    addEventListener("blur", () => this.close(false));
    addEventListener("resize", () => this.close(false));
  }

  /** @param {boolean} [back] whether the focus goes back to where it was */
  close(back = true) {
    if (!this.#open) return;
    const { menu, opener, back: before } = this.#open;
    this.#open = null;
    menu.hidden = true;
    opener.setAttribute("aria-expanded", "false");
    if (back) before.focus();
  }

  #bind(booking, menu, opener) {
    opener.addEventListener("click", () => (menu.hidden ? this.#show(menu, opener, opener) : this.close()));
    opener.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
      event.preventDefault();
      this.#show(menu, opener, opener, null, event.key === "ArrowUp" ? -1 : 0);
    });
    booking.addEventListener("contextmenu", (event) => {
      if (menu.contains(event.target)) return event.preventDefault();
      event.preventDefault();
      // A key that asks for it has been heard as a key already.
      if (menu.hidden) this.#show(menu, opener, opener, { x: event.clientX, y: event.clientY });
    });
    booking.addEventListener("keydown", (event) => {
      if (event.key !== "ContextMenu" && !(event.key === "F10" && event.shiftKey)) return;
      event.preventDefault();
      if (menu.hidden) this.#show(menu, opener, document.activeElement ?? opener);
    });
    menu.addEventListener("keydown", (event) => this.#walk(menu, event));
    menu.addEventListener("click", (event) => {
      // After the click has done its work: a hidden button submits nothing.
      if (event.target !== menu) setTimeout(() => this.close());
    });
  }

  #show(menu, opener, back, pointer = null, item = 0) {
    this.close(false);
    this.#open = { menu, opener, back };
    menu.classList.toggle("at-pointer", pointer !== null);
    menu.style.left = menu.style.top = "";
    menu.hidden = false;
    opener.setAttribute("aria-expanded", "true");
    if (pointer) {
      const { width, height } = menu.getBoundingClientRect();
      menu.style.left = `${Math.max(EDGE, Math.min(pointer.x, innerWidth - width - EDGE))}px`;
      menu.style.top = `${Math.max(EDGE, Math.min(pointer.y, innerHeight - height - EDGE))}px`;
    }
    this.#items(menu).at(item).focus();
  }

  #walk(menu, event) {
    const items = this.#items(menu);
    const at = items.indexOf(document.activeElement);
    const letter = event.key.length === 1 && !event.ctrlKey && !event.altKey && !event.metaKey ? event.key.toLowerCase() : null;
    /** @type {HTMLElement | undefined} */
    let next;
    if (event.key === "ArrowDown") next = items[(at + 1) % items.length];
    else if (event.key === "ArrowUp") next = items.at(at - 1);
    else if (event.key === "Home") next = items[0];
    else if (event.key === "End") next = items.at(-1);
    else if (event.key === "Escape") this.close();
    else if (event.key === "Tab") return this.close();
    else if (letter && letter !== " ") next = [...items.slice(at + 1), ...items.slice(0, at + 1)].find((each) => each.textContent.toLowerCase().startsWith(letter));
    else return;
    event.preventDefault();
    event.stopPropagation();
    next?.focus();
  }

  #items(menu) {
    return [...menu.querySelectorAll("[role=menuitem]")];
  }
}
