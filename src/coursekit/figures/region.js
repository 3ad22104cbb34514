// What the figures of regions share (chapters 10 and 12): RoI pooling and RoIAlign as coursekit.roi has them, with places in single precision
// as torch, and a region dragged over a picture beside its map.

import { choices, groupMarkup, onDrag, onPointer } from "./controls.js";
import { boxPath, letters } from "./drawing.js";
import { ANSWER } from "./palette.js";
import { photo } from "./pixels.js";
import { TaskFigure } from "./task.js";
import { clamp, short } from "./words.js";

const PARTS = { whole: "whole", first: "top left", last: "bottom right" };
export const GRIPS = { whole: "the whole region", first: "its top left corner", last: "its bottom right corner" };
const BINS = { 2: "2 × 2 bins", 3: "3 × 3 bins", 7: "7 × 7 bins" };
export const [ASKED, WHOLE] = [ANSWER, "#111418"];     // the region asked for, and the whole cells that RoI pooling takes for it

/** What is set in both figures: what the arrow keys move, and how many bins there are. */
export const settingsMarkup = groupMarkup("parts", "Arrow keys move", "part", PARTS) + groupMarkup("bins", "Bins", "bins", BINS);

export const POINTS = 2;      // of a bin of RoIAlign, along each axis

/** Round half away from zero, as C does. */
export function rounded(value) {
  const whole = Math.trunc(value);
  return whole + Math.trunc(2 * (value - whole));
}

/**
 * A region from `start` to `end` pixels along one axis, both roundings: its first and last cell, then of each bin the edges
 * `low` and `high` before the second rounding, and its cells, `from` up to but without `stop`, as far as the map of `size` cells has them.
 */
export function binCells(start, end, scale, bins, size) {
  const [first, last] = [start, end].map((value) => rounded(Math.fround(value) * scale));
  const length = Math.fround(Math.max(last - first + 1, 1) / bins);
  const edge = (k) => Math.fround(k * length);
  const inside = (k) => clamp(first + k, 0, size);
  return { first, last, length, bins: Array.from({ length: bins }, (_, k) => ({
    low: first + edge(k), high: first + edge(k + 1), from: inside(Math.floor(edge(k))), stop: inside(Math.ceil(edge(k + 1))),
  })) };
}

/** RoI pooling of one map: along each axis what binCells gives, and row by row every bin's value, its first greatest cell, and how many are as great. */
export function roiPool({ values, rows, columns }, [x1, y1, x2, y2], scale, bins) {
  const [across, down] = [binCells(x1, x2, scale, bins, columns), binCells(y1, y2, scale, bins, rows)];
  const pooled = down.bins.flatMap((r) => across.bins.map((c) => {
    const best = { value: 0, at: -1, equals: 0 };            // what an empty bin gives
    for (let i = r.from; i < r.stop; i += 1) {
      for (let j = c.from; j < c.stop; j += 1) {
        const value = values[i * columns + j];
        if (best.at < 0 || value > best.value) Object.assign(best, { value, at: i * columns + j, equals: 1 });
        else if (value === best.value) best.equals += 1;
      }
    }
    return best;
  }));
  return { across, down, pooled };
}

/** Along one axis: every point's place `at` in cells, the two cells around it and the share of the second; `out` lies beyond the map, and counts 0. */
export function samples(start, end, scale, bins, size, points = POINTS) {
  const f = Math.fround;
  const [low, high] = [start, end].map((value) => f(f(f(value) * scale) - 0.5));
  const length = f(f(high - low) / bins);
  return Array.from({ length: bins }, (_, i) => Array.from({ length: points }, (__, p) => {
    const at = f(f(low + f(i * length)) + f(f((p + 0.5) * length) / points));
    const inside = clamp(at, 0, size - 1);
    const first = Math.floor(inside);
    return { at, inside, low: first, high: Math.min(first + 1, size - 1), share: inside - first, out: at < -1 || at > size };
  }));
}

