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
    microphone: { on: true, turnedOn: false },
    camera: { on: true, turnedOn: false },
    async turn(source, on) {
      this[source].on = this[source].turnedOn = on;
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
  const comes = (track, listed) => mutes.renew(new Map([["microphone", track]]), listed);
  return { devices, mutes, told, said, press, comes };
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

const silenced = (track) => ({ track, muted: true, paused: true });
const muted = (track) => ({ track, muted: true, paused: false });

for (const [order, list] of [
  ["before", ({ comes }, listed) => comes(listed.track, [listed])],
  ["after", ({ comes, mutes }, listed) => (comes(listed.track, []), mutes.heed([listed]))],
]) {
  test(`a new track that staff have silenced is shown so, its roster read ${order} its id is known`, async () => {
    const page = await sending();
    list(page, silenced("t2"));
    await turn();
    assert.deepEqual([page.devices.microphone.on, page.told, page.said], [false, [], ["silenced"]]);
    await page.press(true);
    assert.deepEqual([page.devices.microphone.on, page.told], [true, [false]]);
  });

  test(`a new track that staff had silenced, and was turned on since, is heard, its roster read ${order} its id is known`, async () => {
    const page = await sending();
    await page.press(true);
    list(page, silenced("t2"));
    await turn();
    assert.deepEqual([page.devices.microphone.on, page.told, page.said], [true, [false], []]);
    page.mutes.heed([silenced("t2")]);
    assert.deepEqual([page.devices.microphone.on, page.said], [false, ["silenced"]]);
  });

  test(`a new track that begins muted, and was turned on meanwhile, is heard, its roster read ${order} its id is known`, async () => {
    const page = await sending();
    list(page, muted("t2"));
    await turn();
    assert.deepEqual([page.devices.microphone.on, page.told, page.said], [true, [false], []]);
  });
}

test("who turned it on before it was heard is silenced all the same", async () => {
  const { devices, mutes, press } = await sending();
  await press(true);
  mutes.heed([{ track: "t", muted: false, paused: false }]);
  mutes.heed([silenced("t")]);
  assert.equal(devices.microphone.on, false);
});

test("what staff had silenced until just now is on when a later offer is answered before the roster that says so", async () => {
  const { devices, mutes, press, comes } = await sending();
  mutes.heed([silenced("t")]);
  await press(true);
  comes("t", [silenced("t")]);
  assert.equal(devices.microphone.on, true);
});
