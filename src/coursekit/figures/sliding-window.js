// <ck-sliding-window>, chapter 2: a patch classifier slides over a scene; its fully convolutional twin has all answers at once.
//
// data-params: { index, row, column, scene: { height, width, rgb, semantic }, patch, stride, first: [y, x], rows, columns,
// scores, answers, multiplications: { window, dense } }. Window (i, j) covers rows first[0] + i * stride to + patch,
// likewise columns; scores are thousandths, window by window, a class at a time; the class of a window is meant for
// the pixel at patch / 2. scripts/make_figure_data.py makes them with the package's trained weights.

import { onPointer, slider, sliderMarkup } from "./controls.js";
import { boxPath, fitCanvas, fitPicture, stroke } from "./drawing.js";
import { define } from "./figure.js";
import { CHOSEN, CLASSES, classColor, className, rgbOf } from "./palette.js";
import { decodeRuns, photo, raster } from "./pixels.js";
import { GAP } from "./style.js";
import { TaskFigure, canvasMarkup, pictureMarkup } from "./task.js";
import { clamp, count, say } from "./words.js";

const K = CLASSES.length;
const score = (thousandths) => (thousandths / 1000).toFixed(3);
const millions = (n) => `${(n / 1e6).toLocaleString("en-GB", { minimumFractionDigits: 1, maximumFractionDigits: 1 })} million`;

class SlidingWindow extends TaskFigure {
  static style = `
    .pair { display: grid; grid-template-columns: 1fr 1fr; gap: ${GAP}px; }
    .pair > div { min-width: 0; }
    .pair .label { display: block; margin-bottom: 0.25rem; }
    .values th:first-child { white-space: nowrap; }
    .values th:first-child i { display: inline-block; width: 0.7rem; height: 0.7rem; margin-right: 0.4rem; border-radius: 2px; vertical-align: -1px; }
    .values td:nth-child(2) { width: 60%; }
    .values td:nth-child(n + 3) { width: 3rem; }
    .bar { display: block; height: 0.6rem; border-radius: 2px; background: var(--soft); box-shadow: inset 0 0 0 1px var(--line); }
    .bar span { display: block; height: 100%; min-width: 1px; border-radius: 2px; background: var(--quiet); }
    tr.best > * { font-weight: 700; }
    .reading { min-height: 5.4em; }
    .cost { margin-top: 0.9rem; }
    .cost dl { display: grid; grid-template-columns: 1fr auto; gap: 0.15rem 0.8rem; margin: 0.3rem 0 0.4rem; font-size: 0.84rem; }
    .cost dt, .cost dd { margin: 0; font-variant-numeric: tabular-nums; }
    .cost dd { text-align: right; }
    .cost .bar { grid-column: 1 / -1; margin-bottom: 0.3rem; }
    .cost .bar.dense span { background: var(--accent); }
    .saving { min-height: 2.8em; }
  `;

  parts() {
    const lines = CLASSES.map((name) =>
      `<tr><th scope="row"><i></i>${name}</th><td><span class="bar"><span></span></span></td><td></td><td></td></tr>`);
    const costs = [["visited", "Windows you have looked at"], ["all", "All windows, one at a time"], ["dense", "The whole image, one pass"]];
    return {
      title: "One window at a time, or all at once",
      task: "Find a window where the network is wrong about the pixel in the middle.",
      claim: "It is wrong here", keys: "arrows move the window",
      picture: `${pictureMarkup("scene")}<div class="sliders">${sliderMarkup("column", "column")}${sliderMarkup("row", "row")}</div>`,
      side: `<output class="reading" aria-live="polite"></output>
        <div class="pair"><div><span class="label">The window</span><div>${canvasMarkup("patch")}</div></div>
          <div><span class="label">The twin’s map</span><div>${canvasMarkup("map chooses")}</div></div></div>
        <table class="values"><caption class="label">Scores of this window, after softmax</caption>
          <thead><tr><th scope="col">class</th><td></td><th scope="col">patch</th><th scope="col">twin</th></tr></thead>
          <tbody>${lines.join("")}</tbody></table>`,
      foot: `<div class="cost"><span class="label">Multiplications</span>
        <dl>${costs.map(([key, text]) => `<dt class="${key}">${text}</dt><dd class="${key}"></dd>`
          + `<dd class="bar ${key}" aria-hidden="true"><span></span></dd>`).join("")}</dl>
        <p class="saving quiet"></p></div>`,
    };
  }

