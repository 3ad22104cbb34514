// <ck-five-outputs>, chapter 1: one scene, the five outputs a network can be asked for, and what each knows of a pixel.
//
// data-params: { index, view, scene: { height, width, rgb, semantic, instances, labels, boxes } }, as
// coursekit.figures.pack_scene writes it: rgb is base64, the two maps are runs, instance i is stored as i + 1.

import { choices, groupMarkup, onPointer, slider, sliderMarkup } from "./controls.js";
import { boxPath, fitPicture, lay, stroke, tags } from "./drawing.js";
import { define } from "./figure.js";
import { CHOSEN, CLASSES, THINGS, VOID, classColor, className, instanceColor, rgbOf } from "./palette.js";
import { decodeBytes, decodeRuns, deepest, outline, photo, raster } from "./pixels.js";
import { TaskFigure, pictureMarkup } from "./task.js";
import { clamp, count, say } from "./words.js";

const VIEWS = {
  picture: ["Picture", "The input: three numbers a pixel."],
  classification: ["Classification", "What is in the picture? One yes or no for each class, and no place."],
  semantic: ["Semantic segmentation", "Which class is each pixel? One class id a pixel."],
  localisation: ["Localisation", "Where is the object? One class and one box, here for the largest animal."],
  detection: ["Detection", "What is where? A class and a box for each animal."],
  instance: ["Instance segmentation", "Which pixels belong to which animal? A class and a mask for each."],
};

class FiveOutputs extends TaskFigure {
  static style = `
    .views { grid-template-columns: repeat(2, 1fr); margin-bottom: 0.5rem; }
    .question { min-height: 2.9em; margin-bottom: 0.5rem; }
    .shape { display: block; min-height: 3em; }
    .reading { min-height: 10.6rem; }
    .reading b { display: block; font-weight: 650; }
    .reading code { display: block; margin: 0.15rem 0; }
    .marks { font-variant-numeric: tabular-nums; min-height: 2.9em; }
    @container (min-width: 34rem) { .views { grid-template-columns: repeat(3, 1fr); } .question { min-height: 0; } }
  `;

  parts() {
    const names = Object.fromEntries(Object.entries(VIEWS).map(([key, [name]]) => [key, name]));
    return {
      title: "One scene, five outputs",
      task: "Find two pixels with the same class but different instances.",
      claim: "Mark this pixel", enter: "marks the pixel", keys: "arrows move (Shift: eight pixels)",
      settings: `${groupMarkup("views", "Output to show", "view", names)}<p class="question"></p>`,
      picture: `${pictureMarkup("scene")}<div class="sliders">${sliderMarkup("x", "x")}${sliderMarkup("y", "y")}</div>`,
      side: `<output class="reading" aria-live="polite"><b></b><code></code><span></span></output>
        <p><span class="label">As tensors</span><code class="shape"></code></p>
        <p class="marks quiet"></p>`,
    };
  }

  ready({ scene }) {
    const { height, width } = scene;
    Object.assign(this, { height, width, labels: scene.labels, boxes: scene.boxes, covers: {} });
    this.rgb = decodeBytes(scene.rgb);
    this.semantic = decodeRuns(scene.semantic, height * width);
    this.instances = decodeRuns(scene.instances, height * width);
    this.picture = photo(scene);
    this.measure();
    this.controls = {
      x: slider(this.shadowRoot, "x", width - 1, (x) => this.go(x, this.cursor.y)),
      y: slider(this.shadowRoot, "y", height - 1, (y) => this.go(this.cursor.x, y)),
      view: choices(this.shadowRoot, "view", (view) => { this.view = view; this.draw(); }),
    };
    onPointer(this.find("canvas"), width, {
      move: (x, y) => this.go(Math.floor(x), Math.floor(y)), press: () => this.claim(), hover: true,
      grabs: (x, y) => Math.hypot(x - this.cursor.x, y - this.cursor.y) < 12,
    });
  }

  begin({ view }) {
    const { width, height, instanceTags: [first] } = this;
    const cursor = first ? { x: first.x, y: first.y } : { x: width >> 1, y: height >> 1 };
    Object.assign(this, { view: view in VIEWS ? view : "picture", marks: [], cursor });
  }

  hint() {
    return "Go over the picture; click, or press Enter, once for each of the two pixels.";
  }

  /** Areas, the largest object, outlines and places for names: all from the maps. */
  measure() {
    const { width, height, semantic, instances } = this;
    this.areas = this.labels.map((_, i) => instances.reduce((sum, value) => sum + (value === i + 1), 0));
    this.largest = this.areas.indexOf(Math.max(...this.areas));
    const region = (map, value) => ({
      path: outline(width, height, (k) => map[k] === value), ...deepest(width, height, (k) => map[k] === value),
    });
    this.instanceTags = this.labels.map((_, i) => region(instances, i + 1));
    this.classTags = new Map([...new Set(semantic)].sort((a, b) => a - b).map((id) => [id, region(semantic, id)]));
  }

