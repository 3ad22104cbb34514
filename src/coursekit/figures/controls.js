// What a reader moves: keys, mouse and touch on a canvas; sliders, choices and fields of numbers.

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * Arrow keys call `move(dx, dy)` (with Shift: eight at a time), Enter and Space call `press()`; `others` are called by their keys,
 * as in { Home: () => … }.
 */
export function onKeys(canvas, move, press = () => {}, others = {}) {
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in ARROWS) move(...ARROWS[event.key].map((d) => d * (event.shiftKey ? 8 : 1)));
    else if (event.key === "Enter" || event.key === " ") press();
    else if (event.key in others) others[event.key]();
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

export const buttonMarkup = (name, words, kind = "") => `<button type="button" name="${name}" class="${kind}">${words}</button>`;

/** A labelled range input with its value beside it, as `words` write it; returns { set(value) }. */
export function slider(root, name, maximum, input, words = String) {
  const range = root.querySelector(`input[name="${name}"]`);
  const value = range.parentElement.querySelector("b");
  range.max = maximum;
  range.addEventListener("input", () => input(Number(range.value)));
  return { set(number) {
    range.value = number;
    value.textContent = words(number);
    range.setAttribute("aria-valuetext", words(number));
  } };
}

export const sliderMarkup = (name, label) =>
  `<label class="slider"><span>${label}</span><input type="range" name="${name}" min="0" value="0"><b></b></label>`;

/** Radio buttons of one group, from { value: words }. */
export const choicesMarkup = (group, options, chosen) => Object.entries(options).map(([value, words]) =>
  `<label class="choice"><input type="radio" name="${group}" value="${value}"${value === chosen ? " checked" : ""}>${words}</label>`).join("");

/** A named group of them, `kind` being its class. */
export const groupMarkup = (kind, name, group, options) => `<fieldset class="${kind}"><legend>${name}</legend>${choicesMarkup(group, options)}</fieldset>`;

/** Such a group; returns { set(value) }. */
export function choices(root, group, input) {
  const all = [...root.querySelectorAll(`input[name="${group}"]`)];
  for (const one of all) one.addEventListener("change", () => input(one.value));
  return { set(value) { for (const one of all) one.checked = one.value === String(value); } };
}

/** A table of number fields called NAME0-0, NAME0-1, …, row by row. */
export const fieldsMarkup = (name, label, values) => `<table class="numbers"><caption class="label">${label}</caption>`
  + values.map((line, i) => `<tr>${line.map((value, j) => `<td><input type="number" step="any" name="${name}${i}-${j}" `
    + `value="${value}" aria-label="${label}, row ${i}, column ${j}"></td>`).join("")}</tr>`).join("") + "</table>";

/** The numbers of such a table; an empty field counts as 0. */
export const readFields = (root, name, rows, columns) => Array.from({ length: rows }, (_, i) =>
  Array.from({ length: columns }, (__, j) => Number(root.querySelector(`[name="${name}${i}-${j}"]`).value) || 0));

/** Show numbers in such a table. */
export const setFields = (root, name, values) => values.forEach((line, i) => line.forEach((value, j) => {
  root.querySelector(`[name="${name}${i}-${j}"]`).value = value;
}));
