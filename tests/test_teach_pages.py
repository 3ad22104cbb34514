"""The teachers' pages: plans of one shape, minutes that add up, numbers that the chapters print."""
import json
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
import quiz_files
import yaml
from run_notebooks import time_limit

ROOT = Path(__file__).resolve().parent.parent
TEACH = ROOT / "book/teach"
KINDS = ("talk", "figure", "exercise")
SECTIONS = ["At a glance", "Objectives", "Set-up", "Minutes", "Board plan", "Questions to ask",
            "Misconceptions", "What to cut"]
ROW = re.compile(r"^\| (\d+) \| (talk|figure|exercise) \| .+ \| .+ \|$", re.MULTILINE)
SUM = re.compile(r"(\d+(?: \+ \d+)+) = (\d+)")
LAB_OF = {3: "A", 4: "A", 6: "B", 7: "B", 8: "C", 9: "C", 10: "C", 11: "D", 12: "D"}
COUNTS = {10: "ten", 11: "eleven", 12: "twelve", 8: "eight", 9: "nine"}
QUIZ, LAB = 15, 120             # minutes that the syllabi count for a quiz and for a lab


class Chapter(NamedTuple):
    """What a chapter says of itself below its title."""

    name: str                   # notebooks/07_many_objects
    needs: list[int]
    minutes: int
    read: str                   # about 75 minutes
    run: str                    # about a minute


@cache
def chapters():
    """All of them, by their numbers."""
    found = {}
    for path in sorted(ROOT.glob("notebooks/text/*.md")):
        text = path.read_text(encoding="utf-8")
        needs = re.search(r"^\*\*You need\*\* (.*)$", text, re.MULTILINE)[1]
        time = re.search(r"^\*\*Time:\*\* (about (\d+) minutes) to read and do; the cells run in "
                         r"([^.]*)\.", text, re.MULTILINE)
        found[int(path.name[:2])] = Chapter(
            f"notebooks/{path.stem}", sorted(map(int, re.findall(r"\]\((\d\d)_\w+\.ipynb", needs))),
            int(time[2]), time[1], time[3])
    return found


NUMBERS = sorted(chapters())


def plan_path(number):
    return TEACH / f"{Path(chapters()[number].name).name}.md"


@cache
def page(name):
    return (TEACH / name).read_text(encoding="utf-8")


def plan(number):
    return page(plan_path(number).name)


def section(text, heading):
    """What stands below a heading of the second rank."""
    return text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


def kinds(number):
    """Minutes of talk, with the figures, of exercise: the sums of a plan's rows."""
    rows = ROW.findall(section(plan(number), "Minutes"))
    return [sum(int(minutes) for minutes, kind in rows if kind == one) for one in KINDS]


def tables(text):
    """Each table of a page: its rows, the header first, as lists of cells."""
    found = re.findall(r"(?:^\|.*\|$\n?)+", text, re.MULTILINE)
    return [[[cell.strip() for cell in line.strip("|").split("|")] for line in one.splitlines()
             if not re.fullmatch(r"\|(?:-+:?\|)+", line)] for one in found]


def added(cell):
    """The terms and the sum of '30 + 10 + 20 = 60'."""
    terms, total = SUM.fullmatch(cell).groups()
    terms = [int(term) for term in terms.split(" + ")]
    assert sum(terms) == int(total), cell
    return terms


def linked_chapters(cell):
    return [int(number) for number in re.findall(r"\]\((\d\d)_\w+\.md\)", cell)]


# ---- lesson plans

def test_each_chapter_has_a_plan_and_each_plan_a_chapter():
    assert {path.name for path in TEACH.glob("[0-9]*.md")} == {
        plan_path(number).name for number in NUMBERS}


@pytest.mark.parametrize("number", NUMBERS)
def test_a_plan_has_the_one_shape(number):
    text = plan(number)
    assert text.startswith(f"# Teaching chapter {number}: ")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
    assert len(re.findall(r"^\d\. \*.+\* Expected: ", section(text, "Questions to ask"),
                          re.MULTILINE)) == 3
    assert len(re.findall(r"^- \*\*'.+'\*\* .+", section(text, "Misconceptions"),
                          re.MULTILINE)) >= 4
    assert len(re.findall(r"^\d\. ", section(text, "Objectives"), re.MULTILINE)) >= 3
    assert re.findall(r"^- .+", section(text, "Set-up"), re.MULTILINE)
    assert "**Keep**" in section(text, "What to cut")


