// <ck-roi-pooling>, chapter 10: a region dragged over a picture; its two roundings to whole cells of the map, its bins and their winners.
//
// data-params: { index, scene: { height, width, rgb }, stride, rows, columns, map, channel, channels, box, bins }: a scene, one channel of the backbone's
// map of it as whole numbers from 0 to 99, row by row, and a region in pixels. All else is computed here, as coursekit.roi.roi_pool does, in
// single precision as torch; the tests compare.

import { buttonMarkup } from "./controls.js";
import { drawGrid, stroke, tags } from "./drawing.js";
import { define } from "./figure.js";
import { CHOSEN, GONE } from "./palette.js";
import { ASKED, GRIPS, RegionFigure, WHOLE, cellsOf, roiPool, settingsMarkup, signed, span } from "./region.js";
import { canvasMarkup, pictureMarkup } from "./task.js";
import { plural, say } from "./words.js";

const STAGES = { asked: "asked for, px", scaled: "", first: "1st rounding", off: "edges moved", bin: "", second: "2nd rounding" };
const WANTED = 6;             // pixels each way that the task asks for

/** For bins that may overlap: the lane in which each is drawn, so that no two of one lane meet. */
function lanes(bins) {
  const ends = [];
  return bins.map(({ from, stop }) => {
    const free = ends.findIndex((end) => end <= from);
    const lane = free < 0 ? ends.length : free;
    ends[lane] = stop;
    return lane;
  });
}

class RoiPooling extends RegionFigure {
  parts({ stride, channel, channels, rows, columns }) {
    const strong = ["first", "second"];
    const lines = Object.entries({ ...STAGES, scaled: `÷ ${stride}, cells` }).map(([key, words]) =>
      `<tr class="${key} ${strong.includes(key) ? "strong" : ""}"><th scope="row">${words}</th><td></td><td></td></tr>`);
    return {
      title: "One region, rounded twice",
      task: `Remember a region, then move all of it by ${WANTED} pixels or more across and also down, with not one pooled number changed.`,
      claim: "Nothing changed", beside: buttonMarkup("remember", "Remember"), next: "Next bin", keys: "arrows move the region or its corner (Shift: eight pixels)",
      body: (steps) => `<div class="plane"><span class="label">The picture: drag the region or a corner</span>${pictureMarkup("scene")}</div>
        <div><span class="label">Its map, ${rows} × ${columns} cells: channel ${channel} of ${channels}</span>${canvasMarkup("map")}</div>
        <div class="side">${settingsMarkup}${steps}
          <table class="values"><caption class="hidden">The region and the chosen bin through both roundings</caption>
            <thead><tr><th scope="col"><span class="hidden">stage</span></th><th scope="col">across</th><th scope="col">down</th></tr></thead>
            <tbody>${lines.join("")}</tbody></table></div>
        <div class="side">
          <div class="pair"><div><span class="label pooledname"></span>${canvasMarkup("pooled chooses")}</div>
            <div><span class="label binname"></span>${canvasMarkup("inside")}</div></div>
          <p class="quiet">In the map, filled: a bin’s greatest number. Dashed: where bins would end. Hatched: cells that several bins hold, as the bars at two sides show. Orange: the chosen bin.</p></div>`,
      foot: '<output class="reading" aria-live="polite"></output>',
    };
  }

  ready(params) {
    const { channel, channels } = params;
    Object.assign(this, { channel, channels });
    super.ready(params);
    this.choosesOn(this.find(".pooled"));
  }

  pool(box) {
    return roiPool(this.map, box, 1 / this.stride, this.count);
  }

  // ---- the task ----

  /** How the region differs from the one remembered: pixels across and down, whether its size does, how many numbers do. */
  since() {
    const [now, then] = [this.pool(this.box), this.pool(this.kept)];
    const same = ["across", "down"].every((axis) => now[axis].first === then[axis].first && now[axis].last === then[axis].last);
    return { ...this.shift(), same,
      changed: now.pooled.map(({ value }, k) => value !== then.pooled[k].value), zeros: now.pooled.every(({ value }) => value === 0) };
  }

