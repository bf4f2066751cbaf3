/**
 * Building elements without markup from strings: whatever others wrote becomes text, never HTML.
 *
 * @typedef {object} Props
 * @property {string} [class]
 * @property {string} [testid]
 * @property {string | [string, import("./text.js").Params]} [text] key of the text that is its content
 * @property {string | [string, import("./text.js").Params]} [label] key of the text that is its accessible name
 * @property {Record<string, (event: any) => void>} [on]
 * @property {Record<string, string>} [data]
 * @property {Record<string, string | boolean | number>} [attrs]
 */

import { setText } from "./text.js";

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Props} [props]
 * @param {...(Node | string | null)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export const el = (tag, props = {}, ...children) => build(document.createElement(tag), props, ...children);

/**
 * Give an element what it is made of. A view does so with itself when it is connected, as custom elements must not in their constructors.
 *
 * @template {HTMLElement} Kind
 * @param {Kind} element
 * @param {Props} props
 * @param {...(Node | string | null)} children
 */
export function build(element, props, ...children) {
  if (props.class) element.className = props.class;
  if (props.testid) element.dataset.testid = props.testid;
  Object.assign(element.dataset, props.data);
  for (const [name, value] of Object.entries(props.attrs ?? {})) {
    if (typeof value === "boolean") element.toggleAttribute(name, value);
    else element.setAttribute(name, String(value));
  }
  for (const [type, listener] of Object.entries(props.on ?? {})) element.addEventListener(type, listener);
  if (props.text) setText(element, ...asBinding(props.text));
  if (props.label) setText(element, ...asBinding(props.label), "aria-label");
  element.append(...children.filter((child) => child !== null));
  return element;
}

/**
 * An element with these of its properties set.
 *
 * @template {HTMLElement} Kind
 * @param {Kind} element
 * @param {Partial<Kind>} properties
 * @returns {Kind}
 */
export const having = (element, properties) => Object.assign(element, properties);

/** What a property has until whoever makes the element sets it: at the latest before it is connected. @returns {any} */
export const given = () => undefined;

/**
 * @param {string | [string, import("./text.js").Params]} text
 * @returns {[string, import("./text.js").Params]}
 */
const asBinding = (text) => (typeof text === "string" ? [text, {}] : text);

/** Drawn on a 24×24 grid, one stroke each. */
const ICONS = {
  microphone: "M12 3a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3zM5.5 11a6.5 6.5 0 0 0 13 0M12 17.5V21",
  camera: "M3 7.5h11.5v9H3zM14.5 11 21 7.5v9L14.5 13",
  people: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20a6.5 6.5 0 0 1 13 0M16 4.3a3.5 3.5 0 0 1 0 6.4M18 14.2a6.5 6.5 0 0 1 3.5 5.8",
  leave: "M14 4H5v16h9M10 12h11M17 8l4 4-4 4",
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  sound: "M4 9.5h4L13 5v14l-5-4.5H4zM16.5 9a4 4 0 0 1 0 6M19 6.5a8 8 0 0 1 0 11",
  text: "M4 5h16v11H10l-4 4v-4H4zM8 9h8M8 12.5h5",
  share: "M3 5h18v11H3zM12 13V8M9.5 10.5 12 8l2.5 2.5M8 20h8",
  enlarge: "M14 4h6v6M20 4l-6 6M10 20H4v-6M4 20l6-6",
  shrink: "M20 10h-6V4M14 10l6-6M4 14h6v6M10 14l-6 6",
  close: "M6 6l12 12M18 6 6 18",
  signal: "M5 20v-4M12 20v-9M19 20V4",
  warning: "M12 4 2.8 20h18.4zM12 10v4.5M12 17v.5",
  slash: "M4 4l16 16",
};

const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {keyof typeof ICONS} name
 * @param {boolean} [crossed]
 */
export function icon(name, crossed = false) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  for (const shape of crossed ? [name, /** @type {const} */ ("slash")] : [name]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", ICONS[shape]);
    svg.append(path);
  }
  return svg;
}
