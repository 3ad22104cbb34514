// <ck-grouping>, chapter 8: the hierarchical grouping of one scene, played forwards and back, and what its boxes recall.
//
// data-params: { index, step, scene: { height, width, rgb }, labels, merges, similarities, objects, names }: first regions as
// runs, the two regions that each step joins, their four similarities, and the objects' boxes. scripts/make_figure_data.py
// makes them with coursekit.proposals; boxes of unions, IoU and recall are computed here, as the package does.

import {
  Figure, boxPath, clamp, className, count, decodeBytes, decodeRuns, define, fitCanvas, onKeys, outline, raster, reducedMotion, say,
  slider, sliderMarkup, stroke, tags,
} from "./kit.js";

const HINT = "Go to a step, look at the newest union's box, then press the button.";
const KINDS = ["colour", "texture", "size", "fill"];
const PAUSE = 450;            // milliseconds a step while playing

const join = (a, b) => [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])];
const area = ([x1, y1, x2, y2]) => Math.max(x2 - x1, 0) * Math.max(y2 - y1, 0);
const iou = (a, b) => {
  const inter = area([Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])]);
  return inter / (area(a) + area(b) - inter);
};

class Grouping extends Figure {
  static style = `
    dl { display: grid; grid-template-columns: 1fr auto; gap: 0.15rem 0.8rem; margin: 0; font-size: 0.9rem; }
    dt, dd { margin: 0; font-variant-numeric: tabular-nums; }
    dd { text-align: right; font-weight: 600; }
    .here { min-height: 4.4em; }
    .sliders { grid-template-columns: 1fr; }
  `;

  markup({ merges }) {
    return `<figure aria-labelledby="title">
      <figcaption id="title">Grouping one scene, step by step</figcaption>
      <div class="body">
        <div><canvas class="main" role="img" tabindex="0"></canvas>
          <div class="sliders">${sliderMarkup("step", `Step of ${merges.length}`)}</div>
          <div class="steps"><button type="button" name="back">Back</button><button type="button" name="next">Next</button>
            <button type="button" name="play">Play</button></div></div>
        <div class="side">
          <output class="here" aria-live="polite"></output>
          <dl>${KINDS.map((kind) => `<dt>${kind}</dt><dd class="${kind}"></dd>`).join("")}<dt>sum</dt><dd class="sum"></dd></dl>
          <dl><dt>boxes so far</dt><dd class="boxes"></dd><dt>recall at IoU 0.5</dt><dd class="recall"></dd>
            <dt>mean best overlap</dt><dd class="overlap"></dd><dt>newest box, best IoU</dt><dd class="newest"></dd></dl>
        </div>
      </div>
      <div class="task">
        <p><b>Task.</b> Find the step whose union has the box that fits an animal best (the thick solid box).</p>
        <div class="row"><button type="button" class="main" name="claim">This step</button></div>
        <output class="verdict" aria-live="polite"></output>
      </div>
    </figure>`;
  }

  start({ step, scene: { height, width, rgb }, labels, merges, similarities, objects, names }) {
    Object.assign(this, { height, width, merges, similarities, objects, names, size: height * width });
    this.labels = decodeRuns(labels, this.size);
    const bytes = decodeBytes(rgb);
    this.photo = raster(width, height, (k) => [...bytes.subarray(3 * k, 3 * k + 3), 255]);
    this.boxes = this.firstBoxes();
    this.first = this.boxes.length;
    merges.forEach(([i, j]) => this.boxes.push(join(this.boxes[i], this.boxes[j])));
    this.verdict = [false, HINT];
    this.slider = slider(this.shadowRoot, "step", merges.length, (value) => this.go(value));
    onKeys(this.find("canvas.main"), (dx, dy) => this.go(this.step + dx - dy), () => this.claim());
    this.find("[name=back]").addEventListener("click", () => this.go(this.step - 1));
    this.find("[name=next]").addEventListener("click", () => this.go(this.step + 1));
    this.find("[name=play]").addEventListener("click", () => this.play());
    this.find("[name=claim]").addEventListener("click", () => this.claim());
    this.step = clamp(step, 0, merges.length);
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
    clearInterval(this.timer);
    this.timer = undefined;
    this.show(step);
  }

