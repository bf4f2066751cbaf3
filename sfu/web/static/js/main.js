/** Starts the page at /join: the first view, which stands in the document, at once; everything else is fetched while somebody reads it. */

import { TabMemory } from "./entry.js";
import { adoptTexts, chooseLanguage, setLanguage } from "./text.js";
import { BeforeView } from "./views/before.js";
import { Header } from "./views/header.js";

const LOAD_AGAIN_AFTER = 2_000; // ms

const memory = new TabMemory();
memory.takeFragment();
const wishes = [new URLSearchParams(location.search).get("lang"), ...navigator.languages];

const header = new Header((code) => {
  memory.remember({ language: code });
  void setLanguage(code);
});
adoptTexts(header.element);
const { entry, now } = memory;
const before = new BeforeView({
  guest: entry !== null && !("ticket" in entry),
  known: now.guest,
  enter: async (guest) => {
    fetchAhead("behind");
    fetchAhead("meeting");
    (await behind).enter(guest);
  },
  equipment: async () => (await behind).equipment(),
});
// A tab that finds its way back, or has no link, shows something else as soon as that has come.
if (!entry || now.resume) before.element.remove();
const behind = fetchBehind();

/** The visit, and the page that draws it. */
async function fetchBehind() {
  await nextTask(); // whoever reads or presses already comes first
  fetchAhead("behind");
  if (now.resume) fetchAhead("meeting");
  const [{ start }] = await Promise.all([fetchStart(), speak()]);
  return start({ memory, header, before, wishes });
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
