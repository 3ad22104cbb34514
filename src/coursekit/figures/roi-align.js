// <ck-roi-align>, chapter 12: one region, by RoI pooling and by RoIAlign: frames, sample points, numbers, and where each bin looked.
//
// data-params: { index, scene: { height, width, rgb }, stride, rows, columns, map, channel, channels, box, bins, view }: chapter 10's scene
// and map. On a ramp, a cell's value is the place of its middle in pixels. All else is computed here, as coursekit.roi's roi_pool and
// roi_align(sampling_ratio=2, aligned=True) do, places in single precision as torch; the tests compare.

import { buttonMarkup, choices, groupMarkup } from "./controls.js";
import { drawGrid, stroke, tags } from "./drawing.js";
import { define } from "./figure.js";
import { CHOSEN } from "./palette.js";
import { ASKED, GRIPS, POINTS, RegionFigure, WHOLE, roiAlign, roiPool, settingsMarkup, signed, span } from "./region.js";
import { canvasMarkup, pictureMarkup } from "./task.js";
import { plural, say, short } from "./words.js";

const ROWS = { asked: "asked for, px", pool: "RoI pooling, px", off: "edges moved", middle: "", pooled: "RoI pooling’s cells", aligned: "RoIAlign’s points" };

const middleOf = (low, high) => (low + high) / 2;
const number = (value, digits = 2) => short(value, digits).replace("-", "−");

class RoiAlign extends RegionFigure {
  static style = `${RegionFigure.style}
    .kind { font-weight: 650; padding-left: 0.5rem; border-left: 4px solid var(--chosen); }
    .kind.exact { border-color: var(--answer); }
    .point { min-height: 3.9em; margin-top: 0.5rem; }
    @container (min-width: 40rem) { .point { min-height: 1.45em; } }
  `;

  parts({ channel }) {
    const strong = ["off", "pooled", "aligned"];
    const lines = Object.entries(ROWS).map(([key, words]) =>
      `<tr class="${key} ${strong.includes(key) ? "strong" : ""}"><th scope="row">${words}</th><td></td><td></td></tr>`);
    const views = { channel: `channel ${channel}`, x: "ramp across", y: "ramp down" };
    const pair = (key, cells) => `<div class="pair"><div><span class="label ${key}name"></span>${canvasMarkup(`${key} chooses`)}</div>
      <div><span class="label ${cells}name"></span>${canvasMarkup(cells)}</div></div>`;
    return {
      title: "The same region, rounded and not",
      task: "Remember a region, then move all of it by half a cell or more, but less than a cell, so that RoI pooling’s numbers stay and RoIAlign’s change.",
      claim: "Only RoIAlign’s changed", beside: buttonMarkup("remember", "Remember"), next: "Next bin", more: { point: "Next point" },
      keys: "arrows move the region or its corner (Shift: eight pixels)",
      body: (steps) => `<div class="plane"><span class="label">The picture: drag the region or a corner</span>${pictureMarkup("scene")}</div>
        <div><span class="label mapname"></span>${canvasMarkup("map")}</div>
        <div class="side">${settingsMarkup}${groupMarkup("views", "The map", "view", views)}${steps}</div>
        <div class="side"><table class="values"><caption class="hidden">What was asked for, and where both looked</caption>
            <thead><tr><th scope="col"><span class="hidden">what</span></th><th scope="col">across</th><th scope="col">down</th></tr></thead>
            <tbody>${lines.join("")}</tbody></table></div>
        <div class="side"><p class="kind">RoI pooling: the greatest of whole cells</p>${pair("pooled", "inside")}</div>
        <div class="side"><p class="kind exact">RoIAlign: the mean of four points</p>${pair("aligned", "around")}</div>`,
      foot: '<output class="reading" aria-live="polite"></output><output class="point quiet" aria-live="polite"></output>',
    };
  }

