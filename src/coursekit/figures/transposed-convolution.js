// <ck-transposed-convolution>, chapter 4: a kernel is stamped onto the output, step by step; stamps add up; overlaps are counted.
//
// data-params: { view, input, kernel, size, stride, padding, extra }: a small map, a table of 4 × 4 numbers of which the first
// size × size are the kernel, and the convolution's settings. All else is computed here, as coursekit.upsample.conv_transpose2d
// does; the tests compare.

import { choices, fieldsMarkup, groupMarkup, onPointer, readFields, setFields, slider, sliderMarkup } from "./controls.js";
import { drawGrid } from "./drawing.js";
import { define } from "./figure.js";
import { TaskFigure, pictureMarkup } from "./task.js";
import { clamp, say, short } from "./words.js";

const VIEWS = { sums: "stamps and their sum", counts: "how many stamps reach each pixel" };
const COUNTED = 5;            // input pixels a side in the view of the counts
const LIMITS = { size: [1, 4], stride: [1, 3], padding: [0, 2], extra: [0, 2] };

class TransposedConvolution extends TaskFigure {
  static style = `
    .views { grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); }
    .sliders { grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: 0.2rem 1.2rem; margin: 0 0 0.8rem; }
    .slider span { min-width: 7.2rem; }
    .numbers input { width: 2.2rem; height: 2.1rem; }
    .pair { display: flex; flex-wrap: wrap; gap: 1rem; min-height: 10.4rem; align-content: flex-start; }
    .reading { min-height: 6.8em; }
    .size { min-height: 4.4em; }
  `;

  parts({ input, kernel }) {
    return {
      title: "Stamp, shift, add",
      task: "Find a kernel and a stride above 1 without a checkerboard.",
      claim: "No checkerboard here", next: "Next stamp", keys: "arrows choose an output pixel",
      settings: `${groupMarkup("views", "View", "view", VIEWS)}
        <div class="sliders">${sliderMarkup("size", "kernel’s side")}${sliderMarkup("stride", "stride")}
          ${sliderMarkup("padding", "padding")}${sliderMarkup("extra", "output padding")}</div>`,
      picture: `<div class="square">${pictureMarkup("out")}</div>`,
      side: `<output class="reading" aria-live="polite"></output><p class="size quiet"></p>
        <div class="pair"><div class="input">${fieldsMarkup("x", "Input", input)}</div><div class="kernel">${fieldsMarkup("k", "Kernel", kernel)}</div></div>`,
    };
  }

  ready() {
    const cell = (x, y) => [y, x].map((at) => Math.floor(at * this.sides()[1]));
    onPointer(this.find(".out"), 1, {
      move: (x, y) => this.go(...cell(x, y)),
      grabs: (x, y) => cell(x, y).join() === [this.here.row, this.here.column].join(),
    });
    this.shadowRoot.addEventListener("input", (event) => { if (event.target.type === "number") this.read(); });
    this.controls = { view: choices(this.shadowRoot, "view", (view) => this.set({ view, placed: Infinity })) };
    for (const [name, [low, high]] of Object.entries(LIMITS)) {
      this.controls[name] = slider(this.shadowRoot, name, high, (value) => this.set({ [name]: value }));
      this.find(`[name=${name}]`).min = low;
    }
  }

  begin(params) {
    Object.assign(this, params, { placed: Infinity, here: { row: 1, column: 1 } });        // all stamps: draw() counts them
    setFields(this.shadowRoot, "x", this.input);
    setFields(this.shadowRoot, "k", this.kernel);
  }

  hint() {
    return "Choose the kernel’s side and the stride, look at the counts, then press the button.";
  }

  read() {
    const [rows, columns] = [this.input.length, this.input[0].length];
    this.change({ input: readFields(this.shadowRoot, "x", rows, columns), kernel: readFields(this.shadowRoot, "k", 4, 4) });
  }

  set(state) {
    Object.assign(this, state);
    this.extra = Math.min(this.extra, this.stride - 1);       // as torch demands
    this.go(this.here.row, this.here.column);
  }

  go(row, column) {
    const [rows, columns] = this.sides();
    this.change({ here: { row: clamp(row, 0, rows - 1), column: clamp(column, 0, columns - 1) } });
  }

  move(dx, dy) {
    this.go(this.here.row + dy, this.here.column + dx);
  }

  step(by) {
    const all = this.maps()[0] * this.maps()[1] + 1;
    this.placed = (Math.min(this.placed, all - 1) + by + all) % all;
    this.draw();
  }

  /** Sides of the map that is enlarged. */
  maps() {
    return this.view === "counts" ? [COUNTED, COUNTED] : [this.input.length, this.input[0].length];
  }

  /** Sides of the output before anything is cut, and with what output padding adds beyond it. */
  sides() {
    return this.maps().map((n) => (n - 1) * this.stride + this.size + Math.max(this.extra - this.padding, 0));
  }

  /** Sides of the output as it is returned. */
  kept() {
    return this.maps().map((n) => (n - 1) * this.stride - 2 * this.padding + this.size + this.extra);
  }

