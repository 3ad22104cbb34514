"""course.yml: each mistake is named, the settings follow, what is left of an original is found."""
import re
import subprocess
from datetime import date
from pathlib import Path

import course
import course_schema
import fork_check
import pytest

FILLED = """\
repository: ada/vision
branch: term/2027
title: "Vision: pixels and friends"
institution: Example University
hub: https://hub.example.edu/
binder: https://mybinder.org
term:
  start: 2027-01-11
  weeks_off: [2027-01-25, 2027-02-01]
  time_zone: Europe/Berlin
deadlines: {A: 2027-02-05 18:00, B: "", C: "", D: "", project: 2027-03-31 23:59}
seed_variable: COURSEKIT_CLASS
credit:
  original: jane/pixels-to-instances
  line: Adapted from Pixels to Instances, cut to six weeks.
"""
CONFIG = """\
# `make course` writes this from course.yml.
old
# end of what `make course` writes
x: 1
"""
PAGE = "_build/html/notebooks/01_a.html"
ORIGINAL = "jane/pixels-to-instances"


def said(folder: Path, text: str = FILLED) -> course.Course:
    (folder / "course.yml").write_text(text, encoding="utf-8")
    return course.read(folder)


def test_the_courses_own_file_is_right_and_says_nothing_but_the_placeholder():
    ours = course.read()
    assert course_schema.REPOSITORY.fullmatch(ours.repository)
    if ours.is_placeholder:
        assert ours.links("notebooks/x.ipynb") == {} and ours.week(1) is None


def test_a_filled_file_is_read(tmp_path):
    read = said(tmp_path)
    assert (read.url, read.name, read.hub) == ("https://github.com/ada/vision", "vision",
                                               "https://hub.example.edu")
    assert [read.week(n) for n in (1, 2, 3)] == [date(2027, 1, 11), date(2027, 1, 18),
                                                 date(2027, 2, 8)]
    assert read.deadlines["A"] == "Friday 5 February 2027, 18:00" and not read.deadlines["B"]
    assert course.site_address(read.repository) == "https://ada.github.io/vision/"
    assert "week 1 begins on 11 January 2027" in course.told(read)
    with pytest.raises(ValueError, match="counted from 1, but 0"):
        read.week(0)