  ready(params) {
    const { channels, channel, map, rows, columns, stride } = params;
    const ramp = (place) => Array.from({ length: rows * columns }, (_, k) => (place(k) + 0.5) * stride);
    this.views = { channel: map, x: ramp((k) => k % columns), y: ramp((k) => Math.floor(k / columns)) };
    Object.assign(this, { channel, channels });
    super.ready(params);
    for (const name of [".pooled", ".aligned"]) this.choosesOn(this.find(`canvas${name}`));
    this.controls.view = choices(this.shadowRoot, "view", (view) => this.change({ view, map: { ...this.map, values: this.views[view] } }));
    this.find("[name=point]").addEventListener("click", () => { this.point = (this.point + 1) % POINTS ** 2; this.draw(); });
  }

  begin(params) {
    super.begin({ ...params, map: this.views[params.view] });
    Object.assign(this, { view: params.view, point: 0, bin: Math.floor(this.count / 2) * (this.count + 1) });
  }

  both(box) {
    return { ...roiPool(this.map, box, 1 / this.stride, this.count), aligned: roiAlign(this.map, box, 1 / this.stride, this.count) };
  }

  // ---- the task ----

  /** How the region differs from the one remembered, and how many numbers of each do; RoIAlign's by what a decimal shows. */
  since() {
    const [now, then] = [this.both(this.box), this.both(this.kept)];
    const steps = now.aligned.map(({ value }, k) => value - then.aligned[k].value);
    return { ...this.shift(), steps, pooled: now.pooled.filter(({ value }, k) => value !== then.pooled[k].value).length,
      aligned: steps.filter((step) => Math.abs(step) >= 0.05).length, n: steps.length };
  }

  moved() {
    const { dx, dy, resized, pooled, aligned, n } = this.since();
    if (!dx && !dy && !resized) return "This region is remembered. Move it, then press the button.";
    const way = resized ? "Resized" : `Moved by ${signed(dx)} px across and ${signed(dy)} px down`;
    return `${way} since it was remembered: of ${n} numbers each, ${pooled} of RoI pooling’s and ${aligned} of RoIAlign’s have changed.`;
  }

  judge() {
    const { dx, dy, resized, steps, pooled, aligned, n } = this.since();
    const far = Math.max(Math.abs(dx), Math.abs(dy));
    const no = (words) => [false, `Not yet: ${words}`];
    const ramp = this.view === "x" ? dx : dy;
    if (!far && !resized) return no("the region has not moved since it was remembered.");
    if (resized) return no("the region has another size than the one remembered.");
    if (far >= this.stride) return no(`a move of ${far} px is no less than a cell, which is ${this.stride} px.`);
    if (far < this.stride / 2) return no(`a move of ${far} px is less than half a cell, which is ${this.stride / 2} px.`);
    if (pooled || !aligned) return no(this.moved().replace(/^./, (letter) => letter.toLowerCase()));
    const follow = this.view !== "channel" && steps.every((step) => Math.abs(step - ramp) < 1e-3);
    return [true, `✓ Solved. The region moved by ${far} px: RoI pooling’s ${n} numbers do not tell, ${follow
      ? `RoIAlign’s have all changed by ${signed(ramp)}, just as far as the region moved along this ramp` : `${aligned} of RoIAlign’s have changed`}.`];
  }

  // ---- drawing ----

  draw() {
    const result = this.both(this.box);
    const { side, ratio, ink } = this.measure(["ground", "soft", "line", "ink", "quiet", "accent", "chosen", "on-chosen", "answer"]);
    this.controls.view.set(this.view);
    const [i, j] = [Math.floor(this.bin / this.count), this.bin % this.count];
    const [x1, y1, x2, y2] = this.box;
    const [w, h] = [(x2 - x1) / this.count, (y2 - y1) / this.count];
    this.chosen = { i, j, row: result.down.bins[i], column: result.across.bins[j], pooled: result.pooled[this.bin], aligned: result.aligned[this.bin],
      exact: [x1 + j * w, y1 + i * h, x1 + (j + 1) * w, y1 + (i + 1) * h] };
    this.drawScene(result, this.plane(".scene", side, ratio), side, ratio, ink);
    this.drawMap(result, this.plane(".map", side, ratio), side, ratio, ink);
    this.drawBins(result, ink);
    this.write(result);
  }

