// <ck-nms-and-ap>, chapter 7: NMS step by step over the boxes of a scene, then precision, recall and AP as the score threshold falls.
//
// data-params: { nms, counted, scene, truth, boxes, scores }: the NMS threshold in twentieths, how many of the boxes count,
// by falling score, the picture, the animals' boxes, and made-up detections. All else is computed here, as
// coursekit.boxes.nms and coursekit.metrics.coco_ap do at an IoU of 0.5; the tests compare.

import { iou, strikes } from "./boxes.js";
import { drawChart } from "./chart.js";
import { onPointer, slider, sliderMarkup } from "./controls.js";
import { boxPath, fitPicture, stroke, strokeTrue, tags } from "./drawing.js";
import { define } from "./figure.js";
import { ANSWER, CHOSEN, GONE } from "./palette.js";
import { photo } from "./pixels.js";
import { TaskFigure, canvasMarkup, pictureMarkup } from "./task.js";
import { clamp, plural, say, short } from "./words.js";

const TWENTIETHS = 20;        // of the NMS threshold, from 0 to 1
const at = (n) => (n / TWENTIETHS).toFixed(2);

class NmsAndAp extends TaskFigure {
  static style = `
    .reading { min-height: 5.4em; }
    .list td { text-align: left; padding: 0.1rem 0.3rem; border: 0; }
    .list .now { outline: 2px solid var(--chosen); outline-offset: -1px; }
    .list .now td { padding-left: 0.3rem; }
    .list .gone { color: var(--quiet); text-decoration: line-through; }
    .sliders { margin: 0 0 0.6rem; grid-template-columns: 1fr 1.2fr; }
    @container (max-width: 34rem) { .sliders { grid-template-columns: 1fr; gap: 0.2rem; } }
    .score { min-height: 2.9em; }
  `;

  parts({ boxes }) {
    return {
      title: "Striking out, then counting",
      task: "Find an NMS threshold with the highest AP, counting all boxes.",
      claim: "This is the highest", next: "Next box", keys: "arrows go to another box",
      settings: `<div class="sliders">${sliderMarkup("nms", "NMS threshold")}${sliderMarkup("counted", "Boxes that count, by score")}</div>`,
      picture: pictureMarkup("scene"),
      side: `<output class="reading" aria-live="polite"></output>
        <table class="values list"><caption class="hidden">The boxes by falling score</caption><tbody>${
  boxes.map(() => "<tr><td></td><td></td><td></td></tr>").join("")}</tbody></table>
        <div>${canvasMarkup("curve")}</div>
        <output class="score" aria-live="polite"></output>`,
      foot: `<p class="quiet legend">The boxes are made up. Violet: kept. Grey and crossed: struck out. Orange: the box looked at last. Dotted: the animals. In the chart, full: a hit.</p>`,
    };
  }

  ready({ scene, truth, boxes, scores }) {
    Object.assign(this, { truth, boxes, scores, N: boxes.length, picture: photo(scene) });
    this.controls = {
      nms: slider(this.shadowRoot, "nms", TWENTIETHS, (nms) => this.change({ nms }), at),
      counted: slider(this.shadowRoot, "counted", this.N, (counted) => this.change({ counted })),
    };
    onPointer(this.find(".scene"), scene.width, { move: (x, y) => this.pick(x, y) });
  }

  begin({ nms, counted }) {
    Object.assign(this, { nms, counted, looked: this.N });
  }

  hint() {
    return "Move the NMS threshold until the AP of all boxes is as high as it can be, then press the button.";
  }

  go(looked) {
    this.looked = clamp(looked, 0, this.N);
    this.draw();
  }

  step(by) {
    this.go(this.looked + by);
  }

  move(dx, dy) {
    this.step(Math.sign(dx + dy));
  }

  /** The box that has a side nearest to the point. */
  pick(x, y) {
    const far = ([x1, y1, x2, y2]) => Math.abs(Math.max(x1 - x, x - x2, y1 - y, y - y2));
    this.go(1 + this.boxes.reduce((a, box, i) => (far(box) < far(this.boxes[a]) ? i : a), 0));
  }

