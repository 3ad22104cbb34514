// Put into every page before its own scripts: notes what happens from the first moment on, and looks at the page, figures' shadow
// trees included, when asked. `window.probe` is all that it adds, but for two counters that several tests read.
(() => {
  const probe = window.probe = { smooth: [], frames: 0, stops: [] };
  const handles = new WeakMap();      // element -> the pointer's events that it listens to
  const POINTER = /^(click|dblclick|pointerdown|mousedown|touchstart)$/;

  // ---- from the first moment on
  window.layoutShift = 0;             // the shifts that no key or click explains
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.layoutShift += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
  window.schemes = [];                // each colour scheme that the page is given
  new MutationObserver(() => window.schemes.push(document.documentElement.dataset.theme))
    .observe(document, { subtree: true, attributeFilter: ["data-theme"] });
  const listen = EventTarget.prototype.addEventListener;
  EventTarget.prototype.addEventListener = function (type, ...rest) {
    if (POINTER.test(type) && this instanceof Element) handles.set(this, [...handles.get(this) ?? [], type]);
    return listen.call(this, type, ...rest);
  };
  const request = window.requestAnimationFrame;
  window.requestAnimationFrame = (call) => { probe.frames += 1; return request(call); };
  for (const [owner, name] of [[Element.prototype, "scrollIntoView"], [Element.prototype, "scrollTo"], [Element.prototype, "scrollBy"],
    [window, "scrollTo"], [window, "scrollBy"], [window, "scroll"]]) {
    const scroll = owner[name];
    owner[name] = function (...given) {
      if (given[0]?.behavior === "smooth") probe.smooth.push(`${name} on ${tell(this)}`);
      return scroll.apply(this, given);
    };
  }

  // ---- the page as one tree
  function* all(root = document) {
    if (root.shadowRoot) yield* all(root.shadowRoot);
    for (const element of root.querySelectorAll("*")) {
      yield element;
      if (element.shadowRoot) yield* all(element.shadowRoot);
    }
  }
  const above = (element) => element.assignedSlot ?? element.parentElement ?? element.getRootNode().host;
  function* upwards(element) { for (; element; element = above(element)) yield element; }
  const shown = (element) => element.checkVisibility({ visibilityProperty: true }) && !element.closest("[inert]")
    && [...element.getClientRects()].some(({ width, height }) => width > 0 && height > 0);
  const tell = (element) => element instanceof Element ? element.cloneNode(false).outerHTML.slice(0, 150)
    + (element.getRootNode().host ? ` in ${element.getRootNode().host.localName}` : "") : "the window";
  const holds = (outer, inner) => [...upwards(inner)].includes(outer);
  const takesFocus = (element) => element.tabIndex >= 0 && !element.disabled && !element.shadowRoot;
  probe.focusable = (root = document) => [...all(root)].filter((element) => takesFocus(element) && shown(element));
  // browsers let the arrow keys into whatever scrolls and holds nothing that takes the focus
  const scrolls = (element) => /auto|scroll/.test(getComputedStyle(element).overflow) && shown(element)
    && (element.scrollWidth > element.clientWidth || element.scrollHeight > element.clientHeight);

  // ---- keyboard
  /** What can be clicked, but neither takes the focus nor lies in, names or holds what does. A figure's further picture that `chooses`
      is passed over: the figure's buttons and keys do the same, and its own test drives those. */
  probe.unreachable = () => [...all()].filter((element) => {
    const pointed = getComputedStyle(element).cursor === "pointer";
    if (!pointed && !handles.has(element) || !shown(element) || element.matches("canvas.chooses")
      || element.localName.startsWith("ck-")) return false;
    if ([...upwards(element)].some((one) => one !== document.body && takesFocus(one) || one.control && takesFocus(one.control))) return false;
    return ![...all(element)].some((one) => takesFocus(one)) && element !== document.body && element !== document.documentElement;
  }).map(tell);

  const focused = () => { let at = document.activeElement; while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement; return at; };
  const at = (x, y) => { let hit = document.elementFromPoint(x, y), inner; while ((inner = hit?.shadowRoot?.elementFromPoint(x, y)) && inner !== hit) hit = inner; return hit; };
  /** Whether some of what has the focus can be seen: on the screen, and under nothing that sticks there. */
  function seen(element) {
    for (const { left, right, top, bottom } of element.getClientRects()) {
      for (const share of [0.5, 0.1, 0.9]) {
        const hit = at(left + share * (right - left), top + share * (bottom - top));
        if (hit && (holds(element, hit) || holds(hit, element))) return true;
      }
    }
    return false;
  }
  /** From now on note where the focus goes; `within` is the part of the page that must be walked. Returns how many keys that takes. */
  probe.walk = (within) => {
    probe.within = document.querySelector(within);
    probe.stops = [];
    probe.faint = [];
    probe.covered = [];
    const note = (event) => {
      const element = event.composedPath()[0];
      if (probe.stops.at(-1) === element) return;
      probe.stops.push(element);
      const style = getComputedStyle(element);
      const ring = style.outlineStyle === "auto" || style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
      if (!ring) probe.faint.push(tell(element));
      if (!seen(element)) probe.covered.push(tell(element));      // the page has scrolled to it by now
    };
    for (const root of [document, ...[...all()].map((element) => element.shadowRoot).filter(Boolean)]) listen.call(root, "focusin", note);
    probe.wanted = probe.focusable().filter((element) => holds(probe.within, element));
    // and a few for what comes up on the way; beyond the last stop, Tab begins again
    return probe.wanted.length + 5 + [...all(probe.within)].filter((element) => !takesFocus(element) && scrolls(element)).length;
  };
  /** What went wrong on the way. */
  probe.walked = () => {
    const reached = new Set(probe.stops);
    const stops = [...reached].filter((element) => holds(probe.within, element));
    const sameGroup = (a, b) => a.type === "radio" && b.type === "radio" && a.name === b.name && a.getRootNode() === b.getRootNode();
    // reading order: in the text, the next stop stands lower or further right; a figure counts as one place
    const place = (element) => { while (element.getRootNode().host) element = element.getRootNode().host; return element; };
    const text = stops.filter((element) => holds(document.querySelector("article") ?? probe.within, element));
    const back = text.filter((element, i) => i && place(element) !== place(text[i - 1])
      && place(text[i - 1]).compareDocumentPosition(place(element)) & Node.DOCUMENT_POSITION_PRECEDING);
    const up = text.filter((element, i) => {
      const [was, is] = [place(text[Math.max(i - 1, 0)]), place(element)].map((one) => one.getBoundingClientRect());
      return is.bottom < was.top - 1 && is.left <= was.left;
    });
    return {
      missed: probe.wanted.filter((element) => !reached.has(element) && !stops.some((one) => sameGroup(one, element))).map(tell),
      jumps: [...new Set([...all()].filter((element) => element.tabIndex > 0).concat(back, up))].map(tell),
      faint: [...new Set(probe.faint)], covered: [...new Set(probe.covered)], stops: stops.length,
    };
  };
  probe.focused = () => tell(focused() ?? document.body);

  // ---- names, for readers' aids; `axe` must be on the page
  const NAMED = "a[href],button,input:not([type=hidden]),select,textarea,summary,canvas,iframe,[role]:not([role=none],[role=presentation])";
  const WIDGETS = /^(application|button|checkbox|combobox|dialog|figure|group|img|link|menuitem|meter|option|progressbar|radio|radiogroup|region|slider|spinbutton|switch|tab|tabpanel|textbox)$/;
  probe.nameless = () => {
    axe.setup(document);
    const name = (element) => axe.commons.text.accessibleText(element).trim();
    const found = [...all()].filter((element) => element.matches(NAMED) && shown(element) && !element.closest("[aria-hidden=true]")
      && (!element.matches("[role]") || WIDGETS.test(element.getAttribute("role"))) && !name(element)).map(tell);
    for (const figure of [...all()].filter((element) => element.localName.startsWith("ck-"))) {
      const frame = figure.shadowRoot?.querySelector("figure, section, [role=figure], [role=group], [role=region]");
      if (!frame || !name(frame)) found.push(`${figure.localName}: the figure itself`);
    }
    axe.teardown();
    return found;
  };
  /** All that a screen reader is told while a figure is used: live regions, values in words, pictures' names. */
  probe.told = (figure) => [...all(figure.shadowRoot)].map((element) => [
    element.matches("output,[aria-live]:not([aria-live=off]),[role=status],[role=alert]") ? element.innerText : "",
    element.getAttribute("aria-valuetext") ?? "", element.getAttribute("aria-label") ?? ""].join("|")).join("\n");

  // ---- motion, once the reader has asked for none
  probe.motion = async () => {
    const before = probe.frames;
    await new Promise((done) => setTimeout(done, 300));
    const long = (times) => times.split(",").some((time) => parseFloat(time) > 0);
    const styled = [...all()].filter((element) => {
      const style = getComputedStyle(element);
      return style.scrollBehavior === "smooth" || style.animationName !== "none" && long(style.animationDuration)
        || style.transitionProperty !== "none" && long(style.transitionDuration);
    });
    return [...new Set([...styled, ...document.querySelectorAll("video[autoplay],marquee,animate,animateTransform,img[src$='.gif']")].map(tell)),
      ...document.getAnimations().filter((one) => one.playState === "running").map((one) => `runs: ${tell(one.effect.target)}`),
      ...probe.smooth, ...probe.frames > before + 2 ? [`${probe.frames - before} frames asked for while nothing was done`] : []];
  };

  // ---- with scripts off: what looks as if it did something, and cannot
  probe.dead = () => [...all()].filter((element) => shown(element)
    && element.matches("button,input,select,textarea,[role=button],[onclick],[tabindex='0'],a[href^='javascript:'],a[href='#'][data-bs-toggle]")).map(tell);
})();
