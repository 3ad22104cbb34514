// <ck-transposed-convolution>, chapter 4: a kernel is stamped onto the output, step by step; stamps add up; overlaps are counted.
//
// data-params: { view, input, kernel, size, stride, padding, extra }: a small map, a table of 4 × 4 numbers of which the first
// size × size are the kernel, and the convolution's settings. All else is computed here, as coursekit.upsample.conv_transpose2d
// does; the tests compare.

import {
  Figure, choicesMarkup, clamp, define, drawGrid, fieldsMarkup, onKeys, onPointer, readFields, say, short, slider, sliderMarkup,
} from "./kit.js";

const VIEWS = { sums: "stamps and their sum", counts: "how many stamps reach each pixel" };
const COUNTED = 5;            // input pixels a side in the view of the counts
const HINT = "Choose the kernel's side and the stride, look at the counts, then press the button.";

class TransposedConvolution extends Figure {
  static style = `
    fieldset { grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); }
    .sliders { grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: 0.2rem 1.2rem; margin: 0 0 0.8rem; }
    .slider span { min-width: 7.2rem; }
    .numbers input { width: 2.6rem; height: 2.1rem; }
    .pair { display: flex; flex-wrap: wrap; gap: 1rem; }
    .pair[hidden] { display: none; }
    .answer { min-height: 3em; overflow-wrap: anywhere; }
    .size { min-height: 2.9em; }
  `;

  markup({ view, input, kernel }) {
    return `<figure aria-labelledby="title">
      <figcaption id="title">Stamp, shift, add</figcaption>
      <fieldset><legend>View</legend>${choicesMarkup("view", VIEWS, view)}</fieldset>
      <div class="sliders">${sliderMarkup("size", "kernel's side")}${sliderMarkup("stride", "stride")}
        ${sliderMarkup("padding", "padding")}${sliderMarkup("extra", "output padding")}</div>
      <div class="body">
        <div><canvas class="out" role="img" tabindex="0"></canvas>
          <div class="steps"><button type="button" name="back">Back</button><button type="button" name="next">Next stamp</button></div></div>
        <div class="side">
          <div class="pair">${fieldsMarkup("x", "Input", input)}<div class="kernel">${fieldsMarkup("k", "Kernel", kernel)}</div></div>
          <output class="answer" aria-live="polite"></output>
          <p class="size quiet"></p>
        </div>
      </div>
      <div class="task">
        <p><b>Task.</b> Find a kernel and a stride above 1 without a checkerboard.</p>
        <div class="row"><button type="button" class="main" name="claim">No checkerboard here</button></div>
        <output class="verdict" aria-live="polite"></output>
      </div>
    </figure>`;
  }

  start(params) {
    Object.assign(this, params);
    this.step = Infinity;                                     // all stamps: draw() counts them
    this.here = { row: 1, column: 1 };
    this.verdict = [false, HINT];
    const out = this.find(".out");
    onKeys(out, (dx, dy) => this.move(this.here.row + dy, this.here.column + dx), () => this.claim());
    const cell = (x, y) => [y, x].map((at) => Math.floor(at * this.sides()[1]));
    onPointer(out, 1, {
      move: (x, y) => this.move(...cell(x, y)),
      grabs: (x, y) => cell(x, y).join() === [this.here.row, this.here.column].join(),
    });
    this.find("fieldset").addEventListener("change", (event) => {
      Object.assign(this, { view: event.target.value, step: Infinity });
      this.change();
    });
    this.shadowRoot.addEventListener("input", (event) => { if (event.target.type === "number") this.read(); });
    const limits = { size: [1, 4], stride: [1, 3], padding: [0, 2], extra: [0, 2] };
    this.sliders = {};
    for (const [name, [low, high]] of Object.entries(limits)) {
      this.sliders[name] = slider(this.shadowRoot, name, high, (value) => this.set(name, value));
      this.find(`[name=${name}]`).min = low;
    }
    this.find("[name=next]").addEventListener("click", () => this.stepBy(1));
    this.find("[name=back]").addEventListener("click", () => this.stepBy(-1));
    this.find("[name=claim]").addEventListener("click", () => this.claim());
  }

  read() {
    this.input = readFields(this.shadowRoot, "x", this.input.length, this.input[0].length);
    this.kernel = readFields(this.shadowRoot, "k", 4, 4);
    this.change();
  }

  set(name, value) {
    this[name] = value;
    this.extra = Math.min(this.extra, this.stride - 1);       // as torch demands
    this.change();
  }

  change() {
    this.verdict = [false, HINT];
    this.move(this.here.row, this.here.column);
  }

  move(row, column) {
    const [rows, columns] = this.sides();
    this.here = { row: clamp(row, 0, rows - 1), column: clamp(column, 0, columns - 1) };
    if (this.isConnected) this.draw();
  }

