/** Starts the page at /test. */

import { Devices } from "./devices.js";
import { channelUrl, TabMemory } from "./entry.js";
import { brandName } from "./operator.js";
import { chooseLanguage, setLanguage, t } from "./text.js";
import { Header } from "./views/header.js";
import { TestView } from "./views/test.js";

const memory = new TabMemory();
memory.takeFragment();

const devices = new Devices();
const header = new Header((code) => {
  memory.remember({ language: code });
  void speak(code);
});

/** @param {import("./text.js").Language} code */
async function speak(code) {
  await setLanguage(code);
  header.update();
  document.title = `${t(view?.titleKey ?? "test.title")} – ${brandName()}`;
}

/** @type {TestView | undefined} */
let view;
await setLanguage(chooseLanguage([memory.now.language, new URLSearchParams(location.search).get("lang"), ...navigator.languages]));
view = new TestView({ devices, link: { url: channelUrl(), entry: memory.entry } });
document.body.append(header.element, view.element);
document.body.dataset.view = "test";
await speak(/** @type {import("./text.js").Language} */ (document.documentElement.lang));

// A link opened in a tab that has this page changes the fragment alone, and loads nothing.
addEventListener("hashchange", () => location.hash && (memory.takeFragment(), location.reload()));
addEventListener("pagehide", () => devices.stop());
