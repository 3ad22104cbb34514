// <ck-mask-paste>, chapter 12: one detection of Mask R-CNN, its grid of 28 × 28 probabilities a class, pasted into the picture and cut at a threshold.
//
// data-params: { index, scene: { height, width, rgb }, box, label, score, side, masks, truth, view, threshold }: a box in pixels, the box head's
// class, side × side cells of each of cat, dog and rabbit, then of the true mask cut to the box, as base64 of bytes (b stands for (b + 0.5) / 256),
// and the true mask as runs. All else is computed here: pasting as coursekit.masks.paste does it, and the IoU; the tests compare.

import { drawChart } from "./chart.js";
import { choices, groupMarkup, onPointer, slider, sliderMarkup } from "./controls.js";
import { boxPath, fitCanvas, fitPicture, lay, stroke, tags } from "./drawing.js";
import { define } from "./figure.js";
import { ANSWER, CHOSEN, CLASSES, THINGS, TRUE, rgbOf } from "./palette.js";
import { decodeBytes, decodeRuns, outline, photo, raster } from "./pixels.js";
import { TaskFigure, canvasMarkup, pictureMarkup } from "./task.js";
import { clamp, count, say } from "./words.js";

const STEPS = 20;             // of the threshold, from 0 to 1
const NEAR = 0.02;            // of IoU: what the verdict calls as good
const NAMES = [...THINGS.map((id) => CLASSES[id]), "target"];
const at = (step) => (step / STEPS).toFixed(2);

/** Where a grid of `side` cells and a rim of zeros around it goes: first and last column and row of pixels; from a box in pixels, as torch rounds. */
export function frameOf([x1, y1, x2, y2], side) {
  const f = Math.fround;
  const ends = (low, high) => {
    const [center, half] = [f(f(f(low) + f(high)) / 2), f(f(f(f(high) - f(low)) / 2) * f((side + 2) / side))];
    return [Math.trunc(f(center - half)), Math.trunc(f(center + half))];
  };
  const [[left, right], [top, bottom]] = [ends(x1, x2), ends(y1, y2)];
  return { left, top, right, bottom };
}

/** The two cells of the grid with its rim between which a pixel of the frame lies, and the share of the second. */
function between(pixel, first, last, cells) {
  const place = Math.max(((pixel - first + 0.5) * cells) / (last - first + 1) - 0.5, 0);
  const low = Math.min(Math.floor(place), cells - 1);
  return { low, high: Math.min(low + 1, cells - 1), share: place - low };
}

/** A grid of probabilities -> how sure each pixel of the picture is, 0 outside of the frame. */
export function paste(grid, side, box, height, width) {
  const values = new Float64Array(height * width);
  const { left, top, right, bottom } = frameOf(box, side);
  const cell = (i, j) => (i < 1 || j < 1 || i > side || j > side ? 0 : grid[(i - 1) * side + j - 1]);
  for (let y = Math.max(top, 0); y < Math.min(bottom + 1, height); y += 1) {
    const row = between(y, top, bottom, side + 2);
    for (let x = Math.max(left, 0); x < Math.min(right + 1, width); x += 1) {
      const column = between(x, left, right, side + 2);
      const along = (i) => (1 - column.share) * cell(i, column.low) + column.share * cell(i, column.high);
      values[y * width + x] = (1 - row.share) * along(row.low) + row.share * along(row.high);
    }
  }
  return values;
}

class MaskPaste extends TaskFigure {
  static style = `
    .views { grid-template-columns: 1fr 1fr; margin: 0; }
    .reading { min-height: 6.8em; }
    .answer { min-height: 4.4em; margin-top: 0.4rem; }
    .slider { margin-top: 0.5rem; }
  `;

  parts({ side, label, score }) {
    const names = Object.fromEntries(NAMES.map((name) => [name, name === "target" ? "true mask, cut out" : name === CLASSES[label] ? `${name}: box head’s` : name]));
    return {
      title: `From ${side} × ${side} cells to a mask`,
      task: "Find a threshold at which the mask of the box head’s class has the highest IoU with the true mask.",
      claim: "This is the highest", keys: "arrows choose a pixel (Shift: eight pixels)",
      picture: `${pictureMarkup("scene")}${sliderMarkup("threshold", "Mask threshold")}
        <output class="answer" aria-live="polite"></output><div>${canvasMarkup("curve")}</div>`,
      side: `<output class="reading" aria-live="polite"></output>
        <p class="quiet">The box head says ${CLASSES[label]}, ${score.toFixed(2)}. The mask head drew a mask for each class:</p>
        ${groupMarkup("views", "Mask of", "view", names)}
        <div><span class="label">${side} × ${side} probabilities, and a rim of zeros</span>${canvasMarkup("grid")}</div>
        <p class="quiet">Violet: the box and the mask. Black: the true mask. Orange: the chosen pixel, and the cells that it mixes.</p>`,
    };
  }

