// What the interactive figures share: palette, pixels, canvases, controls, and the element they extend.
//
// A figure is a custom element: <ck-NAME data-params='{…}'>picture for readers without scripts</ck-NAME>.
// It draws from data-params alone: no network, no kernel, no library. On the site this module is imported;
// in a notebook's output `coursekit.figures` writes it and the figure's module into one inline script.
// Letters as in the package: H W image size, boxes are (x1, y1, x2, y2) with x2 and y2 exclusive.

export const CLASSES = ["background", "cat", "dog", "rabbit", "grass", "floor", "sky"];
export const THINGS = [1, 2, 3];
export const VOID = 255;

// Copies of coursekit.plot's palette, held equal to it by a test; a page may override --ck-cat and so on.
export const CLASS_COLORS = {
  background: "#8B9099", cat: "#C8385A", dog: "#1F6FB5", rabbit: "#E09B12",
  grass: "#5B9A42", floor: "#A67B5B", sky: "#8EC5E6",
};
export const PALETTE = ["#1F6FB5", "#C8385A", "#E09B12", "#5B9A42", "#7B4FA3", "#0F9BA8", "#B5532A", "#5C6670"];

export const className = (id) => (id === VOID ? "void" : CLASSES[id]);
export const count = (n) => n.toLocaleString("en-GB");
export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/** Colours at once for the page's scheme: a variable of the page wins over the copy above. */
export function classColor(host, id) {
  if (id === VOID) return "#FFFFFF";
  return getComputedStyle(host).getPropertyValue(`--ck-${CLASSES[id]}`).trim() || CLASS_COLORS[CLASSES[id]];
}

// From the palette's second half on: its first half holds the colours of classes.
export const instanceColor = (i) => PALETTE[(i + 4) % PALETTE.length];

export function rgbOf(hex) {
  const number = parseInt(hex.slice(1), 16);
  return [number >> 16, (number >> 8) & 255, number & 255];
}

