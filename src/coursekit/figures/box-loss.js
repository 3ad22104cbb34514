// <ck-box-loss>, chapter 6: a box dragged over an object; four losses, their gradients at the four sides, and steps downhill.
//
// data-params: { index, scene: { height, width, rgb }, truth: [x1, y1, x2, y2], box, loss }. Boxes are in pixels; the losses see
// them in fractions of the picture, as chapter 6 does. Values and gradients are computed here, with torch's own rules where two
// coordinates are equal (each gets half of a maximum's gradient); the tests compare them with coursekit.box_losses.

import { choices, groupMarkup, onDrag } from "./controls.js";
import { boxPath, fitPicture, stroke, strokeTrue, tags } from "./drawing.js";
import { define } from "./figure.js";
import { ANSWER, TRUE } from "./palette.js";
import { photo } from "./pixels.js";
import { TaskFigure, pictureMarkup } from "./task.js";
import { clamp, say } from "./words.js";

const FONT = 0.76;      // of the table, in rem
const LOSSES = { l1: "L1", l2: "L2", iou: "1 − IoU", giou: "1 − GIoU" };
const PARTS = { whole: "whole box", first: "top left", last: "bottom right" };
const GRIPS = { whole: "the whole answer", first: "its top left corner", last: "its bottom right corner" };
const SIDES = ["x1", "y1", "x2", "y2"];
const [STEPS, RATE, LEAST] = [20, 0.002, 4];      // steps downhill, their learning rate; the box's least side in pixels
const number = (value) => (Math.abs(value) < 5e-4 ? "0" : value.toFixed(3).replace("-", "−"));

/** The larger of a and b, and its slope in a; of two equal ones, half. */
const larger = (a, b) => [Math.max(a, b), a === b ? 0.5 : Number(a > b)];
const smaller = (a, b) => [Math.min(a, b), a === b ? 0.5 : Number(a < b)];

/** What the boxes share, cover together and need around them; each as [value, its slopes in the four sides of `p`]. */
function areas(p, t) {
  const [low, high] = [[0, 1].map((k) => larger(p[k], t[k])), [2, 3].map((k) => smaller(p[k], t[k]))];
  const side = [0, 1].map((k) => Math.max(high[k][0] - low[k][0], 0));
  const live = [0, 1].map((k) => Number(high[k][0] - low[k][0] > 0));
  const inter = [side[0] * side[1], [0, 1, 0, 1].map((k, i) => (i < 2 ? -low[k][1] : high[k][1]) * live[k] * side[1 - k])];
  const own = [p[2] - p[0], p[3] - p[1]];
  const union = [own[0] * own[1] + (t[2] - t[0]) * (t[3] - t[1]) - inter[0],
    [-own[1], -own[0], own[1], own[0]].map((slope, i) => slope - inter[1][i])];
  const [first, last] = [[0, 1].map((k) => smaller(p[k], t[k])), [2, 3].map((k) => larger(p[k], t[k]))];
  const wide = [0, 1].map((k) => last[k][0] - first[k][0]);
  const around = [wide[0] * wide[1], [0, 1, 0, 1].map((k, i) => (i < 2 ? -first[k][1] : last[k][1]) * wide[1 - k])];
  return { inter, union, around };
}

/** [a / b, its slopes]. */
const ratio = ([a, da], [b, db]) => [a / b, da.map((slope, i) => (slope * b - a * db[i]) / (b * b))];

/** Value and gradient of every loss, for boxes in fractions. */
export function boxLosses(p, t) {
  const d = p.map((value, i) => value - t[i]);
  const { inter, union, around } = areas(p, t);
  const [iou, slopes] = ratio(inter, union);
  const [full, fuller] = ratio(union, around);
  return {
    l1: [d.reduce((sum, x) => sum + Math.abs(x), 0), d.map(Math.sign)],
    l2: [d.reduce((sum, x) => sum + x * x, 0), d.map((x) => 2 * x)],
    iou: [1 - iou, slopes.map((x) => -x)],
    giou: [2 - iou - full, slopes.map((x, i) => -x - fuller[i])],
  };
}

