"""The quizzes' files: what they must say, and what they point at."""

import re
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
import quiz_files  # noqa: E402

FILES = sorted(quiz_files.FOLDER.glob("*.yml"))
GOOD = {"id": "a-b", "kind": "single", "objective": "count", "section": "3.1",
        "difficulty": "easy", "question": "How many?",
        "answers": [{"right": 1, "because": "one"}, {"wrong": 2, "because": "two"},
                    {"wrong": 3, "because": "three"}]}
NUMBER = GOOD | {"kind": "number", "tolerance": 0.1}


def written(folder, *items, name="03.yml"):
    path = folder / name
    path.write_text(yaml.safe_dump({"title": "T", "items": list(items)}))
    return path


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_chapters_quiz_has_8_to_12_questions_of_every_level_on_sections_that_exist(path):
    quiz = quiz_files.read(path)
    assert 8 <= len(quiz.items) <= 12
    assert {item.difficulty for item in quiz.items} == set(quiz_files.LEVELS)
    assert len({item.kind for item in quiz.items}) >= 3
    chapter, = (ROOT / "notebooks/text").glob(f"{path.stem}_*.md")
    text = chapter.read_text(encoding="utf-8")
    sections = set(re.findall(r"^## (\d+\.\d+) ", text, re.MULTILINE))
    assert {item.section for item in quiz.items} <= sections
    assert re.search(rf"^# {int(path.stem)}\. {re.escape(quiz.title)}$", text, re.MULTILINE)


def test_no_id_is_used_twice():
    assert sum(len(quiz.items) for quiz in quiz_files.all_quizzes()) >= 8 * len(FILES) > 0


def test_the_right_answer_does_not_always_stand_first():
    single = [item for quiz in quiz_files.all_quizzes() for item in quiz.items
              if item.kind == "single"]
    first = sum(item.answers[0].right for item in single)
    assert 0 < first < len(single) / 2


def test_two_files_may_not_share_an_id(tmp_path):
    written(tmp_path, GOOD)
    written(tmp_path, GOOD, name="04.yml")
    with pytest.raises(ValueError, match="'a-b' is used already in 03.yml"):
        quiz_files.all_quizzes(tmp_path)


def test_an_item_is_read(tmp_path):
    item, = quiz_files.read(written(tmp_path, GOOD)).items
    assert item.right == [quiz_files.Answer("1", True, "one")]
    assert sorted(answer.text for answer in item.wrong) == ["2", "3"]
    assert item.tolerance == 0


def but(**changed):
    return GOOD | changed


@pytest.mark.parametrize("item, said", [
    ({"id": "x"}, "an item says answers, .*; this one says id"),
    (but(hint="no"), "this one says .*hint"),
    (but(kind="essay"), "kind is 'essay', not one of single, multiple, number, words"),
    (but(difficulty="fun"), "difficulty is 'fun', not one of easy, medium, hard"),
    (but(id="A b"), "an id is small letters"),
    (but(answers=[{"right": 1}]), "has 'right' or 'wrong', and 'because'"),
    (but(answers=[{"right": 1, "wrong": 2, "because": "?"}]), "has 'right' or 'wrong'"),
    (but(answers=[{"right": 1, "because": " "}]), "'because' is empty"),
    (but(answers=GOOD["answers"][1:]), "no answer is right"),
    (but(answers=GOOD["answers"][:2]), "2 answers to choose from"),
    (but(answers=[*GOOD["answers"], {"right": 4, "because": "4"}]), "2 answers are right"),
    (but(answers=[*GOOD["answers"], {"wrong": 3, "because": "4"}]), "two answers are the same"),
    (but(kind="words", answers=[{"right": "RoI", "because": "r"}]), "no wrong answer"),
    (but(kind="words", answers=[{"right": "RoI Align", "because": "r"},
                                {"wrong": "roialign", "because": "r"}]), "two answers are the sam"),
    (NUMBER | {"answers": [{"right": 1, "because": "1"}, {"wrong": 1.05, "because": "2"}]},
     "1.05 is called wrong, but lies within twice the tolerance 0.1 of 1.0"),
])
def test_a_mistake_is_told_with_its_place(tmp_path, item, said):
    with pytest.raises(ValueError, match=f"03.yml, item 1.*{said}"):
        quiz_files.read(written(tmp_path, item))


def test_a_file_without_items_is_told(tmp_path):
    (tmp_path / "03.yml").write_text("title: T\n")
    with pytest.raises(ValueError, match="03.yml: a quiz has a title and items"):
        quiz_files.read(tmp_path / "03.yml")