  moved() {
    const { dx, dy, resized, changed } = this.since();
    if (!dx && !dy && !resized) return "This region is remembered. Move it, then press the button.";
    const many = changed.filter(Boolean).length;
    const way = resized ? "Resized" : `Moved by ${signed(dx)} px across and ${signed(dy)} px down`;
    return `${way} since it was remembered: ${many === 0 ? "no number has" : `${many} of ${plural(changed.length, "number")} ${many === 1 ? "has" : "have"}`} changed.`;
  }

  judge() {
    const { dx, dy, resized, changed, zeros, same } = this.since();
    const no = (words) => [false, `Not yet: ${words}`];
    if (!dx && !dy && !resized) return no("the region has not moved since it was remembered.");
    if (resized) return no("the region has another size than the one remembered.");
    if (changed.some(Boolean)) return no(this.moved().toLowerCase());
    if (Math.min(Math.abs(dx), Math.abs(dy)) < WANTED) {
      return no(`nothing changed, but it moved by ${signed(dx)} px across and ${signed(dy)} px down; ${WANTED} each way are wanted.`);
    }
    if (zeros) return no("where every number is 0, nothing could change. Take a region with an animal in it.");
    return [true, `✓ Solved. ${Math.abs(dx)} px across and ${Math.abs(dy)} px down, and ${same
      ? `the same cells: all ${this.channels} channels agree. The layers after the pooling cannot tell the two regions apart`
      : "the same winners, though the cells differ. In this channel, the layers after the pooling cannot tell the two regions apart"}.`];
  }

  // ---- drawing ----

  draw() {
    const result = this.pool(this.box);
    const { side, ratio, ink } = this.measure(["ground", "soft", "line", "ink", "quiet", "accent", "chosen", "on-chosen"]);
    this.chosen = { row: result.down.bins[Math.floor(this.bin / this.count)], column: result.across.bins[this.bin % this.count], ...result.pooled[this.bin] };
    this.drawScene(result, this.plane(".scene", side, ratio), side, ratio, ink);
    this.drawMap(result, this.plane(".map", side, ratio), side, ratio, ink);
    this.drawPooled(result);
    this.write(result);
  }

  drawScene({ across, down }, context, side, ratio, ink) {
    const { stride } = this;
    const view = { context, scale: side / stride, ratio };
    const path = this.drawPicture(context, side, ratio, ink.soft);
    const [x1, y1, x2, y2] = this.box;
    const [w, h] = [(x2 - x1) / this.count, (y2 - y1) / this.count];
    const [i, j] = [Math.floor(this.bin / this.count), this.bin % this.count];
    context.fillStyle = `${ASKED}66`;
    context.fillRect((x1 + j * w + stride) * view.scale, (y1 + i * h + stride) * view.scale, w * view.scale, h * view.scale);
    if (this.kept.join() !== this.box.join()) stroke(view, path(this.kept), GONE, 1.5, [1, 4]);
    const { row, column } = this.chosen;
    const whole = [across.first, down.first, across.last + 1, down.last + 1].map((k) => k * stride);
    stroke(view, path(whole), WHOLE, 2);
    if (row.stop > row.from && column.stop > column.from) stroke(view, path([column.from, row.from, column.stop, row.stop].map((k) => k * stride)), CHOSEN, 2.5);
    stroke(view, path(this.box), ASKED, 2, [5, 4]);
    for (const [x, y] of [[x1, y1], [x2, y1], [x1, y2], [x2, y2]]) stroke(view, path([x - 1.2, y - 1.2, x + 1.2, y + 1.2]), ASKED, 2);
    tags(view, [{ text: "asked for", x: x1 + stride, y: y1 + stride - 1.5, color: ASKED, corner: true },
      { text: "whole cells", x: whole[0] + stride, y: whole[3] + stride + (20 * ratio) / view.scale, color: WHOLE, corner: true }]);
  }

