/** Lists whose rows stay what they are while others come and go. */

import { yieldFocus } from "./focus.js";

/**
 * Make a list's children be these items, in this order. The row of an item that stays is kept, focus and all. A row that
 * goes while it holds the focus gives it to `refuge`.
 *
 * @template Item
 * @template {HTMLElement & {update: (item: Item) => void}} Row
 * @param {HTMLElement} list
 * @param {Map<string, Row>} rows by key; kept by the caller between calls
 * @param {Item[]} items
 * @param {(item: Item) => string} keyOf
 * @param {(item: Item) => Row} create
 * @param {HTMLElement} refuge
 */
export function reconcile(list, rows, items, keyOf, create, refuge) {
  const keys = new Set(items.map(keyOf));
  for (const [key, row] of rows) {
    if (keys.has(key)) continue;
    yieldFocus(row, refuge);
    row.remove();
    rows.delete(key);
  }
  items.forEach((item, index) => {
    const key = keyOf(item);
    let row = rows.get(key);
    if (!row) {
      row = create(item);
      rows.set(key, row);
    }
    if (list.children[index] !== row) list.insertBefore(row, list.children[index] ?? null);
    row.update(item);
  });
}
