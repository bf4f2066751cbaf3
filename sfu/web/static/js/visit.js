/**
 * One visit as this tab takes part in it: the channel, the devices, the media, and what is known of everybody. No DOM; the
 * page draws `state` whenever `change` is emitted, and says what `message` tells.
 *
 * @typedef {import("./protocol.js").JoinAnswer} JoinAnswer
 * @typedef {import("./protocol.js").JoinRequest} JoinRequest
 * @typedef {import("./devices.js").Source} Source
 * @typedef {{track: string, kind: "audio" | "video", source: string, muted: boolean, paused: boolean}} Track
 * @typedef {{participant: string, name: string, role: string, verified: boolean, connected: boolean,
 *   pinned?: boolean, admitted_at: string, tracks: Track[]}} Admitted
 * @typedef {{score: number, reason: string}} Reception 1 (bad) to 5 (good); `uplink` or `downlink`, or nothing
 * @typedef {{participant: string, name: string, role: string, verified: boolean, booked: boolean,
 *   second_device: boolean, connected: boolean, waiting_since: string}} Waiting
 * @typedef {{participant: string, name: string, role: string, state: string}} TurnedAway
 * @typedef {{version: number, locked: boolean, participants: Admitted[]}} Roster
 * @typedef {{version: number, waiting: Waiting[], turned_away: TurnedAway[]}} Lobby
 * @typedef {object} VisitState
 * @property {"before" | "joining" | "waiting" | "meeting" | "over"} phase
 * @property {JoinAnswer | null} me
 * @property {boolean} held whether this participant waits after having been in
 * @property {boolean | null} staffPresent null until the server has told
 * @property {boolean} staffSeen whether staff have been there since this tab came
 * @property {string[]} notices from staff, oldest first
 * @property {Roster} roster
 * @property {Lobby} lobby
 * @property {string | null} speaker
 * @property {Map<string, Reception>} qualities how well others are connected, by participant
 * @property {Map<string, string>} paused tracks that the server holds back from this device, and why
 * @property {import("./texting.js").Transcript} written
 * @property {import("./quality.js").Rating} quality of this device's own connection
 * @property {boolean} reconnecting
 * @property {import("./media.js").MediaStatus | null} media null where nothing is to be sent or received
 * @property {Map<string, MediaStreamTrack>} remote by track id
 * @property {string} reason why it is over
 * @property {import("./protocol.js").Message | null} refusal the server's answer where it refused the join
 */

import { Devices, SOURCES } from "./devices.js";
import { Mutes } from "./mutes.js";
import { ChannelLost, Refused, SignallingClient } from "./protocol.js";
import { QualityWatch } from "./quality.js";
import { SCREEN_SOURCES, Screen } from "./screen.js";
import { Texting } from "./texting.js";

/**
 * Sources shown on this page, the most important first: where not everything fits, people are heard, and what is shown to all
 * is seen. Others on the roster are named there and not received.
 */
const SHOWN_SOURCES = ["microphone", "screen_audio", "screen", "camera"];
const NOTICES_KEPT = 20;
const LOAD_AGAIN_AFTER = 2_000; // ms

/**
 * Those of the lobby who are there to be let in.
 *
 * @param {Lobby} lobby
 */
export const presentIn = (lobby) => lobby.waiting.filter((p) => p.connected);

/**
 * What carries media, fetched while the server is asked to let one in: the first view does not wait for it.
 *
 * @returns {Promise<typeof import("./media.js")>}
 */
async function loadMedia() {
  for (;;) {
    try {
      return await import("./media.js");
    } catch {
      await new Promise((done) => setTimeout(done, LOAD_AGAIN_AFTER)); // the network failed
    }
  }
}

/** @returns {Roster} */
const emptyRoster = () => ({ version: 0, locked: false, participants: [] });
/** @returns {Lobby} */
const emptyLobby = () => ({ version: 0, waiting: [], turned_away: [] });

/** @returns {VisitState} */
const before = () => ({
  phase: "before",
  me: null,
  held: false,
  staffPresent: null,
  staffSeen: false,
  notices: [],
  roster: emptyRoster(),
  lobby: emptyLobby(),
  speaker: null,
  qualities: new Map(),
  paused: new Map(),
  written: { lines: [], writing: [], count: 0 },
  quality: "good",
  reconnecting: false,
  media: null,
  remote: new Map(),
  reason: "",
  refusal: null,
});

