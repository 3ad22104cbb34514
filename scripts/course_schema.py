"""The form of course.yml: its keys, and what each may hold. Every mistake is named, at once.

YAML is read as plain words, so that `no`, `2027-01-11` and `18:00` stay what a person typed.
"""
from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from zoneinfo import available_timezones

import yaml

REPOSITORY = re.compile(r"[A-Za-z0-9_][\w-]*/[\w.-]+")
BRANCH = re.compile(r"(?!.*(\.\.|\.lock$))[\w.-]+(/[\w.-]+)*")
ADDRESS = re.compile(r"(https://[\w.-]+(:\d+)?(/[\w./~-]*)?)?")
FORMS = {   # key: form, what is wanted
    "repository": (REPOSITORY, "owner/name, as in jane/pixels-to-instances"),
    "branch": (BRANCH, "a branch's name, as in main"),
    "title": (re.compile(r"[^<>&\n]+"), "a name without <, > and &"),
    "institution": (re.compile(r"[^<>&\n]*"), "a name without <, > and &, or nothing"),
    "hub": (ADDRESS, "an address that begins with https://, or nothing"),
    "binder": (ADDRESS, "an address that begins with https://, or nothing"),
    "seed_variable": (re.compile(r"[A-Z_][A-Z0-9_]*"),
                      "an environment variable's name, in capitals, and never the seed itself"),
    "credit.original": (REPOSITORY, "owner/name of the course that this one comes from"),
    "credit.line": (re.compile(r"[^<>&\n]*"), "one line without <, > and &, or nothing"),
}
PARTS = {"term": ("start", "weeks_off", "time_zone"),
         "deadlines": ("A", "B", "C", "D", "project"),
         "credit": ("original", "line")}
TOP = ("repository", "branch", "title", "institution", "hub", "binder", "term", "deadlines",
       "seed_variable", "credit")


class Words(yaml.BaseLoader):
    """YAML as words, lists and dictionaries; a key that comes twice is a mistake."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        """A dictionary, unless a key comes twice."""
        keys = [key.value for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key '{key}' comes twice", node.start_mark)
        return super().construct_mapping(node, deep)


def checked(file: Path) -> dict:
    """The fields of a Course; a ValueError names everything that is wrong in the file."""
    if not file.is_file():
        raise ValueError(f"{file.name} is missing at the course's root: take it from the course "
                         "again, and fill it in.")
    try:
        said = yaml.load(file.read_text(encoding="utf-8"), Words)
    except yaml.YAMLError as error:
        raise ValueError(f"{file.name} is not YAML: {error}") from None
    problems = list(wrong_keys(said, TOP, ""))
    for part, keys in PARTS.items():
        if not problems or part in (said if isinstance(said, dict) else ()):
            problems += wrong_keys(said[part], keys, part)
    fields: dict = {}
    if not problems:
        fields = values(said, problems)
    if problems:
        raise ValueError("\n".join(f"{file.name}: {problem}" for problem in problems))
    return fields


def wrong_keys(said: object, wanted: tuple[str, ...], part: str) -> Iterator[str]:
    """What is wrong with the keys of the file, or of one of its parts."""
    if not isinstance(said, dict):
        yield f"{part or 'the file'} must hold the keys {', '.join(wanted)}, each with a colon"
        return
    inside = f" in {part}" if part else ""
    for key in said:
        if key not in wanted:
            close = difflib.get_close_matches(str(key), wanted, 1)
            hint = f"did you mean '{close[0]}'?" if close else f"known are {', '.join(wanted)}."
            yield f"the key '{key}'{inside} is unknown: {hint}"
    for key in wanted:
        if key not in said:
            yield f"the key '{key}'{inside} is missing; it may be left empty, as \"\"."


def values(said: dict, problems: list[str]) -> dict:
    """Check every value, note what is wrong, and return the fields of a Course."""
    flat = {**said, **{f"{part}.{key}": said[part][key] for part in PARTS for key in said[part]}}
    for key, (form, wanted) in FORMS.items():
        if not isinstance(flat[key], str) or not form.fullmatch(flat[key]):
            problems.append(f"{key} is {flat[key]!r}, but must be {wanted}.")
    start, off = weeks(said["term"], problems)
    zone = said["term"]["time_zone"]
    if zone and zone not in sorted(available_timezones()):
        problems.append(f"term.time_zone is {zone!r}, but must be a name like Europe/Berlin.")
    if not zone and any(said["deadlines"].values()):
        problems.append("deadlines are set, but term.time_zone is empty: 18:00 where?")
    return {**{key: flat[key] for key in FORMS if "." not in key},
            "hub": str(said["hub"]).rstrip("/"), "binder": str(said["binder"]).rstrip("/"),
            "start": start, "weeks_off": off, "time_zone": zone,
            "deadlines": {name: deadline(text, name, start, problems)
                          for name, text in said["deadlines"].items()},
            "original": flat["credit.original"], "credit": flat["credit.line"]}


def weeks(term: dict, problems: list[str]) -> tuple[date | None, tuple[date, ...]]:
    """The Monday of week 1, and those of the weeks off."""
    start, off = monday(term["start"], "term.start", problems), term["weeks_off"]
    if not isinstance(off, list):
        problems.append(f"term.weeks_off is {off!r}, but must be a list of Mondays, as in "
                        "[2027-02-15, 2027-03-29], or [].")
        off = []
    if off and not term["start"]:
        problems.append("term.weeks_off has days, but term.start is empty: when does week 1 begin?")
    days = [day for text in off if (day := monday(text, "term.weeks_off", problems, need=True))]
    if start in days:
        problems.append(f"term.start, {start}, is also in term.weeks_off: week 1 has lessons.")
    problems += [f"term.weeks_off has {day}, which is before term.start, {start}."
                 for day in days if start and day < start]
    return start, tuple(days)


def monday(text: object, key: str, problems: list[str], need: bool = False) -> date | None:
    """The day, or None where nothing or no Monday is said."""
    if text == "" and not need:
        return None
    try:
        day = datetime.strptime(text, "%Y-%m-%d").date()
    except (TypeError, ValueError):
        problems.append(f"{key}: {text!r} is no date like 2027-01-11.")
        return None
    if day.weekday():
        problems.append(f"{key}: {day} is a {day:%A}, but must be a Monday.")
        return None
    return day


def deadline(text: object, name: str, start: date | None, problems: list[str]) -> str:
    """Friday 5 February 2027, 18:00; nothing where nothing is said."""
    if text == "":
        return ""
    try:
        when = datetime.strptime(text, "%Y-%m-%d %H:%M")
    except (TypeError, ValueError):
        problems.append(f"deadlines.{name}: {text!r} is no date and time like 2027-02-05 18:00.")
        return ""
    if start and when.date() < start:
        problems.append(f"deadlines.{name}: {text} is before term.start, {start}.")
    return f"{when:%A} {when.day} {when:%B %Y}, {when:%H:%M}"
