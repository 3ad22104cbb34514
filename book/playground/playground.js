// <ck-playground>: animals of PetScenes on a stage, and the course's own Mask R-CNN, run in the reader's browser, that answers while they are moved.
//
// It needs the site: stage.json, the animals' pictures and the network lie in ../playground. The network comes only after a click, into a worker.

import { choicesMarkup, onDrag, onKeys, slider, sliderMarkup } from "./controls.js";
import { boxPath, fitCanvas, stroke, tags } from "./drawing.js";
import { Figure, define } from "./figure.js";
import { CLASSES, PALETTE, classColor, rgbOf } from "./palette.js";
import { outline, raster } from "./pixels.js";
import { clamp, count, say } from "./words.js";
import { paste } from "./mask-paste.js";
import { CELLS, DRAWN } from "./playground-net.js";
import { Stage } from "./playground-stage.js";
import { POINTS, samples } from "./region.js";

const VIEWS = { answer: "Answer", anchors: "1 Anchors that fired", before: "2 Before NMS", after: "3 Proposals", align: "4 RoIAlign", mask: "5 Mask, 28 × 28" };
const PAINT = { answer: "drawFound", anchors: "drawAnchors", before: "drawBefore", after: "drawAfter", align: "drawAlign", mask: "drawBox" };
const [SCORE, OVERLAP, FIRED, BINS, STRIDE] = [50, 50, 0.5, 7, 8];     // the sliders' starts in hundredths; objectness of an anchor that fired; RoIAlign
const [DARK, REGION, PEN, ROWS] = ["#111418", PALETTE[4], 5, 7];
const WAITS = "The network has not been loaded. Place the animals, then press the button.";
const written = (hundredths) => (hundredths / 100).toFixed(2);
const several = (n, word) => `${count(n)} ${word}${n === 1 ? "" : word.endsWith("x") ? "es" : "s"}`;

class Playground extends Figure {
  static style = `
    .views { grid-template-columns: 1fr 1fr; }
    @container (min-width: 30rem) { .views { grid-template-columns: repeat(3, 1fr); } }
    .views input:disabled { cursor: default; }
    .choice:has(:disabled) { color: var(--quiet); cursor: default; border-style: dashed; }
    .row { display: flex; flex-wrap: wrap; gap: 0.4rem; align-items: center; }
    .row > button { flex: 1 0 auto; padding-inline: 0.55rem; }
    .row.four { display: grid; grid-template-columns: repeat(4, 1fr); }
    .row.four > button { padding-inline: 0.1rem; }
    .group { display: flex; flex-direction: column; gap: 0.35rem; }
    .who { margin: 0; grid-template-columns: repeat(3, 1fr); min-height: 2.25rem; }
    select, input[type="file"] { font: inherit; font-size: 0.84rem; min-height: 2.25rem; max-width: 100%; border-radius: 7px; border: 1px solid var(--line);
      background: var(--soft); color: var(--ink); padding: 0.2rem 0.4rem; }
    input[type="file"] { width: 100%; }
    .field { display: flex; flex-wrap: wrap; align-items: center; gap: 0.5rem; font-size: 0.84rem; }
    .field select { flex: 1; min-width: 0; }
    .field input[type="checkbox"] { width: 1.15rem; height: 1.15rem; margin: 0; accent-color: var(--accent); }
    .field input[type="color"] { width: 2.6rem; height: 1.9rem; padding: 0; border: 1px solid var(--line); background: none; }
    .answers { margin-top: 0.9rem; border-top: 1px solid var(--line); padding-top: 0.8rem; display: grid; gap: 0.8rem; }
    @container (min-width: 40rem) { .answers { grid-template-columns: 1fr 260px; } }
    .state { min-height: 2.9em; }      /* two lines: what it says grows */
    .said { min-height: 7.3em; }
    .found, .detail { min-height: 260px; }
    button:disabled { opacity: 1; cursor: default; border-style: dashed; color: var(--quiet); background: var(--soft); border-color: var(--line); }
    table { border-collapse: collapse; width: 100%; margin: 0; font-size: 0.84rem; font-variant-numeric: tabular-nums; }
    th, td { padding: 0.2rem 0.3rem; text-align: right; font-weight: 400; border: 0; border-bottom: 1px solid var(--line); background: none; color: inherit; }
    tr > :first-child { text-align: left; padding-left: 0; }
    th { color: var(--quiet); }
    .swatch { display: inline-block; width: 0.7rem; height: 0.7rem; margin-right: 0.35rem; border-radius: 2px; border: 1px solid var(--ground); }
    .run { width: 100%; min-height: 3.3rem; font-size: 0.9375rem; }
    :host(.over) canvas.scene { outline: 3px dashed var(--accent); outline-offset: 2px; }
  `;

