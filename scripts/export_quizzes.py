r"""The quizzes as files that learning platforms import: `make quizzes` writes `_build/quizzes`.

    03.gift      Moodle and others, plain text (GIFT)
    03.xml       Moodle's own XML; the best for Moodle
    03.qti.zip   Canvas and others (QTI 1.2, written by text2qti)
    03.txt       the text that text2qti read, to be changed by hand and converted again

Question, answers and what is said of each become HTML, formulas in \( \), as Moodle expects them;
for text2qti they stay Markdown. Each question is worth one point. Of several answers each right one
brings its share, each wrong one takes all.
"""

import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import quiz_files
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from quiz_files import Item, Quiz
from text2qti.config import Config
from text2qti.qti import QTI
from text2qti.quiz import Quiz as TextQuiz

OUT = quiz_files.ROOT / "_build/quizzes"
FORMULA = {"math_inline": r"\({}\)", "math_block": r"\[{}\]"}
MARKDOWN = MarkdownIt("commonmark").enable("table").use(
    dollarmath_plugin, renderer=lambda text, options: FORMULA[
        "math_block" if options["display_mode"] else "math_inline"].format(text))


def as_html(text: str) -> str:
    """Markdown as HTML; a single paragraph loses its <p>."""
    made = MARKDOWN.render(text).strip()
    alone = re.fullmatch(r"<p>((?:(?!<p>).)*)</p>", made, re.DOTALL)
    return alone[1] if alone else made


def shares(item: Item) -> list[float]:
    """What each answer is worth, in percent."""
    if item.kind != "multiple":
        return [100.0 * answer.right for answer in item.answers]
    right = round(100 / len(item.right), 5)
    return [right if answer.right else -100.0 for answer in item.answers]


def escaped(text: str) -> str:
    """Text with GIFT's own signs escaped."""
    return re.sub(r"([\\~=#{}:])", r"\\\1", text)


def gift_text(text: str) -> str:
    """Markdown as GIFT's HTML, on one line."""
    return escaped(as_html(text)).replace("\n", r"\n")


def gift_answer(item: Item, n: int) -> str:
    """One answer, as the item's kind has it."""
    answer, share = item.answers[n], shares(item)[n]
    said = f"#{gift_text(answer.because)}"
    if item.kind == "number":
        return f"=%{share:g}%{answer.text}:{item.tolerance:g}{said}"
    if item.kind == "words":
        return f"=%{share:g}%{escaped(answer.text)}{said}"
    if item.kind == "multiple":
        return f"~%{share:g}%{gift_text(answer.text)}{said}"
    return f"{'=' if answer.right else '~'}{gift_text(answer.text)}{said}"


def gift(quiz: Quiz) -> str:
    """The quiz in GIFT."""
    parts = [f"$CATEGORY: Pixels to Instances/{quiz.chapter} {quiz.title}"]
    for item in quiz.items:
        answers = "\n".join(gift_answer(item, n) for n in range(len(item.answers)))
        parts.append(f"::{quiz.chapter} {item.id}::[html]{gift_text(item.question)} "
                     f"{{{'#' if item.kind == 'number' else ''}\n{answers}\n}}")
    return "\n\n".join(parts) + "\n"


def tell(parent: ElementTree.Element, name: str, text: str, **attributes: str) -> None:
    """Add <name><text>…</text></name>."""
    child = ElementTree.SubElement(parent, name, attributes)
    ElementTree.SubElement(child, "text").text = text


