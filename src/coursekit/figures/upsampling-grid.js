// <ck-upsampling-grid>, chapter 3: a map of numbers enlarged twofold by five rules; each output pixel shows what it is made of.
//
// data-params: { rule, grid, indices, row, column }: the rule to begin with, the small map, and for max-unpooling the place of
// each value in the large one, row * width + column. All else is computed here, as coursekit.upsample does; the tests compare.

import { choices, fieldsMarkup, groupMarkup, onPointer, readFields, setFields } from "./controls.js";
import { drawGrid } from "./drawing.js";
import { define } from "./figure.js";
import { TaskFigure, canvasMarkup, pictureMarkup } from "./task.js";
import { clamp, say, short } from "./words.js";

const SCALE = 2;
const RULES = {
  nearest: "nearest", squares: "bilinear, align_corners=False", points: "bilinear, align_corners=True",
  nails: "bed of nails", unpool: "max-unpooling",
};

/** Where output pixel `o` of `n * SCALE` lies between the n input pixels: [[input, weight], …]. */
function share(o, n, points) {
  const at = points ? (o * (n - 1)) / Math.max(n * SCALE - 1, 1) : clamp((o + 0.5) / SCALE - 0.5, 0, n - 1);
  const low = Math.min(Math.floor(at), n - 1);
  return [[low, 1 - (at - low)], [low + 1, at - low]].filter(([, weight]) => weight > 1e-9);
}

class UpsamplingGrid extends TaskFigure {
  static style = `
    .rules { grid-template-columns: 1fr 1fr; }
    .rules .choice:first-of-type { grid-column: span 2; }
    @container (min-width: 40rem) {
      .rules { grid-template-columns: 0.7fr 1.2fr 1.2fr 0.9fr 0.9fr; }
      .rules .choice:first-of-type { grid-column: auto; }
    }
    .reading { min-height: 5.4em; }
    .note { min-height: 4.4em; }
  `;

  parts({ grid }) {
    return {
      title: "From a small map to a large one",
      task: "Find a rule and an output pixel in which exactly two input values have a share.",
      claim: "Two share this one", next: "Next pixel", keys: "arrows choose an output pixel",
      settings: groupMarkup("rules", "Rule", "rule", RULES),
      picture: pictureMarkup("out"),
      side: `<output class="reading" aria-live="polite"></output>
        ${canvasMarkup("in")}<p class="note quiet"></p>
        ${fieldsMarkup("x", "The small map: type other numbers", grid)}`,
    };
  }

  ready({ grid, indices }) {
    Object.assign(this, { indices, H: grid.length, W: grid[0].length });
    this.rules = choices(this.shadowRoot, "rule", (rule) => this.change({ rule }));
    onPointer(this.find(".out"), this.W * SCALE, {
      move: (x, y) => this.go(Math.floor(y), Math.floor(x)),
      grabs: (x, y) => Math.floor(y) === this.here.row && Math.floor(x) === this.here.column,
    });
    this.find(".numbers").addEventListener("input", () => this.change({ grid: readFields(this.shadowRoot, "x", this.H, this.W) }));
  }

  begin({ rule, grid, row, column }) {
    Object.assign(this, { rule, grid, here: { row, column } });
    setFields(this.shadowRoot, "x", grid);
  }

  hint() {
    return "Choose a rule and an output pixel, then press the button.";
  }

  go(row, column) {
    this.change({ here: { row: clamp(row, 0, this.H * SCALE - 1), column: clamp(column, 0, this.W * SCALE - 1) } });
  }

  move(dx, dy) {
    this.go(this.here.row + dy, this.here.column + dx);
  }

  step(by) {
    const columns = this.W * SCALE;
    const all = this.H * SCALE * columns;
    const k = (this.here.row * columns + this.here.column + by + all) % all;
    this.go(Math.floor(k / columns), k % columns);
  }

