// The playground's stage: a place, the animals on it, a drawing; composed at twice the picture's resolution, as PetScenes does it, then halved.
//
// An animal is { kind, pose, coat, turn, x, y, side }: x of the middle and y of the ground in picture heights, `side` the root of its width times height.

const folder = new URL("../playground/", import.meta.url);
const [LEAST, LARGEST] = [0.12, 0.8];           // of an animal's size

const canvasOf = (side) => Object.assign(document.createElement("canvas"), { width: side, height: side });

async function picture(name) {
  const image = new Image();
  image.src = new URL(name, folder).href;
  await image.decode();
  return image;
}

export class Stage {
  static async load() {
    const answer = await fetch(new URL("stage.json", folder));
    const [plan, animals, places] = await Promise.all([answer.json(), picture("animals.webp"), picture("places.webp")]);
    return new Stage(plan, animals, places);
  }

  constructor(plan, sheet, strip) {
    Object.assign(this, plan, { sheet, strip, own: null, fine: canvasOf(2 * plan.side), whole: canvasOf(plan.side), ink: canvasOf(2 * plan.side) });
    this.reset();
  }

  /** What the page opens with. */
  reset() {
    [this.place] = Object.keys(this.places);
    this.animals = this.cast.map(([kind, pose, coat, turn, x, y, side]) => ({ kind, pose, coat, turn, x, y, side }));
    this.chosen = this.animals[0];
    this.own = null;
    this.wipe();
  }

  add(kind) {
    if (this.animals.length >= 12) return;
    const n = this.animals.length;
    this.chosen = { kind, pose: this.poses[kind][0], coat: this.coats[n % this.coats.length], turn: 1 + (n % 4), side: 0.34,
      x: 0.2 + 0.3 * (n % 3), y: 0.95 - 0.12 * (n % 3) };
    this.animals.push(this.chosen);
  }

  remove() {
    const n = this.animals.indexOf(this.chosen);
    this.animals = this.animals.filter((one) => one !== this.chosen);
    this.chosen = this.animals[Math.min(n, this.animals.length - 1)] ?? null;
  }

  /** The next animal in the order in which they came. */
  next(by = 1) {
    const [n, count] = [this.animals.indexOf(this.chosen), this.animals.length];
    this.chosen = count ? this.animals[(n + by + count) % count] : null;
  }

  move(dx, dy) {
    const to = (value, by) => Math.min(Math.max(value + by / this.side, 0), 1.2);
    if (this.chosen) Object.assign(this.chosen, { x: to(this.chosen.x, dx), y: to(this.chosen.y, dy) });
  }

  resize(by) {
    if (this.chosen) this.chosen.side = Math.min(Math.max(this.chosen.side * by, LEAST), LARGEST);
  }

  turn(by) {
    if (this.chosen) this.chosen.turn = (this.chosen.turn + by + this.turns) % this.turns;
  }

  /** The next pose or coat. */
  change(what) {
    if (!this.chosen) return;
    const all = what === "pose" ? this.poses[this.chosen.kind] : this.coats;
    this.chosen[what] = all[(all.indexOf(this.chosen[what]) + 1) % all.length];
  }

  /** Where an animal lies: its sprite, and its box in pixels of the picture. */
  lie(animal) {
    const { kind, pose, coat, turn, x, y, side } = animal;
    const [left, top, width, height, ground, ...feet] = this.tiles[`${kind} ${pose} ${coat} ${turn}`];
    const scale = (side * this.side) / this.drawn;
    const box = [x * this.side - (width * scale) / 2, y * this.side - ground * scale];
    return { tile: [left, top, width, height], box: [...box, box[0] + width * scale, box[1] + height * scale], scale, feet };
  }

  /** The nearest animal whose box holds a point, or null. */
  under(x, y) {
    const holds = (one) => { const { box } = this.lie(one); return box[0] <= x && x < box[2] && box[1] <= y && y < box[3]; };
    return this.fromFar().reverse().find(holds) ?? null;
  }

  fromFar() {
    return [...this.animals].sort((a, b) => a.y - b.y);
  }

