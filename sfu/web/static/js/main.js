/** Starts the page at /join. */

import { TabMemory } from "./entry.js";
import { Page } from "./page.js";
import { Visit } from "./visit.js";

const memory = new TabMemory();
memory.takeFragment();

const url = new URL("/api/v1/signal", location.href);
url.protocol = url.protocol === "http:" ? "ws:" : "wss:";
const visit = new Visit({ url: url.href });
const page = new Page(visit, memory);

// A link opened in a tab that has this page changes the fragment alone, and loads nothing.
addEventListener("hashchange", async () => {
  if (!location.hash) return;
  const another = memory.takeFragment();
  if (another) await page.abandon();
  if (another || visit.state.phase === "over") location.reload();
});
// A page that the browser kept frozen has lost its channel and its media.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
addEventListener("online", () => visit.renew());

page.start();