/** Black or white, whichever reads better on `hex` (WCAG's relative luminance). */
export function inkOn(hex) {
  const [r, g, b] = rgbOf(hex).map((v) => ((v / 255 + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.18 ? "#111418" : "#FFFFFF";
}

// ---- pixels -----------------------------------------------------------------------------------

/** Base64 of H × W × 3 bytes -> Uint8Array. */
export const decodeBytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** [value, length, value, length, …], row by row -> Uint8Array of `size` values. */
export function decodeRuns(runs, size) {
  const values = new Uint8Array(size);
  let at = 0;
  for (let k = 0; k < runs.length; k += 2) {
    values.fill(runs[k], at, at + runs[k + 1]);
    at += runs[k + 1];
  }
  return values;
}

/** An off-screen canvas of one canvas pixel a picture pixel; `pixel(k)` gives [r, g, b, a]. */
export function raster(width, height, pixel) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  for (let k = 0; k < width * height; k += 1) image.data.set(pixel(k), 4 * k);
  context.putImageData(image, 0, 0);
  return canvas;
}

/** The edges between pixels that are inside and pixels that are not, in picture pixels. */
export function outline(width, height, inside) {
  const path = new Path2D();
  const at = (x, y) => x >= 0 && y >= 0 && x < width && y < height && inside(y * width + x);
  for (let y = 0; y <= height; y += 1) {
    for (let x = 0; x <= width; x += 1) {
      const here = at(x, y);
      if (here !== at(x - 1, y)) { path.moveTo(x, y); path.lineTo(x, y + 1); }
      if (here !== at(x, y - 1)) { path.moveTo(x, y); path.lineTo(x + 1, y); }
    }
  }
  return path;
}

/** The pixel farthest from the region's edge: where its name is written. */
export function deepest(width, height, inside) {
  const depth = new Uint16Array(width * height);
  const step = (k, x, y, back) => {
    if (!inside(k)) return;
    const side = x === (back ? width - 1 : 0) ? 0 : depth[k + (back ? 1 : -1)];
    const above = y === (back ? height - 1 : 0) ? 0 : depth[k + (back ? width : -width)];
    const reach = Math.min(side, above) + 1;
    depth[k] = back ? Math.min(depth[k], reach) : reach;
  };
  for (let k = 0; k < depth.length; k += 1) step(k, k % width, Math.floor(k / width), false);
  for (let k = depth.length - 1; k >= 0; k -= 1) step(k, k % width, Math.floor(k / width), true);
  let best = 0;
  for (let k = 1; k < depth.length; k += 1) if (depth[k] > depth[best]) best = k;
  return { x: best % width, y: Math.floor(best / width) };
}

// ---- canvases ---------------------------------------------------------------------------------

/** Size a canvas so that a picture pixel is a whole number of the screen's own pixels. */
export function fitCanvas(canvas, width, height, available) {
  const ratio = window.devicePixelRatio || 1;
  const scale = Math.max(1, Math.floor((available * ratio) / width));
  if (canvas.width !== width * scale || canvas.height !== height * scale) {
    canvas.width = width * scale;
    canvas.height = height * scale;
  }
  canvas.style.width = `${(width * scale) / ratio}px`;
  canvas.style.height = `${(height * scale) / ratio}px`;
  const context = canvas.getContext("2d");
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.imageSmoothingEnabled = false;
  return { context, scale, ratio };
}

/** Stroke a path given in picture pixels: a dark line under a light one shows on every ground. */
export function stroke(view, path, color, width = 2) {
  const { context, scale, ratio } = view;
  context.save();
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.lineCap = "square";
  for (const [ink, wide] of [["rgba(255,255,255,0.9)", width + 2], [color, width]]) {
    context.strokeStyle = ink;
    context.lineWidth = (wide * ratio) / scale;
    context.stroke(path);
  }
  context.restore();
}

export function boxPath([x1, y1, x2, y2]) {
  const path = new Path2D();
  path.rect(x1, y1, x2 - x1, y2 - y1);
  return path;
}

const tagSize = ({ context, ratio }, text) => {
  context.font = `600 ${12 * ratio}px system-ui, sans-serif`;
  return [context.measureText(text).width + 12 * ratio, 19 * ratio];
};

function drawTag({ context, ratio }, text, color, [left, top, right, bottom]) {
  context.save();
  context.fillStyle = color;
  context.strokeStyle = "rgba(255,255,255,0.9)";
  context.lineWidth = ratio;
  context.beginPath();
  context.roundRect(left + ratio / 2, top + ratio / 2, right - left - ratio, bottom - top - ratio, 4 * ratio);
  context.fill();
  context.stroke();
  context.fillStyle = inkOn(color);
  context.textBaseline = "middle";
  context.fillText(text, left + 6 * ratio, (top + bottom) / 2 + ratio / 2);
  context.restore();
}

/**
 * Names on coloured tags, [{ text, x, y, color, corner }] in picture pixels: centred on (x, y), or standing on that corner.
 * A tag moves up or down until it hides neither another nor the pixel `cursor`; one that finds no room is left out.
 */
export function tags(view, items, cursor = { x: -99, y: -99 }) {
  const { context, scale } = view;
  const spot = (cursor.x + 0.5) * scale;
  const height = (cursor.y + 0.5) * scale;
  const taken = [[spot - scale, height - scale, spot + scale, height + scale]];
  const free = (a) => taken.every((b) => a[2] <= b[0] || b[2] <= a[0] || a[3] <= b[1] || b[3] <= a[1]);
  for (const { text, x, y, color, corner } of items) {
    const [wide, tall] = tagSize(view, text);
    const left = clamp(x * scale - (corner ? 1 : wide / 2), 0, context.canvas.width - wide);
    const place = (shift) => {
      const top = clamp(y * scale - (corner ? tall : tall / 2) + shift * tall, 0, context.canvas.height - tall);
      return [left, top, left + wide, top + tall];
    };
    const found = [0, -1.1, 1.1, -2.2, 2.2].map(place).find(free);
    if (!found) continue;
    taken.push(found);
    drawTag(view, text, color, found);
  }
}

// ---- controls ---------------------------------------------------------------------------------

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** Arrow keys call `move(dx, dy)` (with Shift: eight at a time), Enter and Space call `press()`. */
export function onKeys(canvas, move, press = () => {}) {
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in ARROWS) move(...ARROWS[event.key].map((d) => d * (event.shiftKey ? 8 : 1)));
    else if (event.key === "Enter" || event.key === " ") press();
    else return;
    event.preventDefault();
  });
}

