import assert from "node:assert/strict";
import { test } from "node:test";

import { Connection } from "./connection.js";
import { Sections } from "../../../../sfu/web/static/js/sections.js";

const track = (kind) => ({ kind, getSettings: () => ({}) });

/** As many offers as it takes. */
async function settle(pc, sections, local, retired, wanted) {
  let offers = 0;
  let more = true;
  while (more) {
    more = sections.arrange(local, retired, wanted);
    assert.ok(pc.getTransceivers().length <= 24);
    retired = new Set();
    await pc.setLocalDescription();
    await pc.setRemoteDescription();
    offers += 1;
    assert.ok(offers < 5);
  }
  return offers;
}

/** A room of twelve: eleven others with sound and picture. */
async function fullRoom() {
  const pc = new Connection();
  const sections = new Sections(pc);
  const wanted = ["audio", "video"].flatMap((kind) => Array.from({ length: 11 }, (_, n) => ({ track: `${kind}${n}`, kind })));
  const local = new Map([["microphone", track("audio")], ["camera", track("video")]]);
  await settle(pc, sections, local, new Set(), wanted);
  return { pc, sections, wanted, local };
}

const sources = (sections) => sections.bindings().send.map(({ source }) => source);

test("in a full room a share with sound takes the place of the last two pictures, and gives it back", async () => {
  const { pc, sections, wanted, local } = await fullRoom();
  assert.equal(sections.bindings().receive.length, 22);
  local.set("screen", track("video")).set("screen_audio", track("audio"));
  await settle(pc, sections, local, new Set(), wanted);
  assert.deepEqual(sources(sections), ["microphone", "camera", "screen", "screen_audio"]);
  assert.equal(sections.bindings().receive.length, 20);
  local.delete("screen");
  local.delete("screen_audio");
  await settle(pc, sections, local, new Set(["screen", "screen_audio"]), wanted);
  assert.deepEqual(sources(sections), ["microphone", "camera"]);
  assert.deepEqual(new Set(sections.bindings().receive.map(({ track: id }) => id)), new Set(wanted.map(({ track: id }) => id)));
});

test("where one goes and another comes in a full room, the other is received", async () => {
  const { pc, sections, wanted, local } = await fullRoom();
  wanted[0] = { track: "another", kind: "audio" };
  await settle(pc, sections, local, new Set(), wanted);
  assert.equal(sections.bindings().receive.filter(({ track: id }) => id === "another").length, 1);
});

test("where there is room, the sections of a share wait for the next one, and one offer does", async () => {
  const pc = new Connection();
  const sections = new Sections(pc);
  const local = new Map([["screen", track("video")]]);
  await settle(pc, sections, local, new Set(), []);
  assert.equal(await settle(pc, sections, new Map(), new Set(["screen"]), [{ track: "v", kind: "video" }]), 1);
  assert.equal(pc.getTransceivers().length, 2);
  assert.equal(await settle(pc, sections, local, new Set(), [{ track: "v", kind: "video" }]), 1);
  assert.equal(pc.getTransceivers().length, 2);
});

test("what does not fit at all asks for no further offer", async () => {
  const { pc, sections, wanted, local } = await fullRoom();
  const more = [...wanted, { track: "beyond", kind: "video" }];
  assert.equal(await settle(pc, sections, local, new Set(), more), 1);
});