  /** A reader's own picture fills the place, cut to a square; no animal stands on it at first. */
  take(image) {
    const side = Math.min(image.width, image.height);
    this.own = canvasOf(2 * this.side);
    const context = this.own.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.fillStyle = "#fff";
    context.fillRect(0, 0, this.own.width, this.own.width);
    context.drawImage(image, (image.width - side) / 2, (image.height - side) / 2, side, side, 0, 0, this.own.width, this.own.width);
    [this.animals, this.chosen] = [[], null];
    this.wipe();
  }

  go(place) {
    [this.place, this.own] = [place, null];
  }

  wipe() {
    this.ink.getContext("2d").clearRect(0, 0, this.ink.width, this.ink.height);
  }

  /** A stroke of the pen, in pixels of the picture. */
  line(from, to, color, width) {
    const context = this.ink.getContext("2d");
    Object.assign(context, { strokeStyle: color, lineWidth: 2 * width, lineCap: "round" });
    context.beginPath();
    context.moveTo(2 * from[0], 2 * from[1]);
    context.lineTo(2 * to[0], 2 * to[1]);
    context.stroke();
  }

  /** Paint everything; the picture is then in `whole`, a canvas of `side` × `side` pixels. */
  compose() {
    const context = this.fine.getContext("2d");
    const wide = this.fine.width;
    context.imageSmoothingQuality = "high";
    if (this.own) context.drawImage(this.own, 0, 0);
    else context.drawImage(this.strip, Object.keys(this.places).indexOf(this.place) * wide, 0, wide, wide, 0, 0, wide, wide);
    context.drawImage(this.ink, 0, 0);
    for (const animal of this.animals) this.shade(context, animal);
    for (const animal of this.fromFar()) {
      const { tile, box } = this.lie(animal);
      context.drawImage(this.sheet, ...tile, 2 * box[0], 2 * box[1], 2 * (box[2] - box[0]), 2 * (box[3] - box[1]));
    }
    const small = this.whole.getContext("2d", { willReadFrequently: true });
    small.imageSmoothingQuality = "high";
    small.drawImage(this.fine, 0, 0, this.side, this.side);
  }

  /** The dark of contact under an animal's feet, as coursekit.data.scenes.shadow lays it. */
  shade(context, animal) {
    const { box, scale, feet } = this.lie(animal);
    const squash = Math.min(Math.max((animal.y - this.places[this.place]) * 0.8, 0.15), 0.7);
    const width = box[2] - box[0];
    const [xs, ys] = [0, 1].map((k) => feet.filter((_, n) => n % 2 === k).map((v) => box[k] + v * scale));
    if (!xs.length) return;
    const [left, right, top, low] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    ellipse(context, (left + right) / 2, (top + low) / 2, (right - left) / 2 + 0.16 * width + 1, (low - top) / 2 + 0.16 * width * Math.max(squash, 0.25) + 1, 0.38);
    xs.forEach((x, n) => ellipse(context, x, ys[n] - 0.2, 0.11 * width + 1, (0.11 * width + 1) * Math.max(squash, 0.3), 0.2));
  }

  /** 3 × H × W numbers in [0, 1], as the network takes them. */
  pixels() {
    const { data } = this.whole.getContext("2d", { willReadFrequently: true }).getImageData(0, 0, this.side, this.side);
    const area = this.side ** 2;
    return Float32Array.from({ length: 3 * area }, (_, k) => data[4 * (k % area) + Math.floor(k / area)] / 255);
  }
}

/** A soft dark ellipse, in pixels of the picture. */
function ellipse(context, x, y, across, down, dark) {
  context.save();
  context.setTransform(2 * across, 0, 0, 2 * down, 2 * x, 2 * y);
  const fade = context.createRadialGradient(0, 0, 0, 0, 0, 1);
  for (const r of [0, 0.25, 0.5, 0.75, 1]) fade.addColorStop(r, `rgba(0, 0, 0, ${dark * (1 - r ** 4)})`);     // f (2 - f) for f = 1 - r²
  context.fillStyle = fade;
  context.fillRect(-1, -1, 2, 2);
  context.restore();
}
