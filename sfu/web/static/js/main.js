/** Starts the page at /join: the first view, which stands in the document, at once; everything else is fetched while somebody reads it. */

import { TabMemory } from "./entry.js";
import { loading } from "./loading.js";
import { adoptTexts, chooseLanguage, setLanguage } from "./text.js";
import { BeforeView } from "./views/before.js";
import { Languages } from "./views/languages.js";

const memory = new TabMemory();
memory.takeFragment();
const wishes = [new URLSearchParams(location.search).get("lang"), ...navigator.languages];

adoptTexts(document.body);
const languages = /** @type {Languages} */ (document.querySelector("evisit-languages"));
languages.choose = (code) => {
  memory.remember({ language: code });
  void setLanguage(code);
};
const { entry, now } = memory;
const before = /** @type {BeforeView} */ (document.querySelector("evisit-before"));
before.guest = entry !== null && !("ticket" in entry);
before.known = now.guest;
before.enter = async (guest) => {
  fetchAhead("behind");
  fetchAhead("meeting");
  (await behind).enter(guest);
};
before.equipment = async () => (await behind).equipment();
before.open();
// A tab that finds its way back, or has no link, shows something else as soon as that has come.
if (!entry || now.resume) before.remove();
const behind = fetchBehind();

// Until the page tells of it by itself.
const trouble = /** @type {HTMLElement} */ (document.querySelector(".trouble"));
const early = new AbortController();
loading.addEventListener("change", () => (trouble.hidden = !loading.missing), early);
loading.addEventListener("stuck", beginAnew, early);

/** The visit, and the page that draws it. */
async function fetchBehind() {
  await nextTask(); // whoever reads or presses already comes first
  fetchAhead("behind");
  if (now.resume) fetchAhead("meeting");
  const wish = chooseLanguage([memory.now.language, ...wishes]);
  const [{ start }] = await Promise.all([loading.need(() => import("./start.js")), setLanguage(wish)]);
  early.abort();
  trouble.remove();
  return start({ memory, before, wishes, beginAnew });
}

function beginAnew() {
  memory.remember({ guest: before.typed });
  memory.beginAnew();
}

/**
 * Have the browser fetch all that is needed next at once, instead of one after the other as it finds out. The server has made the list.
 *
 * @param {"behind" | "meeting"} what
 */
function fetchAhead(what) {
  const list = document.querySelector(`template#${what}`);
  if (list instanceof HTMLTemplateElement) document.head.append(list.content);
}

function nextTask() {
  const { port1, port2 } = new MessageChannel();
  port2.postMessage(null);
  return new Promise((done) => {
    port1.onmessage = done;
  });
}
