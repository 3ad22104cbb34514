// <ck-grouping>, chapter 8: the hierarchical grouping of one scene, played forwards and back, and what its boxes recall.
//
// data-params: { index, step, scene: { height, width, rgb }, labels, merges, similarities, objects, names }: first regions as
// runs, the two regions that each step joins, their four similarities, and the objects' boxes. scripts/make_figure_data.py
// makes them with coursekit.proposals; boxes of unions, IoU and recall are computed here, as the package does.

import { iou } from "./boxes.js";
import { slider, sliderMarkup } from "./controls.js";
import { boxPath, fitPicture, stroke, strokeTrue, tags } from "./drawing.js";
import { define } from "./figure.js";
import { ANSWER, CHOSEN, TRUE, className } from "./palette.js";
import { decodeRuns, outline, photo } from "./pixels.js";
import { TaskFigure, pictureMarkup } from "./task.js";
import { clamp, plural, reducedMotion, say } from "./words.js";

const KINDS = ["colour", "texture", "size", "fill"];
const PAUSE = 450;            // milliseconds a step while playing

const join = (a, b) => [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])];

class Grouping extends TaskFigure {
  static style = `
    .reading { min-height: 5.4em; }
    .sliders { grid-template-columns: 1fr; }
  `;

  parts({ merges }) {
    return {
      title: "Grouping one scene, step by step",
      task: "Find the step whose union has the box that fits an animal best.",
      claim: "This step", next: "Next step", more: { play: "Play" }, keys: "arrows go a step on or back",
      picture: `${pictureMarkup("main")}<div class="sliders">${sliderMarkup("step", `Step of ${merges.length}`)}</div>`,
      side: `<output class="reading" aria-live="polite"></output>
        <dl class="facts">${KINDS.map((kind) => `<dt>${kind}</dt><dd class="${kind}"></dd>`).join("")}<dt>sum of the four</dt><dd class="sum"></dd></dl>
        <dl class="facts"><dt>boxes so far</dt><dd class="boxes"></dd><dt>recall at IoU 0.5</dt><dd class="recall"></dd>
          <dt>mean best overlap</dt><dd class="overlap"></dd><dt>newest box, best IoU</dt><dd class="newest"></dd></dl>
        <p class="quiet">Orange: the two regions that are joined next, and their similarities. Violet: the newest union’s box. Dotted: the animals.</p>`,
    };
  }

  ready({ scene, labels, merges, similarities, objects, names }) {
    const { height, width } = scene;
    Object.assign(this, { height, width, merges, similarities, objects, names, photo: photo(scene) });
    this.labels = decodeRuns(labels, height * width);
    this.boxes = this.firstBoxes();
    this.first = this.boxes.length;
    merges.forEach(([i, j]) => this.boxes.push(join(this.boxes[i], this.boxes[j])));
    this.slider = slider(this.shadowRoot, "step", merges.length, (value) => this.go(value));
    this.find("[name=play]").addEventListener("click", () => this.play());
  }

  begin({ step }) {
    this.stop();
    this.done = clamp(step, 0, this.merges.length);
  }

  hint() {
    return "Go to a step, look at the newest union’s box, then press the button.";
  }

  firstBoxes() {
    const boxes = [];
    this.labels.forEach((label, k) => {
      const [x, y] = [k % this.width, Math.floor(k / this.width)];
      boxes[label] = join(boxes[label] ?? [x, y, x + 1, y + 1], [x, y, x + 1, y + 1]);
    });
    return boxes;
  }

  go(step) {
    this.stop();
    this.show(step);
  }

  step(by) {
    this.go(this.done + by);
  }

  move(dx, dy) {
    this.step(Math.sign(dx + dy));
  }

  show(step) {
    this.change({ done: clamp(step, 0, this.merges.length) });
  }

