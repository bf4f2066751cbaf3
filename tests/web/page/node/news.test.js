import assert from "node:assert/strict";
import { test } from "node:test";

import { News } from "../../../../sfu/web/static/js/news.js";

const person = (participant, connected = true) => ({ participant, name: participant.toUpperCase(), connected });
const people = (...participants) => participants.map((p) => person(p));

test("who comes and who goes is said, and nothing of those who stay", () => {
  const news = new News();
  assert.deepEqual(news.ofRoster(people("me", "a"), people("me", "b"), "me"), [
    { key: "message.came", params: { name: "B" } },
    { key: "message.went", params: { name: "A" } },
  ]);
  assert.deepEqual(news.ofRoster(people("me", "b"), people("me", "b"), "me"), []);
});

test("several who come or go at once are one sentence", () => {
  const news = new News();
  assert.deepEqual(news.ofRoster(people("me", "a", "b"), people("me", "c", "d"), "me"), [
    { key: "message.came.many", params: { names: "C, D" } },
    { key: "message.went.many", params: { names: "A, B" } },
  ]);
});

test("whoever is there when one comes has not come, and one's own going is no news", () => {
  const news = new News();
  assert.deepEqual(news.ofRoster([], people("me", "a"), "me"), []);
  assert.deepEqual(news.ofRoster(people("me", "a"), people("a"), "me"), []);
});

test("who knocks is said once, together, and again only after they were gone for good", () => {
  const news = new News();
  assert.deepEqual(news.ofLobby(people("a")), { key: "message.knock", params: { name: "A" } });
  assert.equal(news.ofLobby([person("a", false)]), null);
  assert.equal(news.ofLobby(people("a")), null);
  assert.deepEqual(news.ofLobby(people("a", "b", "c")), { key: "message.knocks", params: { count: "2" } });
  assert.equal(news.ofLobby([]), null);
  assert.deepEqual(news.ofLobby(people("a")), { key: "message.knock", params: { name: "A" } });
});

test("who has never been there is not announced before they are", () => {
  const news = new News();
  assert.equal(news.ofLobby([person("a", false)]), null);
  assert.deepEqual(news.ofLobby(people("a")), { key: "message.knock", params: { name: "A" } });
});

test("whom the user lets in is no news, once", () => {
  const news = new News();
  news.expect("admit", "a");
  assert.deepEqual(news.ofRoster(people("me"), people("me", "a", "b"), "me"), [{ key: "message.came", params: { name: "B" } }]);
  assert.deepEqual(news.ofRoster(people("me", "b"), people("me", "a", "b"), "me"), [{ key: "message.came", params: { name: "A" } }]);
});

test("whom the user puts back neither goes nor knocks, and is announced when they come anew", () => {
  for (const lobbyFirst of [true, false]) {
    const news = new News();
    news.expect("hold", "a");
    const steps = [
      () => assert.deepEqual(news.ofRoster(people("me", "a"), people("me"), "me"), []),
      () => assert.equal(news.ofLobby(people("a")), null),
    ];
    for (const step of lobbyFirst ? steps.reverse() : steps) step();
    assert.equal(news.ofLobby([]), null);
    assert.deepEqual(news.ofLobby(people("a")), { key: "message.knock", params: { name: "A" } });
  }
});

test("what the server refused is expected no more", () => {
  const news = new News();
  news.expect("admit", "a");
  news.unexpect("a");
  assert.deepEqual(news.ofRoster(people("me"), people("me", "a"), "me"), [{ key: "message.came", params: { name: "A" } }]);
});
