// The course's Mask R-CNN in a thread of its own: onnxruntime's WebAssembly, one thread, two graphs that scripts/playground_model.py wrote.
//
// Asked { pixels?, score, overlap }, it answers { anchors, objectness, before, proposals, sure, found, seconds }: `pixels` are 3 × 128 × 128 numbers in [0, 1];
// without them the last picture counts, and the network does not run again. Each of `found` is { region, label, score, box, mask }.

import * as ort from "../vendor/onnxruntime/ort.wasm.min.mjs";
import { CELLS, CLASSES, DRAWN, rows, suppress } from "./playground-net.js";

const folder = new URL("../playground/", import.meta.url);
Object.assign(ort.env.wasm, { numThreads: 1, wasmPaths: new URL("../vendor/onnxruntime/", import.meta.url).href });
ort.env.logLevel = "error";

async function open(name) {
  const answer = await fetch(new URL(name, folder));
  if (!answer.ok) throw new Error(`${name} did not come (${answer.status})`);
  return ort.InferenceSession.create(new Uint8Array(await answer.arrayBuffer()), { executionProviders: ["wasm"] });
}

const graphs = Promise.all(["find.onnx", "masks.onnx"].map(open));
let last = null;            // what the network said of the last picture
let drawn = new Map();      // its masks so far, by region and class

async function look(pixels) {
  const [find] = await graphs;
  const side = Math.sqrt(pixels.length / 3);
  const said = await find.run({ image: new ort.Tensor("float32", pixels, [1, 3, side, side]) });
  drawn = new Map();
  const before = rows(said.before.data);
  last = { features: said.features, scores: said.scores.data, boxes: said.boxes.data, anchors: rows(said.anchors.data), before,
    objectness: said.objectness.data, proposals: Array.from(said.kept.data, (n) => before[n]), sure: Array.from(said.kept.data, (n) => said.objectness.data[n]) };
}

async function drawMasks(found) {
  const [, masks] = await graphs;
  const key = ({ region, label }) => region * CLASSES + label;
  const missing = found.slice(0, DRAWN).filter((one) => !drawn.has(key(one)));
  if (missing.length) {
    const boxes = new ort.Tensor("float32", Float32Array.from(missing.flatMap(({ box }) => box)), [missing.length, 4]);
    const { data } = (await masks.run({ features: last.features, boxes })).masks;
    missing.forEach((one, n) => {
      const from = (n * CLASSES + one.label) * CELLS ** 2;
      drawn.set(key(one), data.slice(from, from + CELLS ** 2));
    });
  }
  return found.map((one, n) => ({ ...one, mask: n < DRAWN ? drawn.get(key(one)) : null }));
}

onmessage = async ({ data: { pixels, score, overlap } }) => {
  try {
    await graphs;
    const start = performance.now();
    if (pixels) await look(pixels);
    const found = await drawMasks(suppress(last.scores, last.boxes, score, overlap));
    const { anchors, objectness, before, proposals, sure } = last;
    postMessage({ anchors, objectness, before, proposals, sure, found, seconds: (performance.now() - start) / 1000 });
  } catch (error) {
    postMessage({ error: String(error.message ?? error) });
  }
};
