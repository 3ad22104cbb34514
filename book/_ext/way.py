"""The way through the book: what each chapter asks, what it needs, how long it takes.

All of it is said once, in the chapters' own words, and read from there: the question under the
title, the paragraph "You need" with its links, the line "Time". From them come the map and the
table of times (CHAPTER_MAP, CHAPTER_HOURS and CHAPTER_TIMES in a page's text), the sentence below
the links to the next and the previous page, and the description that search engines show.
"""

import functools
import re
import sys
from html import escape
from pathlib import Path
from typing import NamedTuple

import yaml
from docutils import nodes
from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
import landing  # noqa: E402

CHAPTER = re.compile(r"notebooks/(\d\d)_\w+")
OPENING = re.compile(r"^# (\d+)\. (.+)\n\n\*(.+\?)\*\n", re.MULTILINE)
NEED = re.compile(r"\[(?:chapter )?\d+\]\((\d+)_\w+\.ipynb\) \(([^)]*)\)")
TIME = re.compile(r"^\*\*Time:\*\* (about (\d+) minutes) to read and do; "
                  r"the cells run in ([^.]*)\.", re.MULTILINE)
# what is true of every page of a kind, where a page has no description of its own
KINDS = {r"notebooks/solutions/(\d+)_": "Each exercise of chapter {}, solved, run and checked.",
         r"book/teach/(\d+)_": "Teaching chapter {}: objectives, minutes, questions to ask."}
HEADING = 0.6           # rows of the map: a chapter's is one high, a heading's this much


class Chapter(NamedTuple):
    """A chapter, as it speaks of itself."""

    number: int
    name: str                   # notebooks/07_many_objects
    title: str
    question: str
    needs: dict[int, str]       # the chapters that it needs, and what for
    minutes: int
    read: str                   # about 75 minutes
    run: str                    # about a minute


def read_chapter(name: str, text: str) -> Chapter:
    """What the text of a notebook says at its beginning."""
    opening, time = OPENING.search(text), TIME.search(text)
    needs = re.search(r"^\*\*You need\*\* (.*)$", text, re.MULTILINE)
    if not (opening and time and needs):
        raise ValueError(f"{name}: a title, a question, 'You need' and 'Time' open a chapter, but "
                         "not all were found: see how chapter 1 begins.")
    return Chapter(int(opening[1]), name, opening[2], opening[3],
                   {int(number): what for number, what in NEED.findall(needs[1])},
                   int(time[2]), time[1], time[3])


@functools.cache
def parts() -> dict[str, list[Chapter]]:
    """The chapters, part by part, as the table of contents has them."""
    found = {}
    for part in yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))["parts"]:
        names = [entry["file"] for entry in part["chapters"] if CHAPTER.match(entry["file"])]
        if names:
            found[part["caption"]] = [read_chapter(name, source_of(name)) for name in names]
    return found


def chapters() -> dict[str, Chapter]:
    """Every chapter, by its page's name, in reading order."""
    return {chapter.name: chapter for part in parts().values() for chapter in part}


def source_of(name: str) -> str:
    """A page's text, as people write it."""
    folder, stem = name.rsplit("/", 1)
    path = ROOT / folder / "text" / f"{stem}.md"
    return (path if path.exists() else ROOT / f"{name}.md").read_text(encoding="utf-8")


def why(name: str) -> str:
    """One sentence on a page: a chapter's question, or what the page says of itself."""
    if name in chapters():
        return chapters()[name].question
    for pattern, sentence in KINDS.items():
        if found := re.match(pattern, name):
            return sentence.format(int(found[1]))
    text = source_of(name)
    if front := re.match(r"---\n(.*?)\n---\n", text, re.DOTALL):
        described = yaml.safe_load(front[1]).get("myst", {}).get("html_meta", {})
        if "description" in described:
            return first_sentence(described["description"])
    paragraph = re.search(r"^# .*\n\n(.+(?:\n.+)*)", text, re.MULTILINE)[1].replace("\n", " ")
    return first_sentence(re.sub(r"\[([^\]]*)\]\([^)]*\)|[`*$]", r"\1", paragraph))


def first_sentence(text: str) -> str:
    """Up to the first full stop, with the apostrophes that the pages have."""
    return re.match(r".*?(\.(?= |$)|$)", text)[0].replace("'", "’")


