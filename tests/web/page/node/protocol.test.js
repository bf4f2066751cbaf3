import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { ChannelLost, Refused, SignallingClient } from "../../../../sfu/web/static/js/protocol.js";
import { Socket, turn } from "./socket.js";

// A client waits for its server for ever; the tests say how time goes.
beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
afterEach(() => mock.timers.reset());
const ME = { participant: "p1", state: "waiting", resume: "r1" };

function client() {
  const sockets = [];
  const made = new SignallingClient({ url: "wss://x/", openSocket: () => (sockets.push(new Socket()), sockets.at(-1)), random: () => 0.5 });
  const heard = [];
  for (const type of ["roster", "reconnecting", "resumed", "closed"]) made.on(type, (event) => heard.push([type, event]));
  return { made, sockets, heard };
}

async function joined() {
  const all = client();
  const answer = all.made.join({ ticket: "t1" });
  all.sockets[0].opens();
  await turn();
  await all.sockets[0].ok(ME);
  await answer;
  return all;
}

test("a join is the first message, and its answer the result", async () => {
  const { made, sockets } = client();
  const answer = made.join({ ticket: "t1" });
  sockets[0].opens();
  await turn();
  assert.deepEqual(sockets[0].sent, [{ type: "join", id: 1, ticket: "t1" }]);
  await sockets[0].ok(ME);
  assert.equal((await answer).participant, "p1");
});

test("a refused join rejects with its code, one that reaches nobody with ChannelLost", async () => {
  const refused = client();
  const first = refused.made.join({ ticket: "t1" });
  refused.sockets[0].opens();
  await turn();
  refused.sockets[0].says({ type: "error", id: 1, code: "locked", message: "" });
  await assert.rejects(first, (error) => error instanceof Refused && error.code === "locked");
  const unreached = client();
  const second = unreached.made.join({ ticket: "t1" });
  void unreached.sockets[0].lost();
  await assert.rejects(second, ChannelLost);
});

test("answers find their requests whatever the order; events go to their listeners", async () => {
  const { made, sockets, heard } = await joined();
  const first = made.request("lock", { locked: true });
  const second = made.request("notice", { text: "Hej" });
  sockets[0].says({ type: "ok", id: 3 });
  sockets[0].says({ type: "roster", version: 1, participants: [] });
  sockets[0].says({ type: "error", id: 2, code: "not_allowed", message: "" });
  await second;
  await assert.rejects(first, (error) => error instanceof Refused && error.code === "not_allowed");
  assert.deepEqual(heard, [["roster", { type: "roster", version: 1, participants: [] }]]);
});

test("what is no message of the protocol is passed over", async () => {
  const { made, sockets } = await joined();
  for (const data of ["{", "null", "7", '{"id":2}', '{"type":7}', new ArrayBuffer(1)]) sockets[0].onmessage({ data });
  const asked = made.request("lock", { locked: true });
  await sockets[0].ok();
  await asked;
});

test("a lost channel is resumed with the token, and what was asked meanwhile fails", async () => {
  const { made, sockets, heard } = await joined();
  const asked = made.request("lock", { locked: true });
  void sockets[0].lost();
  await assert.rejects(asked, ChannelLost);
  await assert.rejects(made.request("lock", { locked: true }), ChannelLost);
  mock.timers.tick(300);
  await turn();
  sockets[1].opens();
  await turn();
  assert.deepEqual(sockets[1].sent, [{ type: "join", id: 1, resume: "r1" }]);
  await sockets[1].ok({ ...ME, state: "admitted" });
  assert.deepEqual(heard.map(([type]) => type), ["reconnecting", "resumed"]);
});

test("the pauses between tries grow", async () => {
  const { sockets } = await joined();
  await sockets[0].lost();
  for (const [tries, pause] of [[2, 300], [3, 1_000], [4, 2_000], [5, 4_000]]) {
    mock.timers.tick(pause - 1);
    await turn();
    assert.equal(sockets.length, tries - 1);
    mock.timers.tick(1);
    await turn();
    assert.equal(sockets.length, tries);
    await sockets.at(-1).lost();
  }
});

