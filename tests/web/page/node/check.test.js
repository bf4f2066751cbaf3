import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Check } from "../../../../sfu/web/static/js/check.js";

beforeEach(() => {
  globalThis.window = /** @type {any} */ ({ RTCPeerConnection: class {} });
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: { userAgent: "", mediaDevices: { getUserMedia() {} } } });
});

class FakeDevices extends EventTarget {
  microphone = { track: {}, fault: null, asking: false };
  camera = { track: {}, fault: null, asking: false };

  async start() {
    this.changed();
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/** @param {string} verdict on the connection */
async function checked(verdict) {
  const devices = new FakeDevices();
  const check = new Check(devices, { url: "", entry: { ticket: "t" } }, async () => verdict);
  await check.run();
  return { devices, check };
}

test("another microphone has not been heard yet", async () => {
  const { devices, check } = await checked("good");
  check.heard();
  assert.equal(check.results.microphone.text, "check.microphone.good");
  devices.microphone = { ...devices.microphone, track: {} };
  devices.changed();
  assert.equal(check.results.microphone.text, "check.microphone.listening");
  check.heard();
  assert.equal(check.summary, "check.passed");
});

for (const [verdict, summary] of [
  ["good", "check.passed"],
  ["fair", "check.passed"],
  ["poor", "check.limited"],
  ["no_link", "check.limited"],
  ["later", "check.limited"],
  ["not_tried", "check.limited"],
  ["no_media", "check.not_passed"],
  ["no_server", "check.not_passed"],
]) {
  test(`of a connection that is ${verdict} the summary is ${summary}`, async () => {
    const { check } = await checked(verdict);
    check.heard();
    assert.equal(check.summary, summary);
  });
}

test("a device that fails is not covered by a connection that was not tried", async () => {
  const { devices, check } = await checked("no_link");
  check.heard();
  devices.camera = { track: null, fault: "missing", asking: false };
  devices.changed();
  assert.equal(check.summary, "check.not_passed");
});