@pytest.mark.parametrize("number", NUMBERS)
def test_the_minutes_of_a_plan_add_up(number):
    rows = tables(section(plan(number), "Minutes"))[0]
    assert rows[0] == ["minutes", "kind", "what", "how"]
    assert len(ROW.findall(section(plan(number), "Minutes"))) == len(rows) - 1
    talk, figure, exercise = kinds(number)
    assert (f"- **The lesson:** {talk + figure + exercise} minutes: {talk} of talk, {figure} with "
            f"the figures, {exercise} of exercise.\n") in plan(number)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_plan_cuts_less_than_it_has_and_more_each_time(number):
    cuts = [int(minutes) for minutes in
            re.findall(r"\*\*(\d+) minutes less:\*\*", section(plan(number), "What to cut"))]
    assert cuts == sorted(set(cuts)) and 0 < cuts[0] and cuts[-1] < sum(kinds(number)) / 2


def at_most(words):
    """Seconds that a chapter's words on its time allow; 'about' and 'a few' with some room."""
    numbers = {"half a": 0.5, "a": 1, "two": 2, "five": 5}
    if words == "a few seconds":
        return 10
    found = re.match(r"(about |under )?(half a|a|two|five) minutes?( at most)?(?:,|$)", words)
    return 60 * numbers[found[2]] * (1.25 if found[1] == "about " else 1)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_plan_says_of_times_what_the_chapter_says(number):
    chapter, text = chapters()[number], plan(number)
    assert f"- **A student alone:** {chapter.read}.\n" in text
    line = re.search(r"^- \*\*The cells run in\*\* (.+?)\.(?: Measured: (\d+) s on two quiet CPU "
                     r"cores\.)?$", text, re.MULTILINE)
    assert line[1] == chapter.run
    limit = min(at_most(chapter.run), time_limit(ROOT / f"{chapter.name}.ipynb"))
    assert line[2] is None or 0 < int(line[2]) <= limit


def test_words_on_times_are_read_as_seconds():
    assert [at_most(words) for words in ("a few seconds", "under half a minute", "about a minute, "
                                         "half of it one training", "two minutes at most")] == [
        10, 30, 75, 120]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_plan_says_what_students_need_and_what_goes_with_it(number):
    needs = re.search(r"^- \*\*Students need\*\* (.+)$", plan(number), re.MULTILINE)[1]
    assert [int(n) for n in re.findall(r"\[(\d+)\]\(", needs)] == chapters()[number].needs
    goes = re.search(r"^- \*\*With it go\*\* (.+)$", plan(number), re.MULTILINE)[1]
    items = quiz_files.read(ROOT / f"quizzes/{number:02}.yml").items
    assert f"the {COUNTS[len(items)]} questions of [its quiz]" in goes
    assert re.findall(r"lab ([A-D])", goes) == list(LAB_OF.get(number, ""))


@pytest.mark.parametrize("number", NUMBERS)
def test_numbers_of_a_plan_stand_in_its_chapter(number):
    notebook = json.loads((ROOT / f"{chapters()[number].name}.ipynb").read_text(encoding="utf-8"))
    printed = "".join("".join(output.get("text", [])) for cell in notebook["cells"]
                      for output in cell.get("outputs", []))
    told = "".join("".join(cell["source"]) for cell in notebook["cells"]) + printed
    text = re.sub(r"(?:[Ff]igures?|[Ss]ections?|[Ee]xercises?) \d+\.\d+"
                  r"(?:(?:,| and| to| or) \d+\.\d+)*|\bin \d+\.\d+", "", plan(number))
    numbers = set(re.findall(r"\d+\.\d+", text))
    assert numbers - set(re.findall(r"\d+\.\d+", told)) == set()


@pytest.mark.parametrize("number", NUMBERS)
def test_figures_sections_and_exercises_that_a_plan_names_are_there(number):
    text = plan(number)
    chapter = (ROOT / f"notebooks/text/{Path(chapters()[number].name).name}.md").read_text()
    named = set(re.findall(r"(figure|section|exercise)s? (\d+\.\d+)", text, re.IGNORECASE))
    form = {"figure": "**Figure {}.**", "section": "\n## {} ", "exercise": "**Exercise {}"}
    assert named
    missing = [pair for pair in named if pair[1].startswith(f"{number}.")
               and form[pair[0].lower()].format(pair[1]) not in chapter]
    assert missing == []