for (const [code, reason] of [[4400, "bad_frame"], [4403, "turned_away"], [4409, "replaced"], [4410, "ended"]]) {
  test(`close code ${code} is the end: ${reason}`, async () => {
    const { sockets, heard } = await joined();
    await sockets[0].lost(code);
    assert.deepEqual(heard, [["closed", { reason }]]);
    assert.equal(sockets.length, 1);
  });
}

test("a channel that is closed as if somebody had left, who has not, is resumed: so Firefox closes it before a reload", async () => {
  const { sockets, heard } = await joined();
  await sockets[0].lost(1000);
  assert.deepEqual(heard, [["reconnecting", {}]]);
  mock.timers.tick(300);
  await turn();
  assert.equal(sockets.length, 2);
});

test("a resume that is refused for good ends it, one that passes by itself is tried again", async () => {
  const { sockets, heard } = await joined();
  await sockets[0].lost();
  for (const [pause, code] of [[300, "draining"], [1_000, "removed"]]) {
    mock.timers.tick(pause);
    await turn();
    sockets.at(-1).opens();
    await turn();
    sockets.at(-1).says({ type: "error", id: 1, code, message: "" });
    await turn();
  }
  assert.deepEqual(heard.at(-1), ["closed", { reason: "removed" }]);
});

test("renew gives up the old channel at once", async () => {
  const { made, sockets, heard } = await joined();
  made.renew();
  assert.equal(sockets[0].readyState, 3);
  assert.deepEqual(heard, [["reconnecting", {}]]);
  made.renew();
  await turn();
  assert.equal(sockets.length, 2);
});

test("leaving is told to the server, and ends all", async () => {
  const { made, sockets, heard } = await joined();
  const left = made.leave();
  assert.deepEqual(sockets[0].sent.at(-1), { type: "leave", id: 2 });
  await sockets[0].ok();
  assert.equal(await left, true);
  assert.deepEqual(heard, [["closed", { reason: "left" }]]);
});

test("whoever leaves is out at once or after two seconds, and is told whether the server knows", async () => {
  const silent = await joined();
  const left = silent.made.leave();
  mock.timers.tick(2_000);
  assert.equal(await left, false);
  assert.deepEqual(silent.heard, [["closed", { reason: "left" }]]);
  const down = await joined();
  await down.sockets[0].lost();
  assert.equal(await down.made.leave(), false);
  assert.deepEqual(down.heard.at(-1), ["closed", { reason: "left" }]);
  mock.timers.tick(60_000);
  await turn();
  assert.equal(down.sockets.length, 1);
});

test("a server that has been silent is asked, and one that does not answer is lost", async () => {
  const { sockets, heard } = await joined();
  mock.timers.tick(9_000);
  sockets[0].says({ type: "roster", version: 1, participants: [] });
  mock.timers.tick(9_999);
  assert.equal(sockets[0].sent.length, 1);
  mock.timers.tick(1);
  assert.deepEqual(sockets[0].sent.at(-1), { type: "ping", id: 2 });
  await sockets[0].ok();
  mock.timers.tick(10_000);
  assert.deepEqual(sockets[0].sent.at(-1), { type: "ping", id: 3 });
  mock.timers.tick(10_000);
  assert.equal(heard.at(-1)[0], "reconnecting");
  assert.equal(sockets[0].readyState, 3);
});

test("a server that does not know the question is there all the same", async () => {
  const { sockets, heard } = await joined();
  mock.timers.tick(10_000);
  sockets[0].says({ type: "error", id: 2, code: "bad_message", message: "" });
  await turn();
  mock.timers.tick(9_999);
  assert.deepEqual(heard, []);
});

test("a device that wakes asks at once, or tries at once to come back", async () => {
  const { made, sockets } = await joined();
  made.check();
  assert.deepEqual(sockets[0].sent.at(-1), { type: "ping", id: 2 });
  await sockets[0].lost();
  made.check();
  await turn();
  assert.equal(sockets.length, 2);
});