  /** Rows [box, right, precision, recall] of the kept boxes that count, and COCO's AP at an IoU of 0.5. */
  measure(nms, counted) {
    const by = strikes(this.boxes, nms / TWENTIETHS);
    const free = new Set(this.truth.keys());
    const rows = [];
    let hits = 0;
    for (let i = 0; i < counted; i += 1) {
      if (by[i] !== null) continue;
      let best = -1;
      for (const m of free) {
        const fit = iou(this.boxes[i], this.truth[m]);
        if (fit >= 0.5 && (best < 0 || fit >= iou(this.boxes[i], this.truth[best]))) best = m;
      }
      free.delete(best);
      hits += best >= 0 ? 1 : 0;
      rows.push([i, best >= 0, hits / (rows.length + 1), hits / this.truth.length]);
    }
    let sum = 0;
    for (let k = 0; k <= 100; k += 1) sum += Math.max(0, ...rows.filter((row) => row[3] >= k / 100 - 1e-9).map((row) => row[2]));
    return { rows, ap: sum / 101 };
  }

  draw() {
    const by = strikes(this.boxes, this.nms / TWENTIETHS);
    const { rows, ap } = this.measure(this.nms, this.counted);
    for (const [name, { set }] of Object.entries(this.controls)) set(this[name]);
    this.drawScene(by);
    this.writeList(by, rows);
    const dots = rows.map(([, full, y, x]) => ({ x, y, full }));
    const canvas = this.find(".curve");
    drawChart(this, canvas, { across: "recall", up: "precision", dots, line: true });
    canvas.setAttribute("aria-label", "Precision over recall: "
      + (rows.map((row) => `${row[2].toFixed(2)} at ${row[3].toFixed(1)}`).join(", ") || "no box counts") + ". Full dots are hits.");
    const last = rows.at(-1);
    say(this.find(".score"), last ? `${plural(rows.length, "kept box counts", "kept boxes count")}: precision ${last[2].toFixed(3)}, `
      + `recall ${last[3].toFixed(2)}, AP ${ap.toFixed(4)}.` : `No box counts: recall 0.00, AP ${ap.toFixed(4)}.`);
    this.writeTask();
  }

  drawScene(by) {
    const view = fitPicture(this.find(".scene"), this.picture, this.stage());
    this.truth.forEach((box) => strokeTrue(view, boxPath(box)));
    const seen = this.boxes.slice(0, this.looked);
    const color = (i) => (i === this.looked - 1 ? CHOSEN : by[i] === null ? ANSWER : GONE);
    seen.forEach((box, i) => stroke(view, boxPath(box), color(i), by[i] === null ? 2 : 1));
    const falling = seen.map((box, i) => ({ text: by[i] === null ? `${i}` : `${i} ×`, x: box[0], y: box[1], color: color(i), corner: true }));
    tags(view, falling.reverse());
    const kept = by.flatMap((other, i) => (other === null ? [i] : []));
    this.describe(`A scene with ${this.truth.length} animals; ${this.looked} of ${this.N} boxes looked at. `
      + `At the NMS threshold ${at(this.nms)} boxes ${kept.join(", ")} are kept in the end.`);
  }

  writeList(by, rows) {
    const right = new Map(rows.map(([i, hit]) => [i, hit]));
    [...this.find(".list tbody").rows].forEach((line, i) => {
      const [seen, gone] = [i < this.looked, by[i] !== null];
      line.className = `${i === this.looked - 1 ? "now" : ""} ${seen && gone ? "gone" : ""}`;
      say(line.cells[0], `box ${i}`);
      say(line.cells[1], this.scores[i].toFixed(2));
      say(line.cells[2], !seen ? "\u00A0" : gone ? "struck out" : right.has(i) ? (right.get(i) ? "✓ right" : "✗ wrong") : "kept, does not count");
    });
    const i = this.looked - 1;
    say(this.find(".reading"), i < 0 ? "No box looked at yet." : by[i] !== null
      ? `Box ${i} goes: its IoU with box ${by[i]}, which is kept, is ${short(iou(this.boxes[by[i]], this.boxes[i]))}, above ${at(this.nms)}.`
      : `Box ${i} stays: no box kept before it overlaps it by more than ${at(this.nms)}.`);
  }

  judge() {
    const best = Math.max(...Array.from({ length: TWENTIETHS + 1 }, (_, n) => this.measure(n, this.N).ap));
    const { ap } = this.measure(this.nms, this.N);
    if (this.counted < this.N) return [false, `Not yet: only ${this.counted} of ${this.N} boxes count. Move the second slider until all do.`];
    if (ap < best - 1e-9) return [false, `Not yet: the AP is ${ap.toFixed(4)}, and another threshold reaches more.`];
    return [true, "✓ Solved. Lower, and an animal is struck out by its neighbour; higher, and duplicates stand before later hits."];
  }
}

define("ck-nms-and-ap", NmsAndAp);
