import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { MediaConnection } from "../../../../sfu/web/static/js/media.js";
import { Connection } from "./connection.js";

// A connection that nobody answers is replaced for ever; here no time passes.
beforeEach(() => mock.timers.enable({ apis: ["setTimeout", "setInterval"] }));
afterEach(() => mock.timers.reset());
const turn = () => new Promise((done) => setImmediate(done));
const track = (kind) => ({ kind, getSettings: () => ({}) });

/** A connection whose offers are answered by the test. */
function connection() {
  const made = [];
  globalThis.RTCPeerConnection = /** @type {any} */ (
    class extends Connection {
      constructor() {
        super();
        made.push(this);
      }
    }
  );
  const offers = [];
  const media = new MediaConnection({
    iceServers: [],
    negotiate: (offer) => new Promise((answer) => offers.push({ offer, answer })),
    onRemote() {},
    onSent() {},
    onStatus() {},
  });
  const answered = async () => {
    await turn();
    const { offer, answer } = offers.shift();
    answer({ sdp: "a=fingerprint:sha-256 AA", send: offer.send.map(({ mid, source }) => ({ mid, track: `t-${source}` })) });
    await turn();
    return offer;
  };
  return { media, made, offers, answered };
}

async function sharing() {
  const all = connection();
  all.media.send("microphone", track("audio"));
  all.media.send("screen", track("video"));
  await all.answered();
  all.media.receive([], ["t-microphone", "t-screen"]);
  return all;
}

test("a share that ends is not missed, though rosters go on naming it until the server knows", async () => {
  const { media, made, answered } = await sharing();
  media.retire("screen");
  await turn();
  media.receive([], ["t-microphone", "t-screen"]);
  await answered();
  media.receive([], ["t-microphone"]);
  await turn();
  assert.equal(made.length, 1);
});

test("a share that ends while another offer is under way is not missed either", async () => {
  const { media, made, answered } = await sharing();
  media.receive([{ track: "a1", kind: "audio" }], ["t-microphone", "t-screen"]);
  await turn();
  media.retire("screen");
  media.receive([{ track: "a1", kind: "audio" }], ["t-microphone", "t-screen"]);
  assert.deepEqual((await answered()).send.map(({ source }) => source), ["microphone", "screen"]);
  media.receive([{ track: "a1", kind: "audio" }], ["t-microphone", "t-screen"]);
  assert.deepEqual((await answered()).send.map(({ source }) => source), ["microphone"]);
  media.receive([{ track: "a1", kind: "audio" }], ["t-microphone"]);
  await turn();
  assert.equal(made.length, 1);
});

test("what is shared again while the end of the last share is agreed on is sent, and its own end not missed", async () => {
  const { media, made, answered } = await sharing();
  media.retire("screen");
  await turn();
  media.send("screen", track("video"));
  assert.deepEqual((await answered()).send.map(({ source }) => source), ["microphone"]);
  assert.deepEqual((await answered()).send.map(({ source }) => source), ["microphone", "screen"]);
  media.receive([], ["t-microphone", "t-screen"]);
  media.retire("screen");
  await turn();
  media.receive([], ["t-microphone", "t-screen"]);
  assert.deepEqual((await answered()).send.map(({ source }) => source), ["microphone"]);
  media.receive([], ["t-microphone"]);
  await turn();
  assert.equal(made.length, 1);
});

test("a share that ends before it has been agreed on is taken back", async () => {
  const { media, made, offers, answered } = connection();
  media.send("microphone", track("audio"));
  media.retire("screen");
  media.send("screen", track("video"));
  await turn();
  media.retire("screen");
  assert.deepEqual((await answered()).send.map(({ source }) => source), ["microphone", "screen"]);
  assert.deepEqual((await answered()).send.map(({ source }) => source), ["microphone"]);
  media.receive([], ["t-microphone"]);
  await turn();
  assert.deepEqual([made.length, offers.length], [1, 0]);
});

test("an own track that is gone from the roster has lost its transport: the connection begins anew", async () => {
  const { media, made } = await sharing();
  media.receive([], ["t-screen"]);
  await turn();
  assert.equal(made.length, 2);
});

test("who sends nothing offers nothing while nobody else is there, on the same connection", async () => {
  const { media, made, offers, answered } = connection();
  for (const track of ["a1", "a2"]) {
    media.receive([{ track, kind: "audio" }], []);
    assert.deepEqual((await answered()).receive.map(({ track }) => track), [track]);
    media.receive([], []);
    await turn();
    assert.deepEqual(offers, []);
  }
  assert.equal(made.length, 1);
});
