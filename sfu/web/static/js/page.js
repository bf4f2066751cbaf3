/** The page: one view at a time, drawn from the visit's state, and the lines that every view shares. */

import { channelUrl } from "./address.js";
import { Announcer } from "./announce.js";
import { build, el, having } from "./dom.js";
import { SOURCES } from "./devices.js";
import { brandName } from "./operator.js";
import { loading } from "./loading.js";
import { Preferences } from "./preferences.js";
import { loadSheet } from "./sheet.js";
import { addTexts, chooseLanguage, clearText, language, onLanguage, setLanguage, setText, speaks, t } from "./text.js";
import { ask, dismissDialogs } from "./views/dialog.js";
import { FinalView } from "./views/final.js";
import { presentIn } from "./state.js";
import { clockTime, plainName } from "./wording.js";

/**
 * @typedef {HTMLElement & {heading: HTMLElement, titleKey: string, update: (state: import("./state.js").VisitState) => void}} View
 */

/** After these, trying again begins with the first view; after the others at once. */
const BEGIN_ANEW_AFTER = new Set(["left", "away_too_long"]);
/** After these, what this tab was is gone for good; after the others its resume token may still be worth something. */
const FORGET_AFTER = new Set([
  "left",
  "denied",
  "removed",
  "ended",
  "cancelled",
  "unmet",
  "ticket_revoked",
  "away_too_long",
  "ticket_invalid",
  "ticket_expired",
  "visit_unknown",
  "link_revoked",
]);

/** Who comes and goes stands in the list of people, for whoever does not want to be told. */
const COMING_AND_GOING = new Set(["message.came", "message.came.many", "message.went", "message.went.many"]);
/** Who waits stands in the list, or on the button that leads there: it is read out, and covers nothing. */
const SHOWN_ELSEWHERE = new Set(["message.knock", "message.knocks"]);

const RING_WITHIN = 2_000; // ms after somebody has come; later it would tell of nobody

/** The meeting comes when somebody has pressed join: what is not needed until then does not slow the first view. */
async function loadMeeting() {
  const [[{ MeetingView }, { StaffActions }]] = await Promise.all([
    loading.need(() => Promise.all([import("./views/meeting.js"), import("./staff.js"), loadSheet("meeting")])),
    addTexts("equipment"),
    addTexts("meeting"),
  ]);
  return { MeetingView, StaffActions };
}

/** Shown while a reloaded tab finds its way back. */
class ConnectingView extends HTMLElement {
  titleKey = "connecting.title";
  heading = el("h1", { text: this.titleKey, attrs: { tabindex: -1 } });

  connectedCallback() {
    build(this, { class: "card", testid: "connecting" }, this.heading);
  }

  update() {}
}

customElements.define("evisit-connecting", ConnectingView);

export class Page {
  #visit;
  #memory;
  #main = /** @type {HTMLElement} */ (document.querySelector("main"));
  #announcer = new Announcer();
  /** @type {InstanceType<Awaited<ReturnType<typeof loadMeeting>>["StaffActions"]> | null} */
  #staff = null;
  #trouble = el("p", { class: "trouble", testid: "trouble", attrs: { role: "alert" } });
  /** @type {View | null} */
  #view = null;
  #shown = "";
  #drawn = true;
  /** @type {typeof import("./views/waiting.js").WaitingView | null} */
  #WaitingView = null;
  /** @type {Awaited<ReturnType<typeof loadMeeting>>["MeetingView"] | null} */
  #MeetingView = null;
  /** @type {ReturnType<typeof loadMeeting> | null} */
  #meeting = null;
  /** @type {Promise<typeof import("./chime.js") | null> | null} */
  #bell = null;
  #preferences;
  #before;
  #wishes;
  /** Let in while the page was not seen; until it is, the tab's title says so. */
  #called = false;

