r"""A chapter's slides: `slides/NN.md` and the cells marked in its notebook, as HTML sections.

A mark is a cell's metadata `slide: name`, written in notebooks/text. A deck says in which order the
marks come, and adds headings, few words, and notes with minutes:

    ## Heading                      begins a slide; `## Heading {.class}` gives it a class
    {{ name }}                      the marked cell: its outputs, or its text
    {{ name: code }}                its code; `code 3-8` some of its lines
    {{ name: all }}                 its code, then its outputs
    {{ name: lines 2-4 }}           some lines of what it printed
    {{ name later }}                … at the next key, after the answer above it
    |||                             between the left and the right half of a slide
    > **Predict first.** …          a question
    Answer: …                       a paragraph that waits for a key
    Notes (2 min): …                for the speaker, to the end of the slide; no formulas

What stands before the first heading belongs to the title slide. Formulas come out as marks of the
form \\x00N\\x00, to be replaced by what KaTeX makes of the Nth.
"""

import base64
import io
import re
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import NamedTuple

import nbformat
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from nbformat import NotebookNode
from PIL import Image
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

ROOT = Path(__file__).resolve().parent.parent
INSERT = re.compile(r"^\{\{ *([a-z0-9-]+)(?:: *(code|all|lines)(?: +(\d+)-(\d+))?)?"
                    r"( +later)? *\}\}$", re.MULTILINE)
NOTES = re.compile(r"^Notes \(([\d.]+) min\): +", re.MULTILINE)
HEADING = re.compile(r"^## +(.+?)(?: +\{((?: *\.[a-z-]+)+)\})? *$", re.MULTILINE)
ANSWER = re.compile(r"<details>\s*<summary>(Answers?)</summary>(.*?)</details>", re.DOTALL)
FIGURE = re.compile(r"<ck-([a-z0-9-]+) .*?</ck-\1>", re.DOTALL)


class Slide(NamedTuple):
    """One slide, its formulas not yet rendered."""

    heading: str
    classes: str
    body: str
    notes: str
    minutes: float


@dataclass
class Deck:
    """A chapter's slides, and what they need beside them."""

    number: str                                                # "03"
    title: str                                                 # of the chapter
    slides: list[Slide] = field(default_factory=list)          # the first is the title slide
    pictures: dict[str, bytes] = field(default_factory=dict)   # by file name
    figures: set[str] = field(default_factory=set)             # names of interactive figures
    formulas: list[tuple[str, bool]] = field(default_factory=list)     # TeX, on a line of its own
    used: set[str] = field(default_factory=set)                # names of marks

    @property
    def minutes(self) -> float:
        """How long the lesson is."""
        return sum(slide.minutes for slide in self.slides)


def marked(notebook: NotebookNode) -> dict[str, NotebookNode]:
    """The marked cells of a notebook by their names."""
    found = {}
    for cell in notebook.cells:
        name = cell.metadata.get("slide")
        if name in found:
            raise ValueError(f"Two cells are marked {name!r}, but a name marks one: rename one.")
        if name is not None:
            found[name] = cell
    return found


def read(path: Path, chapter: Path) -> Deck:
    """The deck at `path`, with the cells marked in the notebook `chapter`.

    Raises:
        ValueError: a slide without notes, a mark that the notebook lacks or nobody uses.
    """
    notebook = nbformat.read(chapter, as_version=4)
    title = re.search(r"^# \d+\. (.+)$", notebook.cells[0].source, re.MULTILINE)
    deck, cells = Deck(path.stem, title[1]), marked(notebook)
    text = path.read_text(encoding="utf-8")
    starts = [found.start() for found in HEADING.finditer(text)]
    for start, end in zip([0, *starts], [*starts, len(text)], strict=True):
        try:
            deck.slides.append(read_slide(text[start:end], deck, cells))
        except ValueError as error:
            line = text.count("\n", 0, start) + 1
            raise ValueError(f"slides/{path.name}, line {line}: {error}") from None
    if unused := sorted(cells.keys() - deck.used):
        raise ValueError(f"slides/{path.name} uses none of the marks {unused} of {chapter.name}: "
                         f"insert them, as {{{{ {unused[0]} }}}}, or take the marks away.")
    return deck


