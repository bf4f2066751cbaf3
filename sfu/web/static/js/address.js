/** Where the server is. */

/** The signalling channel of the server that this page came from. */
export function channelUrl() {
  const url = new URL("/api/v1/signal", location.href);
  url.protocol = url.protocol === "http:" ? "ws:" : "wss:";
  return url.href;
}
