/** Another camera, microphone or loudspeaker, while the visit goes on; and a blurred background, where the camera can. */

import { SOURCES } from "../devices.js";
import { el } from "../dom.js";
import { addTexts } from "../text.js";
import { ask } from "./dialog.js";

/** @typedef {{id: string, name: string, current: boolean}} Choice */

/** Id of the loudspeaker that the system has chosen, where the browser lists it. */
const SYSTEM_OUTPUT = "default";

/**
 * The loudspeakers to choose from; none where the browser cannot. The system's own is among them: Chromium lists it, under an id that is always
 * the same; for the others it stands here without id and name. It is what is heard where the chosen one has gone.
 *
 * @param {import("../devices.js").Devices} devices
 * @returns {Promise<Choice[]>}
 */
export async function loudspeakers({ output }) {
  if (!("setSinkId" in HTMLMediaElement.prototype)) return [];
  const listed = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  const found = listed
    .filter(({ kind, deviceId, label }) => kind === "audiooutput" && deviceId && label)
    .map(({ deviceId, label }) => ({ id: deviceId, name: label }));
  if (found.length && !found.some(({ id }) => id === SYSTEM_OUTPUT)) found.unshift({ id: "", name: "" });
  const current = found.find(({ id }) => id === output) ?? found.find(({ id }) => id === "" || id === SYSTEM_OUTPUT);
  return found.map((one) => ({ ...one, current: one === current }));
}

/**
 * A loudspeaker that was chosen may be unplugged: then the system's is heard, and is the one that is chosen.
 *
 * @param {import("../devices.js").Devices} devices
 * @param {AbortSignal} signal ends it
 */
export function heedUnplugged(devices, signal) {
  const look = async () => {
    const { output } = devices;
    const found = output ? await loudspeakers(devices) : [];
    if (found.length && !found.some(({ id }) => id === output) && output === devices.output) devices.chooseOutput("");
  };
  navigator.mediaDevices?.addEventListener?.("devicechange", look, { signal });
}

/**
 * @param {Choice} choice without a name where it is the system's to choose
 */
export const option = ({ id, name, current }) =>
  el("option", { attrs: { value: id, selected: current }, ...(name === "" && { text: "equipment.system" }) }, name || null);

/**
 * @param {string} what
 * @param {Choice[]} choices
 * @param {(id: string) => void} choose
 */
function field(what, choices, choose) {
  const id = `meeting-${what}`;
  const select = el(
    "select",
    { testid: `change-${what}`, attrs: { id }, on: { change: () => choose(select.value) } },
    ...choices.map(option),
  );
  return el("div", { class: "field" }, el("label", { text: `equipment.${what}`, attrs: { for: id } }), select);
}

/**
 * @param {import("../devices.js").Devices} devices
 * @returns {HTMLElement | null} null where it is not the page's to choose
 */
export function blurChoice(devices) {
  const blurred = devices.backgroundBlur;
  if (blurred === null) return null;
  const box = el("input", {
    testid: "background-blur",
    attrs: { type: "checkbox", id: "background-blur", checked: blurred },
    on: { change: () => void devices.blurBackground(box.checked) },
  });
  return el("div", { class: "tick" }, box, el("label", { text: "equipment.background", attrs: { for: "background-blur" } }));
}

/**
 * What is chosen is used at once, so that one sees and hears whether it is right.
 *
 * @param {import("../devices.js").Devices} devices
 * @param {() => boolean} wanted false where the view that asks has gone, before there is anything to show
 */
export async function chooseDevices(devices, wanted) {
  const [found, outputs] = await Promise.all([devices.list(), loudspeakers(devices), addTexts("equipment")]);
  /** @type {HTMLElement[]} */
  const fields = SOURCES.filter((source) => found[source].length).map((source) => field(source, found[source], (id) => void devices.choose(source, id)));
  if (outputs.length > 1) fields.push(field("output", outputs, (id) => devices.chooseOutput(id)));
  const blur = blurChoice(devices);
  if (blur) fields.push(blur);
  if (!wanted()) return;
  await ask({
    testid: "devices-dialog",
    title: ["devices.change", {}],
    ...(fields.length === 0 && { text: /** @type {[string, {}]} */ (["devices.none", {}]) }),
    content: el("div", { class: "fields" }, ...fields),
    choices: [{ id: "close", text: "close", testid: "devices-close", kind: "primary" }],
  });
}
