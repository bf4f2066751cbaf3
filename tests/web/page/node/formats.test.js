import assert from "node:assert/strict";
import { test } from "node:test";

import { leanOffer } from "../../../../sfu/web/static/js/formats.js";

test("an offer tells no address of the device, and no extension that the server does not carry", () => {
  const kept = ["v=0", "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level", "a=mid:0", ""];
  const offer = [
    kept[0],
    "a=candidate:1 1 udp 2122260223 192.0.2.1 50000 typ host",
    kept[1],
    "a=extmap:2 urn:ietf:params:rtp-hdrext:toffset",
    "a=extmap:3/sendonly http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
    kept[2],
    kept[3],
  ].join("\r\n");
  assert.equal(leanOffer(offer), kept.join("\r\n"));
});
