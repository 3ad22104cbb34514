// <ck-mask-paste>, chapter 12: one detection of Mask R-CNN, its grid of 28 × 28 probabilities a class, pasted into the picture and cut at a threshold.
//
// data-params: { index, scene: { height, width, rgb }, box, label, score, side, masks, truth, view, threshold }: a box in pixels, the box head's
// class, side × side cells of each of cat, dog and rabbit, then of the true mask cut to the box, as base64 of bytes (b stands for (b + 0.5) / 256),
// and the true mask as runs. All else is computed here: pasting as coursekit.masks.paste does it, and the IoU; the tests compare.

import {
  CLASSES, Figure, PALETTE, THINGS, boxPath, choicesMarkup, clamp, count, decodeBytes, decodeRuns, define, fitCanvas, onKeys, onPointer, outline, raster, rgbOf, say,
  slider, sliderMarkup, stroke, tags,
} from "./kit.js";

const STEPS = 20;             // of the threshold, from 0 to 1
const NEAR = 0.02;            // of IoU: what the verdict calls as good
const [BOX, MASK, TRUE] = [PALETTE[6], PALETTE[4], "#111418"];
const NAMES = [...THINGS.map((id) => CLASSES[id]), "target"];
const HINT = "Move the threshold until the IoU is as high as it can be, then press the button.";
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

class MaskPaste extends Figure {
  static style = `
    :host { --bin: ${BOX}; }
    :host([data-scheme="dark"]) { --bin: #F0915F; }
    .views { grid-template-columns: 1fr 1fr; margin: 0; }
    .here { min-height: 5.8em; }
    .answer { min-height: 4.4em; }
    @container (min-width: 40rem) { .answer { min-height: 2.9em; } }
  `;

  markup({ side, label, score, view }) {
    const names = Object.fromEntries(NAMES.map((name) => [name, name === "target" ? "true mask, cut out" : name === CLASSES[label] ? `${name}: box head’s` : name]));
    return `<figure aria-labelledby="title">
      <figcaption id="title">From ${side} × ${side} cells to a mask</figcaption>
      <div class="body">
        <div class="side"><canvas class="scene" role="img" tabindex="0"></canvas>
          ${sliderMarkup("threshold", "Mask threshold")}
          <output class="answer" aria-live="polite"></output>
          <div><span class="label">IoU (up) at the thresholds tried (across), each from 0 to 1</span><canvas class="curve" role="img"></canvas></div></div>
        <div class="side">
          <p class="quiet">The box head says ${CLASSES[label]}, ${score.toFixed(2)}. The mask head drew a mask for each class:</p>
          <fieldset class="views"><legend>Mask of</legend>${choicesMarkup("view", names, view)}</fieldset>
          <div><span class="label">${side} × ${side} probabilities, and a rim of zeros</span><canvas class="grid" role="img"></canvas></div>
          <output class="here" aria-live="polite"></output>
          <p class="quiet">Violet: the mask. Black: the true one. Orange: the box, and the cells that the chosen pixel mixes.</p>
        </div>
      </div>
      <div class="task">
        <p><b>Task.</b> Find a threshold at which the mask of the box head’s class has the highest IoU with the true mask.</p>
        <div class="row"><button type="button" class="main" name="claim">This is the highest</button></div>
        <output class="verdict" aria-live="polite"></output>
      </div>
    </figure>`;
  }

  start({ scene: { height, width, rgb }, box, label, side, masks, truth, view, threshold }) {
    const [bytes, planes] = [decodeBytes(rgb), decodeBytes(masks)];
    Object.assign(this, { height, width, box, label, side, view, step: Math.round(threshold * STEPS), verdict: [false, HINT] });
    this.truth = decodeRuns(truth, height * width);
    this.picture = raster(width, height, (k) => [...bytes.subarray(3 * k, 3 * k + 3), 255]);
    this.masks = Object.fromEntries(NAMES.map((name, n) => {
      const grid = Array.from(planes.subarray(n * side ** 2, (n + 1) * side ** 2), (byte) => (byte + 0.5) / 256);
      return [name, { grid, pasted: paste(grid, side, box, height, width), tried: new Set() }];
    }));
    this.pixel = { x: Math.floor((box[0] + box[2]) / 2), y: Math.floor((box[1] + box[3]) / 2) };
    const scene = this.find(".scene");
    onPointer(scene, width, { move: (x, y) => this.look(Math.floor(x), Math.floor(y)), hover: true,
      grabs: (x, y) => Math.hypot(x - this.pixel.x, y - this.pixel.y) < 12 });
    onKeys(scene, (dx, dy) => this.look(this.pixel.x + dx, this.pixel.y + dy), () => this.claim());
    this.slider = slider(this.shadowRoot, "threshold", STEPS, (step) => this.put({ step }));
    this.find(".views").addEventListener("change", (event) => this.put({ view: event.target.value }));
    this.find("[name=claim]").addEventListener("click", () => this.claim());
  }

