/**
 * One visit as this tab takes part in it: the channel, the devices, the media, and what is known of everybody. No DOM; the
 * page draws `state` whenever `change` is emitted, and says what `message` tells.
 *
 * @typedef {import("./protocol.js").JoinAnswer} JoinAnswer
 * @typedef {import("./protocol.js").JoinRequest} JoinRequest
 * @typedef {import("./devices.js").Source} Source
 * @typedef {import("./state.js").VisitState} VisitState
 * @typedef {import("./state.js").Roster} Roster
 * @typedef {import("./state.js").Lobby} Lobby
 */

import { Devices } from "./devices.js";
import { Exchange, loadMedia } from "./exchange.js";
import { News } from "./news.js";
import { ChannelLost, Refused, SignallingClient } from "./protocol.js";
import { Screen } from "./screen.js";
import { before, emptyLobby, emptyRoster, presentFirst } from "./state.js";
import { Texting } from "./texting.js";

const NOTICES_KEPT = 20;

/** Emits `change`, and `message` ({key, params?, urgent}) for what is to be said once. */
export class Visit extends EventTarget {
  state = before();
  devices = new Devices();
  screen = new Screen();
  texting = new Texting((fields) => this.request("text", fields));
  #url;
  /** @type {SignallingClient | null} */
  #client = null;
  #news = new News();
  /** Of whoever has left, until the server knows. @type {Set<import("./farewell.js").Farewell>} */
  #farewells = new Set();
  #exchange = new Exchange({
    devices: this.devices,
    screen: this.screen,
    request: (type, fields) => this.request(type, fields),
    onChange: (changes) => this.#set(changes),
    say: (key) => this.#say(key, {}, false),
  });

  /** @param {{url: string}} options of the signalling channel */
  constructor({ url }) {
    super();
    this.#url = url;
    this.devices.addEventListener("change", () => this.#changed());
    this.screen.addEventListener("change", () => {
      // The browser's question may outlive the visit.
      if (this.screen.on && this.state.phase !== "meeting") this.screen.stop();
      else this.#changed();
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
    this.#news = new News();
    this.#listen(client);
    void loadMedia();
    this.#set({ ...before(), phase: "joining" });
    try {
      const answer = await client.join(request);
      this.#joined(answer);
      this.#set({ phase: answer.state === "admitted" ? "meeting" : "waiting" });
    } catch (error) {
      if (client !== this.#client) return;
      if (error instanceof Refused) this.#over(this.#refusedReason(error.code, request), { refusal: error.details });
      else if (error instanceof ChannelLost) this.#over("unreachable");
      else throw error;
      return;
    }
    await this.devices.start(wanted);
  }

  /** The user sees that they are in the meeting. Not before are they seen and heard there. */
  meet() {
    if (this.state.phase === "meeting") void this.#exchange.open();
  }

  async leave() {
    const client = this.#client;
    const resume = this.state.me?.resume;
    this.#over("left");
    if (client && !(await client.leave()) && resume) void this.#bidFarewell(resume);
  }

  /** @param {string} resume */
  async #bidFarewell(resume) {
    const { Farewell } = await loadMedia(); // it came when the visit was joined
    const farewell = new Farewell(resume, { url: this.#url });
    this.#farewells.add(farewell);
    await farewell.tell();
    this.#farewells.delete(farewell);
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
    this.#exchange.renew();
    for (const farewell of this.#farewells) farewell.renew();
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

  /**
   * Let somebody in or put them back, and have it said by whoever asks for it alone. Fields and errors as of `request`.
   *
   * @param {"admit" | "hold"} act
   * @param {{participant: string, agreed?: boolean}} fields
   */
  async move(act, fields) {
    this.#news.expect(act, fields.participant);
    try {
      return await this.request(act, fields);
    } catch (error) {
      this.#news.unexpect(fields.participant);
      throw error;
    }
  }

  /** @param {SignallingClient} client */
  #listen(client) {
    /** @type {Record<string, (event: any) => void>} */
    const heard = {
      state: (event) => this.#stateTold(event.state, event.reason),
      roster: (event) => this.#rosterTold(event),
      lobby: (event) => this.#lobbyTold(presentFirst({ turned_away: [], ...event })),
      lobby_status: ({ staff_present: staffPresent }) => this.#set({ staffPresent, staffSeen: staffPresent || this.state.staffSeen }),
      notice: (event) => this.#set({ notices: [...this.state.notices, String(event.text)].slice(-NOTICES_KEPT) }),
      visit: (event) => this.#visitTold(event.visit),
      speaker: (event) => this.#set({ speaker: event.participant }),
      quality: (event) => this.#qualityTold(event),
      track_paused: (event) => this.#pauseTold(event),
      layers: ({ track, wanted }) => this.#exchange.encode(track, wanted),
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
    this.#exchange.relayBy(answer.ice_servers ?? []);
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
    this.#exchange.relayBy(servers);
  }

  /** @param {JoinAnswer} answer */
  #resumed(answer) {
    const was = this.state.phase;
    // A server that was restarted may count its versions anew.
    this.#set({ roster: { ...this.state.roster, version: 0 } });
    this.#joined(answer);
    if (was === "meeting" && answer.state === "admitted") {
      this.#exchange.resume();
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
      if (why === "ticket_revoked") this.#over(why);
      else this.#over(told, { words: why });
    } else if (told === "admitted" && this.state.phase === "waiting") {
      this.#say("message.admitted", {}, true);
      this.#set({ phase: "meeting", held: false, notices: [] });
    } else if (told === "waiting" && this.state.phase === "meeting") {
      this.#exchange.close();
      this.texting.hold();
      this.#say("message.held", {}, true);
      this.#set({ phase: "waiting", held: true, staffPresent: null, staffSeen: true, roster: emptyRoster(), lobby: emptyLobby(), speaker: null });
    }
  }

  /** @param {Roster} roster */
  #rosterTold(roster) {
    if (roster.version < this.state.roster.version) return;
    const own = this.state.me?.participant;
    for (const { key, params } of this.#news.ofRoster(this.state.roster.participants, roster.participants, own)) this.#say(key, params, false);
    const tracks = new Set(roster.participants.flatMap((p) => p.tracks.map(({ track }) => track)));
    // What is gone is held back no more, and nobody says so.
    this.#set({ roster, paused: new Map([...this.state.paused].filter(([track]) => tracks.has(track))) });
    this.texting.settle(new Set(roster.participants.map((p) => p.participant)));
    this.#exchange.heed(roster.participants, own);
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
    const said = this.#news.ofLobby(lobby.waiting);
    if (said) {
      this.dispatchEvent(new Event("knock"));
      this.#say(said.key, said.params, false);
    }
    this.#set({ lobby });
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
   * @param {Partial<Pick<VisitState, "refusal" | "words">>} [told]
   */
  #over(reason, told = {}) {
    this.#client = null;
    this.#exchange.close();
    this.devices.stop();
    this.texting.close();
    this.#set({ ...before(), phase: "over", me: this.state.me, reason, ...told });
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
