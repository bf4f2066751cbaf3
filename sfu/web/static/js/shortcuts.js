/**
 * Keys with Alt, so that no single letter does anything by itself (WCAG 2.1.4) and typing is never taken for a command.
 *
 * @typedef {"microphone" | "camera" | "share" | "text" | "people" | "admit" | "undo" | "help"} Action
 */

/** By the key's place (`code`), which Alt does not change. @type {Record<Action, string>} */
export const KEYS = { microphone: "KeyM", camera: "KeyV", share: "KeyS", text: "KeyT", people: "KeyP", admit: "KeyA", undo: "KeyZ", help: "KeyH" };

/** Alt writes letters on a Mac, so that whoever types there is left alone. */
const MAC = /mac/i.test(navigator.platform);

/**
 * @param {KeyboardEvent} event
 * @returns {Action | null}
 */
export function actionOf(event) {
  if (!event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || event.repeat || event.getModifierState("AltGraph")) return null;
  if (MAC && event.target instanceof Element && event.target.matches("input, textarea")) return null;
  // What stands in front of the page is answered first.
  if (document.querySelector("dialog[open]")) return null;
  const found = Object.entries(KEYS).find(([, code]) => code === event.code);
  return found ? /** @type {Action} */ (found[0]) : null;
}

/**
 * @param {Partial<Record<Action, () => void>>} actions
 * @param {AbortSignal} signal to stop
 */
export function listen(actions, signal) {
  /** @param {KeyboardEvent} event */
  const heard = (event) => {
    const action = actionOf(event);
    if (!action || !actions[action]) return;
    event.preventDefault();
    actions[action]?.();
  };
  addEventListener("keydown", heard, { signal });
}