  stop() {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  play() {
    if (this.timer) { this.go(this.done); return; }
    if (this.done === this.merges.length) this.done = 0;
    this.timer = setInterval(() => {
      this.show(this.done + 1);
      if (this.done === this.merges.length || !this.isConnected) this.go(this.done);
    }, reducedMotion() ? 3 * PAUSE : PAUSE);
    this.draw();
  }

  /** Which region each first region belongs to after `step` unions. */
  owners(step) {
    const owner = this.boxes.map((_, k) => k);
    for (let s = 0; s < step; s += 1) {
      const [i, j] = this.merges[s];
      for (let k = 0; k < this.first; k += 1) if (owner[k] === i || owner[k] === j) owner[k] = this.first + s;
    }
    return owner;
  }

  best(boxes) {
    return this.objects.map((object) => Math.max(...boxes.map((box) => iou(box, object))));
  }

  fit(step) {
    return Math.max(...this.objects.map((object) => iou(this.boxes[this.first + step - 1], object)));
  }

  draw() {
    const { done, first } = this;
    const owner = this.owners(done);
    const view = fitPicture(this.find("canvas.main"), this.photo, this.stage());
    const edges = new Path2D();
    const shape = (region) => outline(this.width, this.height, (k) => owner[this.labels[k]] === region);
    for (const region of new Set(owner.slice(0, first))) edges.addPath(shape(region));
    this.drawEdges(view, edges);
    const pair = this.merges[done];
    pair?.forEach((region) => stroke(view, shape(region), CHOSEN, 2.5));
    if (done > 0) stroke(view, boxPath(this.boxes[first + done - 1]), ANSWER, 4);
    for (const object of this.objects) strokeTrue(view, boxPath(object));
    tags(view, this.objects.map(([x, y], k) => ({ text: className(this.names[k]), x, y, color: TRUE, corner: true })));
    this.slider.set(done);
    say(this.find("[name=play]"), this.timer ? "Stop" : "Play");
    this.write(pair);
  }

  /** The regions' edges: thin and light, so that the boxes stand out. */
  drawEdges({ context, scale, ratio }, edges) {
    context.save();
    context.setTransform(scale, 0, 0, scale, 0, 0);
    [context.strokeStyle, context.lineWidth] = ["rgba(255, 255, 255, 0.8)", ratio / scale];
    context.stroke(edges);
    context.restore();
  }

  write(pair) {
    const { done: step, first } = this;
    const best = this.best(this.boxes.slice(0, first + step));
    const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
    const next = pair ? `Regions ${pair[0]} and ${pair[1]}, framed in orange, are joined next.` : "One region is left: the whole picture.";
    say(this.find(".reading"), `Step ${step}: ${plural(first - step, "region")}. ${next}`);
    const values = pair ? this.similarities[step] : [];
    KINDS.forEach((kind, k) => say(this.find(`.${kind}`), pair ? values[k].toFixed(3) : "–"));
    say(this.find(".sum"), pair ? values.reduce((a, b) => a + b, 0).toFixed(3) : "–");
    say(this.find(".boxes"), String(first + step));
    say(this.find(".recall"), mean(best.map((value) => Number(value >= 0.5))).toFixed(2));
    say(this.find(".overlap"), mean(best).toFixed(3));
    say(this.find(".newest"), step ? this.fit(step).toFixed(3) : "–");
    this.describe(`The scene after ${step} of ${this.merges.length} unions: ${plural(first - step, "region")}. Dotted boxes are the animals’, the thick one is the newest union’s.`);
    this.writeTask();
  }

  judge() {
    const fits = this.merges.map((_, s) => this.fit(s + 1));
    const mine = this.done ? this.fit(this.done) : 0;
    const better = fits.filter((fit) => fit > mine).length;
    if (this.done === 0) return [false, "Not yet: nothing has been joined. Go to a later step."];
    if (better) return [false, `Not yet: this union’s best IoU is ${mine.toFixed(3)}; ${better} other ${better === 1 ? "union fits" : "unions fit"} an animal better.`];
    return [true, `✓ Solved. The union of step ${this.done} overlaps an animal’s box with an IoU of ${mine.toFixed(3)}, more than any other.`];
  }
}

define("ck-grouping", Grouping);
