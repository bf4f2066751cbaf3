import assert from "node:assert/strict";
import { test } from "node:test";

import { rate, Steady } from "../../../../sfu/web/static/js/quality.js";

const fine = { lost: 0, expected: 1_000, away: 0, reported: true, roundTrip: 0.05 };

test("the worse of loss and delay decides", () => {
  assert.equal(rate(fine), "good");
  assert.equal(rate({ ...fine, lost: 60 }), "weak");
  assert.equal(rate({ ...fine, lost: 130 }), "poor");
  assert.equal(rate({ ...fine, away: 0.06 }), "weak");
  assert.equal(rate({ ...fine, roundTrip: 1 }), "poor");
  assert.equal(rate({ ...fine, lost: 60, roundTrip: 1 }), "poor");
});

test("few packets, figures never told and negative loss say nothing", () => {
  assert.equal(rate({ ...fine, expected: 20, lost: 10 }), "good");
  assert.equal(rate({ ...fine, away: 0.5, reported: false }), "good");
  assert.equal(rate({ ...fine, lost: -40 }), "good");
});

test("one bad look shows nothing, two do, and four good ones take it away", () => {
  const steady = new Steady();
  const shown = ["weak", "good", "weak", "weak", "good", "good", "good", "good", "poor"].map((rating) => {
    steady.take(rating);
    return steady.shown;
  });
  assert.deepEqual(shown, ["good", "good", "good", "weak", "weak", "weak", "weak", "good", "good"]);
});

test("from poor to weak takes as long as to good", () => {
  const steady = new Steady();
  for (const rating of ["poor", "poor", "weak", "weak", "weak"]) steady.take(rating);
  assert.equal(steady.shown, "poor");
  steady.take("weak");
  assert.equal(steady.shown, "weak");
});
