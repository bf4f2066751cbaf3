/** Where the meeting is shown: on the full screen, or with its largest picture in a window of its own. Each only where the browser can. */

import { build, el } from "../dom.js";

/**
 * @param {string} testid
 * @param {string} text
 * @param {boolean} possible
 * @param {() => Promise<void>} act
 */
const toggle = (testid, text, possible, act) =>
  el("button", {
    class: "button plain small-button",
    testid,
    text,
    attrs: { type: "button", "aria-pressed": "false", hidden: !possible },
    on: { click: () => void act() },
  });

export class Windows extends HTMLElement {
  /** The picture to go on with, where there is one. @type {() => HTMLVideoElement | null} */
  mainVideo = () => null;
  /** Told why nothing has happened. @type {(key: string) => void} */
  say = () => {};
  #full = toggle("fullscreen", "screen.full", document.fullscreenEnabled === true, () => this.#toggleFull());
  #own = toggle("pip", "screen.pip", document.pictureInPictureEnabled === true, () => this.#toggleOwn());
  #left = new AbortController();
  /** The picture that has a window of its own. @type {HTMLVideoElement | null} */
  #shown = null;

  connectedCallback() {
    const { signal } = this.#left;
    document.addEventListener("fullscreenchange", this.#show, { signal });
    document.addEventListener("enterpictureinpicture", this.#entered, { signal });
    build(this, { class: "windows" }, this.#full, this.#own);
    this.#show();
  }

  /** The meeting is over: no window of it is left. */
  disconnectedCallback() {
    this.#left.abort();
    if (document.fullscreenElement) void document.exitFullscreen().catch(() => {});
    if (document.pictureInPictureElement) void document.exitPictureInPicture().catch(() => {});
  }

  /** Tiles have come or gone: whoever has left is in no window either. */
  update() {
    if (!this.#shown || this.#shown.isConnected) return;
    this.#closed();
    void document.exitPictureInPicture().catch(() => {}); // most browsers have done so
  }

  /** @param {Event} event */
  #entered = (event) => {
    const video = /** @type {HTMLVideoElement} */ (event.target);
    this.#shown = video;
    // At the picture itself: one that is out of the page tells nobody above it.
    video.addEventListener("leavepictureinpicture", () => this.#shown === video && this.#closed(), { once: true });
    this.#show();
  };

  #closed() {
    this.#shown = null;
    this.#show();
  }

  /** The browser has ways of its own back, such as Escape. */
  #show = () => {
    this.#full.setAttribute("aria-pressed", String(Boolean(document.fullscreenElement)));
    this.#own.setAttribute("aria-pressed", String(this.#shown !== null));
  };

  async #toggleFull() {
    try {
      await (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen());
    } catch {
      this.say("screen.refused"); // as where a portal that shows the page in a frame has not allowed it
    }
  }

  async #toggleOwn() {
    const video = this.mainVideo();
    try {
      if (this.#shown) await document.exitPictureInPicture();
      else if (video) await video.requestPictureInPicture();
      else this.say("screen.pip.none");
    } catch {
      this.say("screen.refused");
    }
  }
}

customElements.define("evisit-windows", Windows);
