// <ck-decoders>, chapter 5: one scene, and what nine decoders over one encoder say of it; wrong pixels are marked.
//
// data-params: { index, scene: { height, width, rgb, semantic }, names, answers, decoder, view }: the answers are maps of class
// ids as runs, one for each name. scripts/make_figure_data.py makes them with the package's trained weights; the shares and the
// IoU are counted here, as coursekit.metrics does.

import { choices, groupMarkup, onPointer } from "./controls.js";
import { boxPath, fitPicture, stroke } from "./drawing.js";
import { define } from "./figure.js";
import { CHOSEN, CLASSES, VOID, classColor, className, rgbOf } from "./palette.js";
import { decodeBytes, decodeRuns, raster } from "./pixels.js";
import { TaskFigure, canvasMarkup, pictureMarkup } from "./task.js";
import { clamp, say } from "./words.js";

const REACH = 2;              // pixels to an outline that count as near
const VIEWS = { answer: "its answer", wrong: "wrong pixels", near: "wrong near outlines" };
const percent = (share) => `${(100 * share).toFixed(1)} %`;

class Decoders extends TaskFigure {
  static style = `
    .names { grid-template-columns: repeat(3, 1fr); margin-bottom: 0.5rem; }
    .views { grid-template-columns: repeat(3, 1fr); }
    .reading { min-height: 5.4em; }
    @container (min-width: 40rem) { .names { grid-template-columns: repeat(5, 1fr); } }
  `;

  parts({ names }) {
    return {
      title: "Nine decoders, one scene",
      task: "Find the decoder that is right most often near the outlines.",
      claim: "This one", keys: "arrows choose a pixel (Shift: eight pixels)",
      settings: groupMarkup("names", "Decoder", "decoder", Object.fromEntries(names.map((name) => [name, name]))) + groupMarkup("views", "Shown", "view", VIEWS),
      picture: pictureMarkup("main"),
      side: `<output class="reading" aria-live="polite"></output>
        <dl class="facts"><dt>right pixels</dt><dd class="right"></dd><dt>mean IoU of this scene</dt><dd class="iou"></dd>
          <dt>right within ${REACH} pixels of an outline</dt><dd class="edge"></dd></dl>
        <div><span class="label">The truth</span>${canvasMarkup("truth")}</div>`,
    };
  }

  ready({ scene: { height, width, rgb, semantic }, names, answers }) {
    Object.assign(this, { height, width, names, size: height * width, pictures: {} });
    const bytes = decodeBytes(rgb);
    this.rgb = (k) => [...bytes.subarray(3 * k, 3 * k + 3)];
    this.semantic = decodeRuns(semantic, this.size);
    this.answers = Object.fromEntries(names.map((name, n) => [name, decodeRuns(answers[n], this.size)]));
    this.near = this.outlines();
    this.scores = Object.fromEntries(names.map((name) => [name, this.score(this.answers[name])]));
    onPointer(this.find("canvas.main"), width, {
      move: (x, y) => this.go(Math.floor(x), Math.floor(y)),
      grabs: (x, y) => Math.hypot(x - this.here.x, y - this.here.y) < 12,
    });
    this.controls = {
      decoder: choices(this.shadowRoot, "decoder", (decoder) => this.change({ decoder })),
      view: choices(this.shadowRoot, "view", (view) => { this.view = view; this.draw(); }),
    };
  }

  begin({ decoder, view }) {
    Object.assign(this, { decoder, view, here: { x: this.width >> 1, y: this.height >> 1 } });
  }

  hint() {
    return "Look at the decoders’ numbers, choose one, then press the button.";
  }

  go(x, y) {
    this.here = { x: clamp(x, 0, this.width - 1), y: clamp(y, 0, this.height - 1) };
    this.draw();
  }

  move(dx, dy) {
    this.go(this.here.x + dx, this.here.y + dy);
  }