  /**
   * @param {import("./visit.js").Visit} visit
   * @param {object} options
   * @param {import("./entry.js").TabMemory} options.memory
   * @param {import("./views/before.js").BeforeView} options.before may stand there already
   * @param {(string | null | undefined)[]} options.wishes languages that the address and the browser ask for, dearest first
   * @param {() => void} options.beginAnew in a new document
   */
  constructor(visit, { memory, before, wishes, beginAnew }) {
    this.#visit = visit;
    this.#memory = memory;
    this.#before = before;
    this.#wishes = wishes;
    this.#preferences = new Preferences(memory);
    this.#main.before(
      el("div", { class: "shared-lines" }, this.#trouble, el("div", { class: "toasts" }, this.#announcer.status, this.#announcer.undo)),
      this.#announcer.urgent,
    );
    onLanguage(() => this.#title());
    document.addEventListener("visibilitychange", () => {
      this.#called = false;
      this.#title();
    });
    visit.addEventListener("change", () => this.#drawSoon());
    loading.addEventListener("change", () => this.#drawSoon());
    loading.addEventListener("stuck", () => {
      const { phase } = visit.state;
      // Whoever is being let in has no token yet to come back with; whoever has left needs nothing more.
      if (phase !== "joining" && phase !== "over") beginAnew();
    });
    loading.addEventListener("missed", () => {
      // A language that cannot be had is not waited for by the next document.
      if (memory.now.language) memory.remember({ language: language() });
      this.#announcer.say("message.not_fetched");
    });
    this.#preferences.addEventListener("change", () => this.#drawSoon());
    visit.addEventListener("joined", (event) => this.#joined(/** @type {CustomEvent} */ (event).detail));
    visit.addEventListener("message", (event) => this.#said(/** @type {CustomEvent} */ (event).detail));
    visit.addEventListener("knock", () => void (this.#preferences.wants("arrivalSound") && this.#ring()));
    visit.devices.keepIn(memory);
    visit.devices.addEventListener("turned", (event) => memory.remember(/** @type {CustomEvent} */ (event).detail));
  }

  /** Begin, or go on where this tab was. */
  start() {
    const { entry, now } = this.#memory;
    if (!entry || now.resume || !("RTCPeerConnection" in window)) this.#before.remove();
    if (!("RTCPeerConnection" in window)) this.#visit.giveUp("unsupported");
    else if (now.resume) this.#join({ resume: now.resume });
    else if (!entry) this.#visit.giveUp("no_link");
    else this.#draw();
  }

  /** Leave without a question, because another link was opened here. */
  async abandon() {
    this.#memory.remember({ resume: undefined });
    await this.#visit.leave();
  }

  /** @param {import("./protocol.js").JoinRequest} request */
  #join(request) {
    void this.#load();
    const wanted = SOURCES.filter((source) => this.#memory.now[source] !== false);
    void this.#visit.join(request, wanted);
  }

  async #load() {
    if (this.#meeting) return;
    this.#meeting = loadMeeting();
    this.#bell = loading.need(() => import("./chime.js"), () => false).catch(() => null);
    const { WaitingView } = await loading.need(() => import("./views/waiting.js"));
    this.#WaitingView = WaitingView;
    this.#drawSoon();
    const { MeetingView, StaffActions } = await this.#meeting;
    this.#staff = new StaffActions(this.#visit, this.#announcer);
    this.#MeetingView = MeetingView;
    this.#drawSoon();
  }

  /** Somebody has come. */
  async #ring() {
    const came = performance.now();
    const bell = await this.#bell;
    if (performance.now() - came < RING_WITHIN) await bell?.chime(this.#visit.devices.output);
  }

  /** Camera, microphone and connection, to be tried before the visit; null where they do not come and the visit has begun without. */
  async equipment() {
    try {
      const [{ Equipment }] = await Promise.all([
        loading.need(() => import("./views/equipment.js"), () => this.#shown === "before"),
        addTexts("equipment"),
      ]);
      return having(new Equipment(), { devices: this.#visit.devices, link: { url: channelUrl(), entry: this.#memory.entry } });
    } catch {
      return null;
    }
  }

  /** @param {{name: string, role: string} | null} guest */
  enter(guest) {
    const { entry } = this.#memory;
    if (guest) this.#memory.remember({ guest });
    if (!entry) this.#visit.giveUp("no_link");
    else if ("ticket" in entry) this.#join(entry);
    else if (guest) this.#join({ ...entry, ...guest });
  }

  #again() {
    const { resume, guest } = this.#memory.now;
    const anew = BEGIN_ANEW_AFTER.has(this.#visit.state.reason);
    this.#visit.reset();
    if (resume) this.#join({ resume });
    else if (!anew) this.enter(guest ?? null);
  }

  #leave = async () => {
    const staff = this.#visit.state.me?.may_admit && this.#visit.state.phase === "meeting";
    const answer = await ask({
      testid: "leave-dialog",
      title: ["leave.title", {}],
      text: [staff ? "leave.text.staff" : "leave.text", {}],
      choices: [
        { id: "leave", text: "leave.yes", testid: "leave-yes", kind: "primary" },
        ...(staff ? [{ id: "end", text: "end.yes", testid: "leave-end", kind: /** @type {const} */ ("danger") }] : []),
        { id: "stay", text: "leave.no", testid: "leave-no", kind: "plain" },
      ],
    });
    if (answer === "leave") await this.#visit.leave();
    if (answer === "end") await this.#staff?.endNow();
  };

  /** @param {import("./protocol.js").JoinAnswer} answer */
  #joined(answer) {
    this.#memory.remember({ resume: answer.resume });
    // What this user reads counts more than what was written in the booking.
    if (!this.#memory.now.language && !this.#wishes.some(speaks)) void setLanguage(chooseLanguage([answer.language]));
  }

  /** @param {{key: string, params: Record<string, string>, urgent: boolean}} message */
  #said({ key, params, urgent }) {
    if (COMING_AND_GOING.has(key) && !this.#preferences.wants("announcements")) return;
    const shown = Object.fromEntries(Object.entries(params).map(([name, value]) => [name, name === "moment" ? clockTime(value) : plainName(value)]));
    if (key === "message.admitted") this.#call();
    if (urgent) this.#announcer.interrupt(key, shown);
    else this.#announcer.say(key, shown, { seen: !SHOWN_ELSEWHERE.has(key) });
  }

  /** Somebody who may have looked elsewhere while they waited is let in. */
  #call() {
    this.#called = document.hidden;
    navigator.vibrate?.([200, 100, 200]);
    void this.#ring();
  }

  /** Many changes of one moment are drawn once. */
  #drawSoon() {
    if (!this.#drawn) return;
    this.#drawn = false;
    queueMicrotask(() => this.#draw());
  }

  #draw() {
    this.#drawn = true;
    const { state } = this.#visit;
    const name = this.#nameOfView(state);
    if (name !== this.#shown) this.#show(name, state);
    this.#view?.update(state);
    if (name === "meeting") this.#visit.meet();
    this.#title();
    this.#showTrouble(state.reconnecting || loading.missing, state.phase === "over");
  }

  /** @param {import("./state.js").VisitState} state */
  #nameOfView(state) {
    if (state.phase === "over") return `over ${state.reason}`;
    if (state.phase === "joining") return this.#shown === "before" ? "before" : "connecting";
    if (state.phase === "waiting" && !this.#WaitingView) return "connecting";
    // The waiting room says that nobody sees or hears them.
    if (state.phase === "meeting" && !this.#MeetingView) return "connecting";
    return state.phase;
  }

  /**
   * @param {string} name
   * @param {import("./state.js").VisitState} state
   */
  #show(name, state) {
    const first = this.#view === null;
    if (state.phase === "over" && FORGET_AFTER.has(state.reason)) this.#memory.remember({ resume: undefined });
    dismissDialogs();
    this.#announcer.forget();
    this.#view?.remove();
    this.#shown = name;
    const view = this.#create(name, state);
    this.#view = view;
    // The first one has stood there before, and may have the focus.
    if (!view.isConnected) this.#main.append(view);
    document.body.dataset.view = name.split(" ")[0];
    this.#title();
    // Whoever has just opened the page begins at its beginning; whoever was moved is told where to.
    if (!first) view.heading.focus();
    if (!first && state.phase === "over") this.#announcer.interrupt(view.titleKey);
  }

  /**
   * @param {string} name
   * @param {import("./state.js").VisitState} state
   * @returns {View}
   */
  #create(name, state) {
    const { devices } = this.#visit;
    const leave = () => void this.#leave();
    switch (name) {
      case "before":
        return this.#before;
      case "connecting":
        return new ConnectingView();
      case "waiting":
        return this.#WaitingView ? having(new this.#WaitingView(), { devices, leave }) : new ConnectingView();
      case "meeting":
        return this.#createMeeting(leave);
      default:
        return having(new FinalView(), { reason: state.reason, refusal: state.refusal, words: state.words, again: () => this.#again() });
    }
  }

  /** @param {() => void} leave */
  #createMeeting(leave) {
    if (!this.#MeetingView || !this.#staff) return new ConnectingView();
    const { devices, screen, texting } = this.#visit;
    return having(new this.#MeetingView(), {
      devices,
      staff: this.#staff,
      screen,
      texting,
      preferences: this.#preferences,
      leave,
      say: (key) => this.#announcer.say(key),
      viewed: (view) => this.#visit.request("view", view),
    });
  }

  /** Who waits is told in the tab's title too: staff work in other windows meanwhile. */
  #title() {
    if (!this.#view) return;
    const waiting = presentIn(this.#visit.state.lobby).length;
    const called = this.#called ? `${t("message.admitted")} ` : "";
    const title = `${called}${waiting ? `(${waiting}) ` : ""}${t(this.#view.titleKey)} – ${brandName()}`;
    if (document.title !== title) document.title = title;
  }

  /**
   * @param {boolean} trouble the channel is lost, or something does not come that is needed
   * @param {boolean} over nobody waits for either
   */
  #showTrouble(trouble, over) {
    const shown = this.#trouble.textContent !== "";
    if (trouble && !over) setText(this.#trouble, "trouble.reconnecting");
    else if (shown) clearText(this.#trouble);
    if (shown && !trouble && !over) this.#announcer.say("message.reconnected");
  }
}