/**
 * Mouse and touch on a canvas, in picture pixels: `move(x, y)` and, on a click or tap, `press()`.
 * A touch that starts where `grabs(x, y)` is true drags and does not scroll the page; any other scrolls as usual.
 */
export function onPointer(canvas, width, { move, press = () => {}, hover = false, grabs = () => false }) {
  let grabbed = false;
  let still = true;
  const place = (event) => {
    const bounds = canvas.getBoundingClientRect();
    const scale = width / bounds.width;
    return [(event.clientX - bounds.left) * scale, (event.clientY - bounds.top) * scale];
  };
  canvas.addEventListener("touchstart", (event) => {
    grabbed = event.touches.length === 1 && grabs(...place(event.touches[0]));
    still = true;
    if (!grabbed) return;
    event.preventDefault();
    move(...place(event.touches[0]));
  }, { passive: false });
  canvas.addEventListener("touchend", () => { if (grabbed && still) press(); });
  canvas.addEventListener("touchmove", (event) => {
    if (!grabbed) return;
    event.preventDefault();
    still = false;
    move(...place(event.touches[0]));
  }, { passive: false });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerType === "mouse" && (hover || event.buttons & 1)) move(...place(event));
  });
  canvas.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "mouse" || event.button !== 0) return;
    if (!hover) canvas.setPointerCapture(event.pointerId);
    move(...place(event));
  });
  canvas.addEventListener("click", (event) => {
    if (event.detail === 0) return;
    move(...place(event));
    press();
  });
}

/**
 * Dragging on a canvas: `part(x, y)` names what lies under the pointer (null: nothing), `move(part, dx, dy)` moves that by whole pixels.
 * All in picture pixels; around the picture, which is `width` wide, the canvas has `margin` pixels more on each side.
 */
export function onDrag(canvas, width, { part, move, margin = 0, begin = () => {} }) {
  let drag = null;
  for (const name of ["pointerdown", "pointerup", "touchstart", "touchend"]) {
    canvas.addEventListener(name, () => { drag = null; }, { passive: true });      // the next move begins a drag
  }
  const to = (x, y) => {
    if (!drag) {
      drag = { part: part(x, y), x, y };
      if (drag.part) begin(drag.part);
      return;
    }
    const [dx, dy] = [Math.round(x - drag.x), Math.round(y - drag.y)];
    if (!drag.part || (!dx && !dy)) return;
    move(drag.part, dx, dy);
    [drag.x, drag.y] = [drag.x + dx, drag.y + dy];
  };
  onPointer(canvas, width + 2 * margin, { move: (x, y) => to(x - margin, y - margin), grabs: (x, y) => part(x - margin, y - margin) !== null });
}

/** A labelled range input with its value beside it; returns { set(value) }. */
export function slider(root, name, maximum, input) {
  const range = root.querySelector(`input[name="${name}"]`);
  const value = range.parentElement.querySelector("b");
  range.max = maximum;
  range.addEventListener("input", () => input(Number(range.value)));
  return { set(number) { range.value = number; value.textContent = number; } };
}

export const sliderMarkup = (name, label) =>
  `<label class="slider"><span>${label}</span><input type="range" name="${name}" min="0" value="0"><b></b></label>`;

/** Radio buttons of one group, from { value: words }. */
export const choicesMarkup = (group, options, chosen) => Object.entries(options).map(([value, words]) =>
  `<label class="choice"><input type="radio" name="${group}" value="${value}"${value === chosen ? " checked" : ""}>${words}</label>`).join("");

