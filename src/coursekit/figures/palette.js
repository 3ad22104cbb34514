// The colours of the interactive figures: of classes and instances, as coursekit.plot has them, and of what a figure marks.

export const CLASSES = ["background", "cat", "dog", "rabbit", "grass", "floor", "sky"];
export const THINGS = [1, 2, 3];
export const VOID = 255;

// Copies of coursekit.plot's palette, held equal to it by a test; a page may override --ck-cat and so on.
export const CLASS_COLORS = {
  background: "#8B9099", cat: "#C8385A", dog: "#1F6FB5", rabbit: "#E09B12",
  grass: "#5B9A42", floor: "#A67B5B", sky: "#8EC5E6",
};
export const PALETTE = ["#1F6FB5", "#C8385A", "#E09B12", "#5B9A42", "#7B4FA3", "#0F9BA8", "#B5532A", "#5C6670"];

// What is marked has one colour in all figures: what is true (and dotted), what is answered or proposed, what the reader has
// chosen, and what is struck out. Where an answer has a class, it has the colour of the class.
export const TRUE = "#111418";
export const ANSWER = PALETTE[4];
export const CHOSEN = PALETTE[6];
export const GONE = PALETTE[7];
export const DOTS = [2, 3];

export const className = (id) => (id === VOID ? "void" : CLASSES[id]);

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
