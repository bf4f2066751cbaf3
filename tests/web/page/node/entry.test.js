import assert from "node:assert/strict";
import { test } from "node:test";

import { readFragment, TabMemory } from "../../../../sfu/web/static/js/entry.js";

test("a link is a ticket, or a visit with its key", () => {
  assert.deepEqual(readFragment("ticket=abc.def"), { ticket: "abc.def" });
  assert.deepEqual(readFragment("visit=v_1&key=k"), { visit: "v_1", key: "k" });
  assert.deepEqual(readFragment("key=k&visit=v_1&more=1"), { visit: "v_1", key: "k" });
});

test("half a link is none", () => {
  for (const fragment of ["", "visit=v_1", "key=k", "ticket=", "visit=&key="]) assert.equal(readFragment(fragment), null);
});

/** @param {Partial<Storage>} storage */
function browserWith(storage, hash = "") {
  const told = [];
  Object.assign(globalThis, {
    sessionStorage: storage,
    location: { hash, pathname: "/join", search: "" },
    history: { replaceState: (...given) => told.push(given[2]) },
  });
  return told;
}

function store() {
  const kept = new Map();
  return { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => void kept.set(key, value) };
}

test("the fragment leaves the address bar and is remembered by the tab", () => {
  const storage = store();
  const told = browserWith(storage, "#ticket=t1");
  const memory = new TabMemory();
  assert.equal(memory.takeFragment(), true);
  assert.deepEqual(told, ["/join"]);
  assert.deepEqual(new TabMemory().entry, { ticket: "t1" });
});

test("another link forgets who this tab was, the same link does not", () => {
  const storage = store();
  browserWith(storage, "#ticket=t1");
  const memory = new TabMemory();
  memory.takeFragment();
  memory.remember({ resume: "r1" });
  assert.equal(memory.takeFragment(), false);
  assert.equal(memory.now.resume, "r1");
  location.hash = "#ticket=t2";
  assert.equal(memory.takeFragment(), true);
  assert.equal(memory.now.resume, undefined);
});

test("half a link takes nothing from a whole one, and leaves the address bar all the same", () => {
  const told = browserWith(store(), "#ticket=t1");
  const memory = new TabMemory();
  memory.takeFragment();
  memory.remember({ resume: "r1" });
  for (const hash of ["#x", "#visit=v_1"]) {
    location.hash = hash;
    assert.equal(memory.takeFragment(), false);
  }
  assert.deepEqual(told, ["/join", "/join", "/join"]);
  assert.deepEqual(memory.entry, { ticket: "t1" });
  assert.equal(memory.now.resume, "r1");
});

test("a whole link takes the place of half of one, and so does another half", () => {
  browserWith(store(), "#visit=v_1");
  const memory = new TabMemory();
  assert.equal(memory.takeFragment(), true);
  location.hash = "#ticket=t1";
  assert.equal(memory.takeFragment(), true);
  assert.deepEqual(memory.entry, { ticket: "t1" });
});

test("a browser that refuses storage, and storage with nonsense in it, are as an empty one", () => {
  const refuse = () => {
    throw new Error("refused");
  };
  browserWith({ getItem: refuse, setItem: refuse }, "#ticket=t1");
  const memory = new TabMemory();
  memory.takeFragment();
  assert.deepEqual(memory.entry, { ticket: "t1" });
  browserWith({ getItem: () => "{" });
  assert.equal(new TabMemory().entry, null);
});

test("what a few new documents have not mended is not tried by more", (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: 1e12 });
  browserWith(store(), "#ticket=t1");
  let reloads = 0;
  location.reload = () => void (reloads += 1);
  for (let second = 0; second < 600; second += 1) {
    new TabMemory().beginAnew();
    t.mock.timers.tick(1_000);
    if (second === 19) assert.equal(reloads, 1, "and not one after the other");
  }
  assert.equal(reloads, 3);
  t.mock.timers.setTime(1e12 + 3_600_000);
  new TabMemory().beginAnew();
  assert.equal(reloads, 4, "an hour after the first");
  t.mock.timers.setTime(1e11);
  new TabMemory().beginAnew();
  assert.equal(reloads, 5, "and where the clock was set back");
});

test("another link has its own new documents", (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: 1e12 });
  browserWith(store(), "#ticket=t1");
  let reloads = 0;
  location.reload = () => void (reloads += 1);
  new TabMemory().takeFragment();
  new TabMemory().beginAnew();
  new TabMemory().beginAnew();
  assert.equal(reloads, 1);
  location.hash = "#ticket=t2";
  new TabMemory().takeFragment();
  new TabMemory().beginAnew();
  assert.equal(reloads, 2);
});
