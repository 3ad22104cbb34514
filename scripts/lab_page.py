"""A solved lab, run, as one HTML file that asks no other place for anything.

nbconvert writes the cells; KaTeX, run by the node that the site's build uses, turns each formula
into MathML beforehand, so that the page needs no script.
"""
from __future__ import annotations

import re
from copy import deepcopy
from html import escape
from importlib.metadata import files

import formulas
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from pygments.formatters import HtmlFormatter
from traitlets.config import Config

import labs

FORMULA = re.compile(r"(?P<code>(?P<ticks>`+).+?(?P=ticks))|\$\$(?P<block>.+?)\$\$|"
                     r"(?<![\\$])\$(?P<line>[^$\n]+?)\$(?!\d)", re.S)
HEADS = {"### BEGIN HIDDEN TESTS": "# The hidden tests:",
         "=== BEGIN MARK SCHEME ===": "**How it is marked**\n"}
STYLE = """\
body { margin: auto; max-width: 50rem; padding: 1rem; color: #222; background: #fff;
       font: 1.05rem/1.6 "Source Sans 3", sans-serif; }
pre { overflow-x: auto; padding: .6rem; background: #f5f5f5; font-size: .85rem; }
.prompt, .anchor-link { display: none; }
.output pre { background: none; border-left: 3px solid #767676; }
table { border-collapse: collapse; } td, th { border: 1px solid #767676; padding: .2rem .6rem; }
img, math[display=block] { max-width: 100%; overflow-x: auto; }"""
PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}
</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def run(solved: NotebookNode, environment: dict[str, str], folder: str) -> NotebookNode:
    """The lab with its outputs; a CellExecutionError if a cell fails."""
    notebook = deepcopy(solved)
    socket = {"transport": "ipc", "connection_file": f"{folder}/kernel.json"}   # no open port
    client = NotebookClient(notebook, timeout=120, kernel_name="python3",
                            resources={"metadata": {"path": folder}},
                            config=Config(KernelManager=socket))
    client.execute(env={**environment, "PYDEVD_DISABLE_FILE_VALIDATION": "1"})
    return notebook


def formulas_apart(text: str, found: list[tuple[str, bool]]) -> str:
    """Markdown with a mark for each formula, which is added to `found`."""
    def mark(part: re.Match) -> str:
        if part["code"]:
            return part[0]
        found.append((part["block"] or part["line"], bool(part["block"])))
        return f"FORMULA{len(found) - 1}X"

    return FORMULA.sub(mark, text)


def templates() -> str:
    """The folder of nbconvert's own templates, which may lie in another environment's share."""
    mark = "templates/basic/conf.json"
    file = next(path for path in files("nbconvert") if path.as_posix().endswith(mark))
    return str(file.locate().resolve().parents[1])


def page(done: NotebookNode, title: str) -> str:
    """The HTML of a solved lab that was run."""
    notebook, found = deepcopy(done), []
    for cell in notebook.cells:
        for mark, words in HEADS.items():
            cell.source = cell.source.replace(mark, words)
        cell.source = labs.MARKS.sub("", cell.source)
        if cell.cell_type == "markdown":
            cell.source = formulas_apart(cell.source, found)
    exporter = HTMLExporter(template_name="basic", extra_template_basedirs=[templates()],
                            extra_template_paths=[templates()])
    body, _ = exporter.from_notebook_node(notebook)
    for number, formula in enumerate(formulas.rendered(found, "mathml")):
        body = body.replace(f"FORMULA{number}X", formula)
    colours = HtmlFormatter(style="a11y-high-contrast-light").get_style_defs(".highlight")
    return PAGE.format(title=escape(title), style=f"{STYLE}\n{colours}", body=body)
