/**
 * Where tiles stand on the stage. Figures in, figures out.
 *
 * @typedef {{x: number, y: number, width: number, height: number}} Box px
 */

const RATIO = 4 / 3; // of a tile, as of the cameras
const BROAD = 16 / 9; // of what is shown large: screens, and cameras of today
const GAP = 12; // px between tiles
const SMALL_GAP = 6; // px, where there is little room
const NARROW = 480; // px; a stage narrower than this has little room
const STRIP = 0.24; // of the stage, beside what is shown large
const STRIP_LEAST = 112; // px across
const STRIP_MOST = 240; // px across

/**
 * All tiles of one size, as large as can be.
 *
 * @param {number} count
 * @param {number} width
 * @param {number} height
 * @returns {Box[]}
 */
export function grid(count, width, height) {
  const gap = Math.min(width, height) < NARROW ? SMALL_GAP : GAP;
  let best = { across: 0, columns: 1 };
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const across = Math.min((width - gap * (columns - 1)) / columns, ((height - gap * (rows - 1)) / rows) * RATIO);
    if (across > best.across) best = { across, columns };
  }
  const tile = { width: Math.floor(best.across), height: Math.floor(best.across / RATIO) };
  const rows = Math.ceil(count / best.columns);
  const top = (height - rows * tile.height - (rows - 1) * gap) / 2;
  return Array.from({ length: count }, (_, index) => {
    const row = Math.floor(index / best.columns);
    const inRow = Math.min(best.columns, count - row * best.columns); // the last row may be short, and is centred
    const left = (width - inRow * tile.width - (inRow - 1) * gap) / 2;
    return {
      x: Math.round(left + (index % best.columns) * (tile.width + gap)),
      y: Math.round(top + row * (tile.height + gap)),
      ...tile,
    };
  });
}

/**
 * Some tiles large, the others in a strip: beside them where the stage is broad, below them where it is tall.
 *
 * @param {number} count
 * @param {number} width
 * @param {number} height
 * @param {number[]} large indices of the large ones, in order
 * @returns {Box[]}
 */
export function focused(count, width, height, large) {
  const others = count - large.length;
  if (others === 0) return large.length === 1 ? [{ x: 0, y: 0, width, height }] : grid(count, width, height);
  const beside = width > height;
  const strip = Math.round(Math.min(STRIP_MOST, Math.max(STRIP_LEAST, STRIP * (beside ? width : height))));
  const small = beside
    ? grid(others, strip, height).map((box) => ({ ...box, x: box.x + width - strip }))
    : grid(others, width, strip).map((box) => ({ ...box, y: box.y + height - strip }));
  const [across, down] = beside ? [width - strip - GAP, height] : [width, height - strip - GAP];
  const wide = shared(large.length, across, down);
  return Array.from({ length: count }, (_, index) => {
    const place = large.indexOf(index);
    return place >= 0 ? wide[place] : small[index - large.filter((each) => each < index).length];
  });
}

/**
 * The whole of a place, in equal parts: beside each other or one above the other, whichever shows broad pictures larger.
 *
 * @param {number} count
 * @param {number} width
 * @param {number} height
 * @returns {Box[]}
 */
function shared(count, width, height) {
  const beside = Math.min(width / count, height * BROAD) > Math.min(width, (height / count) * BROAD);
  const part = Math.floor(((beside ? width : height) - GAP * (count - 1)) / count);
  return Array.from({ length: count }, (_, index) =>
    beside ? { x: index * (part + GAP), y: 0, width: part, height } : { x: 0, y: index * (part + GAP), width, height: part },
  );
}
