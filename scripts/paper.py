"""The whole book as one HTML page for paper, put together from the built website's pages.

A page of the site becomes a section, its anchors get the page's name before them, and links between
pages lead to those anchors, so that they jump inside the PDF. Answers that the site folds stand at
their chapter's end; live figures leave their pictures; the package's reference and the cells that
only set up a notebook stay away. Where a page's number belongs, a span names the anchor that stands
there; `make_pdf.py` fills it in.
"""

import html
import posixpath
import re
from pathlib import Path
from urllib.parse import unquote, urljoin

import yaml
from build_book import ROOT, SITE, toc_pages

LEFT_OUT = "book/api/"
TAG = re.compile(r"<[a-z][^<>]*>")
FORMULA = re.compile(r'<span class="katex"><span class="katex-mathml">.*?<annotation encoding='
                     r'"application/x-tex">(.*?)</annotation></semantics></math></span>'
                     r'<span class="katex-html" aria-hidden="true">', re.S)
ANSWER = re.compile(r"<details>\s*<summary>Answers?</summary>(.*?)</details>", re.S)
CONTENTS = """<section style="page: contents" id="contents"><h2>Contents</h2>
<nav class="listing">{lists}</nav>
<p>On paper, figures that you can play with on the website are pictures, and the answers to the
questions under <em>Predict first</em> stand at the end of their chapter. The cells that set up a
notebook and the package's reference are left out; numbers after ≈ were measured.</p>
<p>{licence}</p></section>"""


def parts(toc: dict) -> list[tuple[str, list[str]]]:
    """(part, its pages), in reading order; the first page belongs to no part."""
    named = [(part["caption"], toc_pages(part["chapters"])) for part in toc["parts"]]
    named = [(name, [page for page in pages if not page.startswith(LEFT_OUT)])
             for name, pages in named]
    return [("", [toc["root"]])] + [(name, pages) for name, pages in named if pages]


def anchor(page: str, name: str = "") -> str:
    """The anchor, in the one page, of an anchor on a page of the site."""
    return page.replace("/", "-") + (f"--{name}" if name else "")


def moved(href: str, page: str, inside: set[str], address: str) -> str:
    """Where a link of a page leads on paper; empty where there is nothing."""
    if re.match(r"(https?|mailto):", href):
        return href
    path, _, name = html.unescape(href).partition("#")
    target = posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(path)))
    target = target.removesuffix(".html") if path else page
    if target in inside:
        return f"#{anchor(target, name)}"
    return urljoin(f"{address}{page}.html", href) if address else ""


def rewrite(text: str, page: str, inside: set[str], address: str) -> str:
    """A page's text with the book's anchors and links, and pictures that do not wait."""
    def link(found: re.Match) -> str:
        to = moved(found[2], page, inside, address)
        return f'<a{found[1]} href="{to}"{found[3]}>{found[4]}</a>' if to else found[4]

    def attributes(found: re.Match) -> str:
        tag = re.sub(r'(?<= id=")[^"]+', lambda name: anchor(page, name[0]), found[0])
        tag = re.sub(r' loading="lazy"| decoding="async"', "", tag)
        return re.sub(r'(?<= src=")(?!data:)[^"]+', lambda source: posixpath.normpath(
            posixpath.join(posixpath.dirname(page), source[0])), tag)

    text = re.sub(r'<a\b([^<>]*?) href="([^"]*)"([^<>]*)>(.*?)</a>', link, text, flags=re.S)
    return TAG.sub(attributes, text)


def end_with_answers(text: str, page: str) -> str:
    """A chapter whose folded answers stand at its end, numbered as its sections are."""
    number = re.search(r"<h1>(\d+)\. ", text)
    if not number or not ANSWER.search(text):
        return text
    answers = []

    def ask(found: re.Match) -> str:
        name = f"{number[1]}.{len(answers) + 1}"
        here, there = anchor(page, f"ask-{name}"), anchor(page, f"answer-{name}")
        answers.append(f'<div class="answer" id="{there}"><p><a href="#{here}">{name}</a></p>'
                       f"<div>{found[1]}</div></div>")
        return (f'<p id="{here}"><a href="#{there}">Answer {name}</a> stands on page '
                f'<span class="at" data-to="{there}">000</span>.</p>')

    text = ANSWER.sub(ask, text)
    return (f'{text}<section class="answers"><h2>Answers to the questions</h2>'
            f'{"".join(answers)}</section>')