  show(step) {
    this.step = clamp(step, 0, this.merges.length);
    this.verdict = [false, HINT];
    this.draw();
  }

  play() {
    if (this.timer) { this.go(this.step); return; }
    if (this.step === this.merges.length) this.step = 0;
    this.timer = setInterval(() => {
      this.show(this.step + 1);
      if (this.step === this.merges.length || !this.isConnected) this.go(this.step);
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
    const { step, first } = this;
    const owner = this.owners(step);
    const canvas = this.find("canvas.main");
    const view = fitCanvas(canvas, this.width, this.height, this.stage());
    view.context.drawImage(this.photo, 0, 0, canvas.width, canvas.height);
    const edges = new Path2D();
    for (const region of new Set(owner.slice(0, first))) edges.addPath(outline(this.width, this.height, (k) => owner[this.labels[k]] === region));
    stroke(view, edges, "#111418", 0.75);
    const pair = this.merges[step];
    if (pair) {
      pair.forEach((region) => stroke(view, outline(this.width, this.height, (k) => owner[this.labels[k]] === region), "#C8385A", 2.5));
    }
    if (step > 0) stroke(view, boxPath(this.boxes[first + step - 1]), "#1F6FB5", 4);
    view.context.setLineDash([6 * view.ratio / view.scale, 4 * view.ratio / view.scale]);
    for (const object of this.objects) stroke(view, boxPath(object), "#E09B12", 1.5);
    view.context.setLineDash([]);
    tags(view, this.objects.map(([x, y], k) => ({ text: className(this.names[k]), x, y, color: "#E09B12", corner: true })));
    this.slider.set(step);
    say(this.find("[name=play]"), this.timer ? "Stop" : "Play");
    this.write(pair);
  }

  write(pair) {
    const { step, first } = this;
    const best = this.best(this.boxes.slice(0, first + step));
    const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
    const next = pair ? `Regions ${pair[0]} and ${pair[1]}, framed, are joined next.` : "One region is left: the whole picture.";
    say(this.find(".here"), `Step ${step}: ${count(first - step)} regions. ${next}`);
    const values = pair ? this.similarities[step] : [];
    KINDS.forEach((kind, k) => say(this.find(`.${kind}`), pair ? values[k].toFixed(3) : "–"));
    say(this.find(".sum"), pair ? values.reduce((a, b) => a + b, 0).toFixed(3) : "–");
    say(this.find(".boxes"), String(first + step));
    say(this.find(".recall"), mean(best.map((value) => Number(value >= 0.5))).toFixed(2));
    say(this.find(".overlap"), mean(best).toFixed(3));
    say(this.find(".newest"), step ? this.fit(step).toFixed(3) : "–");
    this.find("canvas.main").setAttribute("aria-label", `The scene after ${step} of ${this.merges.length} unions: ${first - step} regions. `
      + "Dashed boxes are the animals', the thick solid box is the newest union's. Arrow keys go a step on or back.");
    this.writeTask();
  }

  claim() {
    const fits = this.merges.map((_, s) => this.fit(s + 1));
    const most = Math.max(...fits);
    const mine = this.step ? this.fit(this.step) : 0;
    if (this.step === 0) this.verdict = [false, "Not yet: nothing has been joined. Go to a later step."];
    else if (mine === most) this.verdict = [true, `✓ Solved. The union of step ${this.step} overlaps an animal's box with an IoU of ${mine.toFixed(3)}, more than any other.`];
    else this.verdict = [false, `Not yet: this union's best IoU is ${mine.toFixed(3)}; ${fits.filter((fit) => fit > mine).length} other unions fit an animal better.`];
    this.draw();
  }
}

define("ck-grouping", Grouping);