class BoxLoss extends TaskFigure {
  static style = `
    .losses { grid-template-columns: repeat(4, auto); margin: 0; }
    .losses .choice { white-space: nowrap; }
    .parts { grid-template-columns: repeat(3, 1fr); margin: 0.6rem 0 0; }
    table.values { font-size: ${FONT}rem; height: 9.6rem; }
    .values th, .values td { padding: 0.2rem 0; border: 0; }
    .values th:first-child { white-space: nowrap; }
    .values tr.chosen > * { font-weight: 700; background: var(--soft); }
    .reading { min-height: 7em; }
  `;

  parts() {
    const rows = Object.entries(LOSSES).map(([key, name]) =>
      `<tr class="${key}"><th scope="row">${name}</th>${"<td></td>".repeat(5)}</tr>`);
    return {
      title: "Four losses of one box",
      task: "Find a place for the answer where the gradient of 1 − IoU is zero at all four sides, though that of L1 is not.",
      claim: "It is flat here", more: { down: `${STEPS} steps downhill` }, keys: "arrows move the answer or its corner (Shift: eight pixels)",
      picture: `${pictureMarkup("scene")}${groupMarkup("parts", "Arrow keys move", "part", PARTS)}`,
      side: `<output class="reading" aria-live="polite"></output>
        ${groupMarkup("losses", "Arrows of the loss", "loss", LOSSES)}
        <table class="values"><caption class="label">Losses, and gradients at the sides; boxes in fractions</caption>
          <thead><tr><th scope="col">loss</th><th scope="col">value</th>${SIDES.map((side) => `<th scope="col">${side}</th>`).join("")}</tr></thead>
          <tbody>${rows.join("")}</tbody></table>
        <p class="quiet">Dotted: the true box. Violet: the answer. Arrows: downhill, the longer the steeper.</p>`,
    };
  }

  ready({ scene, truth }) {
    const { height, width } = scene;
    Object.assign(this, { height, width, truth, picture: photo(scene) });
    onDrag(this.find(".scene"), width, { part: (x, y) => this.partAt(x, y), move: (...by) => this.moveBy(...by), begin: (grip) => this.hold(grip) });
    this.controls = {
      grip: choices(this.shadowRoot, "part", (grip) => this.hold(grip)),
      loss: choices(this.shadowRoot, "loss", (loss) => { this.loss = loss; this.draw(); }),
    };
    this.find("[name=down]").addEventListener("click", () => this.down());
  }

  begin({ box, loss }) {
    Object.assign(this, { loss, box: [...box], grip: "whole" });
  }

  hint() {
    return "Drag the answer or its corners, look at the gradients, then press the button.";
  }

  /** The part of the answer under a pointer: a corner, the whole box, or null. */
  partAt(x, y) {
    const [x1, y1, x2, y2] = this.box;
    if (Math.hypot(x - x1, y - y1) < 9) return "first";
    if (Math.hypot(x - x2, y - y2) < 9) return "last";
    return x1 <= x && x <= x2 && y1 <= y && y <= y2 ? "whole" : null;
  }

  hold(grip) {
    this.grip = grip;
    this.draw();
  }

  move(dx, dy) {
    this.moveBy(this.grip, dx, dy);
  }

  moveBy(part, dx, dy) {
    const [x1, y1, x2, y2] = this.box;
    if (part === "whole") {
      const [right, lower] = [clamp(dx, -x1, this.width - x2), clamp(dy, -y1, this.height - y2)];
      this.put([x1 + right, y1 + lower, x2 + right, y2 + lower]);
    } else if (part === "first") {
      this.put([clamp(x1 + dx, 0, x2 - LEAST), clamp(y1 + dy, 0, y2 - LEAST), x2, y2]);
    } else {
      this.put([x1, y1, clamp(x2 + dx, x1 + LEAST, this.width), clamp(y2 + dy, y1 + LEAST, this.height)]);
    }
  }

  put(box) {
    this.change({ box });
  }

  fractions(box) {
    return box.map((value, i) => value / (i % 2 ? this.height : this.width));
  }

  losses() {
    return boxLosses(this.fractions(this.box), this.fractions(this.truth));
  }

  /** Gradient descent on the chosen loss, kept inside the picture. */
  down() {
    for (let n = 0; n < STEPS; n += 1) {
      const [, slopes] = this.losses()[this.loss];
      const [x1, y1, x2, y2] = this.box.map((value, i) => value - RATE * slopes[i] * (i % 2 ? this.height : this.width));
      const [left, top] = [clamp(x1, 0, this.width - LEAST), clamp(y1, 0, this.height - LEAST)];
      this.box = [left, top, clamp(x2, left + LEAST, this.width), clamp(y2, top + LEAST, this.height)];
    }
    this.put(this.box);
  }

