"""Links to the glossary lead to their word: `[receptive field](../book/glossary.md)` in a notebook.

Written so, a link works on the site, on GitHub and in JupyterLab. Here its text finds the entry's
anchor, in the plural and as a participle, too (things, warped), or by a first word that only one
entry has (frozen). The text "glossary" leads to the page.
"""

import re
from collections.abc import Collection

from docutils import nodes
from sphinx.application import Sphinx

PAGE = "book/glossary"


def term_of(text: str, terms: Collection[str]) -> str | None:
    """The entry (in small letters) that a link's text names; None if there is none."""
    name = " ".join(text.lower().split())
    longer = [term for term in terms if term.startswith(f"{name} ")]
    forms = [name, name.removesuffix("s"), re.sub("ed$", "ing", name)]
    return next((term for term in forms if term in terms), longer[0] if len(longer) == 1 else None)


def lead_to_terms(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Give each link to the glossary the anchor of the entry that its text names."""
    objects = app.env.get_domain("std").objects
    anchors = {name.lower(): anchor for (kind, name), (page, anchor) in objects.items()
               if kind == "term" and page == PAGE}
    page = app.builder.get_relative_uri(docname, PAGE) if PAGE in app.env.found_docs else ""
    for link in doctree.findall(nodes.reference):
        if page and link.get("refuri") == page and (term := term_of(link.astext(), anchors)):
            link["refuri"] += f"#{anchors[term]}"


def setup(app: Sphinx) -> dict:
    """Register with Sphinx."""
    app.connect("doctree-resolved", lead_to_terms)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