def read_slide(text: str, deck: Deck, cells: dict[str, NotebookNode]) -> Slide:
    """One slide from its part of the file."""
    parts, found = NOTES.split(text), HEADING.match(text)
    if len(parts) != 3 or not parts[2].strip():
        raise ValueError(f"{len(parts) // 2} notes came, but each slide has one: end it with "
                         "'Notes (2 min): what to say'.")
    if "$" in parts[2]:
        raise ValueError("the notes hold a formula, but the speaker's window shows none: write "
                         "it as x₁, ×, ½.")
    body = parts[0][found.end():] if found else parts[0]

    def insert(asked: re.Match) -> str:
        if asked[1] not in cells:
            raise ValueError(f"no cell is marked {asked[1]!r}; marked are {sorted(cells)}.")
        deck.used.add(asked[1])
        return f"\n{cell_html(cells[asked[1]], asked, deck)}\n"

    halves = [INSERT.sub(insert, half) for half in re.split(r"^\|\|\|$", body, flags=re.MULTILINE)]
    made = [folded(markdown(half, deck)) for half in halves]
    body = "".join(f'<div class="half">{half}</div>' for half in made) if made[1:] else made[0]
    classes = " ".join((found[2] or "").replace(".", " ").split()) if found else "title"
    heading = markdown(found[1], deck, inline=True) if found else ""
    return Slide(heading, f"{classes} halves" if made[1:] else classes, body,
                 markdown(parts[2], deck), float(parts[1]))


def markdown(text: str, deck: Deck, inline: bool = False) -> str:
    """Markdown as HTML; a link leaves its words, a formula its mark."""
    def formula(tex: str, options: dict) -> str:
        deck.formulas.append((tex, options["display_mode"]))
        return f"\0{len(deck.formulas) - 1}\0"

    made = MarkdownIt("commonmark", {"typographer": True}).enable(
        ["table", "replacements", "smartquotes"]).use(dollarmath_plugin, renderer=formula)
    made.options["quotes"] = "“”‘’"
    return re.sub(r"</?a\b[^>]*>", "", (made.renderInline if inline else made.render)(text))


def folded(html: str) -> str:
    """Answers, folded in the chapter or begun with 'Answer:', wait for a key."""
    html = re.sub(r"<p>Answer: (.*?)</p>", r"<details><summary>Answer</summary><p>\1</p></details>",
                  html, flags=re.DOTALL)
    return ANSWER.sub(r'<details class="answer fragment"><summary>\1</summary><div>\2</div>'
                      r"</details>", html)


def cell_html(cell: NotebookNode, asked: re.Match, deck: Deck) -> str:
    """A marked cell as a deck asks for it: its text, its outputs, its code, or both of these."""
    if cell.cell_type == "markdown":
        return f'<div class="cell">\n\n{cell.source}\n\n</div>\n'
    name, what = asked[1], asked[2]
    lines = slice(int(asked[3]) - 1, int(asked[4])) if asked[3] else slice(None)

    def some(text: str) -> str:
        if not (cut := "\n".join(text.splitlines()[lines])):
            raise ValueError(f"the cell marked {name!r} has no lines {asked[3]} to {asked[4]}.")
        return cut

    parts = [code_html(some(cell.source))] if what in ("code", "all") else []
    if what != "code":
        outputs = [out for out in cell.outputs if what != "lines" or "text" in out]
        parts += [output_html(out, cell, f"{deck.number}-{name}-{n}", deck,
                              some if what == "lines" else str)
                  for n, out in enumerate(outputs)]
    if not any(parts):
        raise ValueError(f"the cell marked {name!r} has nothing of the kind to show.")
    shown = "\n".join(parts)
    return f'<div class="fragment later">\n{shown}\n</div>\n' if asked[5] else f"{shown}\n"


def columns(text: str) -> str:
    """The style by which a block of code shrinks until its longest line fits."""
    return f'style="--columns:{max(map(len, text.splitlines()), default=1)}"'


def code_html(code: str) -> str:
    """Code in colour."""
    made = highlight(code, PythonLexer(), HtmlFormatter(nowrap=True)).rstrip("\n")
    return f'<pre class="highlight" {columns(code)} tabindex="0">{made}</pre>'


def output_html(out: NotebookNode, cell: NotebookNode, name: str, deck: Deck, some) -> str:
    """One output of a code cell, on lines of which none is empty but in <pre>."""
    data = out.get("data", {})
    if kind := next((kind for kind in ("png", "jpeg") if f"image/{kind}" in data), None):
        picture = deck.pictures[f"{name}.{kind}"] = base64.b64decode(data[f"image/{kind}"])
        with Image.open(io.BytesIO(picture)) as opened:
            width, height = opened.size
        alt = escape(cell.metadata["mystnb"]["image"]["alt"])
        return (f'<div class="picture"><img src="pictures/{name}.{kind}" alt="{alt}" '
                f'width="{width}" height="{height}"></div>')
    if "text/html" in data:
        html = re.sub(r"\n\s*\n", "\n", "".join(data["text/html"]))
        if figure := FIGURE.search(html):
            deck.figures.add(figure[1])
            return f'<div class="live" data-prevent-swipe>{figure[0]}</div>'
        return f'<div class="table">{html}</div>'
    text = some((out.get("text") or "".join(data.get("text/plain", ""))).rstrip("\n"))
    return f'<pre class="printed" {columns(text)} tabindex="0">{escape(text)}</pre>'
