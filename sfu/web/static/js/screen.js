/**
 * Sharing the screen, with its sound where the browser can. No DOM.
 *
 * @typedef {"screen" | "screen_audio"} ScreenSource
 */

/** @type {ScreenSource[]} */
export const SCREEN_SOURCES = ["screen", "screen_audio"];

/** Emits `change` when sharing begins or ends, and `failed` where the browser could not begin. */
export class Screen extends EventTarget {
  /** @type {Record<ScreenSource, MediaStreamTrack | null>} */
  tracks = { screen: null, screen_audio: null };
  asking = false;

  /** Phones cannot. */
  get possible() {
    return typeof navigator.mediaDevices?.getDisplayMedia === "function";
  }

  get on() {
    return this.tracks.screen !== null;
  }

  async start() {
    if (this.on || this.asking) return;
    this.asking = true;
    try {
      const stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { ideal: 15, max: 30 } }, audio: true });
      this.#opened(stream);
    } catch (error) {
      // The user who closes the browser's question has not asked for anything.
      const name = error instanceof Error ? error.name : "";
      if (name !== "NotAllowedError" && name !== "AbortError") this.dispatchEvent(new Event("failed"));
    } finally {
      this.asking = false;
    }
  }

  stop() {
    if (!this.on) return;
    for (const source of SCREEN_SOURCES) {
      this.tracks[source]?.stop();
      this.tracks[source] = null;
    }
    this.dispatchEvent(new Event("change"));
  }

  /** @param {MediaStream} stream */
  #opened(stream) {
    const [screen] = stream.getVideoTracks();
    const [sound] = stream.getAudioTracks();
    screen.contentHint = "detail"; // text stays sharp; fewer frames where not all fits
    if (sound) sound.contentHint = "music";
    this.tracks = { screen, screen_audio: sound ?? null };
    screen.onended = () => this.stop(); // the browser's own button
    this.dispatchEvent(new Event("change"));
  }
}
