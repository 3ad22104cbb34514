// coursekit.boxes, anchors and assignment once more, for figures: bit by bit the same, in single precision as torch. A test compares them.

export const [NEGATIVE, IGNORED] = [-1, -2];
const single = Math.fround;

/** Boxes around the point 0, 0: size by size, and for each size ratio by ratio. */
export function shapes(sizes, ratios) {
  return sizes.flatMap((size) => ratios.map((ratio) => {
    const root = single(Math.sqrt(single(ratio)));
    const [right, low] = [single(size / root) / 2, single(size * root) / 2];
    return [-right, -low, right, low];
  }));
}

/** The shapes around every cell of a map: row by row, cell by cell, shape by shape. */
export function gridAnchors(rows, columns, stride, around) {
  const cells = Array.from({ length: rows * columns }, (_, k) => [(k % columns) + 0.5, Math.floor(k / columns) + 0.5]);
  return cells.flatMap((center) => around.map((box) => box.map((side, i) => single(center[i % 2] * stride + side))));
}

export function iou(a, b) {
  const area = ([x1, y1, x2, y2]) => single(single(x2 - x1) * single(y2 - y1));
  const side = (i) => Math.max(single(Math.min(a[i + 2], b[i + 2]) - Math.max(a[i], b[i])), 0);
  const inter = single(side(0) * side(1));
  return single(inter / Math.max(single(single(area(a) + area(b)) - inter), single(1e-9)));
}

/** For every anchor the row of its object, -1 for background, -2 for neither; `overlaps[object][anchor]` are IoUs. */
export function assign(overlaps, positive, negative, rescue) {
  const [high, low] = [single(positive), single(negative)];
  const most = overlaps.map((row) => Math.max(...row));
  return overlaps[0].map((_, n) => {
    const which = overlaps.reduce((best, row, m) => (row[n] > overlaps[best][n] ? m : best), 0);
    if (overlaps[which][n] >= high || (rescue && overlaps.some((row, m) => row[n] === most[m]))) return which;
    return overlaps[which][n] >= low ? IGNORED : NEGATIVE;
  });
}

/** For every box, by falling score, the kept one that strikes it out; null for one that is kept. */
export function strikes(boxes, threshold) {
  const by = [];
  for (const box of boxes) {
    const first = by.findIndex((other, k) => other === null && iou(boxes[k], box) > threshold);
    by.push(first < 0 ? null : first);
  }
  return by;
}
