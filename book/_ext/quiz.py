"""The questions at a chapter's end, from `quizzes/NN.yml`: they need no kernel and no other site.

A chapter that has a quiz gets the section 'Check yourself' before its summary when the page is
built; the notebooks, where such markup would show as code, stay without. Answers are fields of the
page, `quiz.js` compares them, and where scripts are off or the page is printed there are the folded
answers.
"""

import json
import re
import sys
from html import escape
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList
from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
import quiz_files  # noqa: E402
from quiz_files import Item  # noqa: E402

CHAPTER = re.compile(r"notebooks/(\d\d)_\w+")
OPENING = """## Check yourself

Nothing that you answer here leaves your browser, and nobody counts.

```{{quiz}} {}
```
"""
BEFORE = "## Summary"


def html(text: str) -> nodes.raw:
    """Text for the page as it stands."""
    return nodes.raw("", text, format="html")


class Questions(Directive):
    """```{quiz} 03``` puts that chapter's questions."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """All of them, in order."""
        path = quiz_files.FOLDER / f"{self.arguments[0]}.yml"
        self.state.document.settings.env.note_dependency(str(path))
        return [node for n, item in enumerate(quiz_files.read(path).items, start=1)
                for node in self.question(n, item)]

    def parsed(self, text: str) -> list[nodes.Node]:
        """Markdown as nodes."""
        box = nodes.container()
        self.state.nested_parse(StringList(text.splitlines(), source="quiz"), 0, box)
        return box.children

    def inline(self, text: str) -> list[nodes.Node]:
        """Markdown of one line, without its paragraph."""
        return [node for block in self.parsed(" ".join(text.split())) for node in block.children]

    def question(self, n: int, item: Item) -> list[nodes.Node]:
        """One question: what is asked, fields for an answer, the folded answers."""
        texts = [answer.text for answer in item.answers] if item.kind in ("number", "words") else []
        compared = escape(json.dumps(texts, ensure_ascii=False))
        begin = (f'<fieldset class="quiz" data-kind="{item.kind}" data-answers="{compared}" '
                 f'data-right="{"".join("01"[answer.right] for answer in item.answers)}" '
                 f'data-tolerance="{item.tolerance:g}" data-section="{item.section}">'
                 f"<legend>Question {n}</legend>")
        return [html(begin), *self.parsed(item.question), *self.fields(item), html("<p></p>"),
                *self.folded(item), html("</fieldset>")]

    def fields(self, item: Item) -> list[nodes.Node]:
        """What is chosen or filled in."""
        if item.kind in ("number", "words"):
            mode = ' inputmode="decimal"' if item.kind == "number" else ""
            asked = "Your answer: " + quiz_files.KINDS[item.kind]
            return [html(f'<label class="given">{asked} <input type="text" autocomplete="off"'
                         f"{mode}></label>")]
        kind = "radio" if item.kind == "single" else "checkbox"
        made = []
        for answer in item.answers:
            made += [html(f'<label><input type="{kind}" name="{item.id}"> <span>'),
                     *self.inline(answer.text), html("</span></label>")]
        several = [html('<p class="several">One answer or more.</p>')]
        return (several if item.kind == "multiple" else []) + made

    def folded(self, item: Item) -> list[nodes.Node]:
        """Every answer with what is said of it."""
        made = [html("<details><summary>Answers</summary><ul>")]
        for answer in item.answers:
            verdict = "Right" if answer.right else "Not right"
            shown = (self.inline(answer.text) if item.kind in ("single", "multiple")
                     else [nodes.Text(answer.text)])
            made += [html(f"<li><b>{verdict}:</b> <i>"), *shown, html("</i><br><span>"),
                     *self.inline(answer.because), html("</span></li>")]
        return [*made, html("</ul></details>")]


def add_questions(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put a chapter's questions before its summary."""
    found = CHAPTER.fullmatch(docname)
    if not found or not (quiz_files.FOLDER / f"{found[1]}.yml").exists():
        return
    notebook = json.loads(source[0])
    for n, cell in enumerate(notebook["cells"]):
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown" and BEFORE in text:
            before, after = text.split(BEFORE, 1)
            cell["source"] = BEFORE + after
            asked = dict(cell, source=before + OPENING.format(found[1]), id=f"quiz-{found[1]}")
            notebook["cells"].insert(n, asked)
            source[0] = json.dumps(notebook)
            return
    raise ValueError(f"{docname} has a quiz, but no '{BEFORE}' to put it before.")


def setup(app: Sphinx) -> dict:
    """Register with Sphinx."""
    app.add_directive("quiz", Questions)
    app.add_js_file("quiz.js", type="module")
    app.connect("source-read", add_questions)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
