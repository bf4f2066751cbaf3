/** Starts the page at /test. */

import { channelUrl } from "./address.js";
import { Devices } from "./devices.js";
import { TabMemory } from "./entry.js";
import { loading } from "./loading.js";
import { brandName } from "./operator.js";
import { addTexts, adoptTexts, chooseLanguage, language, onLanguage, setLanguage, setText, t } from "./text.js";
import { Languages } from "./views/languages.js";
import { TestView } from "./views/test.js";

const memory = new TabMemory();
memory.takeFragment();

const devices = new Devices();
devices.keepIn(memory);
const trouble = /** @type {HTMLElement} */ (document.querySelector(".trouble"));
adoptTexts(document.body);
const languages = /** @type {Languages} */ (document.querySelector("evisit-languages"));
languages.choose = (code) => {
  memory.remember({ language: code });
  void setLanguage(code);
};
const view = /** @type {TestView} */ (document.querySelector("evisit-test"));
view.devices = devices;
view.link = { url: channelUrl(), entry: memory.entry };
document.body.dataset.view = "test";
onLanguage(() => {
  trouble.hidden = !loading.missing;
  document.title = `${t(view.titleKey)} – ${brandName()}`;
});
loading.addEventListener("change", () => (loading.missing ? showTrouble("trouble.reconnecting") : (trouble.hidden = true)));
loading.addEventListener("missed", () => {
  memory.remember({ language: language() });
  showTrouble("message.not_fetched");
});
loading.addEventListener("stuck", () => memory.beginAnew());
void open();

async function open() {
  const wish = chooseLanguage([memory.now.language, new URLSearchParams(location.search).get("lang"), ...navigator.languages]);
  await setLanguage(wish);
  await addTexts("equipment");
  view.open();
}

/** @param {string} key */
function showTrouble(key) {
  setText(trouble, key);
  trouble.hidden = false;
}

// A link opened in a tab that has this page changes the fragment alone, and loads nothing.
addEventListener("hashchange", () => memory.takeFragment() && location.reload());
addEventListener("pagehide", () => devices.stop());