  markup() {
    const buttons = (list) => Object.entries(list).map(([name, words]) => `<button type="button" name="${name}">${words}</button>`).join("");
    return `<figure aria-labelledby="title">
      <figcaption id="title">A stage for Mask R-CNN</figcaption>
      <fieldset class="views"><legend>What is shown</legend>${choicesMarkup("view", VIEWS, "answer")}</fieldset>
      <div class="body">
        <div class="side"><canvas class="scene" role="img" tabindex="0"></canvas>
          <button type="button" class="main run" name="run" disabled>Run the network in your browser</button>
          <output class="state quiet" aria-live="polite">${WAITS}</output></div>
        <div class="side">
          <div class="group"><span class="label">Put an animal on the stage</span>
            <div class="row">${buttons({ cat: "+ cat", dog: "+ dog", rabbit: "+ rabbit" })}</div></div>
          <div class="group"><span class="label">The chosen animal</span>
            <fieldset class="who"><legend>Chosen animal</legend></fieldset>
            <div class="row four">${buttons({ left: "↺ turn", right: "↻ turn", smaller: "− size", larger: "+ size" })}</div>
            <div class="row">${buttons({ pose: "pose", coat: "coat", remove: "remove" })}</div></div>
          <p class="quiet">Drag it, or its upper right corner. Keys on the picture: arrows move (Shift: further), comma and full stop turn,
            plus and minus resize, Enter goes to the next animal, Delete removes.</p>
          <div>${sliderMarkup("score", "Least score")}${sliderMarkup("overlap", "NMS threshold")}</div>
        </div>
        <div class="side">
          <label class="field"><span>Place</span><select name="place"></select></label>
          <label class="field"><span>Your own picture (or drop one)</span><input type="file" name="file" accept="image/*"></label>
          <div class="row field"><label class="field"><input type="checkbox" name="pen">Draw</label>
            <label class="field"><span>Colour</span><input type="color" name="color" value="#7a4a2a"></label>
            ${buttons({ wipe: "wipe", reset: "start again" })}</div>
        </div>
        <div class="side"><label class="field"><span>Detection</span><select name="one"></select></label>
          <output class="said" aria-live="polite"></output></div>
      </div>
      <div class="answers"><div class="found"></div><div class="detail"><canvas class="grid" role="img"></canvas></div></div>
    </figure>`;
  }

  start() {
    Object.assign(this, { view: "answer", score: SCORE, overlap: OVERLAP, one: 0, answer: null, times: [], busy: false, stale: false });
    const set = (name) => (value) => { this[name] = value; this.ask(false); this.draw(); };
    this.sliders = Object.fromEntries(["score", "overlap"].map((name) => [name, slider(this.shadowRoot, name, 100, set(name))]));
    this.find(".views").addEventListener("change", (event) => { this.view = event.target.value; this.draw(); });
    this.find("[name=one]").addEventListener("change", (event) => { this.one = Number(event.target.value); this.draw(); });
    this.find("[name=run]").addEventListener("click", () => this.load());
    this.ready = Stage.load().then((stage) => this.begin(stage));
    this.ready.catch((error) => say(this.find(".state"), `The stage could not be loaded: ${error.message}. Reload the page.`));
  }