  put(change) {
    Object.assign(this, change, { verdict: [false, HINT] });
    this.draw();
  }

  look(x, y) {
    this.pixel = { x: clamp(x, 0, this.width - 1), y: clamp(y, 0, this.height - 1) };
    this.draw();
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

  claim() {
    const name = CLASSES[this.label];
    const ious = Array.from({ length: STEPS + 1 }, (_, step) => this.overlap(name, step).iou);
    const best = Math.max(...ious);
    if (this.view !== name) this.verdict = [false, `Not yet: this is not the mask of the class that the box head says, ${name}.`];
    else if (ious[this.step] < best - 1e-9) this.verdict = [false, `Not yet: the IoU is ${ious[this.step].toFixed(3)}, and another threshold reaches more.`];
    else {
      const near = ious.flatMap((value, step) => (value > best - NEAR ? [step] : []));
      this.verdict = [true, `✓ Solved. ${best.toFixed(3)} at ${at(this.step)}; at 0.50, the usual threshold, it is ${ious[STEPS / 2].toFixed(3)}. `
        + `From ${at(near[0])} to ${at(near.at(-1))} it is less than ${NEAR} below the highest.`];
    }
    this.draw();
  }

  // ---- drawing ----

  draw() {
    this.masks[this.view].tried.add(this.step);
    this.slider.set(this.step);
    say(this.find("[name=threshold]").parentElement.querySelector("b"), at(this.step));
    const { left, top, right, bottom } = frameOf(this.box, this.side);
    const { x, y } = this.pixel;
    const inside = left <= x && x <= right && top <= y && y <= bottom;
    this.cells = inside ? { row: between(y, top, bottom, this.side + 2), column: between(x, left, right, this.side + 2) } : null;
    this.drawScene();
    this.drawMask();
    this.drawCurve();
    this.write();
  }

  drawScene() {
    const view = fitCanvas(this.find(".scene"), this.width, this.height, Math.min(this.stage(), 3 * this.width));
    const { context } = view;
    const { pasted } = this.masks[this.view];
    const mine = (k) => pasted[k] > this.step / STEPS;
    const tint = [...rgbOf(MASK), 105];
    for (const layer of [this.picture, raster(this.width, this.height, (k) => (mine(k) ? tint : [0, 0, 0, 0]))]) {
      context.drawImage(layer, 0, 0, context.canvas.width, context.canvas.height);
    }
    stroke(view, boxPath(this.box), BOX, 2);
    stroke(view, outline(this.width, this.height, mine), MASK, 2);
    stroke(view, outline(this.width, this.height, (k) => this.truth[k] === 1), TRUE, 1);
    const { x, y } = this.pixel;
    stroke(view, boxPath([x, y, x + 1, y + 1]), TRUE, 1.5);
    tags(view, [{ text: `${CLASSES[this.label]}`, x: this.box[0], y: this.box[1], color: BOX, corner: true }], this.pixel);
  }

  /** The grid with its rim, what lies above the threshold, and the cells that the chosen pixel mixes. */
  drawMask() {
    const [canvas, n] = [this.find(".grid"), this.side + 2];
    const view = fitCanvas(canvas, n, n, Math.min(canvas.parentElement.clientWidth, 260));
    const { context, scale, ratio } = view;
    const style = getComputedStyle(this.find("figure"));
    const [ground, soft, ink, bin] = ["--ground", "--soft", "--ink", "--bin"].map((name) => style.getPropertyValue(name).trim());
    const { grid } = this.masks[this.view];
    context.fillStyle = soft;
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.fillStyle = ground;
    context.fillRect(scale, scale, this.side * scale, this.side * scale);
    context.fillStyle = this.accent();
    grid.forEach((value, k) => {
      context.globalAlpha = value;
      context.fillRect((1 + (k % this.side)) * scale, (1 + Math.floor(k / this.side)) * scale, scale, scale);
    });
    context.globalAlpha = 1;
    const cell = (k) => [Math.floor(k / n) - 1, (k % n) - 1];
    const mine = (k) => { const [i, j] = cell(k); return Math.min(i, j) >= 0 && Math.max(i, j) < this.side && grid[i * this.side + j] > this.step / STEPS; };
    context.save();
    context.setTransform(scale, 0, 0, scale, 0, 0);
    [context.strokeStyle, context.lineWidth] = [ink, (2 * ratio) / scale];
    context.stroke(outline(n, n, mine));
    if (this.cells) {
      const { row, column } = this.cells;
      [context.strokeStyle, context.lineWidth] = [bin, (3 * ratio) / scale];
      context.strokeRect(column.low, row.low, column.high - column.low + 1, row.high - row.low + 1);
    }
    context.restore();
    const least = Math.min(...grid);
    canvas.setAttribute("aria-label", `The grid: probabilities from ${least.toFixed(2)} to ${Math.max(...grid).toFixed(2)}; `
      + `${grid.filter((value) => value > this.step / STEPS).length} of ${grid.length} cells are above ${at(this.step)}.`);
  }

  drawCurve() {
    const canvas = this.find(".curve");
    const { context, scale, ratio } = fitCanvas(canvas, 50, 13, canvas.parentElement.clientWidth);
    const style = getComputedStyle(this.find("figure"));
    const place = (step, iou) => [(1 + (48 * step) / STEPS) * scale, (12 - 11 * iou) * scale];
    context.clearRect(0, 0, canvas.width, canvas.height);
    [context.strokeStyle, context.lineWidth] = [style.getPropertyValue("--line").trim(), ratio];
    context.strokeRect(...place(0, 1), 48 * scale, 11 * scale);
    const dots = [...this.masks[this.view].tried].sort((a, b) => a - b).map((step) => [step, this.overlap(this.view, step).iou]);
    [context.strokeStyle, context.fillStyle, context.lineWidth] = [this.accent(), this.accent(), 2 * ratio];
    for (const [step, iou] of dots) {
      context.beginPath();
      context.arc(...place(step, iou), (step === this.step ? 5 : 3) * ratio, 0, 7);
      context.fill();
    }
    canvas.setAttribute("aria-label", `IoU with the true mask at the thresholds tried: ${dots.map(([step, iou]) => `${iou.toFixed(3)} at ${at(step)}`).join(", ")}.`);
  }

  write() {
    const { mask, truth, both, iou } = this.overlap(this.view, this.step);
    const whose = this.view === "target" ? "true mask, cut to the box," : `mask of ${this.view}`;
    say(this.find(".answer"), `Above ${at(this.step)}, the ${whose} has ${count(mask)} pixels; the true one has ${count(truth)}. They share ${count(both)}: IoU ${iou.toFixed(3)}.`);
    const { x, y } = this.pixel;
    const value = this.masks[this.view].pasted[y * this.width + x];
    const name = (k) => (k < 1 || k > this.side ? "rim" : String(k - 1));
    const two = ({ low, high }) => [...new Set([low, high].map(name))].join(" and ");
    const from = this.cells ? `from rows ${two(this.cells.row)}, columns ${two(this.cells.column)} of the grid` : "outside of the grid";
    const mine = value > this.step / STEPS;
    const right = mine === (this.truth[y * this.width + x] === 1);
    say(this.find(".here"), `Pixel x ${x}, y ${y}: ${value.toFixed(3)}, ${from}. ${mine ? "In" : "Not in"} the mask, ${right ? "and rightly so" : "and wrongly so"}.`);
    this.find(".scene").setAttribute("aria-label", `A scene with a detection, box ${this.box.map((side) => side.toFixed(1)).join(", ")}, its mask in violet, and the true mask’s outline in black. `
      + `Pixel x ${x}, y ${y}: ${value.toFixed(3)}. Arrow keys go to another pixel, Enter claims that the IoU is the highest.`);
    this.writeTask();
  }
}

define("ck-mask-paste", MaskPaste);