@pytest.mark.parametrize("old, new, message", [
    ("repository: ada/vision", "repository: https://github.com/a/b", "be owner/name, as in j"),
    ("repository: ada/vision", "repository: ''", "repository is ''"),
    ("repository: ada/vision\n", "", "the key 'repository' is missing"),
    ("branch:", "brunch:", r"'brunch' is unknown: did you mean 'branch'\?"),
    ("branch:", "colour:", "'colour' is unknown: known are repository"),
    ("title: ", "branch: main\ntitle: ", "the key 'branch' comes twice"),
    ("term/2027", "../up", "must be a branch's name"),
    ("Example University", "<b>E</b>", "institution is '<b>E</b>'"),
    ("https://hub.example.edu/", "hub.example.edu", "hub is 'hub.example.edu', but must be"),
    ("2027-01-11", "2027-01-12", "term.start: 2027-01-12 is a Tuesday, but must be a Monday"),
    ("2027-01-11", "11.1.2027", "term.start: '11.1.2027' is no date like"),
    ("2027-01-11", "2027-02-29", "'2027-02-29' is no date"),
    ("2027-01-11", "''", "weeks_off has days, but term.start is empty"),
    ("2027-01-25,", "2027-01-26,", "weeks_off: 2027-01-26 is a Tuesday"),
    ("2027-01-25,", "2027-01-11,", "2027-01-11, is also in term.weeks_off"),
    ("2027-01-25,", "2026-12-28,", "weeks_off has 2026-12-28, which is before term.start"),
    ("[2027-01-25, 2027-02-01]", "2027-01-25", "weeks_off is '2027-01-25', but must be a list"),
    ("2027-01-25,", "'',", "weeks_off: '' is no date"),
    ("Europe/Berlin", "Berlin", "time_zone is 'Berlin', but must be a name like Europe/Berlin"),
    ("Europe/Berlin", "''", "time_zone is empty: 18:00 where"),
    ("Europe/Berlin", "[a]", r"time_zone is \['a'\]"),
    ("2027-02-05 18:00", "2027-02-05", "deadlines.A: '2027-02-05' is no date and time"),
    ("2027-02-05 18:00", "2027-02-05 25:00", "deadlines.A: '2027-02-05 25:00' is no date and time"),
    ("2027-02-05 18:00", "2026-02-05 18:00", "2026-02-05 18:00 is before term.start"),
    ("B: ''", "E: ''", "the key 'E' in deadlines is unknown"),
    ("COURSEKIT_CLASS", "my secret word", "and never the seed itself"),
    ("  original: jane/pixels-to-instances\n", "", "the key 'original' in credit is missing"),
    ("term:\n", "term: [1]\nother:\n", "the key 'other' is unknown"),
    (FILLED, "- a\n- b\n", "the file must hold the keys repository"),
    (FILLED, "", "the file must hold the keys"),
    ("seed_variable: ", "seed_variable: [", "is not YAML"),
])
def test_a_mistake_is_named(old, new, message, tmp_path):
    text = FILLED.replace('""', "''")
    assert old == FILLED or old in text
    changed = new if old == FILLED else text.replace(old, new, 1)
    with pytest.raises(ValueError, match=message) as told:
        said(tmp_path, changed)
    assert str(told.value).startswith("course.yml")


def test_all_mistakes_are_named_at_once(tmp_path):
    text = FILLED.replace("ada/vision", "ada").replace("2027-01-11", "soon")
    with pytest.raises(ValueError) as told:
        said(tmp_path, text)
    assert len(str(told.value).splitlines()) == 2


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match="course.yml is missing at the course's root"):
        course.read(tmp_path)


def test_the_settings_follow_and_a_second_time_nothing_changes(tmp_path):
    said(tmp_path)
    config = tmp_path / "_config.yml"
    config.write_text(CONFIG, encoding="utf-8")
    assert course.write_settings(tmp_path) == [config]
    assert course.write_settings(tmp_path) == []
    written = course.yaml.safe_load(config.read_text(encoding="utf-8"))
    assert written == {
        "title": "Vision: pixels and friends", "x": 1,
        "repository": {"url": "https://github.com/ada/vision", "branch": "term/2027"},
        "launch_buttons": {"notebook_interface": "jupyterlab", "colab_url": course.COLAB,
                           "jupyterhub_url": "https://hub.example.edu",
                           "binderhub_url": "https://mybinder.org"}}
    config.write_text("x: 1\n", encoding="utf-8")
    with pytest.raises(ValueError, match="between the lines .* but has 0"):
        course.write_settings(tmp_path)
    assert config.read_text(encoding="utf-8") == "x: 1\n"


def test_an_address_that_is_not_owner_and_name_changes_nothing(tmp_path):
    said(tmp_path)
    with pytest.raises(ValueError, match="owner/name is wanted"):
        course.set_repository("https://github.com/jane/course", tmp_path)
    assert (tmp_path / "course.yml").read_text(encoding="utf-8") == FILLED
    course.set_repository("jane/course", tmp_path)
    assert course.read(tmp_path).repository == "jane/course"


