// The look of all interactive figures, in a page of either scheme.

export const SIDE = 250;   // least width of the column beside the picture, in CSS pixels
export const GAP = 16;

export const STYLE = `
:host { display: block; container-type: inline-size; margin: 1rem 0; line-height: 1.45;
  --line: #CDD5DB; --ground: #FFFFFF; --soft: #F2F5F6; --ink: #1B2227; --quiet: #55616A;
  --accent: var(--ck-accent, #0F766E); --on-accent: #FFFFFF; --good: #DDF3EC;
  --chosen: #B5532A; --on-chosen: #FFFFFF; --answer: #7B4FA3; }
:host([data-scheme="dark"]) { --line: #3D4852; --ground: #171C21; --soft: #222A31; --ink: #E7ECEF; --quiet: #A9B5BD;
  --accent: var(--ck-accent, #5EEAD4); --on-accent: #0B2A27; --good: #12382F;
  --chosen: #F0915F; --on-chosen: #24110A; --answer: #C6A6E8; }
* { box-sizing: border-box; }
slot { display: none; }
figure { margin: 0; padding: 0.9rem 1rem 1rem; border: 1px solid var(--line); border-radius: 10px;
  background: var(--ground); color: var(--ink); font-family: var(--ui-font, inherit); font-size: 0.9375rem; }
figcaption { font-weight: 650; margin-bottom: 0.6rem; }
.goal { margin: -0.45rem 0 0.7rem; }
p { margin: 0; }
[hidden] { display: none !important; }
.body { display: grid; gap: ${GAP}px; }
.body > *, .side > * { min-width: 0; }
.side { display: flex; flex-direction: column; gap: 0.7rem; }
@container (min-width: 40rem) { .body { grid-template-columns: auto minmax(${SIDE}px, 1fr); } }
.reading { padding: 0.5rem 0.7rem; border-left: 3px solid var(--accent); border-radius: 0 6px 6px 0; background: var(--soft); overflow-wrap: anywhere; }
canvas { display: block; border-radius: 3px; touch-action: pan-y pinch-zoom; image-rendering: pixelated; }
canvas[tabindex], canvas.chooses { cursor: crosshair; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
fieldset { border: 0; margin: 0 0 0.8rem; padding: 0; display: grid; gap: 0.3rem; min-width: 0; }
legend, .hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.choice { position: relative; display: flex; align-items: center; justify-content: center; text-align: center;
  min-height: 2.25rem; padding: 0.2rem 0.4rem; border: 1px solid var(--line); border-radius: 7px; background: var(--soft);
  cursor: pointer; font-size: 0.84rem; font-weight: 500; line-height: 1.2; }
.choice input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0; cursor: pointer; }
.choice:hover { border-color: var(--accent); }
.choice:has(:checked) { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
.choice:has(:focus-visible) { outline: 3px solid var(--accent); outline-offset: 2px; }
.sliders { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; margin-top: 0.5rem; }
.slider { display: flex; align-items: center; gap: 0.5rem; min-height: 1.75rem; min-width: 0; font-size: 0.84rem; }
.slider input { flex: 1; min-width: 0; width: 100%; margin: 0; accent-color: var(--accent); }
.slider b { min-width: 1.9rem; text-align: right; font-weight: 500; font-variant-numeric: tabular-nums; }
button { font: inherit; font-size: 0.84rem; min-height: 2.25rem; padding: 0.2rem 0.8rem; border-radius: 7px; cursor: pointer;
  border: 1px solid var(--accent); background: transparent; color: var(--accent); }
button.main { background: var(--accent); color: var(--on-accent); font-weight: 600; }
button:hover { filter: brightness(1.08); }
table.values { width: 100%; margin: 0; border-collapse: collapse; font-size: 0.84rem; font-variant-numeric: tabular-nums; }
.values th, .values td { padding: 0.2rem 0.3rem; border: 0; border-bottom: 1px solid var(--line); background: none; color: inherit;
  text-align: right; font-weight: 400; }
.values tr > :first-child { text-align: left; padding-left: 0; }
.values tr > :last-child { padding-right: 0; }
.values thead th { color: var(--quiet); font-size: 0.75rem; font-weight: 600; vertical-align: bottom; }
.values caption { text-align: left; caption-side: top; padding: 0 0 0.2rem; }
.facts { display: grid; grid-template-columns: 1fr auto; gap: 0.15rem 0.8rem; margin: 0; font-size: 0.9rem; }
.facts dt, .facts dd { margin: 0; font-variant-numeric: tabular-nums; }
.facts dd { text-align: right; font-weight: 600; }
.numbers { border-collapse: collapse; margin: 0; width: auto; align-self: flex-start; }
.numbers caption { text-align: left; padding: 0 0 0.25rem; caption-side: top; }
.numbers td { padding: 0; border: 1px solid var(--line); background: none; }
.numbers input { width: 3.1rem; height: 2.4rem; border: 0; background: transparent; color: inherit; font: inherit; text-align: center; padding: 0;
  appearance: textfield; font-variant-numeric: tabular-nums; }
.numbers input::-webkit-inner-spin-button { appearance: none; }
.steps, .task .row { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: center; }
.steps { margin-top: 0.6rem; }
.keys, .legend { margin-top: 0.5rem; }
@media (hover: none) { .keys { display: none; } }
code { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: 0.82rem; color: var(--ink);
  background: none; padding: 0; border: 0; overflow-wrap: anywhere; }
output { display: block; }
.quiet { color: var(--quiet); font-size: 0.84rem; }
.label { color: var(--quiet); font-size: 0.75rem; font-weight: 600; letter-spacing: 0.02em; }
.task { margin-top: 0.9rem; padding: 0.65rem 0.8rem; border-radius: 8px; background: var(--soft); border: 1px solid transparent; }
.task.solved { background: var(--good); border-color: var(--accent); }
.verdict { margin-top: 0.45rem; min-height: 4.4em; }
@container (min-width: 40rem) {
  .task { display: grid; grid-template-columns: auto 1fr; gap: 1rem; align-items: center; }
  .verdict { margin-top: 0; min-height: 2.9em; display: flex; align-items: center; }
}
@media (forced-colors: active) { .choice:has(:checked) { border-width: 3px; } }
@media print {
  figure { display: none; }
  slot { display: block; }
}
`;
