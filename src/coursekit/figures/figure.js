// What every interactive figure extends: a custom element, <ck-NAME data-params='{…}'>picture for readers without scripts</ck-NAME>.
//
// A figure draws from data-params alone: no network, no kernel, no library. On the site its module is imported; in a notebook's
// output `coursekit.figures` writes it and the modules that it imports into one inline script. On paper the picture stands in its place.

import { GAP, SIDE, STYLE } from "./style.js";

/** Light text means a dark page: true for the site, JupyterLab, VS Code and Colab alike. */
function schemeOf(host) {
  const values = getComputedStyle(host).color.match(/[\d.]+/g);
  const [r, g, b] = (values ?? [0, 0, 0]).map(Number);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 128 ? "dark" : "light";
}

/** What a figure extends: it gives `markup()`, `start(params)` and `draw()`. */
export class Figure extends HTMLElement {
  connectedCallback() {
    if (!this.shadowRoot) this.build();
    this.observer = new ResizeObserver(() => {
      if (this.seen === this.clientWidth) return;      // the height is our own doing
      this.seen = this.clientWidth;
      this.refresh();
    });
    this.observer.observe(this);
    this.themes = new MutationObserver(() => { this.refresh(); setTimeout(() => this.refresh(), 400); });
    for (const element of [document.documentElement, document.body]) {
      this.themes.observe(element, { attributes: true, attributeFilter: ["class", "data-theme", "data-mode", "theme", "data-jp-theme-light"] });
    }
    this.media = window.matchMedia("(prefers-color-scheme: dark)");
    this.onMedia = () => this.refresh();
    this.media.addEventListener("change", this.onMedia);
    this.refresh();
  }

  disconnectedCallback() {
    this.observer.disconnect();
    this.themes.disconnect();
    this.media.removeEventListener("change", this.onMedia);
  }

  build() {
    const params = JSON.parse(this.dataset.params);
    const root = this.attachShadow({ mode: "open" });
    root.innerHTML = `<style>${STYLE}${this.constructor.style ?? ""}</style>${this.markup(params)}<slot></slot>`;
    this.start(params);
    this.style.minHeight = "";          // the height kept free until now
    this.querySelector("img")?.setAttribute("loading", "eager");       // for the printer, who does not scroll
    document.fonts?.ready.then(() => this.refresh());
  }

  refresh() {
    if (!this.isConnected) return;
    const scheme = schemeOf(this);
    if (this.dataset.scheme !== scheme) this.dataset.scheme = scheme;
    this.draw();
  }

  find(selector) {
    return this.shadowRoot.querySelector(selector);
  }

  /** Colours of the style by their names, as the page has them now. */
  inks(...names) {
    const style = getComputedStyle(this.find("figure"));
    return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  }

  /** Room for the main picture: the figure's width, less the column beside it where there is one. */
  stage() {
    const body = this.find(".body");
    const beside = getComputedStyle(body).gridTemplateColumns.split(" ").length > 1;
    return Math.max(body.clientWidth - (beside ? SIDE + GAP : 0), 64);
  }
}

/** Define the element once: a notebook's cell may run twice, and two outputs may carry the same script. */
export function define(name, figure) {
  if (!customElements.get(name)) customElements.define(name, figure);
}