@pytest.fixture
def copy(tmp_path):
    """A small copy of a course, committed, with a page of the built site."""
    read = said(tmp_path)
    (tmp_path / "_config.yml").write_text(CONFIG, encoding="utf-8")
    course.write_settings(tmp_path)
    (tmp_path / "README.md").write_text("Ours.\n", encoding="utf-8")
    (tmp_path / "CITATION.cff").write_text("url: https://github.com/jane/pixels-to-instances\n")
    notebook = tmp_path / "notebooks/01_a.ipynb"
    notebook.parent.mkdir()
    notebook.write_text(f'"pip install \\"x @ git+{read.url}@{read.branch}\\""', encoding="utf-8")
    links = "".join(f'<a href="{link.replace("&", "&amp;")}">' for link in
                    [*read.links("notebooks/01_a.ipynb").values(),
                     f"{read.url}/edit/{read.branch}/x.md", f"{read.url}/issues/new?title=x"])
    page = tmp_path / PAGE
    page.parent.mkdir(parents=True)
    page.write_text(f'<link rel="canonical" href="https://ada.github.io/vision/notebooks/01_a.html">'
                    f'{links}<span class="credit">From https://github.com/jane/pixels-to-instances'
                    "</span>", encoding="utf-8")
    for command in (["init", "-q"], ["add", "README.md", "course.yml", "_config.yml", "notebooks",
                                     "CITATION.cff"],
                    ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "a"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    return tmp_path


def test_a_copy_that_is_all_its_own_passes(copy):
    assert fork_check.problems(copy) == []


@pytest.mark.parametrize("file, old, new, message", [
    ("README.md", "Ours", "https://github.com/Jane/Pixels-to-Instances", "is the original's"),
    ("README.md", "Ours", "See jane.github.io/pixels-to-instances", "has jane.github.io"),
    ("README.md", "Ours", "github.com/YOUR_ORG/x", "has YOUR_ORG"),
    ("README.md", "Ours", "git+https://github.com/ada/vision@main", "install link .*@term/2027"),
    ("notebooks/01_a.ipynb", "ada/", "eve/", "its install link git.https://github.com/eve"),
    ("course.yml", "line: Adapted", "line: ''  #", "credit.line is empty"),
    ("_config.yml", "ada/vision", "jane/pixels-to-instances", "run `make course`"),
    (PAGE, "/ada/vision/blob", "/eve/vision/blob", "its Colab link"),
    (PAGE, "blob/term/2027", "blob/main", "its Colab link"),
    (PAGE, "branch=term/2027", "branch=main", "must end in &branch=term"),
    (PAGE, "repo=https%3A//github.com/ada", "repo=https://github.com/eve", "its JupyterHub link"),
    (PAGE, "hub.example.edu", "hub.jane.edu", "its JupyterHub link"),
    (PAGE, "gh/ada", "gh/jane", "its Binder link"),
    (PAGE, "vision/edit/", "vision2/edit/", "its edit link"),
    (PAGE, "vision/issues", "vision2/issues", "its issue link"),
    (PAGE, "https://colab", "https://elsewhere", "has no Colab link"),
    (PAGE, "ada.github.io", "eve.github.io", "that it lives at"),
    (PAGE, "credit", "other", "which is the original's"),
])
def test_what_is_left_of_the_original_is_found(file, old, new, message, copy):
    path = copy / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    found = fork_check.problems(copy)
    assert found and re.search(message, "\n".join(found)), found


def test_the_name_that_course_yml_had_before_is_an_originals_too(copy):
    assert fork_check.originals(course.read(copy), copy) == {ORIGINAL}
    course.set_repository("bob/mine", copy)
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qam", "b"],
                   cwd=copy, check=True)
    assert fork_check.originals(course.read(copy), copy) == {ORIGINAL, "ada/vision"}


def test_the_placeholder_does_not_pass(copy):
    course.set_repository("YOUR_ORG/pixels-to-instances", copy)
    assert ["still the placeholder" in found for found in fork_check.problems(copy)] == [True]


def test_without_git_there_is_no_verdict(tmp_path):
    said(tmp_path)
    (tmp_path / "_config.yml").write_text(CONFIG, encoding="utf-8")
    with pytest.raises(ValueError, match="is no git repository"):
        fork_check.problems(tmp_path)