// ---- grids of numbers -------------------------------------------------------------------------

/** At most so many decimals, no minus before a zero. */
export const short = (value, digits = 2) => String(Math.round(value * 10 ** digits) / 10 ** digits + 0);

/** A table of number fields called NAME0-0, NAME0-1, …, row by row. */
export const fieldsMarkup = (name, label, values) => `<table class="numbers"><caption class="label">${label}</caption>`
  + values.map((line, i) => `<tr>${line.map((value, j) => `<td><input type="number" step="any" name="${name}${i}-${j}" `
    + `value="${value}" aria-label="${label}, row ${i}, column ${j}"></td>`).join("")}</tr>`).join("") + "</table>";

/** The numbers of such a table; an empty field counts as 0. */
export const readFields = (root, name, rows, columns) => Array.from({ length: rows }, (_, i) =>
  Array.from({ length: columns }, (__, j) => Number(root.querySelector(`[name="${name}${i}-${j}"]`).value) || 0));

/**
 * A grid of rows × columns on a canvas. `cell(i, j)` gives { text, note, share, ring, out }: a number, a small word below it,
 * the shade from 0 to 1, "here" or "source" for a frame, and whether the cell lies outside of what counts. `letters` is the
 * height of a number as a share of its cell's side.
 */
export function drawGrid(host, canvas, rows, columns, available, cell, most = 64, letters = 0.34) {
  const ratio = window.devicePixelRatio || 1;
  const side = Math.floor(Math.min(most, (available - 4) / columns) * ratio);
  const edge = Math.ceil(2 * ratio);
  [canvas.width, canvas.height] = [columns * side + 2 * edge, rows * side + 2 * edge];
  canvas.style.width = `${canvas.width / ratio}px`;
  canvas.style.height = `${canvas.height / ratio}px`;
  const context = canvas.getContext("2d");
  const color = (name) => getComputedStyle(host.find("figure")).getPropertyValue(name).trim();
  const [ground, soft, line, ink, quiet, accent] = ["--ground", "--soft", "--line", "--ink", "--quiet", "--accent"].map(color);
  context.fillStyle = ground;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.textAlign = "center";
  context.textBaseline = "middle";
  const frames = [];
  for (let i = 0; i < rows; i += 1) {
    for (let j = 0; j < columns; j += 1) {
      const { text = "", note = "", share = 0, ring = "", out = false } = cell(i, j);
      const [x, y] = [edge + j * side, edge + i * side];
      context.fillStyle = out ? soft : accent;
      context.globalAlpha = out ? 1 : 0.42 * clamp(share, 0, 1);
      context.fillRect(x, y, side, side);
      context.globalAlpha = 1;
      context.strokeStyle = line;
      context.lineWidth = ratio;
      context.strokeRect(x + ratio / 2, y + ratio / 2, side - ratio, side - ratio);
      if (out) {
        context.beginPath();
        context.moveTo(x, y + side);
        context.lineTo(x + side, y);
        context.stroke();
      }
      const fit = (words, size) => {
        context.font = `${size}px system-ui, sans-serif`;
        const wide = context.measureText(words).width;
        if (wide > side * 0.9) context.font = `${(size * side * 0.9) / wide}px system-ui, sans-serif`;
      };
      context.fillStyle = out || text === "0" ? quiet : ink;
      fit(text, letters * side);
      context.fillText(text, x + side / 2, y + side * (note ? 0.42 : 0.52));
      fit(note, 0.22 * side);
      context.fillStyle = ink;
      context.fillText(note, x + side / 2, y + 0.78 * side);
      if (ring) frames.push([x, y, ring]);
    }
  }
  for (const [x, y, ring] of frames) {
    context.strokeStyle = ring === "here" ? ink : accent;
    context.lineWidth = (ring === "here" ? 3 : 2.5) * ratio;
    context.setLineDash(ring === "here" ? [] : [5 * ratio, 3 * ratio]);
    context.strokeRect(x + 1.5 * ratio, y + 1.5 * ratio, side - 3 * ratio, side - 3 * ratio);
    context.setLineDash([]);
  }
}