  /** 1 at every pixel that has another class within REACH rows and columns. */
  outlines() {
    const near = new Uint8Array(this.size);
    for (let y = 0; y < this.height; y += 1) {
      for (let x = 0; x < this.width; x += 1) {
        const id = this.semantic[y * this.width + x];
        for (let v = Math.max(y - REACH, 0); v <= Math.min(y + REACH, this.height - 1); v += 1) {
          for (let u = Math.max(x - REACH, 0); u <= Math.min(x + REACH, this.width - 1); u += 1) {
            if (this.semantic[v * this.width + u] !== id) near[y * this.width + x] = 1;
          }
        }
      }
    }
    return near;
  }

  /** Shares of right pixels, everywhere and near outlines, and the mean IoU; void counts nowhere. */
  score(answer) {
    const [inter, union] = [new Array(CLASSES.length).fill(0), new Array(CLASSES.length).fill(0)];
    const count = { all: 0, right: 0, near: 0, nearRight: 0 };
    for (let k = 0; k < this.size; k += 1) {
      const [truth, said] = [this.semantic[k], answer[k]];
      if (truth === VOID) continue;
      const right = truth === said;
      count.all += 1;
      count.right += right;
      count.near += this.near[k];
      count.nearRight += right && this.near[k];
      union[truth] += 1;
      if (right) inter[truth] += 1;
      else union[said] += 1;
    }
    const ious = union.flatMap((u, id) => (u ? [inter[id] / u] : []));
    return { right: count.right / count.all, edge: count.nearRight / count.near, iou: ious.reduce((a, b) => a + b, 0) / ious.length };
  }

  draw() {
    const answer = this.answers[this.decoder];
    const colors = CLASSES.map((_, id) => rgbOf(classColor(this, id)));
    const mix = (color, under, share) => color.map((v, n) => share * v + (1 - share) * under[n]);
    const paint = (ids) => (k) => [...mix(ids[k] === VOID ? [255, 255, 255] : colors[ids[k]], this.rgb(k), 0.75), 255];
    const marked = (k) => {
      const wrong = answer[k] !== this.semantic[k] && this.semantic[k] !== VOID && (this.view === "wrong" || this.near[k]);
      if (!wrong) return [...mix([255, 255, 255], this.rgb(k), 0.35), 255];
      return ((k % this.width) + Math.floor(k / this.width)) % 2 ? [0, 0, 0, 255] : [255, 255, 255, 255];
    };
    const shown = this.picture(`${this.view} ${this.decoder}`, this.view === "answer" ? paint(answer) : marked);
    const view = fitPicture(this.find("canvas.main"), shown, this.stage());
    const { x, y } = this.here;
    stroke(view, boxPath([x, y, x + 1, y + 1]), CHOSEN, 2);
    fitPicture(this.find("canvas.truth"), this.picture("truth", paint(this.semantic)), Math.min(this.find(".side").clientWidth, 200));
    for (const name of ["decoder", "view"]) this.controls[name].set(this[name]);
    this.write(answer);
  }

  /** A picture, painted once for each colour scheme: a cursor that moves paints nothing anew. */
  picture(name, pixel) {
    return (this.pictures[`${this.dataset.scheme} ${name}`] ??= raster(this.width, this.height, pixel));
  }

  write(answer) {
    const { x, y } = this.here;
    const k = y * this.width + x;
    const { right, iou, edge } = this.scores[this.decoder];
    say(this.find(".reading"), `x ${x}, y ${y}: ${this.decoder} says ${className(answer[k])}, the truth is ${className(this.semantic[k])}.`);
    say(this.find(".right"), percent(right));
    say(this.find(".iou"), iou.toFixed(3));
    say(this.find(".edge"), percent(edge));
    this.describe(`The scene with ${VIEWS[this.view]} of ${this.decoder}: ${percent(right)} of the pixels are right, ${percent(edge)} near the outlines.`);
    this.find("canvas.truth").setAttribute("aria-label", "The true classes of the scene.");
    this.writeTask();
  }

  judge() {
    const mine = this.scores[this.decoder].edge;
    const better = this.names.filter((name) => this.scores[name].edge > mine).length;
    return better === 0
      ? [true, `✓ Solved. Near the outlines, ${this.decoder} is right at ${percent(mine)} of the pixels, more than any other in this scene.`]
      : [false, `Not yet: near the outlines, ${better} of the other decoders ${better === 1 ? "is" : "are"} right more often.`];
  }
}

define("ck-decoders", Decoders);
