// <ck-rcnn-walk>, chapter 9: one scene's regions through R-CNN's stages, with the clock that was measured beside them.
//
// data-params: { index, scene: { height, width, rgb }, context, fill, boxes, maps, mapSide, scores, refined, ms, least, overlap }: a row a region, of
// box (x1 y1 x2 y2) in bytes, averaged feature map in half bytes, scores in hundredths, and refined boxes for cat, dog and rabbit in bytes, 255 being the
// picture's longer side. scripts/make_figure_data.py makes them with the package's shipped weights. Suppression is done here, as coursekit.boxes.nms does.

import { iou } from "./boxes.js";
import { choices, groupMarkup, onPointer } from "./controls.js";
import { boxPath, fitPicture, stroke, tags } from "./drawing.js";
import { define } from "./figure.js";
import { CHOSEN, GONE, classColor, className } from "./palette.js";
import { decodeBytes, photo, raster } from "./pixels.js";
import { TaskFigure, canvasMarkup, pictureMarkup } from "./task.js";
import { clamp, say } from "./words.js";

const STAGES = ["propose", "warp", "network", "svm", "regress", "nms"];
const WORDS = { propose: "1 propose", warp: "2 warp", network: "3 network", svm: "4 SVMs", regress: "5 regressors", nms: "6 NMS" };
const SQUARE = 64;
const ms = (value) => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;

class Walk extends TaskFigure {
  static style = `
    .stages { grid-template-columns: repeat(auto-fit, minmax(6.5rem, 1fr)); }
    .reading { min-height: 5.4em; }
    .bar { display: flex; height: 1.1rem; border: 1px solid var(--line); border-radius: 4px; overflow: hidden; background: var(--soft); margin: 0.25rem 0; }
    .bar span { display: block; height: 100%; background: var(--accent); border-right: 1px solid var(--ground); }
    .clock { font-variant-numeric: tabular-nums; min-height: 5.6em; }
    .pair { display: flex; gap: 0.8rem; }
    .pair canvas { image-rendering: auto; width: 112px; height: 112px; margin-top: 0.25rem; }
    .pair canvas.map { image-rendering: pixelated; }
  `;

  parts({ scores }) {
    return {
      title: `${scores.length / 3} regions through R-CNN`,
      task: "Find a region that an SVM takes for an animal (its score is above 0) and that NMS strikes out all the same.",
      claim: "This one", next: "Next region", more: { best: "Next by score" }, keys: "arrows go to another region (up and down: ten on)",
      settings: groupMarkup("stages", "Stage", "stage", WORDS),
      picture: pictureMarkup("main"),
      side: `<output class="reading" aria-live="polite"></output>
        <div class="pair"><div><span class="label">Warped</span>${canvasMarkup("square")}</div>
          <div><span class="label">Its map, 8 × 8</span>${canvasMarkup("map")}</div></div>
        <table class="values"><caption class="hidden">The region’s scores and refined boxes</caption>
          <thead><tr><th scope="col">class</th><th scope="col">score</th><th scope="col">box, refined</th></tr></thead><tbody></tbody></table>
        <div><span class="label">Clock: this scene, up to this region and stage</span><div class="bar" aria-hidden="true"></div><p class="clock quiet"></p></div>`,
    };
  }

  ready({ scene, context, fill, boxes: corners, maps, mapSide, scores, refined, ms: times, least, overlap }) {
    const { height, width } = scene;
    const flat = decodeBytes(corners);
    const boxes = Array.from({ length: flat.length / 4 }, (_, r) => [...flat.subarray(4 * r, 4 * r + 4)]);
    const sides = [...decodeBytes(refined)].map((byte) => (byte * Math.max(height, width)) / 255);
    Object.assign(this, { height, width, context, fill, boxes, mapSide, times, least, overlap, picture: photo(scene) });
    this.maps = [...decodeBytes(maps)].flatMap((byte) => [17 * (byte >> 4), 17 * (byte & 15)]);
    this.scores = boxes.map((_, r) => [0, 1, 2].map((c) => scores[3 * r + c] / 100));
    this.refined = boxes.map((_, r) => [0, 1, 2].map((c) => sides.slice(12 * r + 4 * c, 12 * r + 4 * c + 4)));
    this.fate = [0, 1, 2].map((c) => this.suppress(c));
    onPointer(this.find("canvas.main"), width, { move: (x, y) => this.pick(x, y), grabs: () => true });
    this.stages = choices(this.shadowRoot, "stage", (stage) => { this.at = STAGES.indexOf(stage); this.draw(); });
    this.find("[name=best]").addEventListener("click", () => this.goBest());
  }

