"""The class, from a CSV that Moodle or Canvas wrote, and whose submission is whose."""

import csv
import io
import re
import unicodedata
from pathlib import Path

HEADINGS = {"name": {"name", "full name", "student"}, "first": {"first name"},
            "last": {"last name", "surname"}, "email": {"email address", "email"},
            "number": {"id number"}, "login": {"username", "login", "sis login id"},
            "participant": {"identifier"}, "canvas": {"id"}, "sis": {"sis user id"},
            "section": {"section"}}


def read_csv(path: Path, what: str) -> list[dict[str, str]]:
    """The rows of a CSV by heading, in small letters.

    Raises:
        ValueError: no such file, or no table with a heading.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        lines = csv.reader(io.StringIO(text, newline=""), strict=True,
                           delimiter=";" if ";" in text.partition("\n")[0] else ",")
        first = [heading.strip().lower() for heading in next(lines, [])]
        return [dict(zip(first, (cell.strip() for cell in line), strict=False)) for line in lines]
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise ValueError(f"{what}: '{path}' cannot be read as a CSV file in UTF-8: "
                         f"{problem}") from problem


def read_roster(path: Path) -> list[dict[str, str]]:
    """The class, from a CSV with Moodle's or Canvas's headings; see `HEADINGS`.

    Raises:
        ValueError: no such file, or no heading that names students.
    """
    people = []
    for line in read_csv(path, "ROSTER"):
        person = {ours: next((line[heading] for heading in theirs if line.get(heading)), "")
                  for ours, theirs in HEADINGS.items()}
        person["name"] = person["name"] or f"{person['first']} {person['last']}".strip()
        if any(person.values()) and "points possible" not in person["name"].lower():
            people.append(person)
    if not any(person["name"] or person["email"] or person["login"] for person in people):
        raise ValueError(f"ROSTER: '{path}' has no column that names students; expected are the "
                         "headings of Moodle's or Canvas's own exports, such as 'Full name', "
                         "'Email address', 'ID number', or 'Student', 'ID', 'SIS Login ID'.")
    return people


def letters(name: str) -> str:
    """A name's words in order, without accents, commas and capitals: 'Doe, Jane' is 'Jane Doe'."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
    return " ".join(sorted(re.findall(r"\w+", plain)))


def match(row, people: list[dict[str, str]]) -> dict[str, str] | None:
    """The person of the roster to whom a submission belongs; None where that is not certain."""
    def joined(person: dict[str, str]) -> set[str]:
        words = re.findall(r"\w+", person["name"].casefold())
        return {"".join(words), "".join(words[-1:] + words[:-1])}

    rules = [lambda person: row.participant and row.participant in person["participant"].split(),
             lambda person: row.canvas and row.canvas == person["canvas"],
             lambda person: row.key in (person["login"], person["number"], person["email"],
                                        person["email"].partition("@")[0]),
             lambda person: letters(row.name) == letters(person["name"]),
             lambda person: row.name.casefold() in joined(person)]
    for rule in rules:
        found = [person for person in people if rule(person)]
        if found:
            return found[0] if len(found) == 1 else None
    return None