  drawMap({ across, down, pooled }, context, side, ratio, ink) {
    const winners = new Set(pooled.map(({ at }) => at));
    const shared = (bins, k) => bins.filter(({ from, stop }) => from <= k && k < stop).length;
    const cells = this.map.values.map((value, at) => {
      const [i, j] = [Math.floor(at / this.columns), at % this.columns];
      return { value, x: (j + 1) * side, y: (i + 1) * side, bins: shared(across.bins, j) * shared(down.bins, i), win: winners.has(at), here: at === this.chosen.at };
    });
    this.drawCells(cells, context, side, ratio, ink);
    this.inMap(context, side, ratio, () => {                 // the margins belong to the bars
      this.drawEdges(across, down, context, side, ratio, ink.ink);
      this.drawFrames(across, down, context, side, ratio, ink);
    });
    this.drawNumbers(cells, context, side, ratio, ink);
    this.drawBars(across, down, context, side, ratio, ink);
  }

  /** The frames of the region and of the chosen bin. */
  drawFrames(across, down, context, side, ratio, ink) {
    const frame = (c, r, inset, width, color) => this.frameCells(context, c, r, side, ratio, { inset, width, color });
    frame({ from: across.first, stop: across.last + 1 }, { from: down.first, stop: down.last + 1 }, 0, 2.5, ink.ink);
    frame(this.chosen.column, this.chosen.row, 1, 3, ink.chosen);
  }

  /** Along two sides, a bar for every bin's columns and rows. */
  drawBars(across, down, context, side, ratio, ink) {
    const bar = (bins, chosen, rect) => {
      const lane = lanes(bins);
      const step = Math.min(6 * ratio, (side - 4 * ratio) / (Math.max(...lane) + 1));
      bins.forEach((one, k) => {
        context.fillStyle = one === chosen ? ink.chosen : ink.quiet;
        rect((one.from + 1) * side + 2 * ratio, Math.max((one.stop - one.from) * side - 3 * ratio, 0), 4 * ratio + lane[k] * step, Math.max(step - 1.5 * ratio, ratio));
      });
    };
    bar(across.bins, this.chosen.column, (at, long, depth, thick) => context.fillRect(at, (this.rows + 1) * side + depth, long, thick));
    bar(down.bins, this.chosen.row, (at, long, depth, thick) => context.fillRect((this.columns + 1) * side + depth, at, thick, long));
  }

  /** Where bins would end, were they not rounded: dashed. */
  drawEdges(across, down, context, side, ratio, color) {
    const [left, top, right, bottom] = [across.first, down.first, across.last + 1, down.last + 1].map((k) => (k + 1) * side);
    context.strokeStyle = color;
    context.lineWidth = 1.25 * ratio;
    context.setLineDash([4 * ratio, 3 * ratio]);
    context.beginPath();
    for (const { low } of across.bins.slice(1)) { context.moveTo((low + 1) * side, top); context.lineTo((low + 1) * side, bottom); }
    for (const { low } of down.bins.slice(1)) { context.moveTo(left, (low + 1) * side); context.lineTo(right, (low + 1) * side); }
    context.stroke();
    context.setLineDash([]);
  }

  /** The pooled numbers, and the chosen bin's cells. */
  drawPooled({ pooled }) {
    const room = Math.min(this.find(".pooled").parentElement.clientWidth, 160);
    const most = Math.max(...this.map.values, 1);
    const { changed } = this.since();
    drawGrid(this, this.find(".pooled"), this.count, this.count, room, (i, j) => {
      const k = i * this.count + j;
      return { text: String(pooled[k].value), share: pooled[k].value / most, ring: k === this.bin ? "here" : changed[k] ? "source" : "" };
    }, { most: room / this.count, size: 0.5 });
    const { row, column, at } = this.chosen;
    const [tall, wide] = [row.stop - row.from, column.stop - column.from];
    const canvas = this.find(".inside");
    canvas.hidden = tall < 1 || wide < 1;
    if (canvas.hidden) return;
    drawGrid(this, canvas, tall, wide, room, (i, j) => {
      const k = (row.from + i) * this.columns + column.from + j;
      return { text: String(this.map.values[k]), share: this.map.values[k] / most, ring: k === at ? "here" : "" };
    }, { most: Math.min((room - 4) / tall, 40), size: 0.5 });
  }