  begin({ stage = "propose", region = 0 }) {
    Object.assign(this, { at: STAGES.indexOf(stage), region: clamp(region, 0, this.boxes.length - 1), walked: -1 });
  }

  hint() {
    return "Walk through the regions and the stages, choose a region, then press the button.";
  }

  go(region) {
    this.change({ region: clamp(region, 0, this.boxes.length - 1) });
  }

  step(by) {
    this.go((this.region + by + this.boxes.length) % this.boxes.length);
  }

  move(dx, dy) {
    this.go(this.region + dx + 10 * dy);
  }

  /** The next one by falling score. */
  goBest() {
    const best = this.scores.map((row) => Math.max(...row));
    const order = this.boxes.map((_, r) => r).sort((a, b) => best[b] - best[a] || a - b);
    this.walked = (this.walked + 1) % order.length;
    this.go(order[this.walked]);
  }

  /** The smallest region that holds the point. */
  pick(x, y) {
    const size = ([x1, y1, x2, y2]) => (x2 - x1) * (y2 - y1);
    const holds = this.boxes.flatMap((b, r) => (b[0] <= x && x < b[2] && b[1] <= y && y < b[3] ? [r] : []));
    if (holds.length) this.go(holds.reduce((a, r) => (size(this.boxes[r]) < size(this.boxes[a]) ? r : a)));
  }

  order(c) {
    return this.boxes.map((_, r) => r).sort((a, b) => this.scores[b][c] - this.scores[a][c] || a - b);
  }

  /** For every region: null where the score is too low, -1 where it is kept, else the region that struck it out. */
  suppress(c) {
    const fate = this.boxes.map(() => null);
    const kept = [];
    for (const r of this.order(c)) {
      if (this.scores[r][c] <= this.least) break;
      const by = kept.find((k) => iou(this.refined[k][c], this.refined[r][c]) > this.overlap);
      fate[r] = by ?? -1;
      if (by === undefined) kept.push(r);
    }
    return fate;
  }

  bestClass(r) {
    return this.scores[r].indexOf(Math.max(...this.scores[r]));
  }

  /** Milliseconds of each stage, up to the region and the stage shown. */
  spent() {
    const share = (this.region + 1) / this.boxes.length;
    return STAGES.map((name, n) => (n > this.at ? 0 : this.times[n] * (n === 0 || n === 5 ? 1 : share)));
  }

  draw() {
    const [r, c] = [this.region, this.bestClass(this.region)];
    const { at } = this;
    const view = fitPicture(this.find("canvas.main"), this.picture, this.stage());
    this.stages.set(STAGES[at]);
    const box = this.boxes[r];
    if (at === 0) {
      const { context, scale, ratio } = view;
      context.strokeStyle = "rgba(255,255,255,0.55)";
      context.lineWidth = ratio;
      for (const [x1, y1, x2, y2] of this.boxes) context.strokeRect(x1 * scale, y1 * scale, (x2 - x1) * scale, (y2 - y1) * scale);
    }
    if (at < 5) stroke(view, boxPath(box), CHOSEN, 2);
    if (at === 1 || at === 2) stroke(view, boxPath(this.around(box)), GONE, 1, [4, 3]);
    if (at === 4) stroke(view, boxPath(this.refined[r][c]), classColor(this, c + 1), 2);
    if (at === 5) this.drawKept(view, r, c);
    this.drawSquare(box, at);
    this.write(r, c, at);
  }

  around([x1, y1, x2, y2]) {
    const share = this.context / (1 - 2 * this.context);
    const [dx, dy] = [(x2 - x1) * share, (y2 - y1) * share];
    return [x1 - dx, y1 - dy, x2 + dx, y2 + dy];
  }

  drawKept(view, r, c) {
    const items = [];
    for (const k of [0, 1, 2]) {
      this.fate[k].forEach((fate, n) => {
        if (fate !== -1 || this.scores[n][k] <= 0) return;
        const color = classColor(this, k + 1);
        stroke(view, boxPath(this.refined[n][k]), color, 2);
        items.push({ text: `${className(k + 1)} ${this.scores[n][k].toFixed(2)}`, x: this.refined[n][k][0], y: this.refined[n][k][1], color, corner: true });
      });
    }
    stroke(view, boxPath(this.refined[r][c]), CHOSEN, 1.5);
    tags(view, items);
  }