  inside(i, j) {
    const [height, width] = this.kept();
    return i >= this.padding && j >= this.padding && i < this.padding + height && j < this.padding + width;
  }

  /** The stamps, the first `placed` of them, that reach pixel (i, j) of the uncut output: [[row, column, kernel row, column], …]. */
  stamps(i, j, placed = Infinity) {
    const [rows, columns] = this.maps();
    const found = [];
    for (let r = 0; r < rows; r += 1) {
      for (let c = 0; c < columns; c += 1) {
        const [a, b] = [i - r * this.stride, j - c * this.stride];
        if (r * columns + c < placed && a >= 0 && b >= 0 && a < this.size && b < this.size) found.push([r, c, a, b]);
      }
    }
    return found;
  }

  value(i, j, placed) {
    const stamps = this.stamps(i, j, placed);
    if (this.view === "counts") return stamps.length;
    return stamps.reduce((sum, [r, c, a, b]) => sum + this.input[r][c] * this.kernel[a][b], 0);
  }

  draw() {
    const [rows, columns] = this.sides();
    const [inputRows, inputColumns] = this.maps();
    this.placed = Math.min(this.placed, inputRows * inputColumns);
    const { row, column } = this.here;
    let most = 1e-9;
    for (let i = 0; i < rows; i += 1) for (let j = 0; j < columns; j += 1) most = Math.max(most, Math.abs(this.value(i, j)));
    const last = this.placed - 1;
    const [top, left] = [Math.floor(last / inputColumns) * this.stride, (last % inputColumns) * this.stride];
    drawGrid(this, this.find(".out"), rows, columns, this.stage(), (i, j) => {
      const fresh = last >= 0 && i >= top && j >= left && i < top + this.size && j < left + this.size;
      const value = this.value(i, j, this.placed);
      return { text: short(value), share: Math.abs(value) / most, out: !this.inside(i, j),
        ring: i === row && j === column ? "here" : fresh ? "source" : "" };
    }, { most: Infinity });
    this.find(".square").style.height = `${this.stage()}px`;      // cells are whole pixels: what is over stays free
    for (const input of this.shadowRoot.querySelectorAll(".kernel input")) {
      const [i, j] = input.name.slice(1).split("-").map(Number);
      input.parentElement.hidden = i >= this.size || j >= this.size;
    }
    this.find(".pair").style.visibility = this.view === "counts" ? "hidden" : "";      // places count there, not numbers
    for (const name of Object.keys(this.controls)) this.controls[name].set(this[name]);
    this.write();
  }

  write() {
    const { row, column } = this.here;
    const [rows, columns] = this.maps();
    const stamps = this.stamps(row, column, this.placed);
    const total = this.value(row, column, this.placed);
    const value = short(total);
    const sign = Math.abs(Number(value) - total) < 1e-9 ? "=" : "≈";
    const inside = this.inside(row, column);
    const name = inside ? `Output row ${row - this.padding}, column ${column - this.padding}` : "This pixel is cut off";
    const sum = this.view === "counts" ? `${stamps.length} of ${this.placed} stamps reach it`
      : stamps.length ? `${stamps.map(([r, c, a, b]) => `${short(this.input[r][c])} · ${short(this.kernel[a][b])}`).join(" + ")} ${sign} ${value}`
        : "no stamp has reached it";
    say(this.find(".reading"), `${name}: ${sum}. Stamps placed: ${this.placed} of ${rows * columns}.`);
    const [height, width] = this.kept();
    say(this.find(".size"), Math.min(height, width) < 1 ? "The padding cuts everything off."
      : `${this.view === "counts" ? `Of a map of ${rows} × ${columns}. ` : ""}Output: (${rows} − 1) · ${this.stride} − 2 · ${this.padding} + ${this.size} + ${this.extra} = ${height} rows`
        + `${width === height ? " and columns" : `, ${width} columns`}. Struck-out cells are cut off.`);
    this.describe(`The output, ${height} rows and ${width} columns, after ${this.placed} stamps`
      + `${this.view === "counts" ? ", as counts" : ""}. ${name}, is ${value}.`);
    this.writeTask();
  }

  /** Stamps that reach each pixel of a long row, away from its ends. */
  inner() {
    const n = 12;
    const counts = new Array((n - 1) * this.stride + this.size).fill(0);
    for (let c = 0; c < n; c += 1) for (let b = 0; b < this.size; b += 1) counts[c * this.stride + b] += 1;
    return counts.slice(4, -4);
  }

  judge() {
    const [least, most] = [Math.min(...this.inner()), Math.max(...this.inner())];
    if (this.stride === 1) return [false, "Not yet: with stride 1 nothing grows. Choose a stride above 1."];
    if (least !== most) return [false, `Not yet: in each row some pixels are reached by ${least} and others by ${most} stamps, away from the ends.`];
    return [true, `✓ Solved. The stride ${this.stride} divides the kernel’s side ${this.size}: away from the ends, `
      + `${least === 1 ? "one stamp reaches" : `${least} stamps in each row reach`} every pixel.`];
  }
}

define("ck-transposed-convolution", TransposedConvolution);
