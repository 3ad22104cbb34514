// What the playground does after the network: coursekit's last suppression once more, so that its two thresholds can move without running the network
// again. A test compares it with the package's own detections.

import { strikes } from "./boxes.js";

export const [CLASSES, CELLS, MOST, DRAWN] = [4, 28, 100, 20];      // K with background 0; a mask's side; detections; masks drawn, at most
const SMALLEST = 0.01;                                              // of a box's sides, in pixels

/**
 * `coursekit.models.fast_rcnn.suppress`: from scores (R, K) and boxes (R, K, 4) the likely ones, class by class without duplicates, by falling score.
 * Each is { region, label, score, box }.
 */
export function suppress(scores, boxes, least, overlap) {
  const kept = [];
  for (let label = 1; label < CLASSES; label += 1) {
    const likely = [];
    for (let region = 0; region * CLASSES < scores.length; region += 1) {
      const at = region * CLASSES + label;
      const box = Array.from(boxes.subarray(4 * at, 4 * at + 4));
      const solid = Math.fround(box[2] - box[0]) >= SMALLEST && Math.fround(box[3] - box[1]) >= SMALLEST;
      if (scores[at] > Math.fround(least) && solid) likely.push({ region, label, score: scores[at], box });
    }
    likely.sort((a, b) => b.score - a.score);
    const by = strikes(likely.map(({ box }) => box), Math.fround(overlap));
    kept.push(...likely.filter((_, n) => by[n] === null));
  }
  return kept.sort((a, b) => b.score - a.score).slice(0, MOST);
}

/** Rows of four numbers. */
export const rows = (values) => Array.from({ length: values.length / 4 }, (_, n) => Array.from(values.subarray(4 * n, 4 * n + 4)));