  /** A point of a bin, at its place on a plane of cells that begins with a margin of one. */
  dot(context, { row, column }, side, radius, fill, rim) {
    context.beginPath();
    context.arc((column.at + 1.5) * side, (row.at + 1.5) * side, radius, 0, 7);
    [context.fillStyle, context.strokeStyle, context.lineWidth] = [fill, rim, radius / 2];
    context.stroke();
    context.fill();
  }

  drawScene({ across, down, aligned }, context, side, ratio, ink) {
    const view = { context, scale: side / this.stride, ratio };
    const path = this.drawPicture(context, side, ratio, ink.soft);
    const whole = [across.first, down.first, across.last + 1, down.last + 1].map((k) => k * this.stride);
    const { row, column, exact } = this.chosen;
    stroke(view, path(whole), WHOLE, 2);
    if (row.stop > row.from && column.stop > column.from) stroke(view, path([column.from, row.from, column.stop, row.stop].map((k) => k * this.stride)), CHOSEN, 2.5);
    stroke(view, path(this.box), ASKED, 2, [5, 4]);
    stroke(view, path(exact), ASKED, 2);
    const [x1, y1, x2, y2] = this.box;
    for (const [x, y] of [[x1, y1], [x2, y1], [x1, y2], [x2, y2]]) stroke(view, path([x - 1.2, y - 1.2, x + 1.2, y + 1.2]), ASKED, 2);
    aligned.forEach(({ points }, k) => points.forEach((point) => this.dot(context, point, side, (k === this.bin ? 3.2 : 1.8) * ratio, ASKED, "#FFFFFF")));
    const [a, b] = [y1 + this.stride - 1.5, whole[3] + this.stride + (20 * ratio) / view.scale];
    tags(view, [{ text: "RoIAlign", x: x1 + this.stride, y: a, color: ASKED, corner: true }, { text: "RoI pooling", x: whole[0] + this.stride, y: b, color: WHOLE, corner: true }]);
  }

  drawMap({ across, down }, context, side, ratio, ink) {
    const within = ({ first, last }, k) => first <= k && k <= last;
    const { row, column, pooled, aligned, exact } = this.chosen;
    const cells = this.map.values.map((value, at) => {
      const [i, j] = [Math.floor(at / this.columns), at % this.columns];
      return { value, x: (j + 1) * side, y: (i + 1) * side, bins: Number(within(down, i) && within(across, j)), win: at === pooled.at, here: at === pooled.at };
    });
    this.drawCells(cells, context, side, ratio, ink);
    const rect = ([x1, y1, x2, y2], dash, width) => {
      const at = (value) => (value / this.stride + 1) * side;
      [context.strokeStyle, context.lineWidth] = [ink.answer, width * ratio];
      context.setLineDash(dash.map((d) => d * ratio));
      context.strokeRect(at(x1), at(y1), at(x2) - at(x1), at(y2) - at(y1));
      context.setLineDash([]);
    };
    const [c, r] = [across, down].map(({ first, last }) => ({ from: first, stop: last + 1 }));
    this.inMap(context, side, ratio, () => this.frameCells(context, c, r, side, ratio, { inset: 0, width: 2.5, color: ink.ink }));
    this.drawNumbers(cells, context, side, ratio, ink);
    this.inMap(context, side, ratio, () => {
      this.frameCells(context, column, row, side, ratio, { inset: 1, width: 3, color: ink.chosen });
      rect(this.box, [5, 4], 2);
      rect(exact, [], 2);
      aligned.points.forEach((point, k) => this.dot(context, point, side, (k === this.point ? 4.5 : 3) * ratio, ink.answer, ink.ground));
    });
  }