def moodle_question(quiz: Quiz, item: Item) -> ElementTree.Element:
    """One question of Moodle's XML."""
    kind = {"number": "numerical", "words": "shortanswer"}.get(item.kind, "multichoice")
    question = ElementTree.Element("question", type=kind)
    tell(question, "name", f"{quiz.chapter} {item.id}")
    tell(question, "questiontext", as_html(item.question), format="html")
    tell(question, "generalfeedback", f"Chapter {int(quiz.chapter)}, section {item.section}.",
         format="html")
    for name, text in (("defaultgrade", "1"), ("penalty", "0.3333333"), ("hidden", "0")):
        ElementTree.SubElement(question, name).text = text
    if kind == "multichoice":
        ElementTree.SubElement(question, "single").text = str(item.kind == "single").lower()
        ElementTree.SubElement(question, "shuffleanswers").text = "true"
    if kind == "shortanswer":
        ElementTree.SubElement(question, "usecase").text = "0"
    choice = kind == "multichoice"
    for answer, share in zip(item.answers, shares(item), strict=True):
        entry = ElementTree.SubElement(question, "answer", fraction=f"{share:g}",
                                       format="html" if choice else "moodle_auto_format")
        ElementTree.SubElement(entry, "text").text = as_html(answer.text) if choice else answer.text
        tell(entry, "feedback", as_html(answer.because), format="html")
        if kind == "numerical":
            ElementTree.SubElement(entry, "tolerance").text = f"{item.tolerance:g}"
    tags = ElementTree.SubElement(question, "tags")
    for tag in (item.difficulty, item.objective):
        tell(tags, "tag", tag)
    return question


def moodle(quiz: Quiz) -> str:
    """The quiz in Moodle's XML."""
    root = ElementTree.Element("quiz")
    category = ElementTree.SubElement(root, "question", type="category")
    tell(category, "category", f"$course$/Pixels to Instances/{quiz.chapter} {quiz.title}")
    root.extend(moodle_question(quiz, item) for item in quiz.items)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True)


def indented(first: str, text: str) -> str:
    """Text that begins with a mark and goes on below it, as text2qti wants it."""
    lines = text.splitlines()
    return "\n".join([first + lines[0], *(" " * len(first) + line for line in lines[1:])])


def for_text2qti(quiz: Quiz) -> str:
    """The quiz as text2qti reads it."""
    parts = [f"Quiz title: {quiz.chapter} {quiz.title}\n"
             f"Quiz description: Chapter {int(quiz.chapter)} of Pixels to Instances"]
    for n, item in enumerate(quiz.items, start=1):
        lines = [f"Title: {item.id}\nPoints: 1", indented(f"{n}.  ", item.question),
                 f"... Chapter {int(quiz.chapter)}, section {item.section}."]
        if item.kind in ("number", "words"):                   # no word on a single wrong answer
            lines.append("- " + " ".join(f"{answer.text}? {answer.because}".replace("\n", " ")
                                         for answer in item.wrong))
        if item.kind == "number":
            lines.append(f"=   {item.right[0].text} +- {item.tolerance:g}")
        for letter, answer in zip("abcdefghij", item.answers, strict=False):
            if item.kind == "words" and answer.right:
                lines.append(f"*   {answer.text}")
            elif item.kind in ("single", "multiple"):
                mark = (f"{'*' if answer.right else ''}{letter})  " if item.kind == "single"
                        else f"[{'*' if answer.right else ' '}] ")
                lines += [indented(mark, answer.text), indented("... ", answer.because)]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def write(quiz: Quiz, folder: Path) -> None:
    """All four files of one quiz."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{quiz.chapter}.gift").write_text(gift(quiz), encoding="utf-8")
    (folder / f"{quiz.chapter}.xml").write_text(moodle(quiz), encoding="utf-8")
    text, config = for_text2qti(quiz), Config()
    (folder / f"{quiz.chapter}.txt").write_text(text, encoding="utf-8")
    QTI(TextQuiz(text, config=config, source_name=f"{quiz.chapter}.yml")).save(
        folder / f"{quiz.chapter}.qti.zip")


def main() -> None:
    """Write every quiz."""
    shutil.rmtree(OUT, ignore_errors=True)
    found = quiz_files.all_quizzes()
    for quiz in found:
        write(quiz, OUT)
    count = sum(len(quiz.items) for quiz in found)
    print(f"quizzes: {count} questions of {len(found)} chapters in _build/quizzes")


if __name__ == "__main__":
    main()
