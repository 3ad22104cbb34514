// <ck-nms-and-ap>, chapter 7: NMS step by step over the boxes of a scene, then precision, recall and AP as the score threshold falls.
//
// data-params: { nms, counted, scene, truth, boxes, scores }: the NMS threshold in twentieths, how many of the boxes count,
// by falling score, the picture, the animals' boxes, and made-up detections. All else is computed here, as
// coursekit.boxes.nms and coursekit.metrics.coco_ap do at an IoU of 0.5; the tests compare.

import { Figure, PALETTE, boxPath, clamp, decodeBytes, define, fitCanvas, onKeys, raster, say, short, slider, sliderMarkup, stroke, tags } from "./kit.js";

const STEP = 0.05;
const HINT = "Move the NMS threshold until the AP of all boxes is as high as it can be, then press the button.";

function iou(a, b) {
  const width = Math.max(Math.min(a[2], b[2]) - Math.max(a[0], b[0]), 0);
  const height = Math.max(Math.min(a[3], b[3]) - Math.max(a[1], b[1]), 0);
  const area = ([x1, y1, x2, y2]) => (x2 - x1) * (y2 - y1);
  const inter = width * height;
  return inter / (area(a) + area(b) - inter);
}

class NmsAndAp extends Figure {
  static style = `
    .log { min-height: 3em; }
    .list { margin: 0; border-collapse: collapse; font-size: 0.84rem; font-variant-numeric: tabular-nums; width: 100%; }
    .list td { padding: 0.1rem 0.3rem; border: 0; background: none; color: inherit; }
    .list .now { outline: 2px solid var(--accent); }
    .list .gone { color: var(--quiet); text-decoration: line-through; }
    .sliders { margin-bottom: 0.5rem; }
    @container (max-width: 30rem) { .sliders { grid-template-columns: 1fr; gap: 0.2rem; } }
  `;

  markup() {
    return `<figure aria-labelledby="title">
      <figcaption id="title">Striking out, then counting</figcaption>
      <div class="sliders">${sliderMarkup("nms", "NMS threshold")}${sliderMarkup("counted", "Score threshold: boxes that count")}</div>
      <div class="body">
        <div><canvas class="scene" role="img" tabindex="0"></canvas>
          <div class="steps"><button type="button" name="back">Back</button><button type="button" name="next">Next box</button></div>
          <p class="quiet">The boxes are made up. Thin dashes: the animals. Solid: kept; dotted: struck out.</p></div>
        <div class="side">
          <output class="log" aria-live="polite"></output>
          <table class="list"><caption class="hidden">The boxes by falling score</caption><tbody></tbody></table>
          <p class="label">Precision (up) over recall (across), each from 0 to 1</p>
          <canvas class="curve" role="img"></canvas>
          <output class="score" aria-live="polite"></output>
        </div>
      </div>
      <div class="task">
        <p><b>Task.</b> Find an NMS threshold with the highest AP, counting all boxes.</p>
        <div class="row"><button type="button" class="main" name="claim">This is the highest</button></div>
        <output class="verdict" aria-live="polite"></output>
      </div>
    </figure>`;
  }

  start({ nms, counted, scene, truth, boxes, scores }) {
    Object.assign(this, { nms, counted, truth, boxes, scores, step: boxes.length, N: boxes.length });
    this.width = scene.width;
    this.height = scene.height;
    const bytes = decodeBytes(scene.rgb);
    this.picture = raster(this.width, this.height, (k) => [bytes[3 * k], bytes[3 * k + 1], bytes[3 * k + 2], 255]);
    this.verdict = [false, HINT];
    const set = (name) => (value) => { this[name] = value; this.verdict = [false, HINT]; this.draw(); };
    this.sliders = { nms: slider(this.shadowRoot, "nms", 20, set("nms")), counted: slider(this.shadowRoot, "counted", this.N, set("counted")) };
    this.find(".list tbody").innerHTML = boxes.map(() => "<tr><td></td><td></td><td></td></tr>").join("");
    onKeys(this.find(".scene"), (dx, dy) => this.go(dx + dy), () => this.claim());
    this.find("[name=next]").addEventListener("click", () => this.go(1));
    this.find("[name=back]").addEventListener("click", () => this.go(-1));
    this.find("[name=claim]").addEventListener("click", () => this.claim());
  }

  go(by) {
    this.step = clamp(this.step + by, 0, this.N);
    this.draw();
  }

  /** For every box, the kept one that strikes it out and their IoU; null if it is kept. Boxes come by falling score. */
  strikes(threshold) {
    const by = [];
    this.boxes.forEach((box, i) => {
      const j = by.findIndex((other, k) => other === null && iou(this.boxes[k], box) > threshold);
      by.push(j < 0 ? null : [j, iou(this.boxes[j], box)]);
    });
    return by;
  }

