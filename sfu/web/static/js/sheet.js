/** Style sheets that the first view does not need. */

/**
 * @param {"visit" | "meeting"} name
 * @returns {Promise<void>} done when it is in force; a failed one too, since an unadorned page is better than none
 */
export function loadSheet(name) {
  const style = document.createElement("link");
  style.rel = "stylesheet";
  style.href = new URL(`../css/${name}.css`, import.meta.url).href;
  return new Promise((resolve) => {
    style.onload = style.onerror = () => resolve();
    document.head.append(style);
  });
}
