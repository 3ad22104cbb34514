// A small chart on a canvas: two axes from 0 to 1 with their names, a line and dots.

import { letters } from "./drawing.js";

/** `dots` are { x, y, full, large }; with `line` they are joined in their order. The canvas becomes as wide as there is room. */
export function drawChart(host, canvas, { across, up, dots, line = false, height = 130 }) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.parentElement.clientWidth;
  [canvas.width, canvas.height] = [width * ratio, height * ratio].map(Math.floor);
  [canvas.style.width, canvas.style.height] = [`${canvas.width / ratio}px`, `${canvas.height / ratio}px`];
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  const ink = host.inks("ground", "line", "quiet", "accent", "chosen");
  const [left, right, top, bottom] = [44, width - 12, 8, height - 34];
  const at = (x, y) => [left + x * (right - left), bottom - y * (bottom - top)];
  [context.fillStyle, context.strokeStyle, context.lineWidth] = [ink.quiet, ink.line, 1];
  context.font = letters(context, 11);
  for (const share of [0, 0.5, 1]) {
    const [[x], [, y]] = [at(share, 0), at(0, share)];
    context.strokeRect(left, y, right - left, 0);
    context.strokeRect(x, top, 0, bottom - top);
    [context.textAlign, context.textBaseline] = ["center", "top"];
    context.fillText(share, x, bottom + 4);
    [context.textAlign, context.textBaseline] = ["right", "middle"];
    context.fillText(share, left - 5, y);
  }
  [context.textAlign, context.textBaseline] = ["center", "bottom"];
  context.fillText(across, (left + right) / 2, height - 1);
  context.save();
  context.translate(11, (top + bottom) / 2);
  context.rotate(-Math.PI / 2);
  context.textBaseline = "middle";
  context.fillText(up, 0, 0);
  context.restore();
  [context.strokeStyle, context.lineWidth] = [ink.accent, 2];
  context.beginPath();
  if (line) dots.forEach(({ x, y }) => context.lineTo(...at(x, y)));
  context.stroke();
  for (const { x, y, full = true, large = false } of dots) {
    context.beginPath();
    context.arc(...at(x, y), large ? 5.5 : 4, 0, 7);
    [context.strokeStyle, context.fillStyle] = [large ? ink.chosen : ink.accent, full ? (large ? ink.chosen : ink.accent) : ink.ground];
    context.fill();
    context.stroke();
  }
}
