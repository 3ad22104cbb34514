"""The questions in the page, answered as a reader would, and the files for learning platforms."""

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import export_quizzes
import pytest
import quiz_files

pytestmark = [pytest.mark.site, pytest.mark.timeout(300)]
ROOT = Path(__file__).resolve().parents[2]
FOUND = quiz_files.all_quizzes()
EACH = pytest.mark.parametrize("quiz", FOUND, ids=lambda quiz: quiz.chapter)
PARSE = """const {parse} = require("gift-pegjs");
console.log(JSON.stringify(parse(require("fs").readFileSync(0, "utf8"))));"""
PAGES = {quiz.chapter: next((ROOT / "notebooks").glob(f"{quiz.chapter}_*.ipynb")).stem
         for quiz in FOUND}


def pick(box, item, chosen):
    """Choose or write answers, and ask for the verdict."""
    if item.kind in ("number", "words"):
        box.locator("input").fill(chosen[0].text)
        box.locator("input").press("Enter")
        return box.locator("output").inner_text()
    for n, answer in enumerate(item.answers):
        if item.kind == "multiple" or answer in chosen:
            box.locator("input").nth(n).set_checked(answer in chosen)
    box.locator("button").click()
    return box.locator("output").inner_text()


@EACH
def test_every_answer_gets_its_verdict_and_its_reason(quiz, page):
    window = page(f"notebooks/{PAGES[quiz.chapter]}.html")
    boxes = window.locator("fieldset.quiz")
    assert boxes.count() == len(quiz.items)
    for n, item in enumerate(quiz.items):
        box = boxes.nth(n)
        told = box.locator("details li > span").evaluate_all("all => all.map(one => one.innerText)")
        box.locator("button").click()
        assert box.locator("output").inner_text() == "Answer first."
        for answer in item.answers:
            said = pick(box, item, [answer])
            if answer.right and item.kind == "multiple" and len(item.right) > 1:
                assert f"it is not all: {len(item.right) - 1} more" in said
                continue
            assert said.startswith("Right." if answer.right else "Not quite.")
            shown = box.locator("output").evaluate("one => one.childNodes.length")
            assert shown > 2 and len(said) > 15
        said = pick(box, item, item.right)
        assert said.startswith("Right.") and box.locator("output.good").count() == 1
        assert len(told) == len(item.answers)
    assert window.errors == [] and window.outside == []


def test_an_unlikely_number_is_led_to_the_section_and_words_are_no_number(page):
    quiz, item = next((quiz, item) for quiz in FOUND for item in quiz.items
                      if item.kind == "number")
    box = page(f"notebooks/{PAGES[quiz.chapter]}.html").locator("fieldset.quiz").nth(
        quiz.items.index(item))
    box.locator("input").fill("987654")
    box.locator("button").click()
    assert f"section {item.section}" in box.locator("output").inner_text()
    box.locator("input").fill("many")
    assert box.locator("output").inner_text() == ""            # an old verdict is gone
    box.locator("button").click()
    assert "not a number" in box.locator("output").inner_text()


def test_a_question_is_answered_by_keys_alone(page):
    quiz, item = next((quiz, item) for quiz in FOUND for item in quiz.items
                      if item.kind == "single")
    window = page(f"notebooks/{PAGES[quiz.chapter]}.html")
    box = window.locator("fieldset.quiz").nth(quiz.items.index(item))
    box.locator("input").first.focus()
    window.keyboard.press("Space")
    for _ in range(item.answers.index(item.right[0])):
        window.keyboard.press("ArrowDown")
    window.keyboard.press("Tab")
    window.keyboard.press("Enter")
    assert box.locator("output").inner_text().startswith("Right.")


def test_without_scripts_the_answers_are_there_and_no_dead_button(page):
    window = page(f"notebooks/{PAGES[FOUND[0].chapter]}.html", scripts=False)
    box = window.locator("fieldset.quiz").first
    assert box.locator("button").count() == 0
    box.locator("summary").click()
    assert "Right:" in box.locator("details").inner_text()


def test_the_notebooks_hold_no_quiz():
    """On Colab the directive would show as code."""
    assert not any("```{quiz}" in path.read_text() for path in (ROOT / "notebooks").glob("*.ipynb"))


@EACH
def test_gift_is_read_by_its_parser(quiz):
    node = Path(sys.executable).parent / "node"
    read = subprocess.run([node, "-e", PARSE], input=export_quizzes.gift(quiz), cwd=ROOT,
                          capture_output=True, text=True, check=True).stdout
    category, *questions = json.loads(read)
    assert category["title"].startswith("Pixels to Instances/")
    kinds = {"single": "MC", "multiple": "MC", "number": "Numerical", "words": "Short"}
    assert [one["type"] for one in questions] == [kinds[item.kind] for item in quiz.items]
    assert [one["title"] for one in questions] == [f"{quiz.chapter} {item.id}"
                                                   for item in quiz.items]
    for one, item in zip(questions, quiz.items, strict=True):
        assert len(one["choices"]) == len(item.answers)
        assert all(choice["feedback"] for choice in one["choices"])


@EACH
def test_moodles_xml_has_every_question_and_every_feedback(quiz):
    root = ElementTree.fromstring(export_quizzes.moodle(quiz))
    kinds = {"single": "multichoice", "multiple": "multichoice", "number": "numerical",
             "words": "shortanswer"}
    assert [one.get("type") for one in root] == ["category", *(kinds[i.kind] for i in quiz.items)]
    for one, item in zip(list(root)[1:], quiz.items, strict=True):
        shares = [float(answer.get("fraction")) for answer in one.findall("answer")]
        assert sum(share for share in shares if share > 0) == pytest.approx(
            100 * (len(item.right) if item.kind == "words" else 1), abs=0.01)
        assert [share > 0 for share in shares] == [answer.right for answer in item.answers]
        assert all(answer.findtext("feedback/text") for answer in one.findall("answer"))
        assert "$" not in one.findtext("questiontext/text")


@EACH
def test_canvas_gets_a_package_with_every_question(quiz, tmp_path):
    export_quizzes.write(quiz, tmp_path)
    with zipfile.ZipFile(tmp_path / f"{quiz.chapter}.qti.zip") as package:
        assert "imsmanifest.xml" in package.namelist()
        manifest = ElementTree.fromstring(package.read("imsmanifest.xml"))
        files = [one.get("href") for one in manifest.iter() if one.tag.endswith("}file")]
        assert files and set(files) <= set(package.namelist())
        bodies = [package.read(name).decode() for name in package.namelist()
                  if name.endswith(".xml") and "assessment_meta" not in name]
    items = [re.findall(r"<item ident=", body) for body in bodies]
    assert max(map(len, items)) == len(quiz.items)
