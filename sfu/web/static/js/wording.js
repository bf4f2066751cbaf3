/** How moments, names and roles are written for whoever reads them. */

import { hasText, language } from "./text.js";

/**
 * A moment in the user's own time zone, such as "måndag 23 november 10:00". Today is told by the clock alone.
 *
 * @param {string} moment RFC 3339
 * @returns {string} empty where it is none
 */
export function clockTime(moment) {
  const date = new Date(moment);
  if (Number.isNaN(date.getTime())) return "";
  const today = new Date().toDateString() === date.toDateString();
  /** @type {Intl.DateTimeFormatOptions} */
  const day = today ? {} : { weekday: "long", day: "numeric", month: "long" };
  return new Intl.DateTimeFormat(language() === "en" ? "en-GB" : "sv-SE", { ...day, hour: "2-digit", minute: "2-digit" }).format(date);
}

/**
 * A name as it may stand in a sentence: without marks that turn the writing direction and could make it read as another.
 *
 * @param {string} name
 */
export const plainName = (name) => name.replace(/[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "").trim();

/** @param {string} role */
export const roleKey = (role) => (hasText(`role.${role}`) ? `role.${role}` : "role.external");
