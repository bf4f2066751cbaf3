import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { Farewell } from "../../../../sfu/web/static/js/farewell.js";
import { Socket, turn } from "./socket.js";

beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
afterEach(() => mock.timers.reset());

function farewell() {
  const sockets = [];
  const made = new Farewell("r1", { url: "wss://x/", openSocket: () => (sockets.push(new Socket()), sockets.at(-1)) });
  return { made, sockets, told: made.tell() };
}

/** @param {number} duration ms */
async function passes(duration) {
  mock.timers.tick(duration);
  await turn();
}

async function opened(socket) {
  socket.opens();
  await turn();
}

test("the place is taken again, and left", async () => {
  const { sockets, told } = farewell();
  await passes(300);
  await opened(sockets[0]);
  await sockets[0].ok({ participant: "p1", resume: "r1" });
  assert.deepEqual(sockets[0].sent, [
    { type: "join", id: 1, resume: "r1" },
    { type: "leave", id: 2 },
  ]);
  await sockets[0].ok();
  assert.equal(await told, true);
  assert.equal(sockets[0].readyState, 3);
});

test("it is tried again where nobody answers, where the server cannot just now, and where the channel is lost before the answer", async () => {
  const { sockets, told } = farewell();
  await passes(300);
  await sockets[0].lost();
  await passes(1_000);
  await opened(sockets[1]);
  sockets[1].says({ type: "error", id: 1, code: "draining", message: "" });
  await turn();
  await passes(2_000);
  await opened(sockets[2]);
  await sockets[2].ok({ participant: "p1", resume: "r1" });
  await sockets[2].lost();
  await turn();
  await passes(4_000);
  await opened(sockets[3]);
  await sockets[3].ok({ participant: "p1", resume: "r1" });
  await sockets[3].ok();
  assert.equal(await told, true);
});

for (const code of ["ticket_expired", "removed", "visit_ended"]) {
  test(`a place that is gone needs no farewell: ${code}`, async () => {
    const { sockets, told } = farewell();
    await passes(300);
    await opened(sockets[0]);
    sockets[0].says({ type: "error", id: 1, code, message: "" });
    assert.equal(await told, true);
    assert.equal(sockets.length, 1);
  });
}

test("a network that is back is used at once", async () => {
  const { made, sockets } = farewell();
  await passes(300);
  await sockets[0].lost();
  made.renew();
  await turn();
  assert.equal(sockets.length, 2);
});

test("it is given up when the server has let the place go by itself", async () => {
  const { sockets, told } = farewell();
  for (let tries = 0; tries < 30; tries += 1) {
    await passes(10_000);
    await sockets.at(-1).lost();
  }
  assert.equal(await told, false);
  assert.equal(sockets.length, 30);
});