  /** The numbers of both, and below the chosen bin's cells and points. */
  drawBins({ pooled, aligned }, ink) {
    const room = Math.min(this.find("canvas.pooled").parentElement.clientWidth, 160);
    const most = Math.max(...this.map.values, 1);
    for (const [name, bins] of [["pooled", pooled], ["aligned", aligned]]) {
      drawGrid(this, this.find(`canvas.${name}`), this.count, this.count, room, (i, j) => {
        const { value } = bins[i * this.count + j];
        return { text: number(value, this.count < 7 || value < 9.95 ? 1 : 0), share: value / most, ring: i * this.count + j === this.bin ? "here" : "" };
      }, { most: room / this.count, size: 0.5 });
    }
    const { row, column, pooled: { at } } = this.chosen;
    const inside = [...this.chosen.aligned.points].filter((point) => point.terms.length);
    const [top, left] = [Math.min(...inside.map((p) => p.row.low)), Math.min(...inside.map((p) => p.column.low))];
    const [low, right] = [Math.max(...inside.map((p) => p.row.high)) + 1, Math.max(...inside.map((p) => p.column.high)) + 1];
    const here = this.chosen.aligned.points[this.point];
    const near = (i, j) => here.terms.length && [here.row.low, here.row.high].includes(i) && [here.column.low, here.column.high].includes(j);
    this.drawPart("inside", row.from, row.stop, column.from, column.stop, room, (i, j) => (i * this.columns + j === at ? "here" : ""));
    const around = this.drawPart("around", top, low, left, right, room, (i, j) => (near(i, j) ? "source" : ""));
    if (!around) return;
    const ratio = window.devicePixelRatio || 1;
    const edge = Math.ceil(2 * ratio);
    const side = (around.canvas.width - 2 * edge) / (right - left);
    around.translate(edge - (left + 1) * side, edge - (top + 1) * side);
    const points = this.chosen.aligned.points.map((p, k) => ({ ...p, k })).filter((p) => p.terms.length);
    for (const { row: r, column: c, k } of points) this.dot(around, { row: { at: r.inside }, column: { at: c.inside } }, side, (k === this.point ? 5 : 3) * ratio, ink.answer, ink.ground);
  }

  /** Some rows and columns of the map, enlarged; returns the canvas's context, or null where there is nothing to show. */
  drawPart(name, top, stop, left, right, room, ring) {
    const canvas = this.find(`canvas.${name}`);
    const [tall, wide] = [stop - top, right - left];
    canvas.hidden = !(tall > 0 && wide > 0 && Number.isFinite(tall * wide));
    if (canvas.hidden) return null;
    const most = Math.max(...this.map.values, 1);
    drawGrid(this, canvas, tall, wide, room, (i, j) => {
      const value = this.map.values[(top + i) * this.columns + left + j];
      return { text: String(value), share: value / most, ring: ring(top + i, left + j) };
    }, { most: Math.min((room - 4) / tall, 40), size: 0.5 });
    return canvas.getContext("2d");
  }

  write({ across, down, pooled, aligned }) {
    const [x1, y1, x2, y2] = this.box;
    const { i, j, row, column, exact } = this.chosen;
    const axes = [[across, x1, x2, column, exact[0], exact[2], "column"], [down, y1, y2, row, exact[1], exact[3], "row"]];
    const middles = axes.map(([, , , cells, low, high, name]) => {
      const want = middleOf(low, high);
      const taken = cells.stop > cells.from ? middleOf(cells.from, cells.stop) * this.stride : null;
      const points = this.chosen.aligned.points.reduce((sum, point) => sum + (point[name].at + 0.5) * this.stride, 0) / POINTS ** 2;
      return { want, taken, points, off: taken === null ? "none" : `${number(taken, 1)}: off by ${signed(taken - want)}`, exact: `${number(points, 1)}: off by ${signed(points - want)}` };
    });
    const fill = { asked: axes.map(([, low, high]) => span(low, high)),
      pool: axes.map(([{ first, last }]) => span(first * this.stride, (last + 1) * this.stride)),
      off: axes.map(([{ first, last }, low, high]) => `${signed(first * this.stride - low)}, ${signed((last + 1) * this.stride - high)} px`),
      middle: middles.map(({ want }) => number(want, 1)), pooled: middles.map(({ off }) => off), aligned: middles.map((one) => one.exact) };
    for (const [key, words] of Object.entries(fill)) words.forEach((text, k) => say(this.find(`tr.${key}`).children[k + 1], text));
    say(this.find("tr.middle th"), `middle of bin ${i}, ${j}`);
    say(this.find(".mapname"), this.view === "channel" ? `Its map, ${this.rows} × ${this.columns} cells: channel ${this.channel} of ${this.channels}` : `A ramp: ${this.view} of each cell’s middle, px`);
    for (const name of ["pooled", "aligned"]) say(this.find(`.${name}name`), `${this.count} × ${this.count} numbers`);
    say(this.find(".insidename"), `Bin ${i}, ${j}: its cells`);
    say(this.find(".aroundname"), `Bin ${i}, ${j}: its points`);
    say(this.find(".reading"), this.words(middles));
    say(this.find(".point"), this.sum());
    this.label({ pooled, aligned }, across, down);
    this.writeTask();
  }

