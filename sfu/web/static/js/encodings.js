/** The layers that a camera is encoded in, and which of them are. No DOM. */

/**
 * The camera's layers, lowest first: each receiver gets the one that it shows and that its way takes.
 *
 * @type {RTCRtpEncodingParameters[]}
 */
const CAMERA_LAYERS = [
  { rid: "q", scaleResolutionDownBy: 4 },
  { rid: "h", scaleResolutionDownBy: 2 },
  { rid: "f", scaleResolutionDownBy: 1 },
];
const THREE_LAYERS = 960 * 540; // pixels: of smaller pictures Chromium sends two of three layers, and leaves out the largest …
const TWO_LAYERS = 480 * 270; // … and of still smaller ones one

/**
 * So many layers as the browser will send of this camera.
 *
 * @param {MediaStreamTrack} camera
 */
export const layersOf = (camera) => {
  const { width = 0, height = 0 } = camera.getSettings();
  const pixels = width * height;
  return CAMERA_LAYERS.slice(pixels >= THREE_LAYERS ? 0 : pixels >= TWO_LAYERS ? 1 : 2);
};

/**
 * The last wish counts. One change is under way at a time: a browser refuses a second one before the first is through, and a camera
 * that somebody has begun to watch again would stay off.
 */
export class Encodings {
  #sender;
  /** @type {string[] | null} */
  #wanted = null;
  #changing = false;

  /** @param {Pick<RTCRtpSender, "getParameters" | "setParameters">} sender */
  constructor(sender) {
    this.#sender = sender;
  }

  /** @param {string[]} rids the layers that somebody watches; "" is that of a track without layers */
  want(rids) {
    this.#wanted = rids;
    if (!this.#changing) void this.#change();
  }

  async #change() {
    this.#changing = true;
    while (this.#wanted) {
      const wanted = this.#wanted;
      this.#wanted = null;
      const parameters = this.#sender.getParameters();
      if (!parameters.encodings.length) continue;
      for (const encoding of parameters.encodings) encoding.active = wanted.includes(encoding.rid ?? "");
      // Where the browser refuses, what was encoded so far still is.
      await this.#sender.setParameters(parameters).catch(() => {});
    }
    this.#changing = false;
  }
}
