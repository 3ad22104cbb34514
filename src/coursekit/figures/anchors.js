// <ck-anchors>, chapter 11: the anchors of a cell, what all of them learn as two thresholds move, and the trained network's proposals before and after NMS.
//
// data-params: { index, scene: { height, width, rgb }, objects, labels, sizes, ratios, stride, rows, columns, positive, negative, rescue, proposals,
// scores, nms, kept, view, row, column }: a scene and its animals' boxes; of a region proposal network the anchors' sizes and ratios, and the boxes that it
// scores highest, by falling score, in tenths of a pixel. All else is computed here, as coursekit.anchors, assignment and boxes do; the tests compare.

import { IGNORED, NEGATIVE, assign, gridAnchors, iou, shapes, strikes } from "./boxes.js";
import { choices, groupMarkup, onPointer, slider, sliderMarkup } from "./controls.js";
import { boxPath, stroke, strokeTrue, tags } from "./drawing.js";
import { define } from "./figure.js";
import { ANSWER, CHOSEN, GONE, TRUE, classColor, className } from "./palette.js";
import { photo } from "./pixels.js";
import { TaskFigure, pictureMarkup } from "./task.js";
import { clamp, count, say } from "./words.js";

const VIEWS = { anchors: "1 Anchors of a cell", assignment: "2 What they learn", proposals: "3 Proposals" };
const SHADES = ["#BBA0DB", "#9A74C4", "#7B4FA3", "#4F2D72"];      // of the anchors, the larger the darker
const USUAL = 70;             // hundredths: the positive IoU of the paper
const hundredths = (share) => Math.round(100 * share);
const written = (percent) => (percent / 100).toFixed(2);

class Anchors extends TaskFigure {
  static style = `
    .views { grid-template-columns: repeat(3, 1fr); }
    .panels { display: grid; }
    .panels > * { grid-area: 1 / 1; min-width: 0; display: flex; flex-direction: column; gap: 0.6rem; }
    .panels > :not(.on) { visibility: hidden; }
    .sliders { grid-template-columns: 1fr; gap: 0.1rem; margin: 0; }
    .slider span { min-width: 5.6rem; }
    .switch { display: flex; align-items: center; gap: 0.5rem; min-height: 1.9rem; font-size: 0.84rem; }
    .switch input { width: 1.15rem; height: 1.15rem; margin: 0; accent-color: var(--accent); }
    .cell tbody th { white-space: nowrap; }
    .cell td b, .cell td span { display: block; }
    .cell td b { font-weight: 500; }
    .cell td span { color: var(--quiet); font-size: 0.75rem; white-space: nowrap; }
    .cell td.best { outline: 2px solid var(--accent); outline-offset: -1px; }
    .cell td.best b { font-weight: 700; }
    .swatch { display: inline-block; width: 0.7rem; height: 0.7rem; margin-right: 0.35rem; border-radius: 2px; border: 1px solid var(--ground); }
    .reading { min-height: 6.8em; }
    .key { margin-top: 0.5rem; min-height: 4.4em; max-width: 26rem; }
    @container (min-width: 40rem) { .key { min-height: 2.9em; } }
  `;

  parts({ sizes, ratios, labels, rescue, proposals }) {
    this.labels = labels;
    const cells = sizes.map((size, s) => `<tr><th scope="row"><i class="swatch" style="background:${SHADES[s % 4]}"></i>${size} px</th>`
      + `${ratios.map(() => "<td><b>&nbsp;</b><span>&nbsp;</span></td>").join("")}</tr>`);
    const rows = labels.map((_, m) => `<tr><th scope="row"><i class="swatch" style="background:${this.colorOf(m)}"></i>${this.nameOf(m)}</th>`
      + `${"<td>&nbsp;</td>".repeat(3)}</tr>`).join("");
    const table = (name, words, heads, body) => `<table class="values ${name}"><caption class="hidden">${words}</caption>
      <thead><tr>${heads.map((head) => `<th scope="col">${head}</th>`).join("")}</tr></thead><tbody>${body}</tbody></table>`;
    const reading = '<output class="reading" aria-live="polite"></output>';
    return {
      title: "Anchors, what they learn, and proposals",
      task: "Without the rescue, find the highest positive IoU at which every animal still has an anchor.",
      claim: "This is the highest", keys: "arrows choose a cell in the first view",
      settings: groupMarkup("views", "View", "view", VIEWS),
      body: (steps) => `<div class="plane">${pictureMarkup("scene")}<p class="quiet key"></p>${steps}</div>
        <div class="panels">
          <div class="anchors">${reading}
            ${table("cell", "The cell’s anchors by size and ratio", ["size", ...ratios.map((ratio) => `h / w = ${ratio}`)], cells.join(""))}
            <p class="quiet">Above: IoU with the animal that the anchor overlaps most. Below: width × height in pixels.</p></div>
          <div class="assignment">${reading}
            <div class="sliders">${sliderMarkup("positive", "Positive IoU")}${sliderMarkup("negative", "Negative IoU")}</div>
            <label class="switch"><input type="checkbox" name="rescue"${rescue ? " checked" : ""}>Rescue: each animal’s best anchor</label>
            ${table("shares", "What all anchors learn", ["positive", "ignored", "negative"], `<tr>${"<td>&nbsp;</td>".repeat(3)}</tr>`)}
            ${table("gains", "The positive anchors of each animal", ["animal", "best IoU", "positive", "by rescue"], rows)}</div>
          <div class="proposals">${reading}
            <div class="sliders">${sliderMarkup("nms", "NMS threshold")}${sliderMarkup("kept", "Keep at most")}</div>
            ${table("found", "The best proposal of each animal", ["animal", "best IoU", "rank", "objectness"], rows)}
            <p class="quiet">The ${proposals.length} boxes that the trained network scores highest here.</p></div>
        </div>`,
    };
  }