/** RoIAlign of one map: row by row every bin's value, and its points { row, column, value, terms: [[weight, value], …] }. */
export function roiAlign({ values, rows, columns }, [x1, y1, x2, y2], scale, bins, points = POINTS) {
  const [across, down] = [samples(x1, x2, scale, bins, columns, points), samples(y1, y2, scale, bins, rows, points)];
  return down.flatMap((r) => across.map((c) => {
    const found = r.flatMap((row) => c.map((column) => {
      const terms = row.out || column.out ? [] : [[row.low, 1 - row.share], [row.high, row.share]].flatMap(([i, down_]) =>
        [[column.low, 1 - column.share], [column.high, column.share]].map(([j, across_]) => [down_ * across_, values[i * columns + j]]));
      return { row, column, terms, value: terms.reduce((sum, [weight, value]) => sum + weight * value, 0) };
    }));
    return { value: found.reduce((sum, point) => sum + point.value, 0) / found.length, points: found };
  }));
}

export const span = (low, high) => `${short(low, 3)} … ${short(high, 3)}`.replace(/-/g, "−");
export const cellsOf = (from, stop) => (stop <= from ? "none" : stop - from === 1 ? `cell ${from}` : `cells ${from} to ${stop - 1}`).replace(/-/g, "−");
export const signed = (value, digits = 1) => (short(value, digits) === "0" ? "0" : `${value < 0 ? "−" : "+"}${short(Math.abs(value), digits)}`);

/** A region of a picture and its map, a margin of one cell around both: it gives `moved()` (words), and what a TaskFigure gives. */
export class RegionFigure extends TaskFigure {
  static style = `
    @container (min-width: 40rem) { .body.body { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); } }
    .body .label { display: block; margin-bottom: 6px; }
    .parts, .bins, .views { grid-template-columns: repeat(3, 1fr); margin: 0; }
    .pair { display: flex; gap: 12px; min-height: 11.6rem; }
    .pair > * { flex: 1 1 0; min-width: 0; }
    table.values { font-size: 0.8rem; height: 16.4rem; }
    .reading { min-height: 9.8em; }
    .verdict { min-height: 8.7em; }
    .values th, .values td { text-align: left; }
    .values tbody th { color: var(--quiet); }
    .values tr.strong > * { font-weight: 650; color: var(--ink); background: var(--soft); }
    .main .steps, .side .steps { margin: 0; }
    .side .keys { margin: 0; }
    .body + output { margin-top: 0.9rem; }
    @container (min-width: 40rem) { .reading { min-height: 5.4em; } .verdict { min-height: 5.8em; } table.values { height: 12.8rem; } }
  `;

  /** From data-params { scene, stride, rows, columns, map, box, bins }; the region is dragged on the picture. */
  ready({ scene, stride, rows, columns }) {
    const { height, width } = scene;
    Object.assign(this, { height, width, stride, rows, columns, picture: photo(scene) });
    const take = (part) => { if (part in GRIPS) this.hold(part); };
    onDrag(this.find(".scene"), width, { part: (x, y) => this.partAt(x, y), move: (...by) => this.moveBy(...by), margin: stride, begin: take });
    this.controls = { grip: choices(this.shadowRoot, "part", (grip) => this.hold(grip)), count: choices(this.shadowRoot, "bins", (bins) => this.divide(Number(bins))) };
    this.find("[name=remember]").addEventListener("click", () => this.change({ kept: [...this.box] }));
  }

  begin({ box, bins, map, rows, columns }) {
    Object.assign(this, { box: [...box], kept: [...box], count: bins, bin: 0, grip: "whole", map: { values: map, rows, columns } });
  }

  hint() {
    return this.moved();
  }

  hold(grip) {
    this.grip = grip;
    this.draw();
  }

  move(dx, dy) {
    this.moveBy(this.grip, dx, dy);
  }

  put(box) {
    this.change({ box });
  }