def section(page: str, part: str, inside: set[str], address: str) -> str:
    """A page of the site as a section of the book."""
    text = (SITE / f"{page}.html").read_text(encoding="utf-8")
    text = re.search(r'<article class="bd-article">(.*)</article>', text, re.S)[1]
    text = re.sub(r"<(script|noscript)\b.*?</\1>|<a class=\"headerlink\".*?</a>", "", text,
                  flags=re.S)
    text = re.sub(r"<ck-[a-z-]+ data-params='[^']*'[^>]*>", "<div data-params>", text)
    text = re.sub(r"</ck-[a-z-]+>", "</div>", text)
    text = FORMULA.sub(r'<span class="katex" role="img" aria-label="formula: \1">'
                       r'<span class="katex-html">', text)
    text = end_with_answers(rewrite(text, page, inside, address), page)
    text = re.sub(r"<(/?)h([1-5])\b", lambda found: f"<{found[1]}h{int(found[2]) + 1}", text)
    kicker = f'<h1 class="part">{part}</h1>' if part else ""
    return f'<section id="{anchor(page)}" style="page: {anchor(page)}">{kicker}{text}</section>'


def title(page: str) -> str:
    """A page's title, as its heading writes it."""
    text = (SITE / f"{page}.html").read_text(encoding="utf-8")
    return re.search(r'<article.*?<h1>(.*?)<a class="headerlink"', text, re.S)[1]


def running_heads(pages: list[str], book: str) -> str:
    """The style that writes the book's and the chapter's title at the top of each page."""
    rules = "@page {}, contents {{ @top-left {{ content: none }} @top-right {{ content: none }} }}"
    heads = "".join(
        f'@page {anchor(page)} {{ @top-left {{ content: "{book}" }} @top-right {{ content: '
        f'"{html.unescape(re.sub("<[^>]*>", "", title(page)))}" }} }}\n' for page in pages[1:])
    return rules.format(anchor(pages[0])) + heads


def assemble(toc_file: Path) -> str:
    """The book as one page, to be served from the built site's folder."""
    settings = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    groups = parts(yaml.safe_load(toc_file.read_text(encoding="utf-8")))
    pages = [page for _, group in groups for page in group]
    first = (SITE / f"{pages[-1]}.html").read_text(encoding="utf-8")
    canonical = re.search(r'<link rel="canonical" href="([^"]*)"', first)
    address = canonical[1].removesuffix(f"{pages[-1]}.html") if canonical else ""
    styles = re.findall(r'<link [^>]*href="(?:\.\./)+(_static/[^"]+\.css[^"]*)"', first)
    styles += ["_static/vendor/katex/katex.min.css", "_static/katex-math.css"]
    lists = "".join(
        f'<p class="part">{name}</p><ul>' + "".join(
            f'<li><a href="#{anchor(page)}">{title(page)}</a>'
            f'<span class="at" data-to="{anchor(page)}">000</span></li>' for page in group)
        + "</ul>" for name, group in groups[1:])
    sections = [section(page, name if page == group[0] else "", set(pages), address)
                for name, group in groups for page in group]
    sections.insert(1, CONTENTS.format(lists=lists, licence=settings["html"]["extra_footer"]))
    links = "".join(f'<link rel="stylesheet" href="{name}">\n' for name in dict.fromkeys(styles))
    return (f'<!doctype html>\n<html lang="en" data-theme="light" data-mode="light"><head>'
            f'<meta charset="utf-8">\n<title>{settings["title"]}</title>\n{links}'
            f'<style>{running_heads(pages, settings["title"])}</style></head>\n'
            f'<body><main class="bd-main"><div class="bd-content"><article class="bd-article book">'
            f'{"".join(sections)}</article></div></main></body></html>')

