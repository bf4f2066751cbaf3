/** Another camera or microphone, while the visit goes on. */

import { SOURCES } from "../devices.js";
import { el } from "../dom.js";
import { ask } from "./dialog.js";

/**
 * What is chosen is used at once, so that one sees and hears whether it is right.
 *
 * @param {import("../devices.js").Devices} devices
 */
export async function chooseDevices(devices) {
  const found = await devices.list();
  const fields = SOURCES.filter((source) => found[source].length).map((source) => {
    const id = `meeting-${source}`;
    const select = el(
      "select",
      { testid: `change-${source}`, attrs: { id }, on: { change: () => void devices.choose(source, select.value) } },
      ...found[source].map(({ id: value, name, current }) => el("option", { attrs: { value, selected: current } }, name)),
    );
    return el("div", { class: "field" }, el("label", { text: `equipment.${source}`, attrs: { for: id } }), select);
  });
  await ask({
    testid: "devices-dialog",
    title: ["devices.change", {}],
    ...(fields.length === 0 && { text: /** @type {[string, {}]} */ (["devices.none", {}]) }),
    content: el("div", {}, ...fields),
    choices: [{ id: "close", text: "shortcuts.close", testid: "devices-close", kind: "primary" }],
  });
}
