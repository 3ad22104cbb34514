"""What can be seen of an open page: what axe finds, where Tab leads, how far its text moves."""

from conftest import ROOT

AXE = ROOT / "node_modules/axe-core/axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# from the top to the bottom, a screen at a time, so that every waiting picture comes
SCROLL = """async () => {
  for (let y = 0; y < document.body.scrollHeight; y += 700) {
    window.scrollTo(0, y); await new Promise(done => setTimeout(done, 25));
  }
  const late = () => new Promise(done => setTimeout(done, 9000));
  for (const image of document.images) {                       // hidden ones wait, and may
    if (image.complete || !image.checkVisibility()) continue;
    image.scrollIntoView();                                    // a lazy one begins, if it has not
    await Promise.race([image.decode().catch(() => null), late()]);
  }
}"""


def violations(page, only=None):
    """What axe finds, each with the first place where it is; `only` names a few of its rules."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    chosen = {"type": "rule", "values": only} if only else {"type": "tag", "values": TAGS}
    # the pieces of a drawn formula are hidden from readers' aids, which get its MathML
    found = page.evaluate("""runOnly => axe.run({include: document, exclude: ['.katex-html']},
        {runOnly, resultTypes: ['violations'], preload: false})""", chosen)
    return [f"{rule['id']}: {rule['help']}: {node['html'][:160]} {node['failureSummary'][:200]}"
            for rule in found["violations"] for node in rule["nodes"][:3]]


def read_to_the_end(page):
    """Scroll through a page and back to its start; how far its text has moved by itself."""
    page.evaluate(SCROLL)
    page.wait_for_load_state("networkidle")
    page.evaluate("window.scrollTo(0, 0)")     # where no button back to it lies over the text
    page.wait_for_function("!document.querySelector('#pst-back-to-top')?.checkVisibility()")
    return page.evaluate("window.layoutShift")


def walk(page, within):
    """Tab through a part of the page; what was missed, out of order, without a ring, covered."""
    for _ in range(page.evaluate("probe.walk", within)):
        page.keyboard.press("Tab")
    return page.evaluate("probe.walked()")
