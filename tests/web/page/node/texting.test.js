import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { ChannelLost, Refused } from "../../../../sfu/web/static/js/protocol.js";
import { Texting } from "../../../../sfu/web/static/js/texting.js";

const turn = () => new Promise((done) => setImmediate(done));

/** @param {(fields: {text: string, final: boolean}) => Promise<unknown>} [answer] */
function writer(answer = async () => ({})) {
  const sent = [];
  const texting = new Texting((fields) => {
    sent.push(fields);
    return answer(fields);
  });
  return { texting, sent };
}

test("letters typed in one moment are one message, whole as the line stands", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { texting, sent } = writer();
  for (const line of ["H", "He", "Hej"]) texting.type(line);
  t.mock.timers.tick(400);
  assert.deepEqual(sent, [{ text: "Hej", final: false }]);
});

test("a line that ends is sent at once and as final; an empty one is not", async () => {
  const { texting, sent } = writer();
  texting.type("   ");
  texting.end();
  texting.type("Hej");
  texting.end();
  await turn();
  assert.deepEqual(sent, [{ text: "Hej", final: true }]);
  texting.close();
});

test("an ended line that was lost with the channel is sent again, in order", async () => {
  let down = true;
  const { texting, sent } = writer(async () => {
    if (down) throw new ChannelLost();
    return {};
  });
  for (const line of ["ett", "två"]) {
    texting.type(line);
    texting.end();
  }
  await turn();
  down = false;
  sent.length = 0;
  texting.resume();
  await turn();
  assert.deepEqual(sent.map(({ text }) => text), ["ett", "två"]);
});

test("a line that the server will not take does not stand in the way of the next", async () => {
  const { texting, sent } = writer(async ({ text }) => {
    if (text === "fel") throw new Refused({ type: "error", code: "bad_message", message: "" });
    return {};
  });
  for (const line of ["fel", "rätt"]) {
    texting.type(line);
    texting.end();
    await turn();
  }
  assert.deepEqual(sent.map(({ text }) => text), ["fel", "rätt"]);
});

test("of lines that wait together, one that the server will not take is passed over", async () => {
  const { texting, sent } = writer(async ({ text }) => {
    if (text === "fel") throw new Refused({ type: "error", code: "bad_message", message: "" });
    return {};
  });
  for (const line of ["fel", "rätt"]) {
    texting.type(line);
    texting.end();
  }
  await turn();
  assert.deepEqual(sent.map(({ text }) => text), ["fel", "rätt"]);
});

test("two equal lines are two, though the server passes each on before it answers", async () => {
  const { texting, sent } = writer(async ({ text }) => {
    await turn();
    texting.heard({ participant: "me", name: "", text, own: true }, true);
    return {};
  });
  for (const line of ["ja", "ja"]) {
    texting.type(line);
    texting.end();
  }
  for (let turns = 0; turns < 10; turns += 1) await turn();
  assert.deepEqual(sent.map(({ text }) => text), ["ja", "ja"]);
  assert.deepEqual(texting.transcript.lines.map(({ text }) => text), ["ja", "ja"]);
});

test("nothing that was begun or not yet sent before a hold is sent after it", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { texting, sent } = writer(async () => {
    throw new ChannelLost();
  });
  texting.type("Ett");
  texting.end();
  texting.type("Jag tänk");
  await turn();
  sent.length = 0;
  texting.hold();
  texting.resume();
  t.mock.timers.tick(10_000);
  await turn();
  assert.deepEqual(sent, []);
});

test("what somebody writes grows, ends, and stays when they leave in the middle of it", () => {
  const { texting } = writer();
  const line = (text) => ({ participant: "p1", name: "Per", text, own: false });
  texting.heard(line("He"), false);
  texting.heard(line("Hej"), false);
  assert.deepEqual(texting.transcript.writing.map(({ text }) => text), ["Hej"]);
  texting.heard(line("Hej"), true);
  assert.deepEqual([texting.transcript.lines.length, texting.transcript.writing.length], [1, 0]);
  texting.heard(line("Jag m"), false);
  texting.settle(new Set());
  assert.deepEqual(texting.transcript.lines.map(({ text }) => text), ["Hej", "Jag m"]);
});

test("everything is gone when the visit is", () => {
  const { texting } = writer();
  texting.heard({ participant: "p1", name: "Per", text: "Hej", own: false }, true);
  texting.close();
  assert.deepEqual(texting.transcript, { lines: [], writing: [], count: 0 });
});

mock.reset();