def test_the_table_of_plans_has_all_of_them_with_their_minutes():
    rows = tables(page("plans.md"))[0][1:]
    assert [linked_chapters(row[0]) for row in rows] == [[number] for number in NUMBERS]
    assert [added(row[2]) for row in rows] == [kinds(number) for number in NUMBERS]


# ---- syllabi

def syllabus(heading):
    return tables(section(page("syllabi.md"), heading))[0]


@pytest.mark.parametrize("heading", ["Six weeks", "Twelve weeks"])
def test_a_syllabus_takes_its_minutes_from_the_plans_and_the_chapters(heading):
    rows = syllabus(heading)[1:]
    count = {"Six weeks": 6, "Twelve weeks": 12}[heading]
    weeks = [re.fullmatch(r"Week (\d+)(?: \([^)|]*\))?", row[0])[1] for row in rows]
    assert weeks == [str(n) for n in range(1, count + 1)]
    seen = []
    for _, cell, in_class, at_home, due in rows:
        numbers = linked_chapters(cell)
        seen += numbers
        assert added(in_class) == [sum(column) for column in
                                   zip(*map(kinds, numbers), strict=True)]
        reading, quizzes, other = added(at_home)
        assert reading == sum(chapters()[number].minutes for number in numbers)
        assert quizzes == QUIZ * len(numbers)
        assert (other == LAB) == due.startswith("lab") and (other == 0) == (due == "")
    assert seen == NUMBERS[:len(seen)] and len(seen) == {6: 12, 12: 13}[count]


@pytest.mark.parametrize("heading", ["Six weeks", "Twelve weeks"])
def test_each_lab_is_due_when_its_chapters_have_been_taught(heading):
    taught, due = set(), []
    for _, cell, _, _, to_hand_in in syllabus(heading)[1:]:
        taught |= set(linked_chapters(cell))
        for lab in re.findall(r"lab ([A-D])", to_hand_in):
            assert {number for number, one in LAB_OF.items() if one == lab} <= taught
            due.append(lab)
    assert due == ["A", "B", "C", "D"]
    told = section(page("syllabi.md"), heading)
    assert re.findall(r"lab ([A-D]) \{deadline\}`at the end of week (\d+) <\1>`", told) == [
        (lab, re.search(r"\d+", row[0])[0]) for row in syllabus(heading)[1:]
        for lab in re.findall(r"lab ([A-D])", row[4])]


@pytest.mark.parametrize("heading", ["Six weeks", "Twelve weeks"])
def test_the_hours_of_a_syllabus_are_the_sums_of_its_columns(heading):
    rows, told = syllabus(heading)[1:], section(page("syllabi.md"), heading)
    sums = [round(sum(sum(added(row[column])) for row in rows) / 60) for column in (2, 3)]
    line = re.search(r"^A student's work: .+$", told, re.MULTILINE)[0]
    hours = [int(number) for number in re.findall(r"(\d+) (?:hours|more)|and (\d+) at home", line)
             for number in number if number]
    practice, report = ([len(rows)], [9]) if heading == "Twelve weeks" else ([], [])
    assert hours == [sums[0], *practice, sums[1], *report]


def lab_sections(letter):
    """Points and minutes of each of a lab's sections, as its headings state them."""
    path, = ROOT.glob(f"labs/text/{letter}_*.md")
    found = re.findall(r"^## \d+\. .*\((\d+) points?, (\d+) minutes\)$",
                       path.read_text(encoding="utf-8"), re.MULTILINE)
    return [(int(points), int(minutes)) for points, minutes in found]


@pytest.mark.parametrize("letter", "ABCD")
def test_a_lab_has_the_points_and_the_minutes_that_the_syllabi_count(letter):
    sections = lab_sections(letter)
    assert sum(points for points, _ in sections) == 20
    assert LAB - 15 <= sum(minutes for _, minutes in sections) <= LAB


