/**
 * What a visit sends and receives: microphone, camera and screen out, everybody's sound and pictures in. No DOM.
 *
 * @typedef {import("./state.js").Admitted} Admitted
 * @typedef {import("./state.js").VisitState} VisitState
 */

import { SOURCES } from "./devices.js";
import { loading } from "./loading.js";
import { SCREEN_SOURCES } from "./screen.js";

/**
 * Sources shown on this page, the most important first: where not everything fits, people are heard, and what is shown to all
 * is seen. Others on the roster are named there and not received.
 */
const SHOWN_SOURCES = ["microphone", "screen_audio", "screen", "camera"];

/**
 * What carries media and watches it, and what says goodbye, fetched while the server is asked to let one in: nobody waits for it who only reads.
 *
 * @returns {Promise<typeof import("./media.js") & typeof import("./quality.js") & typeof import("./mutes.js") & typeof import("./farewell.js")>}
 */
export async function loadMedia() {
  const [media, quality, mutes, farewell] = await loading.need(() =>
    Promise.all([import("./media.js"), import("./quality.js"), import("./mutes.js"), import("./farewell.js")]),
  );
  return { ...media, ...quality, ...mutes, ...farewell };
}

export class Exchange {
  #devices;
  #screen;
  #request;
  #onChange;
  #say;
  /** @type {import("./mutes.js").Mutes | null} */
  #mutes = null;
  /** @type {import("./quality.js").QualityWatch | null} */
  #quality = null;
  /** @type {import("./media.js").MediaConnection | null} */
  #media = null;
  /** Whether media is wanted; it opens when what carries it has come. */
  #wanted = false;
  /** @type {RTCIceServer[]} */
  #relays = [];
  /** @type {Admitted | null} */
  #own = null;
  /** @type {Admitted[]} */
  #others = [];

  /**
   * @param {object} options
   * @param {import("./devices.js").Devices} options.devices
   * @param {import("./screen.js").Screen} options.screen
   * @param {(type: string, fields: object) => Promise<any>} options.request of the channel
   * @param {(changes: Partial<VisitState>) => void} options.onChange told what is known anew
   * @param {(key: string) => void} options.say told of what others have turned off
   */
  constructor({ devices, screen, request, onChange, say }) {
    this.#devices = devices;
    this.#screen = screen;
    this.#request = request;
    this.#onChange = onChange;
    this.#say = say;
    devices.addEventListener("change", () => this.#syncLocal());
    screen.addEventListener("change", () => this.#syncScreen());
  }

  /** Somebody has been let in, and sees it. */
  async open() {
    if (this.#wanted) return;
    this.#wanted = true;
    const { MediaConnection, Mutes, QualityWatch } = await loadMedia();
    if (this.#media || !this.#wanted) return;
    this.#quality ??= new QualityWatch({
      measure: async () => (await this.#media?.measure()) ?? null,
      onRating: (quality) => this.#onChange({ quality }),
    });
    this.#mutes ??= new Mutes({
      devices: this.#devices,
      tell: (fields) => this.#request("mute", fields),
      onSilenced: () => this.#say("message.silenced"),
      onRefused: () => this.#say("message.not_turned_on"),
    });
    this.#media = new MediaConnection({
      iceServers: this.#relays,
      negotiate: (offer) => this.#request("offer", offer),
      onRemote: (remote) => this.#onChange({ remote }),
      onSent: (sent) => {
        this.#mutes?.renew(sent, this.#own?.tracks ?? []);
        this.#heedShare();
      },
      // A connection that begins anew has nothing held back yet.
      onStatus: (media) => this.#onChange(media === "connecting" ? { media, paused: new Map() } : { media }),
    });
    this.#syncLocal();
    this.#syncRemote();
    this.#quality.start();
  }

  /** Whoever waits or has left neither sends nor receives. */
  close() {
    const media = this.#media;
    this.#wanted = false;
    this.#media = null;
    this.#own = null;
    this.#others = [];
    this.#mutes?.clear();
    media?.close();
    this.#quality?.stop();
    this.#screen.stop();
    this.#onChange({ media: null, quality: "good", qualities: new Map(), paused: new Map(), remote: new Map() });
  }

  /** The channel is back. */
  resume() {
    this.#media?.resume();
    this.#mutes?.sync();
  }

  /** The network may have come back or changed. */
  renew() {
    this.#media?.renew();
  }

  /** @param {RTCIceServer[]} servers to use from now on */
  relayBy(servers) {
    this.#relays = servers;
    this.#media?.relayBy(servers);
  }

  /**
   * @param {string} track an own one
   * @param {string[]} wanted layers that somebody watches
   */
  encode(track, wanted) {
    this.#media?.encode(track, wanted);
  }

  /**
   * Who is in, and with which tracks.
   *
   * @param {Admitted[]} participants
   * @param {string | undefined} own this tab's
   */
  heed(participants, own) {
    this.#own = participants.find((p) => p.participant === own) ?? null;
    this.#others = participants.filter((p) => p.participant !== own);
    this.#syncRemote();
    this.#heedShare();
    this.#mutes?.heed(this.#own?.tracks ?? []);
  }

  /** A share that staff have stopped has ended. */
  #heedShare() {
    const screen = this.#mutes?.trackOf("screen");
    if (!this.#screen.on || !this.#own?.tracks.some(({ track, muted }) => track === screen && muted)) return;
    this.#screen.stop();
    this.#say("message.share_stopped");
  }

  #syncLocal() {
    for (const source of SOURCES) this.#media?.send(source, this.#devices[source].track);
    this.#mutes?.sync();
  }

  #syncScreen() {
    for (const source of SCREEN_SOURCES) {
      const track = this.#screen.tracks[source];
      if (track) this.#media?.send(source, track);
      else this.#media?.retire(source);
    }
  }

  #syncRemote() {
    const tracks = this.#others.flatMap((p) => p.tracks);
    const ordered = SHOWN_SOURCES.flatMap((source) => tracks.filter((t) => t.source === source));
    this.#media?.receive(
      ordered.map(({ track, kind }) => ({ track, kind })),
      (this.#own?.tracks ?? []).map((t) => t.track),
    );
  }
}
