// Numbers in words, and words into the page.

export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
export const count = (n) => n.toLocaleString("en-GB");
export const plural = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;

/** At most so many decimals, no minus before a zero. */
export const short = (value, digits = 2) => String(Math.round(value * 10 ** digits) / 10 ** digits + 0);

/** Text into an element, untouched if it is there already, so that a live region speaks only of changes. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export const reducedMotion = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;