  /** What output pixel (i, j) is made of: [[row, column, weight], …]. */
  sources(i, j) {
    if (this.rule === "nearest") return [[Math.floor(i / SCALE), Math.floor(j / SCALE), 1]];
    if (this.rule === "nails") return i % SCALE || j % SCALE ? [] : [[i / SCALE, j / SCALE, 1]];
    if (this.rule === "unpool") {
      const flat = i * this.W * SCALE + j;
      return this.indices.flatMap((line, r) => line.flatMap((index, c) => (index === flat ? [[r, c, 1]] : [])));
    }
    const points = this.rule === "points";
    return share(i, this.H, points).flatMap(([r, a]) => share(j, this.W, points).map(([c, b]) => [r, c, a * b]));
  }

  value(i, j) {
    return this.sources(i, j).reduce((sum, [r, c, weight]) => sum + weight * this.grid[r][c], 0);
  }

  draw() {
    const { row, column } = this.here;
    const sources = this.sources(row, column);
    const most = Math.max(...this.grid.flat().map(Math.abs), 1e-9);
    drawGrid(this, this.find(".out"), this.H * SCALE, this.W * SCALE, this.stage(), (i, j) => ({
      text: short(this.value(i, j)), share: Math.abs(this.value(i, j)) / most, ring: i === row && j === column ? "here" : "",
    }), { most: Infinity });
    drawGrid(this, this.find(".in"), this.H, this.W, this.find(".side").clientWidth, (i, j) => {
      const found = sources.find(([r, c]) => r === i && c === j);
      const place = this.rule === "unpool" ? `index ${this.indices[i][j]}` : "";
      return { text: short(this.grid[i][j]), note: found && !place ? `× ${short(found[2])}` : place,
        share: Math.abs(this.grid[i][j]) / most, ring: found ? "source" : "" };
    });
    this.rules.set(this.rule);
    this.write(sources);
  }

  write(sources) {
    const { row, column } = this.here;
    const value = short(this.value(row, column));
    const sum = sources.map(([r, c, weight]) => (weight === 1 ? short(this.grid[r][c]) : `${short(weight, 3)} · ${short(this.grid[r][c])}`));
    const exact = (number, digits) => Math.abs(Number(short(number, digits)) - number) < 1e-9;
    const sign = exact(this.value(row, column)) && sources.every(([r, c, weight]) => exact(weight, 3) && exact(this.grid[r][c])) ? "=" : "≈";
    const words = sources.length ? `${sum.join(" + ")}${sources.length > 1 || sources[0][2] !== 1 ? ` ${sign} ${value}` : ""}` : "0: no input value comes here";
    say(this.find(".reading"), `Output row ${row}, column ${column}: ${words}`);
    say(this.find(".note"), {
      nearest: "Each input value fills a block of 2 × 2.",
      squares: "Values sit in the middle of their squares; beyond the outermost ones, the border is repeated.",
      points: "The four corners stay; all other values are spread evenly between them.",
      nails: "Each value in the top left corner of its block; the rest is zero.",
      unpool: `The indices came with the values when a map of ${this.H * SCALE} × ${this.W * SCALE} was max-pooled: row · ${this.W * SCALE} + column.`,
    }[this.rule]);
    this.describe(`The enlarged map, ${this.H * SCALE} rows and ${this.W * SCALE} columns, by ${RULES[this.rule]}. Row ${row}, column ${column} is ${value}.`);
    this.find(".in").setAttribute("aria-label", `The small map; ${sources.length} of its values have a share in the chosen pixel.`);
    this.writeTask();
  }

  judge() {
    const n = this.sources(this.here.row, this.here.column).length;
    return n === 2
      ? [true, "✓ Solved. On the map's border, or level with a value, one of the two directions has nothing to mix."]
      : [false, `Not yet: ${n === 0 ? "no input value has" : n === 1 ? "one input value has" : `${n} input values have`} a share in this pixel.`];
  }
}

define("ck-upsampling-grid", UpsamplingGrid);