  ready(params) {
    const { scene: { height, width, semantic } } = params;
    Object.assign(this, params, { height, width, picture: photo(params.scene), semantic: decodeRuns(semantic, height * width) });
    this.controls = {
      row: slider(this.shadowRoot, "row", this.rows - 1, (row) => this.go(row, this.cell.column)),
      column: slider(this.shadowRoot, "column", this.columns - 1, (column) => this.go(this.cell.row, column)),
    };
    const toCell = (at, first) => Math.round((at - first - this.patch / 2) / this.stride);
    onPointer(this.find(".scene"), width, {
      move: (x, y) => this.go(toCell(y, this.first[0]), toCell(x, this.first[1])),
      grabs: (x, y) => { const [x1, y1, x2, y2] = this.window(); return x1 <= x && x < x2 && y1 <= y && y < y2; },
    });
    onPointer(this.find(".map"), this.columns, { move: (x, y) => this.go(Math.floor(y), Math.floor(x)), grabs: () => true });
  }

  begin({ row, column }) {
    this.visited = new Set();
    this.put(row, column);
  }

  hint() {
    return "Move the window, look at the scores and at the middle pixel, then press the button.";
  }

  put(row, column) {
    this.cell = { row: clamp(row, 0, this.rows - 1), column: clamp(column, 0, this.columns - 1) };
    this.visited.add(this.number());
  }

  go(row, column) {
    this.put(row, column);
    this.change();
  }

  move(dx, dy) {
    this.go(this.cell.row + dy, this.cell.column + dx);
  }

  /** The window's number, counted row by row. */
  number() {
    return this.cell.row * this.columns + this.cell.column;
  }

  scoresAt(k) {
    return this.scores.slice(k * K, (k + 1) * K);
  }

  /** The window's box in the picture; it may reach over the edge. */
  window() {
    const [y, x] = [this.first[0] + this.cell.row * this.stride, this.first[1] + this.cell.column * this.stride];
    return [x, y, x + this.patch, y + this.patch];
  }

  /** The pixel that the window's class is meant for. */
  middle() {
    const [x, y] = this.window();
    return { x: x + (this.patch >> 1), y: y + (this.patch >> 1) };
  }

  // ---- the pictures ---------------------------------------------------------------------------

  draw() {
    this.drawScene();
    this.drawPatch();
    this.drawMap();
    this.writeScores();
    this.writeCost();
    this.writeTask();
  }

  drawScene() {
    const view = fitPicture(this.find(".scene"), this.picture, this.stage());
    const { context, scale } = view;
    const [x1, y1, x2, y2] = this.window();
    context.fillStyle = "rgba(10, 14, 18, 0.42)";
    context.beginPath();
    context.rect(0, 0, context.canvas.width, context.canvas.height);
    context.rect(x1 * scale, y1 * scale, (x2 - x1) * scale, (y2 - y1) * scale);
    context.fill("evenodd");
    const { x, y } = this.middle();
    stroke(view, boxPath([x, y, x + 1, y + 1]), CHOSEN, 1.5);
    stroke(view, boxPath([x1, y1, x2, y2]), CHOSEN, 2.5);
    this.describe(`A scene of ${this.width} by ${this.height} pixels and a window of ${this.patch} by ${this.patch} at x ${x1}, y ${y1}: ${this.summary()}`);
  }

  drawPatch() {
    const canvas = this.find(".patch");
    const view = fitCanvas(canvas, this.patch, this.patch, canvas.parentElement.clientWidth);
    const { context, scale } = view;
    const [x1, y1] = this.window();
    context.fillStyle = "#000000";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(this.picture, -x1 * scale, -y1 * scale, this.width * scale, this.height * scale);
    const half = this.patch >> 1;
    stroke(view, boxPath([half, half, half + 1, half + 1]), CHOSEN, 1.5);
    canvas.setAttribute("aria-label", `The window enlarged; the pixel in its middle is ${className(this.truth())}.`);
  }

