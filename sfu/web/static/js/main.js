/** Starts the page at /join: the first view, which stands in the document, at once; everything else is fetched while somebody reads it. */

import { TabMemory } from "./entry.js";
import { adoptTexts, chooseLanguage, setLanguage } from "./text.js";
import { BeforeView } from "./views/before.js";
import { Languages } from "./views/languages.js";

const LOAD_AGAIN_AFTER = 2_000; // ms

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

/** The visit, and the page that draws it. */
async function fetchBehind() {
  await nextTask(); // whoever reads or presses already comes first
  fetchAhead("behind");
  if (now.resume) fetchAhead("meeting");
  const [{ start }] = await Promise.all([fetchStart(), speak()]);
  return start({ memory, before, wishes });
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

async function fetchStart() {
  for (;;) {
    try {
      return await import("./start.js");
    } catch {
      await pause(); // the network failed
    }
  }
}

async function speak() {
  while (!(await setLanguage(chooseLanguage([memory.now.language, ...wishes])))) await pause();
}

function nextTask() {
  const { port1, port2 } = new MessageChannel();
  port2.postMessage(null);
  return new Promise((done) => {
    port1.onmessage = done;
  });
}

function pause() {
  return new Promise((done) => setTimeout(done, LOAD_AGAIN_AFTER));
}
