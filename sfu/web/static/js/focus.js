/**
 * Whoever goes on with the keyboard is left beside what goes away, not at the beginning of the document (WCAG 2.4.3).
 *
 * @param {Element} element goes away now, maybe with the focus in it
 * @param {HTMLElement | null} [refuge] has the focus then; the view's heading, where nothing is nearer
 */
export function yieldFocus(element, refuge = document.querySelector("h1")) {
  if (element.contains(document.activeElement)) refuge?.focus();
}

/**
 * @param {HTMLElement} element
 * @param {boolean} hidden
 * @param {HTMLElement | null} [refuge] as in `yieldFocus`
 */
export function hide(element, hidden, refuge) {
  if (hidden) yieldFocus(element, refuge);
  element.hidden = hidden;
}
