import assert from "node:assert/strict";
import { test } from "node:test";

import { loading } from "../../../../sfu/web/static/js/loading.js";

const fail = () => Promise.reject(new Error("503"));

/** Time that passes second by second, and a server that answers HEAD, or does not. */
function world(t, ok = true) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const seen = { stuck: 0, ok, network: new EventTarget() };
  t.mock.method(globalThis, "fetch", async () => ({ ok: seen.ok }));
  for (const name of ["addEventListener", "removeEventListener"]) globalThis[name] = (...told) => seen.network[name](...told);
  const heard = () => (seen.stuck += 1);
  loading.addEventListener("stuck", heard);
  t.after(() => loading.removeEventListener("stuck", heard));
  seen.pass = async (seconds) => {
    for (let second = 0; second < seconds; second += 1) {
      await new Promise((done) => setImmediate(done));
      t.mock.timers.tick(1_000);
    }
    await new Promise((done) => setImmediate(done));
  };
  return seen;
}

test("what does not come is asked for ever more seldom, and comes when it can be had", async (t) => {
  const seen = world(t, false);
  let tries = 0;
  let there = false;
  const needed = loading.need(async () => {
    tries += 1;
    if (!there) throw new Error("503");
    return "found";
  });
  await seen.pass(30);
  assert.equal(tries, 6, "at 0, 1, 3, 7, 15 and 23 seconds");
  assert.equal(loading.missing, true);
  there = true;
  await seen.pass(9);
  assert.equal(await needed, "found");
  assert.equal(loading.missing, false);
  assert.equal(seen.stuck, 0, "the server did not answer: a new document would not come either");
});

test("where the server answers and it does not come all the same, only a new document helps", async (t) => {
  const seen = world(t);
  let there = false;
  const needed = loading.need(async () => (there ? null : fail()));
  await seen.pass(2);
  assert.equal(seen.stuck, 0, "it may just have come back");
  await seen.pass(10);
  assert.ok(seen.stuck > 0);
  there = true;
  await seen.pass(9);
  await needed;
});

test("what one goes on without is missed by nobody, and given up where the server answers", async (t) => {
  const seen = world(t);
  let tries = 0;
  const wanted = loading.need(() => ((tries += 1), fail()), () => false);
  const given = assert.rejects(wanted, /503/);
  await seen.pass(2);
  assert.equal(loading.missing, false);
  await seen.pass(20);
  await given;
  assert.deepEqual([tries, seen.stuck, loading.missing], [3, 0, false]);
});

test("where the network fails, what one goes on without is waited for", async (t) => {
  const seen = world(t, false);
  let there = false;
  const wanted = loading.need(async () => (there ? "found" : fail()), () => false);
  await seen.pass(60);
  there = true;
  await seen.pass(9);
  assert.equal(await wanted, "found");
});

test("what is needed no more is missing no more", async (t) => {
  const seen = world(t);
  let needed = true;
  const wanted = loading.need(fail, () => needed);
  const given = assert.rejects(wanted, /503/);
  await seen.pass(4);
  assert.equal(loading.missing, true);
  const told = seen.stuck;
  needed = false;
  await seen.pass(9);
  await given;
  assert.deepEqual([loading.missing, seen.stuck], [false, told]);
});

test("the network's return ends the pause", async (t) => {
  const seen = world(t, false);
  let there = false;
  const needed = loading.need(async () => (there ? "found" : fail()));
  await seen.pass(9);
  there = true;
  seen.network.dispatchEvent(new Event("online"));
  assert.equal(await needed, "found");
});

test("when the server is back, what then still fails is asked for as often as at first", async (t) => {
  const seen = world(t, false);
  const needed = loading.need(fail, () => seen.stuck === 0);
  const given = assert.rejects(needed, /503/);
  await seen.pass(14);
  seen.ok = true;
  await seen.pass(1);
  assert.equal(seen.stuck, 0, "it may just have come back");
  await seen.pass(1);
  assert.equal(seen.stuck, 1);
  await seen.pass(9);
  await given;
});
