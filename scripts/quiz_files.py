"""Quizzes: one YAML file a chapter in `quizzes/`, read and checked. Questions are Markdown.

    title: Upsampling without learning
    items:
      - id: indices-of-the-plane            # unlike any other, in all files
        kind: single                        # single, multiple, number or words
        objective: read the indices that max-pooling returns
        section: "3.5"                      # of the chapter, where the answer is taught
        difficulty: easy                    # easy, medium or hard
        question: What does index 6 mean in a map of 4 x 4?
        answers:
          - right: row 1, column 2
            because: 6 = 1 · 4 + 2.
          - wrong: row 2, column 1
            because: That counts columns first; rows come first.      # the misconception

`multiple` may have several right answers. A `number` is met within `tolerance` (0 if not given),
and `words` are compared without case, spaces and signs; all right `words` mean the same. The wrong
answers of these two are the likely ones: whoever gives one is told why, whoever gives another is
led to the section. Answers are shown in an order of chance, which is the same everywhere.
"""

import re
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import yaml

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "quizzes"
KINDS = {"single": "one answer", "multiple": "one answer or more", "number": "a number",
         "words": "a word or two"}
LEVELS = ("easy", "medium", "hard")
SAID = {"id", "kind", "objective", "section", "difficulty", "question", "answers"}


class Answer(NamedTuple):
    """One answer: what it says, whether it is right, and what to tell whoever gives it."""

    text: str
    right: bool
    because: str


class Item(NamedTuple):
    """One question with its answers."""

    id: str
    kind: str
    objective: str
    section: str
    difficulty: str
    question: str
    answers: list[Answer]
    tolerance: float

    @property
    def right(self) -> list[Answer]:
        """The answers that are right."""
        return [answer for answer in self.answers if answer.right]

    @property
    def wrong(self) -> list[Answer]:
        """The answers that are not."""
        return [answer for answer in self.answers if not answer.right]


class Quiz(NamedTuple):
    """A chapter's questions."""

    chapter: str                # 03
    title: str
    items: list[Item]


def normal(words: str) -> str:
    """Words as they are compared: small letters and digits only."""
    return re.sub(r"[\W_]", "", words.lower())


def read_answer(given: dict, where: str) -> Answer:
    """One entry of `answers`."""
    if not isinstance(given, dict) or set(given) not in ({"right", "because"},
                                                         {"wrong", "because"}):
        raise ValueError(f"{where}: an answer has 'right' or 'wrong', and 'because'; "
                         f"this one is {given!r}.")
    text = given.get("right", given.get("wrong"))
    if not str(text).strip() or not str(given["because"]).strip():
        raise ValueError(f"{where}: an answer or its 'because' is empty in {given!r}.")
    return Answer(str(text).strip(), "right" in given, str(given["because"]).strip())


def check_answers(item: Item, where: str) -> None:
    """What must be true of an item's answers, by its kind."""
    texts = [normal(answer.text) if item.kind == "words" else answer.text
             for answer in item.answers]
    if len(set(texts)) < len(texts):
        raise ValueError(f"{where}: two answers are the same.")
    if not item.right:
        raise ValueError(f"{where}: no answer is right.")
    if item.kind in ("single", "number") and len(item.right) > 1:
        raise ValueError(f"{where}: {len(item.right)} answers are right, but a question of kind "
                         f"{item.kind!r} has one; use 'multiple'.")
    if item.kind in ("single", "multiple") and len(item.answers) < 3:
        raise ValueError(f"{where}: {len(item.answers)} answers to choose from; give 3 or more.")
    if not item.wrong:
        raise ValueError(f"{where}: no wrong answer, so no misconception can show.")
    if item.kind == "number":
        right = float(item.right[0].text)
        for answer in item.wrong:
            if abs(float(answer.text) - right) <= 2 * item.tolerance:
                raise ValueError(f"{where}: {answer.text} is called wrong, but lies within twice "
                                 f"the tolerance {item.tolerance} of {right}.")


def read_item(given: dict, where: str) -> Item:
    """One entry of `items`."""
    if not isinstance(given, dict) or set(given) - {"tolerance"} != SAID:
        raise ValueError(f"{where}: an item says {', '.join(sorted(SAID))}, and perhaps tolerance; "
                         f"this one says {', '.join(sorted(given))}.")
    where = f"{where}, {given['id']!r}"
    for name, allowed in (("kind", KINDS), ("difficulty", LEVELS)):
        if given[name] not in allowed:
            raise ValueError(f"{where}: {name} is {given[name]!r}, not one of "
                             f"{', '.join(allowed)}.")
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", str(given["id"])):
        raise ValueError(f"{where}: an id is small letters, digits and hyphens.")
    answers = sorted((read_answer(answer, where) for answer in given["answers"]),
                     key=lambda answer: sha256(f"{given['id']} {answer.text}".encode()).digest())
    item = Item(*(str(given[name]).strip() for name in Item._fields[:6]), answers,
                float(given.get("tolerance", 0)))
    check_answers(item, where)
    return item


def read(path: Path) -> Quiz:
    """The quiz in a file; a ValueError says what is wrong in which item."""
    given = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(given, dict) or set(given) != {"title", "items"}:
        raise ValueError(f"{path.name}: a quiz has a title and items.")
    items = [read_item(entry, f"{path.name}, item {n}")
             for n, entry in enumerate(given["items"], start=1)]
    return Quiz(path.stem, str(given["title"]), items)


def all_quizzes(folder: Path = FOLDER) -> list[Quiz]:
    """Every chapter's quiz, in order; no id may be used twice."""
    quizzes, seen = [read(path) for path in sorted(folder.glob("*.yml"))], {}
    for quiz in quizzes:
        for item in quiz.items:
            if item.id in seen:
                raise ValueError(f"{quiz.chapter}.yml: the id {item.id!r} is used already in "
                                 f"{seen[item.id]}.yml.")
            seen[item.id] = quiz.chapter
    return quizzes