/** Text into an element, untouched if it is there already, so that a live region speaks only of changes. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export const reducedMotion = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;

// ---- the element ------------------------------------------------------------------------------

const SIDE = 250;   // least width of the column beside the picture, in CSS pixels
export const GAP = 16;

const STYLE = `
:host { display: block; container-type: inline-size; margin: 1rem 0; line-height: 1.45;
  --line: #CDD5DB; --ground: #FFFFFF; --soft: #F2F5F6; --ink: #1B2227; --quiet: #55616A;
  --accent: var(--ck-accent, #0F766E); --on-accent: #FFFFFF; --good: #DDF3EC; }
:host([data-scheme="dark"]) { --line: #3D4852; --ground: #171C21; --soft: #222A31; --ink: #E7ECEF; --quiet: #A9B5BD;
  --accent: var(--ck-accent, #5EEAD4); --on-accent: #0B2A27; --good: #12382F; }
* { box-sizing: border-box; }
slot { display: none; }
figure { margin: 0; padding: 0.9rem 1rem 1rem; border: 1px solid var(--line); border-radius: 10px;
  background: var(--ground); color: var(--ink); font-size: 0.9375rem; }
figcaption { font-weight: 650; margin-bottom: 0.6rem; }
p { margin: 0; }
[hidden] { display: none !important; }
.body { display: grid; gap: ${GAP}px; }
.body > *, .side > * { min-width: 0; }
.side { display: flex; flex-direction: column; gap: 0.7rem; }
@container (min-width: 40rem) { .body { grid-template-columns: auto minmax(${SIDE}px, 1fr); } }
canvas { display: block; border-radius: 3px; touch-action: pan-y pinch-zoom; image-rendering: pixelated; }
canvas[tabindex] { cursor: crosshair; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
fieldset { border: 0; margin: 0 0 0.8rem; padding: 0; display: grid; gap: 0.3rem; min-width: 0; }
legend, .hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.choice { position: relative; display: flex; align-items: center; justify-content: center; text-align: center;
  min-height: 2.25rem; padding: 0.2rem 0.4rem; border: 1px solid var(--line); border-radius: 7px; background: var(--soft);
  cursor: pointer; font-size: 0.84rem; line-height: 1.2; }
.choice input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0; cursor: pointer; }
.choice:hover { border-color: var(--accent); }
.choice:has(:checked) { background: var(--accent); border-color: var(--accent); color: var(--on-accent); font-weight: 600; }
.choice:has(:focus-visible) { outline: 3px solid var(--accent); outline-offset: 2px; }
.sliders { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; margin-top: 0.5rem; }
.slider { display: flex; align-items: center; gap: 0.5rem; min-height: 1.75rem; min-width: 0; font-size: 0.84rem; }
.slider input { flex: 1; min-width: 0; width: 100%; margin: 0; accent-color: var(--accent); }
.slider b { min-width: 1.9rem; text-align: right; font-weight: 500; font-variant-numeric: tabular-nums; }
button { font: inherit; font-size: 0.84rem; min-height: 2.25rem; padding: 0.2rem 0.8rem; border-radius: 7px; cursor: pointer;
  border: 1px solid var(--accent); background: transparent; color: var(--accent); }
button.main { background: var(--accent); color: var(--on-accent); font-weight: 600; }
button:hover { filter: brightness(1.08); }
.numbers { border-collapse: collapse; margin: 0; width: auto; align-self: flex-start; }
.numbers caption { text-align: left; padding: 0 0 0.25rem; caption-side: top; }
.numbers td { padding: 0; border: 1px solid var(--line); background: none; }
.numbers input { width: 3.1rem; height: 2.4rem; border: 0; background: transparent; color: inherit; font: inherit; text-align: center; padding: 0;
  appearance: textfield; font-variant-numeric: tabular-nums; }
.numbers input::-webkit-inner-spin-button { appearance: none; }
.steps { display: flex; flex-wrap: wrap; gap: 0.5rem; margin-top: 0.6rem; }
code { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: 0.82rem; color: var(--ink);
  background: none; padding: 0; border: 0; overflow-wrap: anywhere; }
output { display: block; }
.quiet { color: var(--quiet); font-size: 0.84rem; }
.label { color: var(--quiet); font-size: 0.75rem; font-weight: 600; letter-spacing: 0.02em; }
.task { margin-top: 0.9rem; padding: 0.65rem 0.8rem; border-radius: 8px; background: var(--soft); border: 1px solid transparent; }
.task.solved { background: var(--good); border-color: var(--accent); }
.verdict { margin-top: 0.45rem; min-height: 2.9em; }
.task .row { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: center; margin-top: 0.5rem; }
@media (forced-colors: active) { .choice:has(:checked) { border-width: 3px; } }
@media print {
  :host, :host([data-scheme="dark"]) { --line: #CDD5DB; --ground: #FFFFFF; --soft: #F2F5F6; --ink: #1B2227; --quiet: #55616A; }
  figure { break-inside: avoid; }
  fieldset, .sliders, .task { display: none; }
}
`;

/** Light text means a dark page: true for the site, JupyterLab, VS Code and Colab alike. */
function schemeOf(host) {
  const values = getComputedStyle(host).color.match(/[\d.]+/g);
  const [r, g, b] = (values ?? [0, 0, 0]).map(Number);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 128 ? "dark" : "light";
}

