"""What course.yml adds to the pages while the book is built: addresses, dates, links, credit.

No page holds any of it, so that a copy of the course takes new pages from the original by a merge:
a row `| Week 3 |` of the teacher's tables gets its Monday, the role deadline, as in
{deadline}`end of week 4 <A>`, the date of lab A, and marks such as REPOSITORY_ADDRESS their text.
"""

import re
import sys
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
import course  # noqa: E402

SAID = course.read()
WEEK = re.compile(r"^\| Week (\d+)(?: \([^)|]*\))? \|", re.M)
TARGET = re.compile(r"(.+?) <(\w+)>")
OURS = "Pixels to Instances"
NO_LINKS = ("*This copy of the course has no address yet, so there are no links. They stand here "
            "as soon as `course.yml` names one.*")


def launch_links() -> str:
    """A table of where each chapter and each lab is run, to copy into a learning platform."""
    if SAID.is_placeholder:
        return NO_LINKS
    texts = [*sorted(ROOT.glob("notebooks/text/*.md")), *sorted(ROOT.glob("labs/text/*.md"))]
    rows = []
    for text in texts:
        title = re.search(r"^# (.+)", text.read_text(encoding="utf-8"), re.M)[1]
        notebook = (text.parent.parent / f"{text.stem}.ipynb").relative_to(ROOT).as_posix()
        links = [f'<a href="{escape(at)}">{name}</a>'     # Markdown's own link escapes & twice
                 for name, at in SAID.links(notebook).items()]
        rows.append(f"| {title} | {' | '.join(links)} |")
    names = list(SAID.links("x"))
    return "\n".join([f"| | {' | '.join(names)} |", f"|---|{'---|' * len(names)}", *rows])


def with_date(row: re.Match) -> str:
    """A week's row with its Monday, where the term has a start."""
    day = SAID.week(int(row[1]))
    return f"| Week {row[1]} ({day.day} {day:%B %Y}) |" if day else f"| Week {row[1]} |"


def fill_in(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put what course.yml says where a page has a mark for it."""
    text = source[0]
    for mark, said in (("REPOSITORY_ADDRESS", SAID.url), ("REPOSITORY_NAME", SAID.name),
                       ("REPOSITORY_BRANCH", SAID.branch), ("SEED_VARIABLE", SAID.seed_variable)):
        text = text.replace(mark, said)
    if "LAUNCH_LINKS" in text:
        text = text.replace("LAUNCH_LINKS", launch_links())
    if docname.startswith("book/teach/"):
        text = WEEK.sub(with_date, text)
    source[0] = text


def deadline(name, rawtext, text, lineno, inliner, options=None, content=None):
    """A docutils role: when something is due, or the given words while course.yml has no date."""
    found = TARGET.fullmatch(text)
    if not found or found[2] not in SAID.deadlines:
        problem = inliner.reporter.warning(
            f"{rawtext} must read {{deadline}}`words <name>`, with one of the names "
            f"{', '.join(SAID.deadlines)}", line=lineno)
        return [inliner.problematic(rawtext, rawtext, problem)], [problem]
    when = SAID.deadlines[found[2]]
    return [nodes.inline(rawtext, f"{when} ({SAID.time_zone})" if when else found[1])], []


def credit() -> str:
    """The foot of each page: who teaches here, and what the course was adapted from."""
    parts = [f"Taught at {SAID.institution}."] if SAID.institution else []
    if line := SAID.credit:
        at = f"https://github.com/{SAID.original}"
        if course.is_placeholder(SAID.original):
            parts.append(line)
        elif OURS in line:
            parts.append(line.replace(OURS, f'<a href="{at}">{OURS}</a>', 1))
        else:
            parts.append(f'{line} (<a href="{at}">{OURS}</a>)')
    return f' <span class="credit">{" ".join(parts)}</span>' if parts else ""


def add_credit(app: Sphinx, config) -> None:
    """Write the credit behind the licences."""
    options = config.html_theme_options
    options["extra_footer"] = options.get("extra_footer", "") + credit()


def setup(app: Sphinx) -> dict:
    """Register with Sphinx."""
    app.add_role("deadline", deadline)
    app.connect("config-inited", add_credit, priority=200)
    app.connect("source-read", fill_in)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
