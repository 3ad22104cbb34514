"""The lessons' slides: `make slides` writes a deck for each of slides/*.md into _build/slides.

A deck is one page with three faces: slides (reveal.js) in a window, a column to read on a telephone
or where no script runs, and sheets of two slides for paper, which headless Chromium prints. All
that it needs lies beside it, so it also works below another address and straight from files.
Where the site is built, the decks are copied into it and linked from the page for teachers.

    python scripts/make_slides.py [07]                  one deck, or all
    python scripts/make_slides.py --handouts [07]       and its handout as a PDF
"""

import argparse
import re
import shutil
import sys
import time
from html import escape
from pathlib import Path

import build_book
import formulas
import handouts
import slide_deck
import yaml
from make_zip import classic
from pygments.formatters import HtmlFormatter
from slide_deck import ROOT, Deck, Slide

from coursekit.figures import FIGURES

TEXTS, LOOK, OUT = ROOT / "slides", ROOT / "slides/look", ROOT / "_build/slides"
TEACHERS = build_book.SITE / "book/teach/index.html"
COPY = build_book.SITE / "slides"
REVEAL = {"dist/reveal.js": "reveal.js", "dist/reveal.css": "reveal.css",
          "plugin/notes/notes.js": "notes.js", "LICENSE": "LICENSE.txt"}


def chapter_of(text: Path) -> Path:
    """The notebook of a deck's file."""
    found = sorted((ROOT / "notebooks").glob(f"{text.stem}_*.ipynb"))
    if len(found) != 1:
        raise ValueError(f"slides/{text.name}: {len(found)} notebooks are called "
                         f"{text.stem}_….ipynb, but a deck belongs to one.")
    return found[0]


def stage() -> None:
    """What all decks share: fonts, formulas' style, figures, reveal.js, the slides' look."""
    static = OUT / "_static"
    build_book.install_packages()
    build_book.stage_assets(static)
    shutil.rmtree(static / "figures")
    for name in FIGURES:
        (static / f"figure-{name}.js").write_text(classic(name), encoding="utf-8")
    (static / "reveal").mkdir()
    for source, name in REVEAL.items():
        shutil.copy(build_book.NODE_MODULES / "reveal.js" / source, static / "reveal" / name)
    for file in (LOOK / "deck.css", LOOK / "deck.js", ROOT / "book/_static/favicon.svg"):
        shutil.copy(file, static)
    (static / "code.css").write_text("".join(
        HtmlFormatter(style=f"a11y-high-contrast-{scheme}").get_style_defs(
            f'html[data-theme="{scheme}"] .highlight') + "\n" for scheme in ("light", "dark")))


def section(slide: Slide, deck: Deck, number: int, licence: str) -> str:
    """One slide's HTML."""
    head = f"<h2>{slide.heading}</h2>"
    body = slide.body
    if number == 1:
        head = (f'<p class="kicker">Pixels to Instances · chapter {int(deck.number)}</p>'
                f"<h1>{escape(deck.title)}</h1>")
        body += (f'<p class="licence">{licence}</p><p class="keys">→ next · S notes · F full '
                 "screen · D dark or light</p>")
    return (f'<section class="slide {slide.classes}" data-timing="{round(slide.minutes * 60)}" '
            f'aria-label="{number} of {len(deck.slides)}"><header>{head}</header>\n'
            f'<div class="body">{body}</div>\n<aside class="notes"><p><b>{slide.minutes:g} min.</b>'
            f"</p>{slide.notes}</aside></section>")


