/** What comes behind the first view: the visit, the page that draws it, and what the browser tells them both. */

import { channelUrl } from "./address.js";
import { loading } from "./loading.js";
import { Page } from "./page.js";
import { loadSheet } from "./sheet.js";
import { Visit } from "./visit.js";

/**
 * Begin, or go on where this tab was.
 *
 * @param {object} options
 * @param {import("./entry.js").TabMemory} options.memory
 * @param {import("./views/before.js").BeforeView} options.before
 * @param {(string | null | undefined)[]} options.wishes languages that the address and the browser ask for, dearest first
 * @param {() => void} options.beginAnew in a new document, with what has been typed
 */
export async function start({ memory, before, wishes, beginAnew }) {
  await loadSheet("visit");
  const visit = new Visit({ url: channelUrl() });
  const page = new Page(visit, { memory, before, wishes, beginAnew });

  // A link opened in a tab that has this page changes the fragment alone, and loads nothing.
  const follow = async () => {
    if (!location.hash) return;
    const another = memory.takeFragment();
    if (another) await page.abandon();
    if (another || visit.state.phase === "over") location.reload();
  };
  addEventListener("hashchange", follow);
  // A page that the browser kept frozen has lost its channel and its media.
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
  addEventListener("online", () => visit.renew());
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) visit.check();
  });

  if (window.parent !== window) void embed(visit);
  page.start();
  void follow();
  return page;
}

/**
 * The page that shows this one in a frame waits for word. Where it cannot be told, the visit goes on all the same.
 *
 * @param {Visit} visit
 */
async function embed(visit) {
  try {
    const { tellEmbedder } = await loading.need(() => import("./embedding.js"), () => visit.state.phase === "before");
    tellEmbedder(visit);
  } catch {
    // It is in nobody's way.
  }
}