  go(x, y) {
    this.cursor = { x: clamp(x, 0, this.width - 1), y: clamp(y, 0, this.height - 1) };
    this.draw();
  }

  move(dx, dy) {
    this.go(this.cursor.x + dx, this.cursor.y + dy);
  }

  /** Mark the pixel under the cursor: the second mark is judged, a third begins anew. */
  claim() {
    this.marks = [...(this.marks.length < 2 ? this.marks : []), { ...this.cursor }];
    const found = this.marks.map((mark) => this.at(mark));
    this.verdict = found.length === 2 ? this.judge(...found) : [false, "One pixel is marked. Go on to the second."];
    this.draw();
  }

  /** What the maps know of a pixel; instance -1 for none. */
  at({ x, y }) {
    const k = y * this.width + x;
    return { id: this.semantic[k], instance: this.instances[k] - 1, rgb: [...this.rgb.subarray(3 * k, 3 * k + 3)] };
  }

  boxesAt({ x, y }) {
    const inside = ([x1, y1, x2, y2]) => x1 <= x && x < x2 && y1 <= y && y < y2;
    return this.boxes.map((box, i) => (inside(box) ? i : -1)).filter((i) => i >= 0);
  }

  // ---- the picture ----------------------------------------------------------------------------

  draw() {
    const view = fitPicture(this.find("canvas"), this.picture, this.stage());
    const paint = { classification: this.drawNames, semantic: this.drawSemantic, localisation: this.drawBoxes, detection: this.drawBoxes, instance: this.drawMasks };
    paint[this.view]?.call(this, view);
    this.drawCursor(view);
    for (const [name, value] of Object.entries({ ...this.cursor, view: this.view })) this.controls[name].set(value);
    this.write();
  }

  /** The classes that are there, in a row at the foot: they belong to the whole picture. */
  drawNames(view) {
    const ids = [...this.classTags.keys()].filter((id) => id !== VOID);
    const step = this.width / ids.length;
    tags(view, ids.map((id, i) => ({ text: className(id), x: (i + 0.5) * step, y: this.height - 6, color: classColor(this, id) })), this.cursor);
  }

  /** An instance's name: its row's number where the output has rows. */
  named(i) {
    return this.view === "localisation" ? className(this.labels[i]) : `${i} ${className(this.labels[i])}`;
  }

  /** Lay a colour a pixel over the picture; `color(k)` gives [r, g, b, a]. Made once for each view. */
  cover(view, color) {
    lay(view, (this.covers[this.view] ??= raster(this.width, this.height, color)));
  }

  drawSemantic(view) {
    const colors = new Map([...this.classTags.keys()].map((id) => [id, [...rgbOf(classColor(this, id)), 200]]));
    this.cover(view, (k) => colors.get(this.semantic[k]));
    const { id } = this.at(this.cursor);
    stroke(view, this.classTags.get(id).path, "#111418", 1.5);
    tags(view, [...this.classTags].map(([other, { x, y }]) => ({ text: className(other), x, y, color: classColor(this, other) })), this.cursor);
  }

  drawMasks(view) {
    const colors = this.labels.map((_, i) => [...rgbOf(instanceColor(i)), 165]);
    this.cover(view, (k) => colors[this.instances[k] - 1] ?? [255, 255, 255, 110]);
    this.instanceTags.forEach(({ path }, i) => stroke(view, path, instanceColor(i), 1.5));
    const { instance } = this.at(this.cursor);
    if (instance >= 0) stroke(view, this.instanceTags[instance].path, "#111418", 2);
    tags(view, this.instanceTags.map(({ x, y }, i) => ({ text: this.named(i), x, y, color: instanceColor(i) })), this.cursor);
  }

  drawBoxes(view) {
    const shown = this.view === "detection" ? this.boxes.map((_, i) => i) : this.boxes.length ? [this.largest] : [];
    const under = this.boxesAt(this.cursor);
    const color = (i) => classColor(this, this.labels[i]);
    for (const i of shown) stroke(view, boxPath(this.boxes[i]), color(i), under.includes(i) ? 4 : 2);
    tags(view, shown.map((i) => ({ text: this.named(i), x: this.boxes[i][0], y: this.boxes[i][1], color: color(i), corner: true })), this.cursor);
  }

  drawCursor(view) {
    const { x, y } = this.cursor;
    const path = boxPath([x, y, x + 1, y + 1]);
    for (const [x1, y1, x2, y2] of [[-5, 0.5, -1, 0.5], [2, 0.5, 6, 0.5], [0.5, -5, 0.5, -1], [0.5, 2, 0.5, 6]]) {
      path.moveTo(x + x1, y + y1);
      path.lineTo(x + x2, y + y2);
    }
    stroke(view, path, CHOSEN, 1.5);
    this.marks.forEach(({ x: left, y: top }) => stroke(view, boxPath([left - 1, top - 1, left + 2, top + 2]), CHOSEN, 2));
    tags(view, this.marks.map((mark, i) => ({ text: "AB"[i], x: mark.x + 0.5, y: mark.y - 5, color: CHOSEN })));
  }

  // ---- the words ------------------------------------------------------------------------------

