import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { Hold, Playout } from "../../../../sfu/web/static/js/playout.js";

const quiet = { asked: 0, late: 0 };
const late = { asked: 6, late: 3 };

/** What the target is after each sample. */
const targets = (hold, samples) =>
  samples.map((sample) => {
    hold.take(sample);
    return hold.target;
  });

test("pictures that come late while packets are asked for again make the rest wait, longer each time, up to a bound", () => {
  assert.deepEqual(targets(new Hold(), [quiet, late, late, late, late, late]), [null, 100, 150, 200, 250, 250]);
});

test("a busy device, a single late picture and repairs in time make nothing wait", () => {
  const samples = [{ asked: 0, late: 20 }, { asked: 5, late: 1 }, { asked: 40, late: 0 }];
  assert.deepEqual(targets(new Hold(), samples), [null, null, null]);
});

test("what waits goes on waiting while packets are asked for, and comes back step by step when none are", () => {
  const hold = new Hold();
  assert.deepEqual(targets(hold, [late, late]), [100, 150]);
  const repaired = Array.from({ length: 100 }, () => ({ asked: 1, late: 0 }));
  assert.deepEqual(new Set(targets(hold, repaired)), new Set([150]));
  const calm = Array.from({ length: 41 }, () => quiet);
  const back = targets(hold, calm);
  assert.equal(back.indexOf(100), 19);
  assert.equal(back.indexOf(null), 39);
});

test("whether the target has changed is told", () => {
  const hold = new Hold();
  assert.deepEqual([quiet, late, { asked: 1, late: 0 }].map((sample) => hold.take(sample)), [false, true, false]);
});

/** A connection that receives these streams, each with what the browser counts of it. */
class Connection {
  connectionState = "connected";
  streams = new Map();

  receive(id, kind = "video") {
    const receiver = { track: { id }, jitterBufferTarget: null };
    this.streams.set(id, { receiver, stat: { type: "inbound-rtp", kind, trackIdentifier: id, nackCount: 0, framesDropped: 0 } });
    return receiver;
  }

  happen(id, { asked, late }) {
    const { stat } = this.streams.get(id);
    stat.nackCount += asked;
    stat.framesDropped += late;
  }

  getReceivers() {
    return [...this.streams.values()].map(({ receiver }) => receiver);
  }

  async getStats() {
    return new Map([...this.streams.values()].map(({ stat }, index) => [String(index), { ...stat }]));
  }
}

/** @param {import("node:test").TestContext} t */
function watched(t) {
  mock.timers.enable({ apis: ["setInterval"] });
  const pc = new Connection();
  const playout = new Playout(/** @type {any} */ (pc));
  t.after(() => {
    playout.stop();
    mock.timers.reset();
  });
  const look = async () => {
    mock.timers.tick(1_000);
    await new Promise((done) => setImmediate(done));
  };
  return { pc, playout, look };
}

test("each receiver of pictures waits for its own stream's repairs, and no other does", async (t) => {
  const { pc, look } = watched(t);
  const [lossy, fine, sound] = [pc.receive("a"), pc.receive("b"), pc.receive("c", "audio")];
  await look();
  for (const id of ["a", "c"]) pc.happen(id, late);
  pc.happen("b", quiet);
  await look();
  assert.deepEqual([lossy, fine, sound].map(({ jitterBufferTarget }) => jitterBufferTarget), [100, null, null]);
  pc.happen("a", late);
  await look();
  assert.equal(lossy.jitterBufferTarget, 150);
});

test("what happened before the first look, and a stream that counts anew, say nothing", async (t) => {
  const { pc, look } = watched(t);
  const receiver = pc.receive("a");
  pc.happen("a", late);
  await look();
  assert.equal(receiver.jitterBufferTarget, null);
  const { stat } = pc.streams.get("a");
  Object.assign(stat, { nackCount: 0, framesDropped: 0 });
  await look();
  pc.happen("a", quiet);
  await look();
  assert.equal(receiver.jitterBufferTarget, null);
});

test("a connection that is closed or lost is not looked at", async (t) => {
  const { pc, playout, look } = watched(t);
  const receiver = pc.receive("a");
  await look();
  pc.happen("a", late);
  pc.connectionState = "disconnected";
  await look();
  assert.equal(receiver.jitterBufferTarget, null);
  pc.connectionState = "connected";
  playout.stop();
  await look();
  assert.equal(receiver.jitterBufferTarget, null);
});
