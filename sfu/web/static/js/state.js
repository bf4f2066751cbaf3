/**
 * All that is known of a visit in this tab, as plain values. No DOM.
 *
 * @typedef {import("./protocol.js").JoinAnswer} JoinAnswer
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
 * @property {string} words what staff have written to whom they turned away
 */

/**
 * Those of the lobby who are there to be let in.
 *
 * @param {Lobby} lobby
 */
export const presentIn = (lobby) => lobby.waiting.filter((p) => p.connected);

/**
 * Those of them of whom nothing is to be asked: the booking names them, they have shown who they are, and they are here once.
 *
 * @param {Lobby} lobby
 */
export const expectedIn = (lobby) => presentIn(lobby).filter((p) => p.booked && p.verified && !p.second_device);

/**
 * Who has closed the tab keeps the place for a while, and keeps nobody from being seen who is there.
 *
 * @param {Lobby} lobby
 * @returns {Lobby}
 */
export const presentFirst = (lobby) => ({ ...lobby, waiting: [...presentIn(lobby), ...lobby.waiting.filter((p) => !p.connected)] });

/** @returns {Roster} */
export const emptyRoster = () => ({ version: 0, locked: false, participants: [] });
/** @returns {Lobby} */
export const emptyLobby = () => ({ version: 0, waiting: [], turned_away: [] });

/** @returns {VisitState} */
export const before = () => ({
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
  words: "",
});