  drawMap() {
    const canvas = this.find(".map");
    const view = fitCanvas(canvas, this.columns, this.rows, canvas.parentElement.clientWidth);
    const colors = CLASSES.map((_, id) => [...rgbOf(classColor(this, id)), 255]);
    this.cells ??= raster(this.columns, this.rows, (k) => colors[this.answers[k]]);
    view.context.drawImage(this.cells, 0, 0, canvas.width, canvas.height);
    const { row, column } = this.cell;
    stroke(view, boxPath([column, row, column + 1, row + 1]), CHOSEN, 2);
    canvas.setAttribute("aria-label", `Coarse map of ${this.rows} rows and ${this.columns} columns; `
      + `in row ${row}, column ${column} it says ${className(this.answers[this.number()])}.`);
  }

  // ---- the words ------------------------------------------------------------------------------

  truth() {
    const { x, y } = this.middle();
    return this.semantic[y * this.width + x];
  }

  summary() {
    const k = this.number();
    return `both networks say ${className(this.answers[k])}, ${score(this.scoresAt(k)[this.answers[k]])}.`;
  }

  writeScores() {
    const { row, column } = this.cell;
    const scores = this.scoresAt(this.number());
    [...this.find("tbody").rows].forEach((line, id) => {
      const [name, bar, patch, map] = line.cells;
      line.className = id === this.answers[this.number()] ? "best" : "";
      name.firstChild.style.background = classColor(this, id);
      bar.firstChild.firstChild.style.cssText = `width: ${scores[id] / 10}%; background: ${classColor(this, id)}`;
      say(patch, score(scores[id]));
      say(map, score(scores[id]));
    });
    this.controls.row.set(row);
    this.controls.column.set(column);
    say(this.find(".reading"), `Row ${row}, column ${column}: ${this.summary()}`);
  }

  writeCost() {
    const { window: one, dense } = this.multiplications;
    const windows = this.rows * this.columns;
    const rows = { visited: this.visited.size * one, all: windows * one, dense };
    for (const [key, total] of Object.entries(rows)) {
      say(this.find(`dd.${key}:not(.bar)`), millions(total));
      this.find(`.bar.${key} span`).style.width = `${(100 * total) / rows.all}%`;
    }
    say(this.find("dt.visited"), `Windows you have looked at: ${count(this.visited.size)}`);
    say(this.find("dt.all"), `All ${count(windows)} windows, one at a time`);
    const overtaken = rows.visited > dense ? " The windows you have looked at already cost more." : "";
    say(this.find(".saving"), `One pass over the whole image costs as much as ${(dense / one).toFixed(1)} windows, `
      + `${(rows.all / dense).toFixed(1)} times less than all of them.${overtaken}`);
  }

  judge() {
    const truth = this.truth();
    const answer = this.answers[this.number()];
    if (truth >= K) return [false, "Not yet: the middle pixel is void, which nobody is asked about."];
    if (truth === answer) return [false, `Not yet: the network says ${className(answer)}, and the middle pixel is ${className(truth)}.`];
    const share = Math.round(100 * this.shareOf(answer));
    const why = share < 50 ? "." : ": what fills the window outvotes its middle.";
    return [true, `✓ Solved. The middle pixel is ${className(truth)}, the network says ${className(answer)}, `
      + `and ${share}% of the window's pixels are ${className(answer)}${why}`];
  }

  /** The share of the window's pixels that have this class. */
  shareOf(id) {
    const [x1, y1, x2, y2] = this.window();
    let same = 0;
    for (let y = Math.max(y1, 0); y < Math.min(y2, this.height); y += 1) {
      for (let x = Math.max(x1, 0); x < Math.min(x2, this.width); x += 1) same += this.semantic[y * this.width + x] === id;
    }
    return same / this.patch ** 2;
  }
}

define("ck-sliding-window", SlidingWindow);
