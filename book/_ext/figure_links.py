"""Numbered figures on the website: captions get an anchor, and "figure 12.3" becomes a link to it.

How captions and references are written is in `scripts/captions.py`. Neither code nor headings,
captions or links are touched; a reference to a chapter that the book lacks stays plain text.
"""

import re
import sys
from itertools import groupby
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
import captions  # noqa: E402

AFTER = {"14": "book/what-came-after"}     # the chapter that is a page of the book's own
LEFT_ALONE = (nodes.literal, nodes.literal_block, nodes.title, nodes.reference, nodes.raw,
              nodes.math, nodes.math_block, nodes.comment)


def anchor(number: str) -> str:
    """The anchor of a figure: figure-12-3."""
    return f"figure-{number.replace('.', '-').lower()}"


def home_of(number: str, docnames: set[str]) -> str | None:
    """The page on which a figure stands, by its number's chapter."""
    chapter = number.split(".")[0]
    if AFTER.get(chapter) in docnames:
        return AFTER[chapter]
    for name in docnames:
        if re.fullmatch(r"notebooks/(solutions/)?\d\d_\w+", name):
            if captions.chapter_of(Path(name)) == chapter:
                return name
    return None


def mark_captions(app: Sphinx, doctree: nodes.document) -> None:
    """Give each caption its anchor and its look; one that belongs to no chapter is just text."""
    for paragraph in doctree.findall(nodes.paragraph):
        first = next((child for child in paragraph if child.astext()), None)
        found = re.fullmatch(rf"Figure ({captions.NUMBER})\.", first.astext()) if first else None
        if found and isinstance(first, nodes.strong):
            paragraph["ids"].append(anchor(found[1]))
            paragraph["classes"].append("ck-caption")


def is_prose(node: nodes.Node) -> bool:
    """Whether a node stands neither in code, a heading, a link nor a caption."""
    while isinstance(node, nodes.Element):
        if isinstance(node, LEFT_ALONE) or "ck-caption" in node.get("classes", ()):
            return False
        node = node.parent
    return True


def linked(text: str, address_of) -> list[nodes.Node]:
    """Text in pieces, every reference a link; `address_of` gives a figure's address, or None."""
    pieces, done = [], 0
    for found in captions.REFERENCE.finditer(text):
        for place, number in enumerate(re.finditer(captions.NUMBER, found[0])):
            # the first link holds the word, too: "figures 12.3"
            start = found.start() + (number.start() if place else 0)
            end = found.start() + number.end()
            if address := address_of(number[0]):
                pieces += [nodes.Text(text[done:start]),
                           nodes.reference("", text[start:end], internal=True, refuri=address)]
                done = end
    return [piece for piece in [*pieces, nodes.Text(text[done:])] if piece.astext()]


def link_references(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Make every reference to a figure a link, on whichever page it stands."""
    def address_of(number: str) -> str | None:
        home = home_of(number, app.env.found_docs)
        if home is None:
            return None
        page = "" if home == docname else app.builder.get_relative_uri(docname, home)
        return f"{page}#{anchor(number)}"

    for block in list(doctree.findall(nodes.TextElement)):
        if captions.REFERENCE.search(block.astext()) and is_prose(block):
            block.children, children = [], block.children
            for is_text, run in groupby(children, lambda child: isinstance(child, nodes.Text)):
                run = list(run)
                block += linked("".join(run), address_of) if is_text else run


def setup(app: Sphinx) -> dict:
    """Register with Sphinx."""
    app.connect("doctree-read", mark_captions)
    app.connect("doctree-resolved", link_references)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
