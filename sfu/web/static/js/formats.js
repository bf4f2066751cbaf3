/** What a browser is asked to offer: formats that all others know, and a description small enough for the server. No DOM. */

/**
 * Every browser can decode what another sends: VP8 and H.264 are mandatory (RFC 7742), VP9 and AV1 where both have them.
 *
 * @typedef {{type: string, parameters?: RegExp}} Format
 * @type {Format[]}
 */
const VIDEO_FORMATS = [
  { type: "video/vp8" },
  { type: "video/h264", parameters: /packetization-mode=1.*profile-level-id=42(e0|00)1f/i },
  { type: "video/vp9", parameters: /profile-id=0/ },
  { type: "video/av1", parameters: /^$|profile=0/ },
  { type: "video/rtx" },
];
/**
 * RED first: each packet of sound carries the one before as well, so that a lost one is heard all the same.
 *
 * @type {Format[]}
 */
const AUDIO_FORMATS = [{ type: "audio/red" }, { type: "audio/opus" }];

/**
 * Header extensions that the server does not carry. Twelve people's sections fit into 32 KiB only without them. And dependency
 * descriptors: with them Chromium leaves out of VP8's payload what a frame needs, which is where every browser looks for it.
 */
const UNUSED_EXTENSIONS =
  /^a=extmap:\d+(\/\w+)? (urn:ietf:params:rtp-hdrext:toffset|https:\/\/aomediacodec\.github\.io\/av1-rtp-spec\/#dependency-descriptor-rtp-header-extension|http:\/\/www\.webrtc\.org\/experiments\/rtp-hdrext\/(abs-send-time|playout-delay|video-content-type|video-layers-allocation00|video-timing|color-space))\b/;

/**
 * The offer as the server needs it: without what it does not use, and without this device's addresses.
 *
 * @param {string} sdp
 */
export function leanOffer(sdp) {
  return sdp
    .split("\r\n")
    .filter((line) => !line.startsWith("a=candidate:") && !UNUSED_EXTENSIONS.test(line))
    .join("\r\n");
}

/**
 * @param {RTCRtpTransceiver} transceiver
 * @param {"audio" | "video"} kind
 */
export function preferFormats(transceiver, kind) {
  if (!transceiver.setCodecPreferences || !RTCRtpReceiver.getCapabilities) return;
  const capable = RTCRtpReceiver.getCapabilities(kind)?.codecs ?? [];
  const formats = kind === "video" ? VIDEO_FORMATS : AUDIO_FORMATS;
  const preferred = formats.flatMap(({ type, parameters }) =>
    capable.filter((c) => c.mimeType.toLowerCase() === type && (!parameters || parameters.test(c.sdpFmtpLine ?? ""))),
  );
  try {
    if (preferred.length) transceiver.setCodecPreferences(preferred);
  } catch {
    // An older browser wants another list; what it offers by itself works too.
  }
}