@pytest.mark.parametrize("letter", "AD")
def test_the_sections_of_a_lab_that_the_workshop_keeps_fit_into_their_session(letter):
    row, = [row for row in syllabus("Two days")[1:] if f"lab {letter}" in row[1]]
    last = int(re.match(r"sections 1 to (\d)", row[3])[1])
    assert sum(minutes for _, minutes in lab_sections(letter)[:last]) <= added(row[2])[2]


def test_sessions_of_the_workshop_last_as_long_as_they_say():
    rows = syllabus("Two days")[1:]
    assert [sum(added(row[2])) for row in rows] == [90] * 8
    seen = [number for row in rows for number in linked_chapters(row[1])]
    assert seen == list(range(1, 13))
    assert re.findall(r"lab ([A-D])", " ".join(row[1] for row in rows)) == ["A", "D"]


def test_each_chapter_has_something_to_skip_that_is_there_and_a_paper():
    rows = syllabus("What to skip, and what to read")[1:]
    assert [linked_chapters(row[0]) for row in rows] == [[number] for number in NUMBERS]
    for number, row in zip(NUMBERS, rows, strict=True):
        text = (ROOT / f"notebooks/text/{Path(chapters()[number].name).name}.md").read_text()
        sections = re.findall(r"section (\d+)\.(\d+)", row[1])
        assert sections and all(one == str(number) for one, _ in sections)
        assert all(f"\n## {one}.{n} " in text for one, n in sections)
        assert re.fullmatch(r"\{cite:t\}`\w+`", row[2]) and row[3].endswith("?")


def test_marks_add_up_to_a_hundred():
    lines = re.findall(r"^\*\*Marks:\*\* (.+)$", page("syllabi.md"), re.MULTILINE)
    assert [sum(map(int, re.findall(r"(\d+) %", line))) for line in lines] == [100, 100]


# ---- project and rubrics

def test_the_projects_hours_are_those_of_the_syllabus():
    steps = tables(section(page("project.md"), "Steps"))[0][1:]
    hours = [int(row[2]) for row in steps]
    by_week = [added(row[3])[2] for row in syllabus("Twelve weeks")[1:]
               if row[4].startswith("project")]
    assert [60 * one for one in hours[:-1]] == by_week
    assert f"about {sum(hours)} hours" in page("project.md")
    assert f"and {hours[-1]} more for the project's report" in page("syllabi.md")


def test_the_projects_points_add_up_and_each_level_is_described():
    text = section(page("rubrics.md"), "The project")
    parts = re.findall(r"^\*\*[^*]+: (\d+) points\*\*\n\n((?:- \*.+\n)+)", text, re.MULTILINE)
    assert len(parts) == 5 and sum(int(points) for points, _ in parts) == 100
    for _, levels in parts:
        assert re.findall(r"^- \*(.+?):\* .+", levels, re.MULTILINE) == [
            "all", "two thirds", "one third", "none"]


@pytest.mark.parametrize("heading", ["The written question of a lab", "The open task of a lab",
                                     "A short talk on one's own lab"])
def test_a_rubric_has_four_levels(heading):
    rows = tables(section(page("rubrics.md"), heading))[0]
    assert [row[1] for row in rows[1:]] == ["all", "two thirds", "one third", "none"]
    assert all(len(row) == 3 and all(row) for row in rows)


# ---- links, and the table of contents

def test_links_of_the_teachers_pages_lead_to_files():
    for path in TEACH.glob("*.md"):
        links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", path.read_text(encoding="utf-8"))
        assert [link for link in links if not (path.parent / link).is_file()] == [], path.name


def names(entries):
    return [name for entry in entries
            for name in [entry["file"], *names(entry.get("sections", []))]]


def test_teachers_have_one_entry_in_the_contents_and_all_their_pages_below_it():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    part, = [part for part in toc["parts"] if part["caption"] == "For teachers"]
    assert [entry["file"] for entry in part["chapters"]] == ["book/teach/index"]
    listed = names(part["chapters"])
    assert sorted(listed) == sorted(
        path.relative_to(ROOT).with_suffix("").as_posix() for path in TEACH.glob("*.md"))
    elsewhere = [name for other in toc["parts"] if other is not part
                 for name in names(other["chapters"])]
    assert not [name for name in elsewhere if name.startswith("book/teach/")]