  ready({ scene, box, label, side, masks, truth }) {
    const { height, width } = scene;
    const planes = decodeBytes(masks);
    Object.assign(this, { height, width, box, label, side, truth: decodeRuns(truth, height * width), picture: photo(scene) });
    this.masks = Object.fromEntries(NAMES.map((name, n) => {
      const grid = Array.from(planes.subarray(n * side ** 2, (n + 1) * side ** 2), (byte) => (byte + 0.5) / 256);
      return [name, { grid, pasted: paste(grid, side, box, height, width) }];
    }));
    onPointer(this.find(".scene"), width, { move: (x, y) => this.look(Math.floor(x), Math.floor(y)), hover: true,
      grabs: (x, y) => Math.hypot(x - this.pixel.x, y - this.pixel.y) < 12 });
    this.controls = {
      tried: slider(this.shadowRoot, "threshold", STEPS, (tried) => this.change({ tried }), at),
      view: choices(this.shadowRoot, "view", (view) => this.change({ view })),
    };
  }

  begin({ box, view, threshold }) {
    const pixel = { x: Math.floor((box[0] + box[2]) / 2), y: Math.floor((box[1] + box[3]) / 2) };
    Object.assign(this, { view, pixel, tried: Math.round(threshold * STEPS) });
    for (const name of NAMES) this.masks[name].tries = new Set();
  }

  hint() {
    return "Move the threshold until the IoU is as high as it can be, then press the button.";
  }

  look(x, y) {
    this.pixel = { x: clamp(x, 0, this.width - 1), y: clamp(y, 0, this.height - 1) };
    this.draw();
  }

  move(dx, dy) {
    this.look(this.pixel.x + dx, this.pixel.y + dy);
  }

  /** What a class's mask and the true mask share at a threshold, and what either has. */
  overlap(name, step) {
    const sizes = { mask: 0, truth: 0, both: 0 };
    this.masks[name].pasted.forEach((value, k) => {
      const mine = value > step / STEPS;
      sizes.mask += mine;
      sizes.truth += this.truth[k];
      sizes.both += mine && this.truth[k];
    });
    return { ...sizes, iou: sizes.both / Math.max(sizes.mask + sizes.truth - sizes.both, 1) };
  }

  judge() {
    const name = CLASSES[this.label];
    const ious = Array.from({ length: STEPS + 1 }, (_, step) => this.overlap(name, step).iou);
    const best = Math.max(...ious);
    if (this.view !== name) return [false, `Not yet: this is not the mask of the class that the box head says, ${name}.`];
    if (ious[this.tried] < best - 1e-9) return [false, `Not yet: the IoU is ${ious[this.tried].toFixed(3)}, and another threshold reaches more.`];
    const near = ious.flatMap((value, step) => (value > best - NEAR ? [step] : []));
    return [true, `✓ Solved. ${best.toFixed(3)} at ${at(this.tried)}; at 0.50, the usual threshold, it is ${ious[STEPS / 2].toFixed(3)}. `
      + `From ${at(near[0])} to ${at(near.at(-1))} it is less than ${NEAR} below the highest.`];
  }

  // ---- drawing ----

  draw() {
    this.masks[this.view].tries.add(this.tried);
    for (const name of ["tried", "view"]) this.controls[name].set(this[name]);
    const { left, top, right, bottom } = frameOf(this.box, this.side);
    const { x, y } = this.pixel;
    const inside = left <= x && x <= right && top <= y && y <= bottom;
    this.cells = inside ? { row: between(y, top, bottom, this.side + 2), column: between(x, left, right, this.side + 2) } : null;
    this.drawScene();
    this.drawMask();
    this.drawTries();
    this.write();
  }

  drawScene() {
    const view = fitPicture(this.find(".scene"), this.picture, this.stage());
    const { pasted } = this.masks[this.view];
    const mine = (k) => pasted[k] > this.tried / STEPS;
    const tint = [...rgbOf(ANSWER), 105];
    lay(view, raster(this.width, this.height, (k) => (mine(k) ? tint : [0, 0, 0, 0])));
    stroke(view, boxPath(this.box), ANSWER, 2);
    stroke(view, outline(this.width, this.height, mine), ANSWER, 2);
    stroke(view, outline(this.width, this.height, (k) => this.truth[k] === 1), TRUE, 1.25);
    const { x, y } = this.pixel;
    stroke(view, boxPath([x, y, x + 1, y + 1]), CHOSEN, 2);
    tags(view, [{ text: `${CLASSES[this.label]}`, x: this.box[0], y: this.box[1], color: ANSWER, corner: true }], this.pixel);
  }

