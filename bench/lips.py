"""Whether lips and voice are together: a source whose picture flashes while its sound beeps, and who sees and hears it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from playwright.async_api import Page

SOURCE = """
(() => {
  const EVERY = 1500, LASTS = 400; // ms
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const made = new MediaStream();
    window.clapper ??= clapper();
    const { picture, sound } = await window.clapper;
    if (wanted.video) made.addTrack(picture.clone());
    if (wanted.audio) made.addTrack(sound.clone());
    return made;
  };
  const clapper = async () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 480 });
    const brush = canvas.getContext("2d");
    const context = new AudioContext();
    await context.resume();
    const tone = new OscillatorNode(context, { frequency: 1000 });
    const loudness = new GainNode(context, { gain: 0 });
    const out = context.createMediaStreamDestination();
    tone.connect(loudness).connect(out);
    tone.start();
    let count = 0;
    const draw = (bright) => {
      brush.fillStyle = bright ? "#fff" : `hsl(${(count += 7) % 360} 60% 10%)`;
      brush.fillRect(0, 0, 640, 480);
    };
    draw(false);
    const picture = canvas.captureStream(0).getVideoTracks()[0];
    let bright = false;
    setInterval(() => {
      const now = performance.now() % EVERY < LASTS;
      if (now !== bright) loudness.gain.value = (bright = now) ? 0.8 : 0;
      draw(bright);
      picture.requestFrame();
    }, 40);
    return { picture, sound: out.stream.getAudioTracks()[0] };
  };
})();
"""

LIPS = """
(() => {
  window.lips = { flashes: [], beeps: [] };
  const look = async (track) => {
    const frames = new MediaStreamTrackProcessor({ track }).readable.getReader();
    const canvas = new OffscreenCanvas(8, 8);
    const brush = canvas.getContext("2d", { willReadFrequently: true });
    let before = true;
    for (let next = await frames.read(); !next.done; next = await frames.read()) {
      const at = performance.now();
      brush.drawImage(next.value, 0, 0, 8, 8);
      next.value.close();
      const [red] = brush.getImageData(4, 4, 1, 1).data;
      const bright = red > 160;
      if (bright && !before) lips.flashes.push(at);
      before = bright;
    }
  };
  const listen = async (track) => {
    const frames = new MediaStreamTrackProcessor({ track }).readable.getReader();
    let quietSince = 0, before = true, samples = null;
    for (let next = await frames.read(); !next.done; next = await frames.read()) {
      const at = performance.now(), heard = next.value;
      samples = new Float32Array(heard.allocationSize({ planeIndex: 0, format: "f32-planar" }) / 4);
      heard.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
      const first = samples.findIndex((sample) => Math.abs(sample) > 0.1);
      if (first < 0) quietSince ||= at;
      else {
        if (quietSince && at - quietSince > 200) lips.beeps.push(at - (1000 * (samples.length - first)) / heard.sampleRate);
        quietSince = 0;
      }
      heard.close();
    }
  };
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...options) {
      super(...options);
      this.addEventListener("track", ({ track }) => void (track.kind === "video" ? look(track) : listen(track)));
    }
  };
})();
"""

NEAR = 700  # ms: what is further apart than this is another flash

PAIRED = """(near) => lips.flashes.flatMap((flash) => {
  const gaps = lips.beeps.map((beep) => flash - beep).sort((a, b) => Math.abs(a) - Math.abs(b));
  return gaps.length && Math.abs(gaps[0]) < near ? [gaps[0]] : [];
})"""


async def skews(page: Page) -> list[float]:
    """Of each flash: milliseconds that it was seen later than its beep was heard; below 0 where it was seen first."""
    return cast("list[float]", await page.evaluate(PAIRED, NEAR))