/** What a figure extends: it gives `markup()`, `start(params)` and `draw()`. */
export class Figure extends HTMLElement {
  connectedCallback() {
    if (!this.shadowRoot) this.build();
    this.observer = new ResizeObserver(() => {
      if (this.seen === this.clientWidth) return;      // the height is our own doing
      this.seen = this.clientWidth;
      this.refresh();
    });
    this.observer.observe(this);
    this.themes = new MutationObserver(() => { this.refresh(); setTimeout(() => this.refresh(), 400); });
    for (const element of [document.documentElement, document.body]) {
      this.themes.observe(element, { attributes: true, attributeFilter: ["class", "data-theme", "data-mode", "theme", "data-jp-theme-light"] });
    }
    this.media = window.matchMedia("(prefers-color-scheme: dark)");
    this.onMedia = () => this.refresh();
    this.media.addEventListener("change", this.onMedia);
    this.refresh();
  }

  disconnectedCallback() {
    this.observer.disconnect();
    this.themes.disconnect();
    this.media.removeEventListener("change", this.onMedia);
  }

  build() {
    const params = JSON.parse(this.dataset.params);
    const root = this.attachShadow({ mode: "open" });
    root.innerHTML = `<style>${STYLE}${this.constructor.style ?? ""}</style>${this.markup(params)}<slot></slot>`;
    this.start(params);
    this.style.minHeight = "";          // the height kept free until now
  }

  refresh() {
    if (!this.isConnected) return;
    const scheme = schemeOf(this);
    if (this.dataset.scheme !== scheme) this.dataset.scheme = scheme;
    this.draw();
  }

  find(selector) {
    return this.shadowRoot.querySelector(selector);
  }

  /** Show `this.verdict` on the task: [solved, words]. */
  writeTask() {
    this.find(".task").classList.toggle("solved", this.verdict[0]);
    say(this.find(".verdict"), this.verdict[1]);
  }

  /** The accent as the page has it now. */
  accent() {
    return getComputedStyle(this.find("figure")).getPropertyValue("--accent").trim();
  }

  /** Room for the main picture: the figure's width, less the column beside it where there is one. */
  stage() {
    const body = this.find(".body");
    const beside = getComputedStyle(body).gridTemplateColumns.split(" ").length > 1;
    return Math.max(body.clientWidth - (beside ? SIDE + GAP : 0), 64);
  }
}

/** Define the element once: a notebook's cell may run twice, and two outputs may carry the same script. */
export function define(name, figure) {
  if (!customElements.get(name)) customElements.define(name, figure);
}
