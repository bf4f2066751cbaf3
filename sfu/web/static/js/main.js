/** Starts the page at /join. */

import { channelUrl, TabMemory } from "./entry.js";
import { Page } from "./page.js";
import { chooseLanguage, setLanguage } from "./text.js";
import { Visit } from "./visit.js";

const memory = new TabMemory();
memory.takeFragment();

const asked = new URLSearchParams(location.search).get("lang");
await setLanguage(chooseLanguage([memory.now.language, asked, ...navigator.languages]));

const visit = new Visit({ url: channelUrl() });
const page = new Page(visit, memory, { asked });

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
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) visit.check();
});

if (window.parent !== window) void import("./embedding.js").then(({ tellEmbedder }) => tellEmbedder(visit));
page.start();