  begin(stage) {
    this.stageOf = stage;
    this.find("[name=run]").disabled = false;
    this.find("[name=run]").textContent = `Run the network in your browser (about ${stage.megabytes} MB)`;
    const act = (change) => { change(); this.changed(); };
    const acts = {
      cat: () => stage.add("cat"), dog: () => stage.add("dog"), rabbit: () => stage.add("rabbit"), left: () => stage.turn(1), right: () => stage.turn(-1),
      smaller: () => stage.resize(1 / 1.1), larger: () => stage.resize(1.1), pose: () => stage.change("pose"), coat: () => stage.change("coat"),
      remove: () => stage.remove(), wipe: () => stage.wipe(), reset: () => stage.reset(),
    };
    for (const [name, change] of Object.entries(acts)) this.find(`[name=${name}]`).addEventListener("click", () => act(change));
    const scene = this.find(".scene");
    onKeys(scene, (dx, dy) => act(() => stage.move(dx, dy)), () => act(() => stage.next()));
    const keys = { ",": acts.left, ".": acts.right, "+": acts.larger, "=": acts.larger, "-": acts.smaller, Delete: acts.remove, Backspace: acts.remove };
    scene.addEventListener("keydown", (event) => {
      if (!(event.key in keys) || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      act(keys[event.key]);
    });
    onDrag(scene, stage.side, { part: (x, y) => this.partAt(x, y), move: (...by) => this.drag(...by), begin: (part) => this.take(part) });
    this.find(".who").addEventListener("change", (event) => act(() => { stage.chosen = stage.animals[Number(event.target.value)]; }));
    this.find("[name=place]").innerHTML = Object.keys(stage.places).map((name) => `<option>${name}</option>`).join("");
    this.find("[name=place]").addEventListener("change", (event) => act(() => stage.go(event.target.value)));
    this.find("[name=file]").addEventListener("change", (event) => this.receive(event.target.files[0]));
    for (const name of ["dragover", "dragleave", "drop"]) {
      this.addEventListener(name, (event) => {
        event.preventDefault();
        this.classList.toggle("over", name === "dragover");
        if (name === "drop") this.receive(event.dataTransfer.files[0]);
      });
    }
    this.changed();
  }

  /** The reader's own picture becomes the place. */
  async receive(file) {
    if (!file) return;
    try {
      this.stageOf.take(await createImageBitmap(file));
      this.changed();
    } catch {
      say(this.find(".state"), `${file.name} is no picture that this browser can read. PNG, JPEG and WebP are.`);
    }
  }

  // ---- the pointer ----

  partAt(x, y) {
    this.at = [x, y];
    if (this.find("[name=pen]").checked) return "pen";
    const { chosen } = this.stageOf;
    if (chosen) {
      const { box } = this.stageOf.lie(chosen);
      if (Math.hypot(x - box[2], y - box[1]) < 7) return "corner";
    }
    return this.stageOf.under(x, y);
  }

  take(part) {
    if (typeof part === "object") this.stageOf.chosen = part;
    if (part === "pen") this.drag(part, 0, 0);
    else this.changed();
  }

  drag(part, dx, dy) {
    const stage = this.stageOf;
    if (part === "pen") {
      const to = [this.at[0] + dx, this.at[1] + dy];
      stage.line(this.at, to, this.find("[name=color]").value, PEN);
      this.at = to;
    } else if (part === "corner") {
      const { box } = stage.lie(stage.chosen);
      stage.resize(Math.max(1 + dx / (box[2] - box[0]) - dy / (box[3] - box[1]), 0.5));
    } else stage.move(dx, dy);
    this.changed();
  }

  // ---- the network ----

  load() {
    const button = this.find("[name=run]");
    button.disabled = true;
    say(this.find(".state"), "The network is on its way …");
    this.clicked = performance.now();
    this.worker = new Worker(new URL("./playground-worker.js", import.meta.url), { type: "module" });
    this.worker.addEventListener("message", ({ data }) => this.hear(data));
    this.worker.addEventListener("error", () => this.hear({ error: "this browser could not start it" }));
    this.ask(true);
  }

  /** One question at a time: what changes meanwhile is asked afterwards. */
  ask(anew) {
    if (!this.worker || !this.stageOf) return;
    this.stale = this.stale || anew;
    if (this.busy) { this.again = true; return; }
    [this.busy, this.again, this.asked] = [true, false, performance.now()];
    const pixels = this.stale ? this.stageOf.pixels() : undefined;
    this.ran = this.stale;
    this.stale = false;
    if (pixels) this.pixels = pixels;
    this.worker.postMessage({ pixels, score: this.score / 100, overlap: this.overlap / 100 });
  }

  hear(data) {
    this.busy = false;
    if (data.error) {
      this.worker.terminate();
      this.worker = null;
      this.find("[name=run]").disabled = false;
      say(this.find(".state"), `The network did not run: ${data.error}. Press the button to try again; the stored answer is in the text below.`);
      return;
    }
    if (this.ran) this.times.push(performance.now() - (this.answer ? this.asked : this.clicked));
    this.answer = data;
    say(this.find("[name=run]"), "The network runs in your browser");
    if (this.again) this.ask(false);
    this.draw();
  }

  changed() {
    this.stageOf.compose();
    this.ask(true);
    this.draw();
  }

  // ---- drawing ----

  draw() {
    if (!this.stageOf) return;
    this.sliders.score.set(this.score);
    this.sliders.overlap.set(this.overlap);
    for (const name of ["score", "overlap"]) say(this.find(`[name=${name}]`).parentElement.querySelector("b"), written(this[name]));
    for (const input of this.shadowRoot.querySelectorAll("[name=view]")) input.disabled = !this.answer && input.value !== "answer";
    const found = this.answer?.found ?? [];
    this.one = clamp(this.one, 0, Math.max(found.length - 1, 0));
    this.drawWho();
    this.drawScene(found);
    this.drawGrid(found[this.one]);
    this.write(found);
  }

  drawWho() {
    const { animals, chosen } = this.stageOf;
    const names = Object.fromEntries(animals.map(({ kind }, n) => [n, `${kind} ${n + 1}`]));
    const html = animals.length ? choicesMarkup("who", names, String(animals.indexOf(chosen))) : `<span class="quiet">none on the stage</span>`;
    const list = this.find(".who");
    if (this.who !== html) {
      const focused = list.contains(this.shadowRoot.activeElement);
      list.innerHTML = `<legend>Chosen animal</legend>${html}`;
      this.who = html;
      if (focused) list.querySelector(":checked")?.focus();
    }
    for (const name of ["left", "right", "smaller", "larger", "pose", "coat", "remove"]) this.find(`[name=${name}]`).disabled = !chosen;
  }

  drawScene(found) {
    const { side, whole } = this.stageOf;
    const view = fitCanvas(this.find(".scene"), side, side, Math.min(this.stage(), 4 * side));
    const { context } = view;
    context.drawImage(whole, 0, 0, context.canvas.width, context.canvas.height);
    this.drawChosen(view);
    if (this.answer) this[PAINT[this.view]](view, found);
  }

  /** The chosen animal's corners, and the one that is dragged. */
  drawChosen(view) {
    const { chosen } = this.stageOf;
    if (!chosen || this.find("[name=pen]").checked) return;
    const { box } = this.stageOf.lie(chosen);
    const path = new Path2D();
    for (const [x, y, dx, dy] of [[box[0], box[1], 1, 1], [box[2], box[1], -1, 1], [box[0], box[3], 1, -1], [box[2], box[3], -1, -1]]) {
      path.moveTo(x + 5 * dx, y);
      path.lineTo(x, y);
      path.lineTo(x, y + 5 * dy);
    }
    stroke(view, path, DARK, 1.5);
    stroke(view, boxPath([box[2] - 1.5, box[1] - 1.5, box[2] + 1.5, box[1] + 1.5]), DARK, 3);
  }

  drawFound(view, found) {
    const { side } = this.stageOf;
    for (const { mask, box, label } of [...found].reverse()) {
      const color = classColor(this, label);
      if (mask) {
        const pasted = paste(mask, CELLS, box, side, side);
        const inside = (k) => pasted[k] > 0.5;
        const tint = raster(side, side, (k) => (inside(k) ? [...rgbOf(color), 110] : [0, 0, 0, 0]));
        view.context.drawImage(tint, 0, 0, view.context.canvas.width, view.context.canvas.height);
        stroke(view, outline(side, side, inside), color, 1.5);
      }
      stroke(view, boxPath(box), color, 2);
    }
    tags(view, found.map(({ label, score, box: [x, y] }) => ({ text: `${CLASSES[label]} ${score.toFixed(2)}`, x, y, color: classColor(this, label), corner: true })));
  }

  fired() {
    return this.answer.anchors.filter((_, n) => this.answer.objectness[n] >= FIRED);
  }

  /** Boxes as thin lines, the stronger the more sure the network is that an object is there. */
  drawBoxes({ context, scale, ratio }, boxes, sure, color) {
    context.save();
    [context.strokeStyle, context.lineWidth] = [color, 1.5 * ratio];
    boxes.map((box, n) => [box, sure[n]]).reverse().forEach(([[x1, y1, x2, y2], share]) => {
      context.globalAlpha = 0.1 + 0.7 * share;
      context.strokeRect(x1 * scale, y1 * scale, (x2 - x1) * scale, (y2 - y1) * scale);
    });
    context.restore();
  }

  drawAnchors(view) { this.drawBoxes(view, this.fired(), this.answer.objectness, "#FFD166"); }

  drawBefore(view) { this.drawBoxes(view, this.answer.before, this.answer.objectness, "#7FE7F0"); }

  drawAfter(view) { this.drawBoxes(view, this.answer.proposals, this.answer.sure, "#FFFFFF"); }

  /** The proposal that the chosen detection came from: its bins, and RoIAlign's points in them. */
  drawAlign(view, found) {
    const one = found[this.one];
    if (!one) return;
    const box = this.answer.proposals[one.region];
    const bins = new Path2D();
    bins.addPath(boxPath(box));
    for (let k = 1; k < BINS; k += 1) {
      const [x, y] = [0, 1].map((i) => box[i] + (k * (box[i + 2] - box[i])) / BINS);
      bins.moveTo(x, box[1]);
      bins.lineTo(x, box[3]);
      bins.moveTo(box[0], y);
      bins.lineTo(box[2], y);
    }
    stroke(view, bins, REGION, 1);
    const { context, scale, ratio } = view;
    const places = (i) => samples(box[i], box[i + 2], 1 / STRIDE, BINS, this.stageOf.side / STRIDE).flat().map(({ at }) => (at + 0.5) * STRIDE);
    const [across, down] = [0, 1].map(places);
    const dot = clamp(((box[2] - box[0]) * scale) / (ratio * BINS * POINTS * 6), 0.8, 2);
    for (const y of down) {
      for (const x of across) {
        context.beginPath();
        context.arc(x * scale, y * scale, dot * ratio, 0, 7);
        [context.fillStyle, context.strokeStyle, context.lineWidth] = ["#fff", DARK, dot * ratio / 2];
        context.fill();
        context.stroke();
      }
    }
    stroke(view, boxPath(one.box), classColor(this, one.label), 2);
  }

  drawBox(view, found) {
    const one = found[this.one];
    if (one) stroke(view, boxPath(one.box), classColor(this, one.label), 2);
  }

  drawGrid(one) {
    const canvas = this.find(".grid");
    canvas.hidden = !one?.mask;
    if (canvas.hidden) return;
    const { context, scale } = fitCanvas(canvas, CELLS, CELLS, Math.min(canvas.parentElement.clientWidth, 260));
    const style = getComputedStyle(this.find("figure"));
    context.fillStyle = style.getPropertyValue("--soft").trim();
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.fillStyle = classColor(this, one.label);
    one.mask.forEach((value, k) => {
      context.globalAlpha = value;
      context.fillRect((k % CELLS) * scale, Math.floor(k / CELLS) * scale, scale, scale);
    });
    context.globalAlpha = 1;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    [context.strokeStyle, context.lineWidth] = [style.getPropertyValue("--ink").trim(), 1.5 / scale];
    context.stroke(outline(CELLS, CELLS, (k) => one.mask[k] > 0.5));
    canvas.setAttribute("aria-label", `The mask head’s 28 by 28 cells: ${one.mask.filter((value) => value > 0.5).length} of them are above one half.`);
  }

  write(found) {
    const { animals, chosen, side } = this.stageOf;
    const pixels = (share) => Math.round(share * side);
    const where = chosen ? ` Chosen: ${chosen.kind} ${animals.indexOf(chosen) + 1}, ${chosen.pose}, ${pixels(chosen.x)} across and ${pixels(chosen.y)} down, `
      + `${pixels(chosen.side)} pixels large, turn ${chosen.turn}.` : "";
    const what = this.answer ? ` The network found ${this.sum(found)}.` : "";
    this.find(".scene").setAttribute("aria-label", `The stage, ${several(animals.length, "animal")}.${where}${what}`);
    if (this.answer) {
      const last = Math.round(this.times.at(-1));
      const spent = this.times.length > 1 ? `Last answer: ${last} ms.` : `First answer: ${count(last)} ms after the click.`;
      say(this.find(".state"), `It runs on this machine alone; nothing is sent anywhere. ${spent}`);
      this.find(".state").setAttribute("aria-live", "off");
    }
    say(this.find(".said"), this.answer ? this.words(found) : "Thresholds and steps come to life with the network.");
    const option = ({ label, score }, n) => `<option value="${n}"${n === this.one ? " selected" : ""}>${n + 1}: ${CLASSES[label]} ${score.toFixed(2)}</option>`;
    const options = found.map(option).join("");
    if (this.options !== options) this.find("[name=one]").innerHTML = this.options = options;
    this.find("[name=one]").disabled = !found.length;
    this.writeTable(found);
  }

  sum(found) {
    const names = [1, 2, 3].map((label) => [CLASSES[label], found.filter((one) => one.label === label).length]).filter(([, n]) => n);
    return names.length ? names.map(([name, n]) => several(n, name)).join(", ") : "nothing";
  }

  words(found) {
    const { anchors, before, proposals } = this.answer;
    const one = found[this.one];
    if (this.view === "anchors") return `${several(this.fired().length, "anchor")} of 3,072 have an objectness of one half or more. Each is where a box starts.`;
    if (this.view === "before") {
      return `The ${several(anchors.length, "anchor")} of highest objectness, moved by their deltas and cut to the picture: ${several(before.length, "box")}. `
        + "The stronger a line, the higher its objectness.";
    }
    if (this.view === "after") return `NMS at 0.70 leaves ${several(proposals.length, "proposal")}: 100 at most. The box head looks at these and at nothing else.`;
    if (!one) return "Nothing passes the thresholds.";
    const number = this.one + 1;
    if (this.view === "align") {
      return `Violet: the proposal that detection ${number} came from, in ${BINS} × ${BINS} bins of ${POINTS} × ${POINTS} points. Each point mixes four cells of the map; `
        + `a cell is ${STRIDE} pixels. The box head moved it to the ${CLASSES[one.label]}’s box.`;
    }
    if (this.view === "mask" && !one.mask) return `Masks are drawn for the first ${DRAWN} detections only.`;
    if (this.view === "mask") return `Below: the mask of detection ${number} for its class, ${CLASSES[one.label]}, before it is pasted into the box. The line is at one half.`;
    return `Found: ${this.sum(found)}.`;
  }

  writeTable(found) {
    const swatch = (label) => `<i class="swatch" style="background:${classColor(this, label)}"></i>`;
    const line = ({ label, score, box }) => `<tr><th scope="row">${swatch(label)}${CLASSES[label]}</th><td>${score.toFixed(3)}</td>`
      + `<td>${box.map((v) => v.toFixed(1)).join(", ")}</td></tr>`;
    const other = (words) => `<tr><td colspan="3">${words}</td></tr>`;
    const body = found.slice(0, ROWS).map(line).join("") || other(this.answer ? "nothing" : "not asked yet");
    const more = found.length > ROWS ? other(`and ${found.length - ROWS} more`) : "";
    const html = `<table><caption class="hidden">What the network found</caption><thead><tr><th scope="col">class</th><th scope="col">score</th>`
      + `<th scope="col">box, in pixels</th></tr></thead><tbody>${body}${more}</tbody></table>`;
    if (this.table !== html) this.find(".found").innerHTML = this.table = html;
  }
}

define("ck-playground", Playground);
