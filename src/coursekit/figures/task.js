// What every figure of a chapter extends. It says in one sentence what to find, and confirms it in words once it is found.
//
// One look: the title and the task; what can be set; the picture, and below it the steps and the keys; beside it what can be read,
// a sentence first; at the foot the button that claims, and the verdict. One set of keys on the picture, the same as the buttons':
// arrow keys move (with Shift eight at a time), Enter claims, comma and full stop step, Home starts again.

import { buttonMarkup, onKeys } from "./controls.js";
import { Figure } from "./figure.js";
import { say } from "./words.js";

/** The picture that the keys are for, of class `name`. */
export const pictureMarkup = (name) => `<canvas class="${name}" role="application" tabindex="0" aria-describedby="keys"></canvas>`;

/** A further canvas: one that is looked at, or, of class `chooses`, clicked too. */
export const canvasMarkup = (name) => `<canvas class="${name}" role="img"></canvas>`;

/**
 * A figure gives `parts(params)`, `ready(params)`, once, `begin(params)`, at the start and again, `hint()`, `move(dx, dy)`, `judge()`,
 * which is [solved, words], `draw()`, and where it has steps `step(by)`. What changes its state calls `change()`, which asks for a new claim.
 */
export class TaskFigure extends Figure {
  markup(params) {
    const parts = this.parts(params);
    const { title, task, claim, settings = "", picture, side, foot = "", beside = "" } = parts;
    const steps = this.stepsMarkup(parts);
    const body = parts.body?.(steps) ?? `<div class="main">${picture}${steps}</div><div class="side">${side}</div>`;
    return `<figure aria-labelledby="title">
      <figcaption id="title">${title}</figcaption>
      <p class="goal"><b>Task.</b> ${task}</p>
      ${settings}
      <div class="body">${body}</div>
      ${foot}
      <div class="task"><div class="row">${buttonMarkup("claim", claim, "main")}${beside}</div>
        <output class="verdict" aria-live="polite"></output></div>
    </figure>`;
  }

  /** Below the picture: back and on where there are steps, what else there is, and the way back to the start; then the keys. */
  stepsMarkup({ next = "", more = {}, keys, enter = "claims" }) {
    const buttons = { ...(next ? { back: "Back", next } : {}), ...more, reset: "Start again" };
    return `<div class="steps">${Object.entries(buttons).map(([name, words]) => buttonMarkup(name, words)).join("")}</div>
      <p class="keys quiet" id="keys">Keys on the picture: ${keys}, Enter ${enter}${next ? ", comma and full stop step" : ""}, Home starts again.</p>`;
  }

  start(params) {
    this.params = params;
    this.ready(params);
    this.begin(params);
    this.verdict = [false, this.hint()];
    const acts = { claim: () => this.claim(), reset: () => this.reset(), back: () => this.step(-1), next: () => this.step(1) };
    for (const [name, act] of Object.entries(acts)) this.find(`[name=${name}]`)?.addEventListener("click", act);
    const others = { Home: acts.reset, ...(this.step ? { ",": acts.back, ".": acts.next } : {}) };
    onKeys(this.find("canvas[tabindex]"), (dx, dy) => this.move(dx, dy), acts.claim, others);
  }

  /** Another state: what was claimed of the last one says nothing of this one. */
  change(state = {}) {
    Object.assign(this, state);
    this.verdict = [false, this.hint()];
    this.draw();
  }

  reset() {
    this.begin(this.params);
    this.change();
  }

  claim() {
    this.verdict = this.judge();
    this.draw();
  }

  /** Show the verdict: [solved, words]. */
  writeTask() {
    this.find(".task").classList.toggle("solved", this.verdict[0]);
    say(this.find(".verdict"), this.verdict[1]);
  }

  /** What a reader who does not see it is told of the picture. */
  describe(words) {
    this.find("canvas[tabindex]").setAttribute("aria-label", words);
  }
}
