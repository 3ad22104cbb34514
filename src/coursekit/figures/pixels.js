// Pixels of the interactive figures: stored bytes and runs, off-screen pictures, and the shapes of regions.
// Letters as in the package: H W image size, boxes are (x1, y1, x2, y2) with x2 and y2 exclusive.

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

/** A scene { height, width, rgb } as such a canvas. */
export function photo({ height, width, rgb }) {
  const bytes = decodeBytes(rgb);
  return raster(width, height, (k) => [bytes[3 * k], bytes[3 * k + 1], bytes[3 * k + 2], 255]);
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
