import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { Mutes } from "../../../../sfu/web/static/js/mutes.js";
import { ChannelLost, Refused } from "../../../../sfu/web/static/js/protocol.js";

const turn = () => new Promise((done) => setImmediate(done));
beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
afterEach(() => mock.timers.reset());

const refused = () => new Refused({ type: "error", code: "rate_limited", message: "" });

/** A microphone that is sent, and a server whose answers `outcomes` give, in order; then it agrees. */
async function sending(...outcomes) {
  const told = [];
  const said = [];
  const devices = {
    microphone: { on: true },
    camera: { on: true },
    async turn(source, on) {
      this[source].on = on;
      mutes.sync();
    },
  };
  const mutes = new Mutes({
    devices,
    onSilenced: () => said.push("silenced"),
    onRefused: () => said.push("refused"),
    tell: async ({ muted }) => {
      told.push(muted);
      const outcome = outcomes.shift();
      if (outcome) throw outcome;
    },
  });
  mutes.renew(new Map([["microphone", "t"]]), []);
  const press = async (on) => {
    void devices.turn("microphone", on);
    await turn();
    mock.timers.tick(1_500);
    await turn();
  };
  return { devices, mutes, told, said, press };
}

test("the server is told what it does not know, and nothing twice", async () => {
  const { mutes, told, press } = await sending();
  await press(false);
  mutes.sync();
  await press(true);
  assert.deepEqual(told, [true, false]);
});

test("what the server refuses once is asked for again", async () => {
  const { devices, told, press } = await sending(null, refused());
  await press(false);
  await press(true);
  assert.deepEqual(told, [true, false, false]);
  assert.equal(devices.microphone.on, true);
});

test("a microphone that the server keeps muted is not shown as on", async () => {
  const { devices, told, said, press } = await sending(null, refused(), refused());
  await press(false);
  await press(true);
  assert.deepEqual(told, [true, false, false]);
  assert.equal(devices.microphone.on, false);
  assert.deepEqual(said, ["refused"]);
  await press(true);
  assert.deepEqual(told, [true, false, false, false]);
  assert.equal(devices.microphone.on, true);
});

test("a mute that the server refuses is not taken back: here the track is silent", async () => {
  const { devices, told, press } = await sending(refused(), refused());
  await press(false);
  assert.deepEqual(told, [true, true]);
  assert.equal(devices.microphone.on, false);
});

test("what was lost with the channel is told when it is back", async () => {
  const { mutes, told, press } = await sending(new ChannelLost());
  await press(false);
  assert.deepEqual(told, [true]);
  mutes.sync();
  await turn();
  assert.deepEqual(told, [true, true]);
});

test("what is turned off again before the second try is not told", async () => {
  const { devices, mutes, told, press } = await sending(null, refused());
  await press(false);
  void devices.turn("microphone", true);
  await turn();
  void devices.turn("microphone", false);
  mock.timers.tick(1_500);
  await turn();
  mutes.sync();
  assert.deepEqual(told, [true, false]);
});
