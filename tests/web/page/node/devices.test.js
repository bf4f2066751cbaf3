import assert from "node:assert/strict";
import { test } from "node:test";

import { Devices } from "../../../../sfu/web/static/js/devices.js";

/** A browser whose questions the test answers. */
function browser() {
  const asked = [];
  const getUserMedia = (constraints) => new Promise((give, refuse) => asked.push({ kinds: Object.keys(constraints), constraints, give, refuse }));
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: { mediaDevices: { getUserMedia } } });
  return asked;
}

const turn = () => new Promise((done) => setImmediate(done));
const missing = () => new DOMException("", "NotFoundError");

test("where not both can be had, each is asked for alone", async () => {
  const asked = browser();
  void new Devices().start(["microphone", "camera"]);
  for (let questions = 0; questions < 3; questions += 1) {
    asked[questions].refuse(missing());
    await turn();
  }
  assert.deepEqual(asked.map(({ kinds }) => kinds), [["audio", "video"], ["audio"], ["video"]]);
});

test("whoever leaves while the browser asks is asked nothing more", async () => {
  const asked = browser();
  const devices = new Devices();
  void devices.start(["microphone", "camera"]);
  devices.stop();
  asked[0].refuse(missing());
  await turn();
  assert.equal(asked.length, 1);
});

test("what was turned off while the browser asked is not asked for", async () => {
  const asked = browser();
  const devices = new Devices();
  void devices.start(["microphone", "camera"]);
  void devices.turn("camera", false);
  asked[0].refuse(missing());
  await turn();
  asked[1].refuse(missing());
  await turn();
  assert.deepEqual(asked.map(({ kinds }) => kinds), [["audio", "video"], ["audio"]]);
});

test("whoever leaves and is back at once is asked for each device once", async () => {
  const asked = browser();
  const devices = new Devices();
  void devices.start(["microphone", "camera"]);
  devices.stop();
  void devices.start(["microphone", "camera"]);
  asked[0].refuse(missing());
  asked[1].refuse(missing());
  for (let questions = 2; questions < 4; questions += 1) {
    await turn();
    asked[questions].refuse(missing());
  }
  await turn();
  assert.deepEqual(asked.map(({ kinds }) => kinds), [["audio", "video"], ["audio", "video"], ["audio"], ["video"]]);
});

test("of what was chosen before, only what is still there is asked for", async () => {
  const asked = browser();
  const devices = new Devices();
  devices.keepIn({ now: { fragment: "", chosen: { microphone: "gone", camera: "there" } }, remember: () => assert.fail("a choice is somebody's own") });
  void devices.start(["microphone", "camera"]);
  for (let questions = 0; questions < 4; questions += 1) {
    asked[questions].refuse(new DOMException("", "OverconstrainedError"));
    await turn();
  }
  const wanted = asked.map(({ constraints }) => Object.values(constraints).map(({ deviceId }) => deviceId?.exact ?? "any"));
  assert.deepEqual(wanted, [["gone", "there"], ["gone"], ["any"], ["there"], ["any"]]);
});