  judge() {
    const { l1, iou } = this.losses();
    const flat = iou[1].every((slope) => Math.abs(slope) < 1e-9);
    return flat && l1[1].some((slope) => slope !== 0)
      ? [true, "✓ Solved. The boxes share nothing, so 1 − IoU is 1, and stays 1 further away: it says nothing. L1 still points the way, and so does 1 − GIoU."]
      : [false, "Not yet: the boxes overlap, so 1 − IoU has a slope."];
  }

  draw() {
    const view = fitPicture(this.find(".scene"), this.picture, this.stage());
    strokeTrue(view, boxPath(this.truth), 2);
    stroke(view, boxPath(this.box), ANSWER, 2.5);
    const losses = this.losses();
    stroke(view, this.arrows(losses[this.loss][1]), "#111418", 2);
    const [x1, y1, x2, y2] = this.box;
    for (const [x, y] of [[x1, y1], [x2, y2]]) stroke(view, boxPath([x - 1.5, y - 1.5, x + 1.5, y + 1.5]), ANSWER, 2);
    tags(view, [{ text: "answer", x: x1, y: y1 - 1, color: ANSWER, corner: true },
      { text: "true", x: this.truth[0], y: this.truth[1], color: TRUE, corner: true }]);
    for (const name of ["grip", "loss"]) this.controls[name].set(this[name]);
    this.write(losses);
    const table = this.find(".values");     // a reader's wide font must not push it out of its column
    table.style.fontSize = "";
    const room = table.parentElement.clientWidth / table.offsetWidth;
    if (room < 1) table.style.fontSize = `${FONT * room}rem`;
  }

  /** An arrow at every side's middle, downhill; the longest gradient is 20 pixels long. */
  arrows(slopes) {
    const path = new Path2D();
    const [x1, y1, x2, y2] = this.box;
    const most = Math.max(...slopes.map(Math.abs));
    const middles = [[x1, (y1 + y2) / 2], [(x1 + x2) / 2, y1], [x2, (y1 + y2) / 2], [(x1 + x2) / 2, y2]];
    middles.forEach(([x, y], i) => {
      if (Math.abs(slopes[i]) < 1e-9 || Math.abs(slopes[i]) < most / 50) return;
      const length = (-20 * slopes[i]) / most;
      const tip = Math.sign(length) * Math.min(4, Math.abs(length));
      const [dx, dy] = i % 2 ? [0, 1] : [1, 0];
      path.moveTo(x, y);
      path.lineTo(x + length * dx, y + length * dy);
      for (const side of [-3, 3]) {
        path.moveTo(x + length * dx, y + length * dy);
        path.lineTo(x + (length - tip) * dx + side * dy, y + (length - tip) * dy + side * dx);
      }
    });
    return path;
  }

  write(losses) {
    for (const [key, [value, slopes]] of Object.entries(losses)) {
      const row = this.find(`tr.${key}`);
      row.classList.toggle("chosen", key === this.loss);
      [value, ...slopes].forEach((x, i) => say(row.children[i + 1], number(x)));
    }
    const [, slopes] = losses[this.loss];
    const some = (wanted) => SIDES.filter((_, i) => Math.abs(slopes[i]) >= 5e-4 && slopes[i] > 0 === wanted).join(", ");
    const moving = [["raises", some(false)], ["lowers", some(true)]].flatMap(([verb, which]) => (which ? [`${verb} ${which}`] : []));
    const box = this.box.map((value) => Math.round(value * 10) / 10).join(", ");
    say(this.find(".reading"), `The answer is ${box}; the true box ${this.truth.join(", ")}. `
      + (moving.length ? `Descent on ${LOSSES[this.loss]} ${moving.join(" and ")}.` : `${LOSSES[this.loss]} has no gradient here: descent stays.`));
    this.describe(`A scene with the true box and the answer at ${box}. Arrow keys move ${GRIPS[this.grip]}.`);
    this.writeTask();
  }
}

define("ck-box-loss", BoxLoss);