  nameOf(m) {
    return `${className(this.labels[m])} ${m}`;
  }

  colorOf(m) {
    return classColor(this, this.labels[m]);
  }

  ready(params) {
    const { scene, objects, sizes, ratios, stride, rows, columns, proposals } = params;
    const { height, width } = scene;
    Object.assign(this, params, { height, width, picture: photo(scene) });
    this.around = shapes(sizes, ratios);
    this.anchors = gridAnchors(rows, columns, stride, this.around);
    this.overlaps = objects.map((object) => this.anchors.map((anchor) => iou(object, anchor)));
    this.hits = objects.map((object) => proposals.map((box) => iou(object.map((side) => 10 * side), box)));
    const at = (x, y) => [y, x].map((side) => Math.floor(side / stride) - 1);       // a margin of one cell around the picture
    onPointer(this.find(".scene"), width + 2 * stride, { move: (x, y) => this.go(...at(x, y)),
      grabs: (x, y) => this.view === "anchors" && Math.hypot(at(x, y)[0] - this.row, at(x, y)[1] - this.column) < 2 });
    const set = (name) => (value) => this.change({ [name]: name === "negative" ? Math.min(value, this.positive) : value });
    const most = { positive: 100, negative: 100, nms: 100, kept: proposals.length };
    this.sliders = Object.fromEntries(Object.entries(most).map(([name, high]) =>
      [name, slider(this.shadowRoot, name, high, set(name), name === "kept" ? String : written)]));
    this.find("[name=rescue]").addEventListener("change", (event) => this.change({ rescue: event.target.checked }));
    this.views = choices(this.shadowRoot, "view", (view) => { this.view = view; this.draw(); });
  }

  begin({ view, row, column, positive, negative, rescue, nms, kept }) {
    Object.assign(this, { view, row, column, rescue, kept, positive: hundredths(positive), negative: hundredths(negative), nms: hundredths(nms) });
    this.find("[name=rescue]").checked = rescue;
  }

  hint() {
    return "Set the positive IoU in the second view, then press the button.";
  }

  go(row, column) {
    if (this.view !== "anchors") return;
    [this.row, this.column] = [clamp(row, 0, this.rows - 1), clamp(column, 0, this.columns - 1)];
    this.draw();
  }

  move(dx, dy) {
    this.go(this.row + dy, this.column + dx);
  }

  // ---- what is asked of the numbers ----

  /** The negative IoU, which never passes the positive one: below it, it follows, and comes back. */
  get low() {
    return Math.min(this.negative, this.positive);
  }

  /** With thresholds in hundredths: what each anchor learns, and for each animal how many anchors. */
  assigned(positive = this.positive, rescue = this.rescue) {
    const given = assign(this.overlaps, positive / 100, Math.min(this.low, positive) / 100, rescue);
    return { given, gains: this.objects.map((_, m) => given.filter((one) => one === m).length) };
  }

  /** The animals that no anchor learns without the rescue. */
  without(positive) {
    const { gains } = this.assigned(positive, false);
    return gains.flatMap((many, m) => (many ? [] : [m]));
  }