  /** The part of the region under a pointer: a corner as [side of x, side of y], the whole region, or null. */
  partAt(x, y) {
    const [x1, y1, x2, y2] = this.box;
    const inside = x1 <= x && x <= x2 && y1 <= y && y <= y2;
    const corners = [[0, 1], [2, 1], [0, 3], [2, 3]].map(([i, j]) => ({ part: [i, j], far: Math.hypot(x - this.box[i], y - this.box[j]) }));
    const { part, far } = corners.reduce((a, b) => (b.far < a.far ? b : a));
    if (far < (inside ? Math.min(8, (x2 - x1) / 3, (y2 - y1) / 3) : 8)) return part;
    return inside ? "whole" : null;
  }

  /** Move the whole region, or one corner: at least a pixel remains, at most a cell lies beyond the picture. */
  moveBy(part, dx, dy) {
    const box = [...this.box];
    const [low, high] = [-this.stride, [this.width + this.stride, this.height + this.stride]];
    if (part === "whole") {
      const [right, lower] = [clamp(dx, low - box[0], high[0] - box[2]), clamp(dy, low - box[1], high[1] - box[3])];
      this.put([box[0] + right, box[1] + lower, box[2] + right, box[3] + lower]);
      return;
    }
    const sides = { first: [0, 1], last: [2, 3] }[part] ?? part;
    [dx, dy].forEach((d, k) => {
      const i = sides[k];
      box[i] = i < 2 ? clamp(box[i] + d, low, box[i + 2] - 1) : clamp(box[i] + d, box[i - 2] + 1, high[k]);
    });
    this.put(box);
  }

  divide(count) {
    const [i, j] = [Math.floor(this.bin / this.count), this.bin % this.count].map((k) => Math.min(k, count - 1));
    [this.count, this.bin] = [count, i * count + j];
    this.put(this.box);
  }

  choose([i, j]) {
    this.bin = i * this.count + j;
    this.draw();
  }

  step(by) {
    this.bin = (this.bin + by + this.count ** 2) % this.count ** 2;
    this.draw();
  }

  /** A click on the canvas of the pooled numbers chooses a bin. */
  choosesOn(canvas) {
    onPointer(canvas, 1, { move: (x, y) => this.choose([y, x].map((at) => clamp(Math.floor(at * this.count), 0, this.count - 1))) });
  }

  /** How the region differs from the one remembered: pixels across and down, and whether its size does. */
  shift() {
    const d = this.box.map((value, i) => value - this.kept[i]);
    return { dx: d[0], dy: d[1], resized: d[0] !== d[2] || d[1] !== d[3] };
  }

  // ---- drawing ----

  /** A cell's side and the screen's ratio in canvas pixels, and the page's inks called `names`. */
  measure(names) {
    const ratio = window.devicePixelRatio || 1;
    const side = Math.max(4, Math.floor(Math.min(this.find(".plane").clientWidth / (this.columns + 2), 26) * ratio));
    for (const name of ["grip", "count"]) this.controls[name].set(this[name]);
    return { side, ratio, ink: this.inks(...names) };
  }

  /** A canvas of the map's cells and a margin of one cell around them. */
  plane(selector, side, ratio) {
    const canvas = this.find(selector);
    [canvas.width, canvas.height] = [(this.columns + 2) * side, (this.rows + 2) * side];
    canvas.style.width = `${canvas.width / ratio}px`;
    canvas.style.height = `${canvas.height / ratio}px`;
    return canvas.getContext("2d");
  }

  /** The picture with the lines of the map's cells; returns the path of a box given in pixels of the picture. */
  drawPicture(context, side, ratio, ground) {
    context.fillStyle = ground;
    context.fillRect(0, 0, context.canvas.width, context.canvas.height);
    context.drawImage(this.picture, side, side, this.columns * side, this.rows * side);
    context.fillStyle = "rgba(255,255,255,0.3)";
    for (let k = 1; k < this.columns; k += 1) context.fillRect((k + 1) * side, side, ratio, this.rows * side);
    for (let k = 1; k < this.rows; k += 1) context.fillRect(side, (k + 1) * side, this.columns * side, ratio);
    return (box) => boxPath(box.map((value) => value + this.stride));
  }