  stepBy(by) {
    const all = this.maps()[0] * this.maps()[1] + 1;
    this.step = (Math.min(this.step, all - 1) + by + all) % all;
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

  /** The stamps, the first `step` of them, that reach pixel (i, j) of the uncut output: [[row, column, kernel row, column], …]. */
  stamps(i, j, step = Infinity) {
    const [rows, columns] = this.maps();
    const found = [];
    for (let r = 0; r < rows; r += 1) {
      for (let c = 0; c < columns; c += 1) {
        const [a, b] = [i - r * this.stride, j - c * this.stride];
        if (r * columns + c < step && a >= 0 && b >= 0 && a < this.size && b < this.size) found.push([r, c, a, b]);
      }
    }
    return found;
  }

  value(i, j, step) {
    const stamps = this.stamps(i, j, step);
    if (this.view === "counts") return stamps.length;
    return stamps.reduce((sum, [r, c, a, b]) => sum + this.input[r][c] * this.kernel[a][b], 0);
  }

  draw() {
    const [rows, columns] = this.sides();
    const [inputRows, inputColumns] = this.maps();
    this.step = Math.min(this.step, inputRows * inputColumns);
    const { row, column } = this.here;
    let most = 1e-9;
    for (let i = 0; i < rows; i += 1) for (let j = 0; j < columns; j += 1) most = Math.max(most, Math.abs(this.value(i, j)));
    const last = this.step - 1;
    const [top, left] = [Math.floor(last / inputColumns) * this.stride, (last % inputColumns) * this.stride];
    drawGrid(this, this.find(".out"), rows, columns, this.stage(), (i, j) => {
      const fresh = last >= 0 && i >= top && j >= left && i < top + this.size && j < left + this.size;
      const value = this.value(i, j, this.step);
      return { text: short(value), share: Math.abs(value) / most, out: !this.inside(i, j),
        ring: i === row && j === column ? "here" : fresh ? "source" : "" };
    }, 92);
    for (const input of this.shadowRoot.querySelectorAll(".kernel input")) {
      const [i, j] = input.name.slice(1).split("-").map(Number);
      input.parentElement.hidden = i >= this.size || j >= this.size;
    }
    this.find(".pair").hidden = this.view === "counts";        // places count there, not numbers
    for (const name of Object.keys(this.sliders)) this.sliders[name].set(this[name]);
    this.write();
  }

  write() {
    const { row, column } = this.here;
    const [rows, columns] = this.maps();
    const stamps = this.stamps(row, column, this.step);
    const total = this.value(row, column, this.step);
    const value = short(total);
    const sign = Math.abs(Number(value) - total) < 1e-9 ? "=" : "≈";
    const inside = this.inside(row, column);
    const name = inside ? `Output row ${row - this.padding}, column ${column - this.padding}` : "This pixel is cut off";
    const sum = this.view === "counts" ? `${stamps.length} of ${this.step} stamps reach it`
      : stamps.length ? `${stamps.map(([r, c, a, b]) => `${short(this.input[r][c])} · ${short(this.kernel[a][b])}`).join(" + ")} ${sign} ${value}`
        : "no stamp has reached it";
    say(this.find(".answer"), `${name}: ${sum}. Stamps placed: ${this.step} of ${rows * columns}.`);
    const [height, width] = this.kept();
    say(this.find(".size"), Math.min(height, width) < 1 ? "The padding cuts everything off."
      : `${this.view === "counts" ? `Of a map of ${rows} × ${columns}. ` : ""}Output: (${rows} − 1) · ${this.stride} − 2 · ${this.padding} + ${this.size} + ${this.extra} = ${height} rows`
        + `${width === height ? " and columns" : `, ${width} columns`}. Struck-out cells are cut off.`);
    this.find(".out").setAttribute("aria-label", `The output, ${height} rows and ${width} columns, after ${this.step} stamps`
      + `${this.view === "counts" ? ", as counts" : ""}. ${name}, is ${value}. Arrow keys choose another pixel.`);
    this.writeTask();
  }

  /** Stamps that reach each pixel of a long row, away from its ends. */
  inner() {
    const n = 12;
    const counts = new Array((n - 1) * this.stride + this.size).fill(0);
    for (let c = 0; c < n; c += 1) for (let b = 0; b < this.size; b += 1) counts[c * this.stride + b] += 1;
    return counts.slice(4, -4);
  }

  claim() {
    const [least, most] = [Math.min(...this.inner()), Math.max(...this.inner())];
    if (this.stride === 1) this.verdict = [false, "Not yet: with stride 1 nothing grows. Choose a stride above 1."];
    else if (least !== most) {
      this.verdict = [false, `Not yet: in each row some pixels are reached by ${least} and others by ${most} stamps, away from the ends.`];
    } else {
      this.verdict = [true, `✓ Solved. The stride ${this.stride} divides the kernel's side ${this.size}: away from the ends, `
        + `${least === 1 ? "one stamp reaches" : `${least} stamps in each row reach`} every pixel.`];
    }
    this.draw();
  }
}

define("ck-transposed-convolution", TransposedConvolution);
