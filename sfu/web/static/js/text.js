/**
 * Texts in the user's language. An element bound to a text follows every later change of language.
 *
 * @typedef {"sv" | "en"} Language
 * @typedef {Record<string, string | (() => string)>} Params values for `{name}` in a text; a function is asked anew each time
 */

import { loading } from "./loading.js";

/**
 * Few people read two languages. What is said in the meeting, or where devices are chosen, is fetched when it is needed.
 *
 * @typedef {"first" | "equipment" | "meeting"} Part
 */
const FILES = { first: "", equipment: "-equipment", meeting: "-meeting" };
/** @type {Set<Part>} */
const parts = new Set(["first"]);
/** What has been fetched, by language and part. @type {Map<string, Record<string, string>>} */
const loaded = new Map();

/** @type {Language} */
let current = "sv";
/** @type {Language} */
let wanted = current;
/** What is said until the first catalogue has come stands in the document. @type {Record<string, string> | null} */
let texts = null;
/** @type {WeakMap<Element, Map<string, [string, Params]>>} */
const bindings = new WeakMap();
/** @type {Set<() => void>} */
const listeners = new Set();

export const language = () => current;

/**
 * The first of these wishes that there are texts for; Swedish where there is none.
 *
 * @param {(string | null | undefined)[]} wishes language tags, dearest first
 * @returns {Language}
 */
export const chooseLanguage = (wishes) => wishes.map(languageOf).find((known) => known !== null) ?? "sv";

/** @param {string | null | undefined} tag of a language @returns {boolean} whether there are texts for it */
export const speaks = (tag) => languageOf(tag) !== null;

/**
 * @param {string | null | undefined} tag
 * @returns {Language | null}
 */
function languageOf(tag) {
  const primary = (tag ?? "").toLowerCase().split("-")[0];
  return primary === "sv" || primary === "en" ? primary : null;
}

/**
 * @param {string} key
 * @param {Params} [params]
 */
export function t(key, params = {}) {
  const text = texts?.[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => {
    const value = params[name];
    return typeof value === "function" ? value() : (value ?? "");
  });
}

/** @param {string} key */
export const hasText = (key) => texts !== null && key in texts;

/**
 * @param {Element} element
 * @param {string} target `text` for its content, else an attribute's name
 */
function apply(element, target) {
  const binding = bindings.get(element)?.get(target);
  if (!binding || !texts) return;
  const value = t(...binding);
  // A live region speaks when it is written to, even if nothing is new.
  if (target === "text") {
    if (element.textContent !== value) element.textContent = value;
  } else if (element.getAttribute(target) !== value) {
    element.setAttribute(target, value);
  }
}

/**
 * Bind an element's content, or one of its attributes, to a text.
 *
 * @param {Element} element
 * @param {string} key
 * @param {Params} [params]
 * @param {string} [target]
 */
export function setText(element, key, params = {}, target = "text") {
  const bound = bindings.get(element) ?? new Map();
  bound.set(target, [key, params]);
  bindings.set(element, bound);
  element.toggleAttribute("data-bound", true);
  apply(element, target);
}

/**
 * Bind what the server has written already: `data-text` names the text of an element, `data-label` that of its accessible name.
 *
 * @param {Element} root
 */
export function adoptTexts(root) {
  for (const element of root.querySelectorAll("[data-text]")) setText(element, element.getAttribute("data-text") ?? "");
  for (const element of root.querySelectorAll("[data-label]")) setText(element, element.getAttribute("data-label") ?? "", {}, "aria-label");
}

/** @param {() => void} listener told whenever another language is spoken */
export const onLanguage = (listener) => void listeners.add(listener);

/**
 * @param {Element} element
 */
export function clearText(element) {
  bindings.get(element)?.delete("text");
  if (element.textContent) element.textContent = "";
}

/**
 * Have these texts too, in whichever language is spoken.
 *
 * @param {Part} part
 */
export async function addTexts(part) {
  parts.add(part);
  // Another language may have been chosen meanwhile.
  while (!known(current)) await loading.need(() => fetched(current));
  texts = known(current) ?? texts;
  applyTexts(document);
}

/** @param {Language} code */
function known(code) {
  const found = [...parts].map((part) => loaded.get(`${code} ${part}`));
  return found.includes(undefined) ? null : Object.assign({}, ...found);
}

/** @param {Language} code @returns {Promise<Record<string, string>>} */
async function fetched(code) {
  for (const part of parts) {
    const key = `${code} ${part}`;
    if (!loaded.has(key)) loaded.set(key, (await import(`./texts/${code}${FILES[part]}.js`))[code]);
  }
  return known(code) ?? fetched(code);
}

/**
 * Speak this language as soon as its texts have come. Until then everything stays as it is. The last wish counts.
 *
 * @param {Language} wish
 * @returns {Promise<void>} done when there are texts, be it in another language
 */
export async function setLanguage(wish) {
  wanted = wish;
  try {
    while (!known(wanted)) await loading.need(() => fetched(wanted), () => !texts);
  } catch {
    wanted = current;
    loading.dispatchEvent(new Event("missed"));
    return;
  }
  current = wanted;
  texts = known(current);
  document.documentElement.lang = current;
  applyTexts(document);
  for (const listener of listeners) listener();
}

/**
 * What is in there says what the texts say now. What stands in the document does so by itself.
 *
 * @param {ParentNode} root
 */
export function applyTexts(root) {
  for (const element of root.querySelectorAll("[data-bound]")) {
    for (const target of bindings.get(element)?.keys() ?? []) apply(element, target);
  }
}