  /** Rows [box, right, precision, recall] of the kept boxes that count, and COCO's AP at an IoU of 0.5. */
  measure(nms, counted) {
    const by = this.strikes(nms * STEP);
    const free = new Set(this.truth.keys());
    const rows = [];
    let hits = 0;
    for (let i = 0; i < counted; i += 1) {
      if (by[i]) continue;
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
    const by = this.strikes(this.nms * STEP);
    const { rows, ap } = this.measure(this.nms, this.counted);
    this.sliders.nms.set(this.nms);
    this.sliders.counted.set(this.counted);
    say(this.find("[name=nms]").parentElement.querySelector("b"), (this.nms * STEP).toFixed(2));
    this.drawScene(by);
    this.writeList(by, rows);
    this.drawCurve(rows);
    const last = rows.at(-1);
    say(this.find(".score"), last ? `${rows.length} kept boxes count: precision ${last[2].toFixed(3)}, recall ${last[3].toFixed(2)}, AP ${ap.toFixed(4)}.`
      : `No box counts: recall 0.00, AP ${ap.toFixed(4)}.`);
    this.writeTask();
  }

  drawScene(by) {
    const view = fitCanvas(this.find(".scene"), this.width, this.height, this.stage());
    const { context } = view;
    context.drawImage(this.picture, 0, 0, context.canvas.width, context.canvas.height);
    context.setLineDash([1.5, 1]);
    this.truth.forEach((box) => stroke(view, boxPath(box), "#111418", 1));
    const seen = this.boxes.slice(0, this.step);
    seen.forEach((box, i) => {
      context.setLineDash(by[i] ? [0.6, 1.4] : []);
      stroke(view, boxPath(box), by[i] ? "#5C6670" : PALETTE[i % 7], by[i] ? 1 : 2);
    });
    context.setLineDash([]);
    tags(view, seen.map(([x, y], i) => ({ text: by[i] ? `${i} ×` : `${i}`, x, y, color: by[i] ? "#5C6670" : PALETTE[i % 7], corner: true })));
    const kept = by.flatMap((other, i) => (other ? [] : [i]));
    this.find(".scene").setAttribute("aria-label", `A scene with ${this.truth.length} animals; ${this.step} of ${this.N} boxes looked at. `
      + `At the NMS threshold ${(this.nms * STEP).toFixed(2)} boxes ${kept.join(", ")} are kept in the end. Arrow keys go to the next box.`);
  }

  writeList(by, rows) {
    const right = new Map(rows.map(([i, hit]) => [i, hit]));
    [...this.find(".list tbody").rows].forEach((line, i) => {
      line.className = `${i === this.step - 1 ? "now" : ""} ${i < this.step && by[i] ? "gone" : ""}`;
      say(line.cells[0], `box ${i}`);
      say(line.cells[1], this.scores[i].toFixed(2));
      say(line.cells[2], i >= this.step ? "" : by[i] ? "struck out" : right.has(i) ? (right.get(i) ? "✓ right" : "✗ wrong") : "kept, below the score");
    });
    const i = this.step - 1;
    const words = i < 0 ? "No box looked at yet." : by[i]
      ? `Box ${i} goes: its IoU with box ${by[i][0]}, which is kept, is ${short(by[i][1])}, above ${(this.nms * STEP).toFixed(2)}.`
      : `Box ${i} stays: no box kept before it overlaps it by more than ${(this.nms * STEP).toFixed(2)}.`;
    say(this.find(".log"), words);
  }

  drawCurve(rows) {
    const canvas = this.find(".curve");
    const { context, scale, ratio } = fitCanvas(canvas, 100, 54, canvas.parentElement.clientWidth);
    const styles = getComputedStyle(this.find("figure"));
    const line = styles.getPropertyValue("--line").trim();
    const at = (recall, precision) => [(5 + 90 * recall) * scale, (49 - 44 * precision) * scale];
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.strokeStyle = line;
    context.lineWidth = ratio;
    context.strokeRect(...at(0, 1), 90 * scale, 44 * scale);
    context.strokeStyle = this.accent();
    context.lineWidth = 2 * ratio;
    context.beginPath();
    rows.forEach((row) => context.lineTo(...at(row[3], row[2])));
    context.stroke();
    rows.forEach((row) => {
      const [x, y] = at(row[3], row[2]);
      context.beginPath();
      context.arc(x, y, 4 * ratio, 0, 7);
      context.fillStyle = row[1] ? this.accent() : styles.backgroundColor;
      context.fill();
      context.stroke();
    });
    canvas.setAttribute("aria-label", "Precision over recall: "
      + (rows.map((row) => `${row[2].toFixed(2)} at ${row[3].toFixed(1)}`).join(", ") || "no box counts") + ". Full dots are hits.");
  }

  claim() {
    const best = Math.max(...Array.from({ length: 21 }, (_, n) => this.measure(n, this.N).ap));
    const { ap } = this.measure(this.nms, this.N);
    if (this.counted < this.N) this.verdict = [false, `Not yet: only ${this.counted} of ${this.N} boxes count. Lower the score threshold until all do.`];
    else if (ap > best - 1e-9) this.verdict = [true, "✓ Solved. Lower, and an animal is struck out by its neighbour; higher, and duplicates stand before later hits."];
    else this.verdict = [false, `Not yet: the AP is ${ap.toFixed(4)}, and another threshold reaches more.`];
    this.writeTask();
  }
}

define("ck-nms-and-ap", NmsAndAp);