  write() {
    const [head, code, rest] = this.reading();
    const [title, line, note] = this.find(".reading").children;
    say(this.find(".question"), VIEWS[this.view][1]);
    say(this.find(".shape"), this.shape());
    say(title, head);
    say(line, code);
    say(note, rest);
    say(this.find(".marks"), this.marks.map((mark, i) => `${"AB"[i]} at (${mark.x}, ${mark.y}): ${this.tell(this.at(mark))}`).join(" · "));
    this.writeTask();
    const { x, y } = this.cursor;
    this.describe(`${VIEWS[this.view][0]} of a scene of ${this.width} by ${this.height} pixels. At x ${x}, y ${y}: ${head}. ${code} ${rest}`.trim());
  }

  shape() {
    const { height: H, width: W, labels: { length: N } } = this;
    return {
      picture: `image (3, ${H}, ${W}): ${count(3 * H * W)} numbers`,
      classification: `present (${CLASSES.length},): ${CLASSES.length} numbers`,
      semantic: `semantic (${H}, ${W}): ${count(H * W)} numbers`,
      localisation: "label () and box (4,): 5 numbers",
      detection: `labels (${N},), boxes (${N}, 4): ${5 * N} numbers`,
      instance: `labels (${N},), masks (${N}, ${H}, ${W}): ${count(N * H * W + N)} numbers`,
    }[this.view];
  }

  /** Three texts on the pixel under the cursor: the answer, the code that reads it, what to notice. */
  reading() {
    const { x, y } = this.cursor;
    const { id, instance, rgb } = this.at(this.cursor);
    const under = this.boxesAt(this.cursor);
    if (this.view === "picture") {
      return [`Red ${rgb[0]}, green ${rgb[1]}, blue ${rgb[2]} of 255`, `image[:, ${y}, ${x}] = ${rgb.map((v) => (v / 255).toFixed(3)).join(", ")}`, ""];
    }
    if (this.view === "classification") {
      const names = [...this.classTags.keys()].filter((i) => i !== VOID).map(className);
      const present = CLASSES.map((_, i) => Number(this.classTags.has(i)));
      return [names.join(", "), `present = ${present.join(", ")}`, "One answer for the whole picture: it is the same wherever you point."];
    }
    if (this.view === "semantic") {
      return [`Class ${id}: ${className(id)}`, `semantic[${y}, ${x}] = ${id}`, this.alike(id)];
    }
    if (this.view === "instance") return this.readMask(instance, id);
    const shown = this.view === "detection" ? under : under.filter((i) => i === this.largest);
    if (!shown.length) return ["No box here", `x = ${x}, y = ${y}`, this.view === "detection" ? "" : "One box, one object: the others have no place in this output."];
    return this.readBoxes(shown);
  }

  alike(id) {
    const same = this.labels.filter((label) => label === id).length;
    return same > 1 ? `${same} animals share this class: the map cannot tell them apart.` : "";
  }

  readBoxes(shown) {
    const i = shown.reduce((a, b) => (this.boxSize(b) < this.boxSize(a) ? b : a));
    const [x1, y1, x2, y2] = this.boxes[i];
    const name = this.view === "detection" ? `Box ${i}: ${className(this.labels[i])}` : className(this.labels[i]);
    const others = shown.filter((j) => j !== i).map((j) => `box ${j} (${className(this.labels[j])})`);
    return [`${name}, ${x2 - x1} wide, ${y2 - y1} high`, `${this.view === "detection" ? `boxes[${i}]` : "box"} = ${x1}, ${y1}, ${x2}, ${y2}`,
      others.length ? `This pixel is also in ${others.join(" and ")}.` : ""];
  }

  boxSize(i) {
    const [x1, y1, x2, y2] = this.boxes[i];
    return (x2 - x1) * (y2 - y1);
  }

  readMask(i, id) {
    const { x, y } = this.cursor;
    if (i < 0) {
      const why = THINGS.includes(id) ? "" : `${className(id)} is not a thing: it gets no mask.`;
      return ["No instance here", `masks[:, ${y}, ${x}] = False`, why];
    }
    return [`Instance ${i}: ${className(this.labels[i])}`, `masks[${i}, ${y}, ${x}] = True`, `${count(this.areas[i])} pixels in this mask.`];
  }

  tell({ id, instance }) {
    return instance < 0 ? className(id) : `${className(id)}, instance ${instance}`;
  }

  judge(a, b) {
    if (a.id !== b.id) return [false, `Not yet: the classes differ, ${className(a.id)} and ${className(b.id)}.`];
    if (a.instance < 0) return [false, `Not yet: both are ${className(a.id)}, which is not counted and has no instances.`];
    if (a.instance === b.instance) return [false, `Not yet: both belong to instance ${a.instance}.`];
    return [true, `✓ Solved. Both are ${className(a.id)}, so semantic segmentation gives them the same id, `
      + `${a.id}; only instance segmentation knows that they are animals ${a.instance} and ${b.instance}.`];
  }
}

define("ck-five-outputs", FiveOutputs);
