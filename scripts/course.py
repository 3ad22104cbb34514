"""What `course.yml` says, checked; and the part of `_config.yml` that follows from it.

`course.yml` is the one file that a person edits to make a copy of the course theirs. Whatever needs
an address, a branch or a date asks `read()`. `python scripts/course.py` tells what it says.
"""
from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import urlencode

import course_schema
import yaml

ROOT = Path(__file__).resolve().parent.parent
PLACEHOLDER = "YOUR_ORG"   # stands for the owner; not a name that anybody can register
COLAB = "https://colab.research.google.com"
BLOCK = re.compile(r"(# `make course` writes this .*?\n).*?(# end of what `make course` writes\n)",
                   re.S)


@dataclass(frozen=True)
class Course:
    """All that course.yml says; "" and None are for what it leaves open."""

    repository: str
    branch: str
    title: str
    institution: str
    hub: str
    binder: str
    start: date | None
    weeks_off: tuple[date, ...]
    time_zone: str
    deadlines: dict[str, str]
    seed_variable: str
    original: str
    credit: str

    @property
    def url(self) -> str:
        """The repository's address."""
        return f"https://github.com/{self.repository}"

    @property
    def name(self) -> str:
        """The repository's own name, which is also the folder's that students get."""
        return self.repository.split("/")[1]

    @property
    def is_placeholder(self) -> bool:
        """Whether nobody has filled in an address yet."""
        return is_placeholder(self.repository)

    def week(self, number: int) -> date | None:
        """The Monday of a week of lessons, counted from 1; weeks off are not counted."""
        if number < 1:
            raise ValueError(f"weeks are counted from 1, but {number} was asked for")
        monday, counted = self.start, 0
        while monday is not None:
            counted += monday not in self.weeks_off
            if counted == number:
                return monday
            monday += timedelta(weeks=1)
        return None

    def links(self, notebook: str) -> dict[str, str]:
        """Where a notebook, named from the repository's root, is run: none for the placeholder."""
        if self.is_placeholder:
            return {}
        found = {"Colab": f"{COLAB}/github/{self.repository}/blob/{self.branch}/{notebook}"}
        if self.hub:
            asked = urlencode({"repo": self.url, "urlpath": f"lab/tree/{self.name}/{notebook}",
                               "branch": self.branch}, safe="/")
            found["JupyterHub"] = f"{self.hub}/hub/user-redirect/git-pull?{asked}"
        if self.binder:
            found["Binder"] = (f"{self.binder}/v2/gh/{self.repository}/{self.branch}"
                               f"?urlpath=lab/tree/{notebook}")
        return found


def is_placeholder(repository: str) -> bool:
    """Whether a repository's name or address is the placeholder's."""
    return PLACEHOLDER in repository


def site_address(repository: str) -> str:
    """The address at which GitHub Pages serves `owner/name`; empty for the placeholder."""
    if is_placeholder(repository):
        return ""
    owner, name = repository.strip("/").split("/")[-2:]
    host = f"{owner.lower()}.github.io"
    return f"https://{host}/" if name.lower() == host else f"https://{host}/{name}/"


def read(root: Path = ROOT) -> Course:
    """Read course.yml; a ValueError names everything in it that is wrong."""
    return Course(**course_schema.checked(root / "course.yml"))


def settings(course: Course) -> str:
    """The part of _config.yml that follows from course.yml, as YAML."""
    buttons = {"notebook_interface": "jupyterlab", "colab_url": COLAB,
               "jupyterhub_url": course.hub, "binderhub_url": course.binder}
    part = {"title": course.title,
            "repository": {"url": course.url, "branch": course.branch},
            "launch_buttons": {key: value for key, value in buttons.items() if value}}
    return yaml.safe_dump(part, sort_keys=False, allow_unicode=True, width=200)


def write_settings(root: Path = ROOT) -> list[Path]:
    """Bring _config.yml up to date with course.yml; return what changed."""
    file, part = root / "_config.yml", settings(read(root))
    text = file.read_text(encoding="utf-8")
    new, count = BLOCK.subn(lambda found: found[1] + part + found[2], text)
    if count != 1:
        raise ValueError("_config.yml must have one part between the lines '# `make course` writes "
                         f"this ...' and '# end of what `make course` writes', but has {count}: "
                         "take the file from the course again.")
    if new == text:
        return []
    file.write_text(new, encoding="utf-8")
    return [file]


def set_repository(repository: str, root: Path = ROOT) -> None:
    """Write `owner/name` into course.yml: `make sync REPO=owner/name`."""
    if not course_schema.REPOSITORY.fullmatch(repository):
        raise ValueError(f"REPO is {repository!r}, but owner/name is wanted: "
                         "run it as `make sync REPO=jane/pixels-to-instances`.")
    file = root / "course.yml"
    text = file.read_text(encoding="utf-8")
    new, count = re.subn(r"^(repository: *)\S+", rf"\g<1>{repository}", text, flags=re.M)
    if count != 1:
        raise ValueError("course.yml must have one line that begins with 'repository:', "
                         f"but has {count}.")
    file.write_text(new, encoding="utf-8")


def told(course: Course) -> str:
    """What course.yml means, in words."""
    if course.is_placeholder:
        return ("course.yml still names the placeholder: write your owner/name behind "
                "'repository:', and run `make course` again.")
    first = "no dates" if course.start is None else f"week 1 begins on {course.start:%d %B %Y}"
    return (f"{course.repository}, branch {course.branch}: the site will be at "
            f"{site_address(course.repository)}, hub: {course.hub or 'none'}, "
            f"Binder: {course.binder or 'none'}, {first}.\nCommit what has changed.")


if __name__ == "__main__":
    try:
        print(told(read()))
    except ValueError as error:
        sys.exit(str(error))