  judge() {
    const bare = this.without(this.positive);
    const names = (rows) => rows.map((m) => this.nameOf(m)).join(" and ");
    if (this.rescue) return [false, "Not yet: the rescue is on, so every animal has an anchor at any positive IoU. Switch it off."];
    if (bare.length) return [false, `Not yet: at ${written(this.positive)}, ${names(bare)} ${bare.length > 1 ? "have" : "has"} no anchor.`];
    const lost = this.positive < 100 ? this.without(this.positive + 1) : [];
    if (this.positive < 100 && !lost.length) return [false, "Not yet: every animal has an anchor here, but also at a higher positive IoU."];
    const usual = this.without(USUAL).length;
    return [true, `✓ Solved. At ${written(this.positive + 1)}, ${names(lost)} ${lost.length > 1 ? "lose their" : "loses its"} last anchor. At the usual ${written(USUAL)}, `
      + `${usual} of ${this.objects.length} animals would have none: nothing would teach the network to find them. Hence the rescue.`];
  }

  // ---- drawing ----

  draw() {
    const ratio = window.devicePixelRatio || 1;
    const side = Math.max(4, Math.floor(Math.min(this.stage() / (this.columns + 2), 26) * ratio));
    const canvas = this.find(".scene");
    [canvas.width, canvas.height] = [(this.columns + 2) * side, (this.rows + 2) * side];
    [canvas.style.width, canvas.style.height] = [canvas.width / ratio, canvas.height / ratio].map((size) => `${size}px`);
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = false;
    context.fillStyle = this.inks("soft").soft;
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(this.picture, side, side, this.columns * side, this.rows * side);
    this.plane = { context, scale: side / this.stride, ratio };
    for (const name of Object.keys(VIEWS)) this.find(`.panels > .${name}`).classList.toggle("on", name === this.view);
    canvas.tabIndex = this.view === "anchors" ? 0 : -1;
    for (const [name, { set }] of Object.entries(this.sliders)) set(name === "negative" ? this.low : this[name]);
    this.views.set(this.view);
    const [key, label] = { anchors: () => this.drawAnchors(), assignment: () => this.drawAssignment(), proposals: () => this.drawProposals() }[this.view]();
    say(this.find(".key"), key);
    this.find(".scene").setAttribute("aria-label", `A scene with ${this.objects.length} animals. ${label}`);
    this.writeTask();
  }

  /** Stroke a box given in pixels of the picture, dashed if asked. */
  box(box, color, width, dash = []) {
    stroke(this.plane, this.path(box), color, width, dash);
  }

  path(box) {
    return boxPath(box.map((side) => side + this.stride));
  }

  /** Names on the animals' boxes, and other words: [text, box, color]. */
  names(others = []) {
    const all = [...others, ...this.objects.map((box, m) => [this.nameOf(m), box, TRUE])];
    tags(this.plane, all.map(([text, [x, y], color]) => ({ text, x: x + this.stride, y: y + this.stride, color, corner: true })));
  }

  drawAnchors() {
    const { context, scale, ratio } = this.plane;
    const [x, y] = [this.column, this.row].map((k) => (k + 0.5) * this.stride);
    const first = (this.row * this.columns + this.column) * this.around.length;
    const mine = this.around.map((_, a) => {
      const overlaps = this.overlaps.map((row) => row[first + a]);
      const most = Math.max(...overlaps);
      return { box: this.anchors[first + a], most, which: overlaps.indexOf(most), color: SHADES[Math.floor(a / this.ratios.length) % 4] };
    });
    const best = mine.reduce((a, b) => (b.most > a.most ? b : a));
    context.fillStyle = "rgba(255,255,255,0.28)";
    const edge = this.stride * scale;
    for (let k = 1; k < this.columns; k += 1) context.fillRect((k + 1) * edge, edge, ratio, this.rows * edge);
    for (let k = 1; k < this.rows; k += 1) context.fillRect(edge, (k + 1) * edge, this.columns * edge, ratio);
    this.objects.forEach((box) => strokeTrue(this.plane, this.path(box)));
    mine.forEach(({ box, color }) => this.box(box, color, 1.75));
    if (best.most > 0) this.box(best.box, best.color, 3.5);
    this.box([x - 4, y - 4, x + 4, y + 4], CHOSEN, 2);
    this.names(best.most > 0 ? [[best.most.toFixed(2), best.box, best.color]] : []);
    [...this.find(".cell tbody").querySelectorAll("td")].forEach((td, a) => {
      const [x1, y1, x2, y2] = this.around[a];
      say(td.querySelector("b"), mine[a].most.toFixed(2));
      say(td.querySelector("span"), `${Math.round(x2 - x1)} × ${Math.round(y2 - y1)}`);
      td.className = best.most > 0 && mine[a] === best ? "best" : "";
    });
    const out = mine.filter(({ box }) => box[0] < 0 || box[1] < 0 || box[2] > this.width || box[3] > this.height).length;
    const place = `Row ${this.row}, column ${this.column}: ${mine.length} anchors around (${x}, ${y})`;
    say(this.find(".anchors .reading"), `${place}; ${out || "none"} of them ${out === 1 ? "reaches" : "reach"} beyond the picture. `
      + (best.most > 0 ? `The best meets ${this.nameOf(best.which)} at IoU ${best.most.toFixed(2)}.` : "None meets an animal."));
    return ["Click a cell. Orange: the chosen one. Thick: the anchor that fits best. Dotted: the animals.", `${place}.`];
  }

