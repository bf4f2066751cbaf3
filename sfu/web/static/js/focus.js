/** Where the focus goes when what has it goes away. */

/**
 * Whoever goes on with the keyboard is left beside what goes away, not at the beginning of the page (WCAG 2.4.3).
 *
 * @param {Element} element goes away now, maybe with the focus in it
 * @param {HTMLElement} refuge takes it then
 */
export function yieldFocus(element, refuge) {
  if (element.contains(document.activeElement)) refuge.focus();
}

/**
 * Show an element, or hide it; a focus in it goes to `refuge`.
 *
 * @param {HTMLElement} element
 * @param {boolean} hidden
 * @param {HTMLElement} refuge
 */
export function hide(element, hidden, refuge) {
  if (hidden) yieldFocus(element, refuge);
  element.hidden = hidden;
}