  /** What both say of the chosen bin; on a ramp, how far beside its middle they looked. */
  words(middles) {
    const { i, j, row, column, pooled, aligned } = this.chosen;
    const n = Math.max(row.stop - row.from, 0) * Math.max(column.stop - column.from, 0);
    const mean = `(${aligned.points.map((point) => number(point.value)).join(" + ")}) ÷ ${POINTS ** 2} = ${number(aligned.value)}`;
    if (this.view === "channel") return `Bin ${i}, ${j}. RoI pooling: ${n ? `${pooled.value}, the greatest of ${plural(n, "cell")}` : "0, it has no cell of the map"}. RoIAlign: ${mean}.`;
    const { want, taken } = middles[this.view === "x" ? 0 : 1];
    const last = this.view === "x" ? "column" : "row";
    return `Bin ${i}, ${j} has its middle at ${this.view} = ${number(want)}. RoIAlign reads ${mean}: off by ${signed(aligned.value - want, 2)} px. RoI pooling reads `
      + (n ? `${pooled.value}, the middle of its last ${last}; the middle of its cells is ${number(taken)}: off by ${signed(taken - want, 2)} px.` : "0: it has no cell of the map.");
  }

  /** The chosen point's four neighbours and weights. */
  sum() {
    const { row, column, terms, value } = this.chosen.aligned.points[this.point];
    const place = `Point ${this.point + 1} of ${POINTS ** 2}, at row ${number(row.at, 3)} and column ${number(column.at, 3)}`;
    if (!terms.length) return `${place}, is more than a cell beyond the map: 0.`;
    const edge = row.at !== row.inside || column.at !== column.inside ? ", taken at the map’s edge" : "";
    return `${place}${edge}: ${terms.map(([weight, cell]) => `${short(weight, 3)} · ${cell}`).join(" + ")} = ${number(value)}.`;
  }

  label(numbers, across, down) {
    const [x1, y1, x2, y2] = this.box;
    this.describe(`A scene and a region, x ${span(x1, x2)}, y ${span(y1, y2)} pixels, and the whole cells that RoI pooling takes for it. Arrow keys move ${GRIPS[this.grip]}.`);
    this.find(".map").setAttribute("aria-label", `The map’s numbers, with both frames. RoI pooling’s: rows ${down.first} to ${down.last}, columns ${across.first} to ${across.last}.`);
    for (const [name, words] of [["pooled", "RoI pooling"], ["aligned", "RoIAlign"]]) {
      const lines = Array.from({ length: this.count }, (_, r) => numbers[name].slice(r * this.count, (r + 1) * this.count).map(({ value }) => number(value)).join(" "));
      this.find(`canvas.${name}`).setAttribute("aria-label", `${words}, row by row: ${lines.join(", ")}.`);
    }
    this.find(".inside").setAttribute("aria-label", `RoI pooling: the chosen bin’s cells; the greatest is ${this.chosen.pooled.value}.`);
    this.find(".around").setAttribute("aria-label", `RoIAlign: the chosen bin’s points among the map’s cells; their mean is ${number(this.chosen.aligned.value)}.`);
  }
}

define("ck-roi-align", RoiAlign);