  drawAssignment() {
    const { given, gains } = this.assigned();
    const plain = this.assigned(this.positive, false).given;
    const saved = (n) => given[n] >= 0 && plain[n] < 0;
    this.objects.forEach((box) => strokeTrue(this.plane, this.path(box)));
    given.forEach((m, n) => { if (m >= 0 && !saved(n)) this.box(this.anchors[n], this.colorOf(m), 1.5); });
    given.forEach((m, n) => { if (saved(n)) this.box(this.anchors[n], this.colorOf(m), 2.5, [9, 6]); });
    this.names();
    const many = [given.filter((m) => m >= 0), given.filter((m) => m === IGNORED), given.filter((m) => m === NEGATIVE)].map((rows) => rows.length);
    [...this.find(".shares tbody").querySelectorAll("td")].forEach((td, k) => say(td, count(many[k])));
    [...this.find(".gains tbody").rows].forEach((line, m) => {
      const rescued = given.filter((one, n) => one === m && saved(n)).length;
      [Math.max(...this.overlaps[m]).toFixed(3), gains[m], rescued].forEach((value, k) => say(line.cells[k + 1], String(value)));
    });
    const bare = gains.filter((gain) => !gain).length;
    const rescued = given.filter((_, n) => saved(n)).length;
    const words = `${count(many[0])} of ${count(given.length)} anchors ${many[0] === 1 ? "is" : "are"} positive${rescued ? `, ${rescued} of them only by the rescue` : ""}. `
      + (bare ? `${bare} of ${gains.length} animals ${bare === 1 ? "has" : "have"} none.` : "Every animal has at least one.");
    say(this.find(".assignment .reading"), words);
    return ["Solid: positive anchors, in their animal’s colour. Long dashes: only by the rescue, all that tie. Dotted: the animals.", words];
  }

  drawProposals() {
    const by = strikes(this.proposals, this.nms / 100);
    const left = by.flatMap((other, i) => (other === null ? [i] : []));
    const kept = left.slice(0, this.kept);
    const { context } = this.plane;
    const draw = (i, color, width) => this.box(this.proposals[i].map((side) => side / 10), color, width);
    context.globalAlpha = 0.28;
    this.proposals.forEach((_, i) => { if (!kept.includes(i)) draw(i, GONE, 0.75); });
    context.globalAlpha = 1;
    [...kept].reverse().forEach((i) => draw(i, ANSWER, 1.5));
    const best = this.hits.map((row) => kept.reduce((a, i) => (a < 0 || row[i] > row[a] ? i : a), -1));
    best.forEach((i, m) => { if (i >= 0 && this.hits[m][i] >= 0.5) draw(i, this.colorOf(m), 3); });
    this.objects.forEach((box) => strokeTrue(this.plane, this.path(box)));
    this.names();
    [...this.find(".found tbody").rows].forEach((line, m) => {
      const i = best[m];
      const cells = i < 0 ? ["–", "–", "–"] : [this.hits[m][i].toFixed(2), `${kept.indexOf(i) + 1}`, this.scores[i].toFixed(3)];
      cells.forEach((value, k) => say(line.cells[k + 1], value));
    });
    const recall = [0.5, 0.7].map((least) => `${best.filter((i, m) => i >= 0 && this.hits[m][i] >= Math.fround(least)).length} of ${best.length} at IoU ${least}`);
    const words = `NMS strikes out ${by.length - left.length} of ${by.length} boxes and leaves ${left.length}; kept by score: ${kept.length}. Recall: ${recall.join(", ")}.`;
    say(this.find(".proposals .reading"), words);
    return ["Violet: kept; thick: each animal’s best, from IoU 0.5 on. Faint: struck out, or beyond the number kept. Dotted: the animals.", words];
  }
}

define("ck-anchors", Anchors);