def page(deck: Deck, licence: str) -> str:
    """A deck's page."""
    sections = "\n".join(section(slide, deck, number, licence)
                         for number, slide in enumerate(deck.slides, start=1))
    answers = re.findall(r'aria-label="(\d+) of|<details class="answer fragment">'
                         r"<summary>Answers?</summary>(.*?)</details>", sections, re.DOTALL)
    lines, at = [], ""
    for number, answer in answers:
        at = number or at
        if answer:
            lines.append(f'<div class="answered"><b>{at}</b>{answer}</div>')
    sections += f'\n<div class="answers"><h2>Answers</h2>{"".join(lines)}</div>'
    made = formulas.rendered(deck.formulas)
    sections = re.sub("\0(\\d+)\0", lambda found: made[int(found[1])], sections)
    scripts = "".join(f'<script defer src="_static/figure-{name}.js"></script>\n'
                      for name in sorted(deck.figures))
    template = (LOOK / "deck.html").read_text(encoding="utf-8")
    return (template.replace("{{title}}", escape(f"Slides {int(deck.number)}. {deck.title}"))
            .replace("{{figures}}", scripts).replace("{{minutes}}", f"{deck.minutes:g}")
            .replace("{{slides}}", sections))


def write(deck: Deck, licence: str) -> None:
    """A deck's page and pictures."""
    (OUT / "pictures").mkdir(exist_ok=True)
    for old in (OUT / "pictures").glob(f"{deck.number}-*"):
        old.unlink()
    for name, picture in deck.pictures.items():
        (OUT / "pictures" / name).write_bytes(picture)
    (OUT / f"{deck.number}.pdf").unlink(missing_ok=True)       # printed from what was before
    (OUT / f"{deck.number}.html").write_text(page(deck, licence), encoding="utf-8")


def write_index(decks: list[Deck], licence: str) -> None:
    """The page that lists the decks, with the handouts that are there."""
    rows = "".join(
        f'<tr><td><a href="{deck.number}.html">{int(deck.number)}. {escape(deck.title)}</a></td>'
        f"<td>{len(deck.slides)}</td><td>{deck.minutes:g}</td><td>"
        + (f'<a href="{deck.number}.pdf">PDF</a>' if (OUT / f"{deck.number}.pdf").exists() else "")
        + "</td></tr>\n" for deck in decks)
    template = (LOOK / "index.html").read_text(encoding="utf-8")
    (OUT / "index.html").write_text(template.replace("{{rows}}", rows)
                                    .replace("{{licence}}", licence), encoding="utf-8")


def announced(text: str, decks: int) -> str:
    """The teachers' page with a link to the slides in place of the words about them."""
    link = f'<a class="button" href="../../slides/index.html">Open the slides</a> ({decks} decks)'
    text = re.sub(r"(<p data-slides>)<a .*?<!--(.*?)--></p>", r"\1\2</p>", text, flags=re.DOTALL)
    return re.sub(r"(<p data-slides>)(.*?)</p>", rf"\1{link}<!--\2--></p>", text, flags=re.DOTALL)


def publish(decks: int) -> None:
    """Copy the slides into the built site, and link them from the teachers' page."""
    if TEACHERS.exists():
        shutil.rmtree(COPY, ignore_errors=True)
        shutil.copytree(OUT, COPY)
        TEACHERS.write_text(announced(TEACHERS.read_text(encoding="utf-8"), decks),
                            encoding="utf-8")


def main() -> None:
    """Write the decks that are asked for, and say how many slides they hold."""
    parser = argparse.ArgumentParser(description="Write the lessons' slides into _build/slides.")
    parser.add_argument("deck", nargs="?", help="the number of one chapter: 07")
    parser.add_argument("--handouts", action="store_true", help="print the handouts, too")
    asked, start = parser.parse_args(), time.perf_counter()
    texts = sorted(TEXTS.glob("[0-9][0-9].md"))
    chosen = [text for text in texts if asked.deck in (None, text.stem)]
    if not chosen:
        sys.exit(f"There is no deck {asked.deck!r}; there are {[text.stem for text in texts]}. "
                 "Write two digits, as in `make slides NB=07`.")
    settings = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    licence = settings["html"]["extra_footer"].strip()
    try:
        decks = [slide_deck.read(text, chapter_of(text)) for text in chosen]
        stage()
        for deck in decks:
            write(deck, licence)
    except ValueError as error:
        sys.exit(str(error))
    if asked.handouts:
        handouts.print_decks([deck.number for deck in decks], OUT)
    if asked.deck is None:
        write_index(decks, licence)
    publish(len(texts))
    print(f"slides: {sum(len(deck.slides) for deck in decks)} slides of {len(decks)} decks in "
          f"_build/slides, {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
