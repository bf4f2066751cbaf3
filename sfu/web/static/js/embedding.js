/**
 * The page in a portal's frame: tells the frame's owner how far the visit has come, and nothing of who takes part in it.
 *
 * The server lets only `[web] allowed_embedders` show the page in a frame, so whoever is above it is one of them.
 *
 * @typedef {{source: "evisit", type: "joined" | "waiting" | "admitted" | "left" | "ended", reason?: string}} Told
 */

/** Reasons after which there is no visit any more. */
const ENDS = new Set(["ended", "cancelled", "unmet"]);

/**
 * @param {Window} frame
 * @returns {string | null} the origin of the page that shows this one; null where there is none, or it is not told
 */
export function embedderOf(frame) {
  if (frame.parent === frame) return null;
  const above = frame.location.ancestorOrigins?.[0];
  try {
    // Firefox tells it only as the referrer.
    const { origin } = new URL(above ?? frame.document.referrer);
    return origin === "null" ? null : origin;
  } catch {
    return null;
  }
}

/** @param {import("./visit.js").Visit} visit */
export function tellEmbedder(visit) {
  const origin = embedderOf(window);
  if (origin === null) return;
  let told = "";
  let joined = false;
  /**
   * @param {Told["type"]} type
   * @param {string} [reason]
   */
  const tell = (type, reason) => {
    if (type === told) return;
    told = type;
    window.parent.postMessage({ source: "evisit", type, ...(reason !== undefined && { reason }) }, origin);
  };
  const look = () => {
    const { phase, reason } = visit.state;
    const inside = phase === "waiting" || phase === "meeting";
    if (inside && !joined) {
      joined = true;
      tell("joined");
    }
    if (inside) tell(phase === "meeting" ? "admitted" : "waiting");
    if (phase !== "over") return;
    joined = false;
    tell(ENDS.has(reason) ? "ended" : "left", reason);
  };
  visit.addEventListener("change", look);
  look();
}