  write({ across, down, pooled }) {
    const [x1, y1, x2, y2] = this.box;
    const { row, column, value, at, equals } = this.chosen;
    const [i, j] = [Math.floor(this.bin / this.count), this.bin % this.count];
    const off = (first, last, low, high) => `${signed(first * this.stride - low)}, ${signed((last + 1) * this.stride - high)} px`;
    const fill = { asked: [span(x1, x2), span(y1, y2)], scaled: [span(x1 / this.stride, x2 / this.stride), span(y1 / this.stride, y2 / this.stride)],
      first: [across, down].map(({ first, last }) => cellsOf(first, last + 1).replace(/cells? /, "")), off: [off(across.first, across.last, x1, x2), off(down.first, down.last, y1, y2)],
      bin: [span(column.low, column.high), span(row.low, row.high)], second: [column, row].map(({ from, stop }) => cellsOf(from, stop).replace(/cells? /, "")) };
    for (const [key, words] of Object.entries(fill)) words.forEach((text, k) => say(this.find(`tr.${key}`).children[k + 1], text));
    say(this.find("tr.bin th"), `its bin ${i}, ${j}`);
    say(this.find(".pooledname"), `Pooled: ${this.count} × ${this.count}`);
    say(this.find(".binname"), `Bin ${i}, ${j}: its cells`);
    const kinds = new Set(pooled.map((one) => one.at).filter((one) => one >= 0)).size;
    const n = Math.max(row.stop - row.from, 0) * Math.max(column.stop - column.from, 0);
    const words = n === 0 ? "no cell of the map: 0" : `${plural(n, "cell")}. The greatest, ${value} at row ${Math.floor(at / this.columns)}, `
      + `column ${at % this.columns}${equals > 1 ? ` (the first of ${equals} equal ones)` : ""}, gets the gradient`;
    say(this.find(".reading"), `Bin ${i}, ${j} holds ${words}. ${pooled.length} bins, ${plural(kinds, "winner")}. `
      + `The whole cells meet what was asked for with IoU ${this.overlap(across, down).toFixed(2)}.`);
    this.describe(`A scene and a region, x ${span(x1, x2)}, y ${span(y1, y2)} pixels. Arrow keys move ${GRIPS[this.grip]}.`);
    this.find(".map").setAttribute("aria-label", `The map’s numbers. The region: ${cellsOf(across.first, across.last + 1)} across, ${cellsOf(down.first, down.last + 1)} down.`);
    const lines = Array.from({ length: this.count }, (_, r) => pooled.slice(r * this.count, (r + 1) * this.count).map((one) => one.value).join(" "));
    this.find(".pooled").setAttribute("aria-label", `Pooled, row by row: ${lines.join(", ")}.`);
    this.find(".inside").setAttribute("aria-label", `The chosen bin’s cells; the greatest is ${value}.`);
    this.writeTask();
  }

  /** Intersection over union of the whole cells and the region asked for, in pixels. */
  overlap(across, down) {
    const [x1, y1, x2, y2] = this.box;
    const [a1, b1, a2, b2] = [across.first, down.first, across.last + 1, down.last + 1].map((k) => k * this.stride);
    const inter = Math.max(Math.min(x2, a2) - Math.max(x1, a1), 0) * Math.max(Math.min(y2, b2) - Math.max(y1, b1), 0);
    return inter / ((x2 - x1) * (y2 - y1) + (a2 - a1) * (b2 - b1) - inter);
  }
}

define("ck-roi-pooling", RoiPooling);
