import assert from "node:assert/strict";
import { test } from "node:test";

import { Encodings } from "../../../../sfu/web/static/js/encodings.js";

/** A sender that, as browsers do, refuses parameters while others are under way. */
class Sender {
  active = { q: true, h: true };
  changes = 0;
  refusals = 0;
  #waiting = [];

  getParameters() {
    return { encodings: Object.entries(this.active).map(([rid, active]) => ({ rid, active })) };
  }

  setParameters({ encodings }) {
    if (this.#waiting.length) {
      this.refusals += 1;
      return Promise.reject(new Error("InvalidModificationError"));
    }
    return new Promise((resolve) => {
      this.#waiting.push(() => {
        for (const { rid, active } of encodings) this.active[rid] = active;
        this.changes += 1;
        resolve();
      });
    });
  }

  /** The change under way is through; gives time to what follows from it. */
  async settle() {
    this.#waiting.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("what somebody watches is encoded, and nothing else", async () => {
  const sender = new Sender();
  new Encodings(sender).want(["q"]);
  await sender.settle();
  assert.deepEqual(sender.active, { q: true, h: false });
});

test("of wishes that come while a change is under way the last one counts", async () => {
  const sender = new Sender();
  const encodings = new Encodings(sender);
  encodings.want([]);
  encodings.want(["h"]);
  encodings.want(["q", "h"]);
  await sender.settle();
  assert.deepEqual(sender.active, { q: false, h: false });
  await sender.settle();
  assert.deepEqual(sender.active, { q: true, h: true });
  assert.equal(sender.changes, 2);
  assert.equal(sender.refusals, 0);
});

test("a browser that refuses is asked again with the next wish", async () => {
  const sender = new Sender();
  const working = sender.setParameters;
  sender.setParameters = () => Promise.reject(new Error("InvalidStateError"));
  const encodings = new Encodings(sender);
  encodings.want([]);
  await sender.settle();
  sender.setParameters = working;
  encodings.want(["h"]);
  await sender.settle();
  assert.deepEqual(sender.active, { q: false, h: true });
});
