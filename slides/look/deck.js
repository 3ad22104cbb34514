// A deck's three faces (see scripts/make_slides.py): slides, a column to read, sheets for paper.
(() => {
  const root = document.documentElement, face = root.dataset.face;
  const WIDTHS = [640, 720, 800, 900, 1000, 1150];    // of a live figure, before it is enlarged
  const LEAST = face === "slides" ? 0.85 : 0;         // smaller, nobody could read it: then it scrolls

  /** Let a live figure be as large as its place allows: try widths, enlarge the one that gains most. */
  function fit(place, again) {
    const figure = place.firstElementChild;
    const { clientWidth: width, clientHeight: height } = place;
    if (!width || !height || !figure.shadowRoot) return;
    const scale = (wide) => {
      figure.style.width = `${wide}px`;
      figure.refresh();
      return Math.min(width / wide, height / figure.offsetHeight, 2);
    };
    if (again || !place.dataset.wide) {
      place.dataset.wide = WIDTHS.map((wide) => [scale(wide), wide]).sort((a, b) => b[0] - a[0])[0][1];
    }
    place.style.setProperty("--scale", Math.max(LEAST, scale(Number(place.dataset.wide))));
  }

  function watch(place) {
    let seen = 0;
    new ResizeObserver(() => {
      if (seen === place.clientHeight * place.clientWidth) return;
      seen = place.clientHeight * place.clientWidth;
      fit(place, true);
    }).observe(place);
    document.fonts.ready.then(() => fit(place, true));
  }

  const inFigure = (event) => event.composedPath().some((node) => node.localName?.startsWith("ck-"));

  function start() {
    const deck = document.getElementById("deck"), slides = deck.firstElementChild;
    deck.classList.add("reveal");
    slides.classList.add("slides");
    for (const answer of slides.querySelectorAll("details.answer")) answer.open = true;
    window.Reveal.initialize({
      width: 1280, height: 720, margin: 0, center: false, display: "flex", hash: true, transition: "none",
      backgroundTransition: "none", slideNumber: "c/t", scrollActivationWidth: null, plugins: [window.RevealNotes],
      totalTime: 60 * Number(deck.dataset.minutes),
      keyboardCondition: (event) => !inFigure(event) || event.key.startsWith("Page"),
      keyboard: { 68: () => { root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark"; } },
    });
    addEventListener("keydown", (event) => {
      if (event.key === "Escape" && inFigure(event)) document.activeElement.blur();
    }, true);
  }

  if (face === "slides") start();
  if (face !== "column") document.querySelectorAll(".live").forEach(watch);
})();
