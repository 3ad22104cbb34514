// Drawing on a canvas: pictures, boxes and other paths, names on tags, and grids of numbers.

import { clamp } from "./words.js";
import { DOTS, TRUE, inkOn } from "./palette.js";

/** The page's own letters, `size` canvas pixels high. */
export const letters = (context, size, weight = 400) => `${weight} ${size}px ${getComputedStyle(context.canvas).fontFamily || "sans-serif"}`;

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

/** Size a canvas to a picture as wide as there is room, and draw it: { context, scale, ratio }, where `scale` need not be whole. */
export function fitPicture(canvas, picture, available) {
  const ratio = window.devicePixelRatio || 1;
  const scale = Math.floor(available * ratio) / picture.width;
  [canvas.width, canvas.height] = [Math.round(picture.width * scale), Math.round(picture.height * scale)];
  [canvas.style.width, canvas.style.height] = [canvas.width, canvas.height].map((side) => `${side / ratio}px`);
  const view = { context: canvas.getContext("2d"), scale, ratio };
  lay(view, picture);
  return view;
}

/** Lay a picture over all of a canvas. Its pixels stay sharp; where they are no whole number of the screen's, only their edges are mixed. */
export function lay({ context, scale }, picture) {
  const { width, height } = context.canvas;
  const whole = Math.ceil(scale);
  context.imageSmoothingEnabled = scale !== whole;
  context.imageSmoothingQuality = "high";
  if (scale === whole) return context.drawImage(picture, 0, 0, width, height);
  const large = document.createElement("canvas");
  [large.width, large.height] = [picture.width * whole, picture.height * whole];
  const brush = large.getContext("2d");
  brush.imageSmoothingEnabled = false;
  brush.drawImage(picture, 0, 0, large.width, large.height);
  return context.drawImage(large, 0, 0, width, height);
}

/** Stroke a path given in picture pixels: a light line under a dark one shows on every ground. `dash` is in CSS pixels. */
export function stroke(view, path, color, width = 2, dash = []) {
  const { context, scale, ratio } = view;
  context.save();
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.lineCap = dash.length ? "butt" : "square";
  context.setLineDash(dash.map((length) => (length * ratio) / scale));
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

/** What is true: dotted, in all figures. */
export const strokeTrue = (view, path, width = 1.5) => stroke(view, path, TRUE, width, DOTS);

const tagSize = ({ context, ratio }, text) => {
  context.font = letters(context, 12 * ratio, 600);
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

/**
 * A grid of rows × columns on a canvas. `cell(i, j)` gives { text, note, share, ring, out }: a number, a small word below it,
 * the shade from 0 to 1, "here" (chosen) or "source" for a frame, and whether the cell lies outside of what counts. `size` is the
 * height of a number as a share of its cell's side.
 */
export function drawGrid(host, canvas, rows, columns, available, cell, { most = 64, size = 0.34 } = {}) {
  const ratio = window.devicePixelRatio || 1;
  const side = Math.floor(Math.min(most, (available - 4) / columns) * ratio);
  const edge = Math.ceil(2 * ratio);
  [canvas.width, canvas.height] = [columns * side + 2 * edge, rows * side + 2 * edge];
  [canvas.style.width, canvas.style.height] = [canvas.width, canvas.height].map((length) => `${length / ratio}px`);
  const context = canvas.getContext("2d");
  const ink = host.inks("ground", "soft", "line", "ink", "quiet", "accent", "chosen");
  context.fillStyle = ink.ground;
  context.fillRect(0, 0, canvas.width, canvas.height);
  [context.textAlign, context.textBaseline] = ["center", "middle"];
  const frames = [];
  for (let i = 0; i < rows; i += 1) {
    for (let j = 0; j < columns; j += 1) {
      const found = cell(i, j);
      const [x, y] = [edge + j * side, edge + i * side];
      drawCell(context, x, y, side, ratio, ink, { ...found, size: Math.min(size * side, 26 * ratio) });
      if (found.ring) frames.push([x, y, found.ring]);
    }
  }
  for (const [x, y, ring] of frames) {
    [context.strokeStyle, context.lineWidth] = ring === "here" ? [ink.chosen, 3 * ratio] : [ink.accent, 2.5 * ratio];
    context.setLineDash(ring === "here" ? [] : [5 * ratio, 3 * ratio]);
    context.strokeRect(x + 1.5 * ratio, y + 1.5 * ratio, side - 3 * ratio, side - 3 * ratio);
    context.setLineDash([]);
  }
}

function drawCell(context, x, y, side, ratio, ink, { text = "", note = "", share = 0, out = false, size }) {
  context.fillStyle = out ? ink.soft : ink.accent;
  context.globalAlpha = out ? 1 : 0.42 * clamp(share, 0, 1);
  context.fillRect(x, y, side, side);
  context.globalAlpha = 1;
  [context.strokeStyle, context.lineWidth] = [ink.line, ratio];
  context.strokeRect(x + ratio / 2, y + ratio / 2, side - ratio, side - ratio);
  if (out) {
    context.beginPath();
    context.moveTo(x, y + side);
    context.lineTo(x + side, y);
    context.stroke();
  }
  const write = (words, height, place, color) => {
    context.font = letters(context, height);
    const wide = context.measureText(words).width;
    if (wide > side * 0.9) context.font = letters(context, (height * side * 0.9) / wide);
    context.fillStyle = color;
    context.fillText(words, x + side / 2, y + side * place);
  };
  write(text, size, note ? 0.42 : 0.52, out || text === "0" ? ink.quiet : ink.ink);
  if (note) write(note, Math.min(0.22 * side, 15 * ratio), 0.78, ink.ink);
}
