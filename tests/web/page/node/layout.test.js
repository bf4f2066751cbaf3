import assert from "node:assert/strict";
import { test } from "node:test";

import { focused, grid } from "../../../../sfu/web/static/js/layout.js";

const STAGES = [
  [1280, 640],
  [900, 700],
  [360, 420],
  [320, 240],
  [740, 200],
  [300, 200],
  [1900, 900],
];

/** @param {{x: number, y: number, width: number, height: number}[]} boxes */
function apart(boxes) {
  return boxes.every((a, i) =>
    boxes.slice(i + 1).every((b) => a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y),
  );
}

test("from one to twelve people, tiles are inside the stage, of one size, and none covers another", () => {
  for (const [width, height] of STAGES) {
    for (let count = 1; count <= 12; count += 1) {
      const boxes = grid(count, width, height);
      assert.equal(boxes.length, count);
      assert.ok(apart(boxes), `${count} on ${width}x${height}`);
      for (const box of boxes) {
        assert.ok(box.x >= 0 && box.y >= 0 && box.x + box.width <= width + 1 && box.y + box.height <= height + 1);
        assert.deepEqual([box.width, box.height], [boxes[0].width, boxes[0].height]);
        assert.ok(box.width > 30);
      }
    }
  }
});

test("a tile is as wide as the stage allows", () => {
  const [only] = grid(1, 400, 300);
  assert.deepEqual(only, { x: 0, y: 0, width: 400, height: 300 });
  const [left, right] = grid(2, 1212, 450);
  assert.equal(left.y, right.y);
  assert.equal(left.width, 600);
});

test("what is large is larger than all others together, and nothing covers anything", () => {
  for (const [width, height] of STAGES) {
    for (let count = 2; count <= 12; count += 1) {
      const large = count - 1;
      const boxes = focused(count, width, height, [large]);
      assert.ok(apart(boxes), `${count} on ${width}x${height}`);
      const area = ({ width: across, height: down }) => across * down;
      const others = boxes.filter((_, i) => i !== large).reduce((sum, box) => sum + area(box), 0);
      if (height > 300) assert.ok(area(boxes[large]) > others);
    }
  }
});

test("who is alone and large has the whole stage", () => {
  assert.deepEqual(focused(1, 640, 480, [0]), [{ x: 0, y: 0, width: 640, height: 480 }]);
});

test("two large ones share the place, a screen beside whoever signs, in the order of the tiles", () => {
  const boxes = focused(4, 1280, 640, [0, 2]);
  assert.ok(apart(boxes));
  assert.ok(boxes[0].x + boxes[0].y < boxes[2].x + boxes[2].y);
  assert.deepEqual([boxes[0].width, boxes[0].height], [boxes[2].width, boxes[2].height]);
  assert.ok(boxes[1].width < boxes[0].width && boxes[3].width < boxes[0].width);
  assert.ok(apart(focused(2, 360, 600, [0, 1])));
});

test("two large ones stand as they are larger: beside each other where it is broad, else one above the other", () => {
  const [first, , second] = focused(3, 1900, 500, [0, 2]);
  assert.equal(first.y, second.y);
  const [above, , below] = focused(3, 900, 640, [0, 2]);
  assert.equal(above.x, below.x);
});