def arcs(chapter: Chapter, middles: dict[int, float]) -> str:
    """A drawing for the map: a curve from a chapter to each that it needs, but for the last one.

    `middles` are those of the rows, in rows from the top. A row of the drawing is 80 × 100.
    """
    curves = ""
    for number in chapter.needs:
        up = middles[chapter.number] - middles[number]
        if chapter.number - number > 1:
            out, end = 80 - 11 * min(up, 9.5), 50 - 100 * up
            curves += f'<path d="M80 50C{out:.0f} 50 {out:.0f} {end:.0f} 80 {end:.0f}"/>'
    return (f'<svg viewBox="0 0 80 100" preserveAspectRatio="none" aria-hidden="true">{curves}'
            "</svg>" if curves else "")


def in_words(chapter: Chapter, root: str) -> str:
    """'Needs 1 (boxes), 2 (IoU) and 5 (its encoder)', with links."""
    names = {one.number: one.name for one in chapters().values()}
    links = [f'<a href="{root}{names[number]}.html">{number} ({escape(what)})</a>'
             for number, what in sorted(chapter.needs.items())]
    listed = " and ".join([", ".join(links[:-1]), links[-1]] if links[1:] else links)
    return f"needs {listed}" if links else "needs no other chapter"


def chapter_map(root: str = "../") -> str:
    """The map: an ordered list, with the lines of what needs what drawn beside it."""
    rows, middles, tracks, top = "", {}, [], 0.0
    for caption, part in parts().items():
        rows += f"<h3>{escape(caption)}</h3>\n<ol>\n"
        tracks += [f"{HEADING}fr", f"repeat({len(part)}, 1fr)"]
        top += HEADING
        for chapter in part:
            middles[chapter.number] = top + 0.5
            top += 1
            rows += (f'<li value="{chapter.number}">{arcs(chapter, middles)}'
                     f'<span class="number" aria-hidden="true">{chapter.number}</span>'
                     f'<p><a class="to-chapter" href="{root}{chapter.name}.html">'
                     f"{escape(chapter.title)}</a> {escape(chapter.question)}</p>"
                     f'<p class="needs">{chapter.minutes} minutes · '
                     f"{in_words(chapter, root)}</p></li>\n")
        rows += "</ol>\n"
    return f'<div class="map" style="--rows: {" ".join(tracks)}">\n{rows}</div>'


def chapter_times() -> str:
    """Rows of a Markdown table: each chapter, its minutes, what its cells take."""
    return "\n".join(f"| [{one.number}. {one.title}](../{one.name}.ipynb) | {one.read} "
                     f"| {one.run} |" for one in chapters().values())


def chapter_hours() -> str:
    """The whole course, in hours."""
    return str(round(sum(one.minutes for one in chapters().values()) / 60))


def write_way(app: Sphinx, docname: str, source: list[str]) -> None:
    """Fill in the map, the times and the chart's words where a page asks for them."""
    made = {"CHAPTER_MAP": chapter_map, "CHAPTER_TIMES": chapter_times,
            "CHAPTER_HOURS": chapter_hours, "CHART_IN_WORDS": lambda: escape(landing.chart()[1])}
    if docname.startswith("book/"):
        for mark, make in made.items():
            if mark in source[0]:
                source[0] = source[0].replace(mark, make())


def mark_words(app: Sphinx, doctree: nodes.document) -> None:
    """Give a chapter's question its look, and its last words a class: the link below says them."""
    if app.env.docname not in chapters():
        return
    paragraphs = list(doctree.findall(nodes.paragraph))
    paragraphs[0]["classes"].append("question")
    for paragraph in paragraphs[-3:]:
        if paragraph.astext().startswith("Next:"):
            paragraph["classes"].append("next-in-words")


def add_way(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Say why below the links to the neighbours, and describe a chapter by its question."""
    neighbours = app.builder.relations.get(pagename, (None, None, None))[1:]
    for key, name in zip(("prev_why", "next_why"), neighbours, strict=True):
        context[key] = why(name) if name else ""
    context["is_chapter"] = pagename in chapters()
    if context["is_chapter"]:
        question = escape(chapters()[pagename].question)
        context["metatags"] += f'<meta name="description" content="{question}">\n'


def setup(app: Sphinx) -> dict:
    """Register with Sphinx; its search ranks what it finds as `search_scorer.js` says."""
    app.config["html_search_scorer"] = str(Path(__file__).with_name("search_scorer.js"))
    app.connect("source-read", write_way)
    app.connect("doctree-read", mark_words)
    app.connect("html-page-context", add_way)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
