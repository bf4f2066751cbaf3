/** Style sheets that the first view does not need. */

const AGAIN_AFTER = 2_000; // ms
/** @type {Map<string, Promise<void>>} */
const asked = new Map();

/**
 * @param {"visit" | "meeting"} name
 * @returns {Promise<void>} done when it is in force, or has failed once: an unadorned page is better than none. It comes as soon as it can
 */
export function loadSheet(name) {
  const known = asked.get(name) ?? new Promise((done) => link(new URL(`../css/${name}.css`, import.meta.url).href, done));
  asked.set(name, known);
  return known;
}

/**
 * @param {string} href
 * @param {(nothing: void) => void} done
 */
function link(href, done) {
  const style = document.createElement("link");
  style.rel = "stylesheet";
  style.href = href;
  style.onload = () => done();
  style.onerror = () => {
    done();
    setTimeout(() => (style.remove(), link(href, done)), AGAIN_AFTER);
  };
  document.head.append(style);
}