/** Emits `change`, and `message` ({key, params?, urgent}) for what is to be said once. */
export class Visit extends EventTarget {
  state = before();
  devices = new Devices();
  screen = new Screen();
  texting = new Texting((fields) => this.request("text", fields));
  #url;
  #quality = new QualityWatch({
    measure: async () => (await this.#media?.measure()) ?? null,
    onRating: (quality) => this.#set({ quality }),
  });
  /** @type {SignallingClient | null} */
  #client = null;
  /** @type {import("./media.js").MediaConnection | null} */
  #media = null;
  /** Who has been said to wait. @type {Set<string>} */
  #announced = new Set();
  #mutes = new Mutes({
    devices: this.devices,
    tell: (fields) => this.request("mute", fields),
    onSilenced: () => this.#say("message.silenced", {}, false),
  });

  /** @param {{url: string}} options of the signalling channel */
  constructor({ url }) {
    super();
    this.#url = url;
    this.devices.addEventListener("change", () => {
      this.#syncLocal();
      this.#changed();
    });
    this.screen.addEventListener("change", () => {
      // The browser's question may outlive the visit.
      if (this.screen.on && this.state.phase !== "meeting") return this.screen.stop();
      this.#syncScreen();
      this.#changed();
    });
    this.screen.addEventListener("failed", () => this.#say("message.share_failed", {}, false));
    this.texting.addEventListener("change", () => this.#set({ written: this.texting.transcript }));
  }

  /**
   * @param {JoinRequest} request
   * @param {Source[]} wanted devices to start with
   */
  async join(request, wanted) {
    if (this.#client) return;
    const client = new SignallingClient({ url: this.#url });
    this.#client = client;
    this.#listen(client);
    void loadMedia();
    this.#set({ ...before(), phase: "joining" });
    try {
      const answer = await client.join(request);
      this.#joined(answer);
      this.#set({ phase: answer.state === "admitted" ? "meeting" : "waiting" });
      if (answer.state === "admitted") void this.#openMedia();
    } catch (error) {
      if (client !== this.#client) return;
      if (error instanceof Refused) this.#over(this.#refusedReason(error.code, request), error.details);
      else if (error instanceof ChannelLost) this.#over("unreachable");
      else throw error;
      return;
    }
    await this.devices.start(wanted);
  }

  async leave() {
    const client = this.#client;
    this.#over("left");
    await client?.leave();
  }

  /**
   * There is no visit to take part in.
   *
   * @param {string} reason
   */
  giveUp(reason) {
    this.#over(reason);
  }

  /** Forget how it ended, to try again. */
  reset() {
    if (this.state.phase === "over") this.#set(before());
  }

  /** The network may have come back or changed. */
  renew() {
    this.#client?.renew();
    this.#media?.renew();
  }

  /** The device may have slept, and the channel died meanwhile. */
  check() {
    this.#client?.check();
  }

  /**
   * A request of somebody who may admit, or of anybody about what they see.
   *
   * @param {string} type
   * @param {object} [fields]
   * @throws {Refused}
   * @throws {ChannelLost}
   */
  async request(type, fields) {
    if (!this.#client) throw new ChannelLost();
    return this.#client.request(type, fields);
  }

  /** @param {SignallingClient} client */
  #listen(client) {
    /** @type {Record<string, (event: any) => void>} */
    const heard = {
      state: (event) => this.#stateTold(event.state, event.reason),
      roster: (event) => this.#rosterTold(event),
      lobby: (event) => this.#lobbyTold({ turned_away: [], ...event }),
      lobby_status: ({ staff_present: staffPresent }) => this.#set({ staffPresent, staffSeen: staffPresent || this.state.staffSeen }),
      notice: (event) => this.#set({ notices: [...this.state.notices, String(event.text)].slice(-NOTICES_KEPT) }),
      visit: (event) => this.#visitTold(event.visit),
      speaker: (event) => this.#set({ speaker: event.participant }),
      quality: (event) => this.#qualityTold(event),
      track_paused: (event) => this.#pauseTold(event),
      layers: ({ track, wanted }) => this.#media?.encode(track, wanted),
      ice_servers: (event) => this.#relaysTold(event.ice_servers),
      text: (event) => this.#textTold(event),
      reconnecting: () => this.#set({ reconnecting: true }),
      resumed: (answer) => this.#resumed(answer),
      closed: ({ reason }) => this.#over(reason === "turned_away" ? "removed" : this.#refusedReason(reason, { resume: "" })),
    };
    for (const [type, act] of Object.entries(heard)) {
      client.on(type, (event) => {
        if (client === this.#client) act(event);
      });
    }
  }

  /** @param {JoinAnswer} answer */
  #joined(answer) {
    this.#set({ me: answer, reconnecting: false });
    this.#media?.relayBy(answer.ice_servers ?? []);
    this.dispatchEvent(new CustomEvent("joined", { detail: answer }));
  }

  /** @param {import("./protocol.js").VisitFacts} visit */
  #visitTold(visit) {
    const { me } = this.state;
    if (!me) return;
    const moved = visit.starts_at && visit.starts_at !== me.visit.starts_at ? visit.starts_at : null;
    this.#set({ me: { ...me, visit } });
    if (moved) this.#say("message.moved", { moment: moved }, false);
  }

  /** @param {RTCIceServer[]} servers */
  #relaysTold(servers) {
    if (this.state.me) this.#set({ me: { ...this.state.me, ice_servers: servers } });
    this.#media?.relayBy(servers);
  }

  /** @param {JoinAnswer} answer */
  #resumed(answer) {
    const was = this.state.phase;
    // A server that was restarted may count its versions anew.
    this.#set({ roster: { ...this.state.roster, version: 0 } });
    this.#joined(answer);
    if (was === "meeting" && answer.state === "admitted") {
      this.#media?.resume();
      this.#mutes.sync();
      this.texting.resume();
    } else {
      this.#stateTold(answer.state);
    }
  }

  /**
   * @param {string} told
   * @param {string} [why]
   */
  #stateTold(told, why = "") {
    if (told === "ended") {
      this.#over(why === "cancelled" ? why : this.#ending());
    } else if (told === "denied" || told === "removed") {
      this.#over(why === "ticket_revoked" ? why : told);
    } else if (told === "admitted" && this.state.phase === "waiting") {
      this.#say("message.admitted", {}, true);
      this.#set({ phase: "meeting", held: false, notices: [] });
      void this.#openMedia();
    } else if (told === "waiting" && this.state.phase === "meeting") {
      this.#closeMedia();
      this.#say("message.held", {}, true);
      this.#set({ phase: "waiting", held: true, staffPresent: null, staffSeen: true, roster: emptyRoster(), lobby: emptyLobby(), speaker: null });
    }
  }

  /** @param {Roster} roster */
  #rosterTold(roster) {
    if (roster.version < this.state.roster.version) return;
    const known = new Map(this.state.roster.participants.map((p) => [p.participant, p]));
    const own = this.state.me?.participant;
    if (known.size) {
      for (const { participant, name } of roster.participants) {
        if (!known.delete(participant)) this.#say("message.came", { name }, false);
      }
      for (const { participant, name } of known.values()) {
        if (participant !== own) this.#say("message.went", { name }, false);
      }
    }
    this.#set({ roster });
    this.texting.settle(new Set(roster.participants.map((p) => p.participant)));
    this.#syncRemote();
    this.#heedSilence();
  }

  /** @param {{participants: {participant: string, score: number, reason?: string}[]}} event */
  #qualityTold({ participants }) {
    this.#set({ qualities: new Map(participants.map(({ participant, score, reason = "" }) => [participant, { score, reason }])) });
  }

  /** @param {{track: string, paused: boolean, reason?: string}} event */
  #pauseTold({ track, paused, reason = "" }) {
    const known = new Map(this.state.paused);
    known.delete(track);
    if (paused) known.set(track, reason);
    this.#set({ paused: known });
  }

  /** @param {{participant: string, text: string, final: boolean}} event */
  #textTold({ participant, text, final }) {
    const name = this.state.roster.participants.find((p) => p.participant === participant)?.name ?? "";
    this.texting.heard({ participant, name, text: String(text), own: participant === this.state.me?.participant }, final);
  }

  /** @param {Lobby} lobby */
  #lobbyTold(lobby) {
    // Who has closed the tab keeps the place for a while, and keeps nobody from being seen who is there.
    const waiting = [...lobby.waiting.filter((p) => p.connected), ...lobby.waiting.filter((p) => !p.connected)];
    const fresh = waiting.filter((p) => p.connected && !this.#announced.has(p.participant));
    this.#announced = new Set(waiting.flatMap((p) => (p.connected || this.#announced.has(p.participant) ? [p.participant] : [])));
    if (fresh.length) this.dispatchEvent(new Event("knock"));
    if (fresh.length === 1) this.#say("message.knock", { name: fresh[0].name }, false);
    else if (fresh.length) this.#say("message.knocks", { count: String(fresh.length) }, false);
    this.#set({ lobby: { ...lobby, waiting } });
  }

  /** Staff can mute a track at the server. The button must not claim otherwise. */
  #heedSilence() {
    const screen = this.#mutes.trackOf("screen");
    if (this.screen.on && this.#ownTracks().some(({ track, muted }) => track === screen && muted)) {
      this.screen.stop();
      this.#say("message.share_stopped", {}, false);
    }
    this.#mutes.heed(this.#ownTracks());
  }

  #ownTracks() {
    return this.state.roster.participants.find((p) => p.participant === this.state.me?.participant)?.tracks ?? [];
  }

  async #openMedia() {
    const client = this.#client;
    if (!client) return;
    const { MediaConnection } = await loadMedia();
    if (client !== this.#client || this.#media || this.state.phase !== "meeting") return;
    this.#media = new MediaConnection({
      iceServers: this.state.me?.ice_servers ?? [],
      negotiate: (offer) => client.request("offer", offer),
      onRemote: (remote) => this.#set({ remote }),
      onSent: (sent) => this.#mutes.renew(sent, this.#ownTracks()),
      onStatus: (media) => this.#set({ media }),
    });
    this.#syncLocal();
    this.#syncRemote();
    this.#quality.start();
  }

  #closeMedia() {
    const media = this.#media;
    this.#media = null;
    this.#mutes.clear();
    media?.close();
    this.#quality.stop();
    this.screen.stop();
    this.#set({ media: null, quality: "good", qualities: new Map(), paused: new Map(), remote: new Map() });
  }

  #syncLocal() {
    for (const source of SOURCES) this.#media?.send(source, this.devices[source].track);
    this.#mutes.sync();
  }

  #syncScreen() {
    for (const source of SCREEN_SOURCES) {
      const track = this.screen.tracks[source];
      if (track) this.#media?.send(source, track);
      else this.#media?.retire(source);
    }
  }

  #syncRemote() {
    const others = this.state.roster.participants.filter((p) => p.participant !== this.state.me?.participant);
    const tracks = others.flatMap((p) => p.tracks);
    const ordered = SHOWN_SOURCES.flatMap((source) => tracks.filter((t) => t.source === source));
    this.#media?.receive(
      ordered.map(({ track, kind }) => ({ track, kind })),
      this.#ownTracks().map((t) => t.track),
    );
  }

  /** What the visit's end is for this participant: whoever was never in is not thanked for taking part. */
  #ending() {
    return this.state.phase === "meeting" || this.state.held ? "ended" : "unmet";
  }

  /**
   * What a refusal means depends on what was tried: a resume token that has run out is not a broken link.
   *
   * @param {string} code
   * @param {object} request
   */
  #refusedReason(code, request) {
    if (code === "visit_ended" || code === "ended") return this.#ending();
    if ("resume" in request && ["ticket_invalid", "ticket_expired", "visit_unknown"].includes(code)) return "away_too_long";
    return code;
  }

  /**
   * @param {string} reason
   * @param {import("./protocol.js").Message | null} [refusal]
   */
  #over(reason, refusal = null) {
    this.#client = null;
    this.#closeMedia();
    this.devices.stop();
    this.texting.close();
    this.#set({ ...before(), phase: "over", me: this.state.me, reason, refusal });
  }

  /**
   * @param {string} key
   * @param {object} params
   * @param {boolean} urgent
   */
  #say(key, params, urgent) {
    this.dispatchEvent(new CustomEvent("message", { detail: { key, params, urgent } }));
  }

  /** @param {Partial<VisitState>} changes */
  #set(changes) {
    Object.assign(this.state, changes);
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