  drawSquare(box, at) {
    const square = this.find("canvas.square");
    const map = this.find("canvas.map");
    [square.width, square.height, map.width, map.height] = [2 * SQUARE, 2 * SQUARE, this.mapSide, this.mapSide];
    const brush = square.getContext("2d");
    brush.fillStyle = at < 1 ? "rgba(128,128,128,0.2)" : `rgb(${this.fill.join(" ")})`;
    brush.fillRect(0, 0, square.width, square.height);
    const [x1, y1, x2, y2] = this.around(box);
    if (at >= 1) brush.drawImage(this.picture, x1, y1, x2 - x1, y2 - y1, 0, 0, square.width, square.height);
    const side = this.mapSide ** 2;
    const values = this.maps.slice(side * this.region, side * (this.region + 1));
    const shades = raster(this.mapSide, this.mapSide, (k) => (at < 2 ? [128, 128, 128, 50] : [values[k], values[k], values[k], 255]));
    map.getContext("2d").drawImage(shades, 0, 0);
    square.setAttribute("aria-label", at < 1 ? "Not warped yet." : `Region ${this.region} as a square of 64 × 64 pixels, with context.`);
    map.setAttribute("aria-label", at < 2 ? "The network has not run yet." : "Where the network's 128 maps are strong, on average: 8 × 8 cells.");
  }

  write(r, c, at) {
    const [x1, y1, x2, y2] = this.boxes[r];
    const name = className(c + 1);
    const fate = this.fate[c][r];
    const score = this.scores[r][c].toFixed(2);
    const end = fate === null ? `Its best score, ${score} for ${name}, is too low for a detection.`
      : fate < 0 ? `Kept: ${name} ${score}.`
        : `Struck out: region ${fate} is a better ${name}, and overlaps it by ${iou(this.refined[fate][c], this.refined[r][c]).toFixed(2)}.`;
    const moves = this.refined[r][c].map((v, i) => Math.round(v - this.boxes[r][i])).map((v) => (v < 0 ? `−${-v}` : `${v + 0}`));
    const now = [`${x2 - x1} × ${y2 - y1} pixels, from x ${x1}, y ${y1}.`, "Stretched to 64 × 64, with context around it.", "8 × 8 cells of 128 numbers, averaged to 4 × 4: 2048 features.",
      `Highest score: ${score} for ${name}.`, `The ${name} regression moves x1, y1, x2, y2 by ${moves.join(", ")} pixels.`, end][at];
    say(this.find(".reading"), `Region ${r} of ${this.boxes.length}. ${now}`);
    this.find("tbody").innerHTML = [0, 1, 2].map((k) => `<tr><td>${className(k + 1)}</td><td>${at < 3 ? "–" : this.scores[r][k].toFixed(2)}</td>`
      + `<td>${at < 4 ? "–" : this.refined[r][k].map((v) => Math.round(v)).join(" ")}</td></tr>`).join("");
    const spent = this.spent();
    const total = this.times.reduce((a, b) => a + b, 0);
    this.find(".bar").innerHTML = spent.map((value) => `<span style="width:${(100 * value) / total}%"></span>`).join("");
    say(this.find(".clock"), `${ms(spent.reduce((a, b) => a + b, 0))} of ${ms(total)}. All regions: ${STAGES.map((key, n) => `${WORDS[key].slice(2)} ${ms(this.times[n])}`).join(", ")}.`);
    this.describe(`The scene, ${WORDS[STAGES[at]].slice(2)}: region ${r}.`);
    this.writeTask();
  }

  judge() {
    const [r, c] = [this.region, this.bestClass(this.region)];
    const score = this.scores[r][c];
    const fate = this.fate[c][r];
    if (score <= 0) return [false, `Not yet: the best score of region ${r} is ${score.toFixed(2)}, so no SVM takes it for an animal.`];
    if (fate < 0) return [false, `Not yet: region ${r} is kept, as ${className(c + 1)} ${score.toFixed(2)}.`];
    return [true, `✓ Solved. Region ${r} scores ${score.toFixed(2)} for ${className(c + 1)}, but region ${fate} scores ${this.scores[fate][c].toFixed(2)} `
      + `and overlaps it by ${iou(this.refined[fate][c], this.refined[r][c]).toFixed(2)}.`];
  }
}

define("ck-rcnn-walk", Walk);