  /** The grid with its rim, what lies above the threshold, and the cells that the chosen pixel mixes. */
  drawMask() {
    const [canvas, n] = [this.find(".grid"), this.side + 2];
    const view = fitCanvas(canvas, n, n, Math.min(canvas.parentElement.clientWidth, 260));
    const { context, scale, ratio } = view;
    const { ground, soft, ink, chosen, answer } = this.inks("ground", "soft", "ink", "chosen", "answer");
    const { grid } = this.masks[this.view];
    context.fillStyle = soft;
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.fillStyle = ground;
    context.fillRect(scale, scale, this.side * scale, this.side * scale);
    context.fillStyle = answer;
    grid.forEach((value, k) => {
      context.globalAlpha = value;
      context.fillRect((1 + (k % this.side)) * scale, (1 + Math.floor(k / this.side)) * scale, scale, scale);
    });
    context.globalAlpha = 1;
    const cell = (k) => [Math.floor(k / n) - 1, (k % n) - 1];
    const mine = (k) => { const [i, j] = cell(k); return Math.min(i, j) >= 0 && Math.max(i, j) < this.side && grid[i * this.side + j] > this.tried / STEPS; };
    context.save();
    context.setTransform(scale, 0, 0, scale, 0, 0);
    [context.strokeStyle, context.lineWidth] = [ink, (2 * ratio) / scale];
    context.stroke(outline(n, n, mine));
    if (this.cells) {
      const { row, column } = this.cells;
      [context.strokeStyle, context.lineWidth] = [chosen, (3 * ratio) / scale];
      context.strokeRect(column.low, row.low, column.high - column.low + 1, row.high - row.low + 1);
    }
    context.restore();
    const least = Math.min(...grid);
    canvas.setAttribute("aria-label", `The grid: probabilities from ${least.toFixed(2)} to ${Math.max(...grid).toFixed(2)}; `
      + `${grid.filter((value) => value > this.tried / STEPS).length} of ${grid.length} cells are above ${at(this.tried)}.`);
  }

  /** IoU at the thresholds tried so far. */
  drawTries() {
    const canvas = this.find(".curve");
    const dots = [...this.masks[this.view].tries].sort((a, b) => a - b).map((step) => ({ step, x: step / STEPS, y: this.overlap(this.view, step).iou, large: step === this.tried }));
    drawChart(this, canvas, { across: "threshold, as far as tried", up: "IoU", dots });
    canvas.setAttribute("aria-label", `IoU with the true mask at the thresholds tried: ${dots.map(({ step, y }) => `${y.toFixed(3)} at ${at(step)}`).join(", ")}.`);
  }

  write() {
    const { mask, truth, both, iou } = this.overlap(this.view, this.tried);
    const whose = this.view === "target" ? "true mask, cut to the box," : `mask of ${this.view}`;
    say(this.find(".answer"), `Above ${at(this.tried)}, the ${whose} has ${count(mask)} pixels; the true one has ${count(truth)}. They share ${count(both)}: IoU ${iou.toFixed(3)}.`);
    const { x, y } = this.pixel;
    const value = this.masks[this.view].pasted[y * this.width + x];
    const name = (k) => (k < 1 || k > this.side ? "rim" : String(k - 1));
    const two = ({ low, high }) => [...new Set([low, high].map(name))].join(" and ");
    const from = this.cells ? `from rows ${two(this.cells.row)}, columns ${two(this.cells.column)} of the grid` : "outside of the grid";
    const mine = value > this.tried / STEPS;
    const right = mine === (this.truth[y * this.width + x] === 1);
    say(this.find(".reading"), `Pixel x ${x}, y ${y}: ${value.toFixed(3)}, ${from}. ${mine ? "In" : "Not in"} the mask, ${right ? "and rightly so" : "and wrongly so"}.`);
    this.describe(`A scene with a detection, box ${this.box.map((side) => side.toFixed(1)).join(", ")}, its mask in violet, and the true mask’s outline in black. `
      + `Pixel x ${x}, y ${y}: ${value.toFixed(3)}.`);
    this.writeTask();
  }
}

define("ck-mask-paste", MaskPaste);