  /** The map's cells { value, x, y, bins, win, here }, shaded by their numbers; what several bins share is hatched. */
  drawCells(cells, context, side, ratio, ink) {
    const most = Math.max(...this.map.values, 1);
    context.fillStyle = ink.ground;
    context.fillRect(0, 0, context.canvas.width, context.canvas.height);
    for (const { value, x, y, bins, win, here } of cells) {
      context.fillStyle = here ? ink.chosen : win ? ink.ink : ink.accent;
      context.globalAlpha = win ? 1 : ((bins ? 0.55 : 0.25) * value) / most;
      context.fillRect(x, y, side, side);
      context.globalAlpha = 1;
      if (bins > 1 && !win) this.hatch(context, x, y, side, ratio, ink.quiet);
    }
    context.fillStyle = ink.line;
    for (let k = 0; k <= this.columns; k += 1) context.fillRect((k + 1) * side, side, ratio, this.rows * side);
    for (let k = 0; k <= this.rows; k += 1) context.fillRect(side, (k + 1) * side, this.columns * side, ratio);
  }

  /** The map's numbers, with a halo where lines cross them, and along two sides those of its columns and rows. */
  drawNumbers(cells, context, side, ratio, ink) {
    [context.textAlign, context.textBaseline] = ["center", "middle"];
    const write = (words, x, y, color, share = 0.54, bold = 400, halo = null) => {
      context.font = letters(context, share * side * (words > 99 ? 0.8 : 1), bold);
      [context.fillStyle, context.strokeStyle, context.lineWidth] = [color, halo, 2.5 * ratio];
      if (halo) context.strokeText(words, x + side / 2, y + side * 0.53);
      context.fillText(words, x + side / 2, y + side * 0.53);
    };
    for (let k = 0; k < this.columns; k += 1) write(k, (k + 1) * side, 0, ink.quiet, 0.45);
    for (let k = 0; k < this.rows; k += 1) write(k, 0, (k + 1) * side, ink.quiet, 0.45);
    for (const { value, x, y, bins, win, here } of cells) {
      if (win) write(value, x, y, here ? ink["on-chosen"] : ink.ground, 0.54, 700);
      else write(value, x, y, bins ? ink.ink : ink.quiet, 0.54, 400, bins ? ink.ground : null);
    }
  }

  hatch(context, x, y, side, ratio, color) {
    context.strokeStyle = color;
    context.lineWidth = ratio;
    context.globalAlpha = 0.55;
    context.beginPath();
    for (const k of [0.34, 0.67, 1]) {
      context.moveTo(x, y + k * side);
      context.lineTo(x + k * side, y);
      if (k === 1) continue;
      context.moveTo(x + side, y + k * side);
      context.lineTo(x + k * side, y + side);
    }
    context.stroke();
    context.globalAlpha = 1;
  }

  /** Draw with the margins left alone. */
  inMap(context, side, ratio, draw) {
    context.save();
    context.beginPath();
    context.rect(side - 2 * ratio, side - 2 * ratio, this.columns * side + 4 * ratio, this.rows * side + 4 * ratio);
    context.clip();
    draw();
    context.restore();
  }

  /** Frame cells of the map, { from, stop } across and down. */
  frameCells(context, c, r, side, ratio, { inset, width, color }) {
    if (c.stop <= c.from || r.stop <= r.from) return;
    context.strokeStyle = color;
    context.lineWidth = width * ratio;
    context.strokeRect((c.from + 1) * side + inset * ratio, (r.from + 1) * side + inset * ratio,
      (c.stop - c.from) * side - 2 * inset * ratio + ratio, (r.stop - r.from) * side - 2 * inset * ratio + ratio);
  }
}
