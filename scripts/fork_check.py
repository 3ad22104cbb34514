"""Whether a copy of the course is all its own: `make fork-check`.

Looks through the files that git tracks, and through the built site if there is one, for addresses
of the original, and at each launch, edit and install link, which must lead to this copy's own
repository and branch. The original may stay where it is credited. Prints what is wrong, then fails.
"""
from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from html import unescape
from pathlib import Path
from urllib.parse import quote

import course
from course import COLAB, ROOT, Course

# Here the original's address may stand: credits, licences, and the tests' own examples.
ALLOWED = ("CITATION.cff", "LICENSE*", "ATTRIBUTION*", "tests/*")
CREDIT_LINE = re.compile(r"^ +original: .*$", re.M)                    # of course.yml
CREDIT = re.compile(r'<span class="credit">.*?</span>', re.S)          # of a page's foot
END = r"""[^\s"'<>)\]`\\{}]"""                     # what an address is made of
# kinds of link: each that matches the first form must match the second, which names this copy
LINKS = {
    "Colab": (rf"https://colab\.research\.google\.com/github/{END}+",
              "{colab}/github/{repository}/blob/{branch}/"),
    "JupyterHub": (rf"https://{END}+/hub/user-redirect/git-pull\?{END}+",
                   "{hub}/hub/user-redirect/git-pull?repo={quoted}&"),
    "Binder": (rf"https://{END}+/v2/gh/{END}+", "{binder}/v2/gh/{repository}/{branch}?"),
    "install": (rf"git\+https://{END}+", "git+{url}@{branch}"),
    "edit": (rf"https://github\.com/{END}+?/edit/{END}+", "{url}/edit/{branch}/"),
    "issue": (rf"https://github\.com/{END}+?/issues/new\b{END}*", "{url}/issues/new"),
}
BINARY = (".png", ".webp", ".safetensors", ".npz", ".woff2", ".jpg", ".ico", ".pdf", ".zip")


def tracked(root: Path) -> list[Path]:
    """The text files that git tracks."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True)
    if listed.returncode:
        raise ValueError(f"{root} is no git repository, but fork-check reads what git tracks.")
    paths = [root / name for name in listed.stdout.split("\0") if name]
    return [path for path in paths if path.is_file() and path.suffix not in BINARY]


def originals(said: Course, root: Path) -> set[str]:
    """Every owner/name that this copy may come from: course.yml's, now and earlier."""
    log = subprocess.run(["git", "log", "--format=", "-p", "--", "course.yml"], cwd=root,
                         capture_output=True, text=True)
    earlier = re.findall(r"^[-+](?:repository| +original): *(\S+)", log.stdout, re.M)
    return {said.original, *earlier} - {said.repository}


def addresses(names: set[str]) -> re.Pattern:
    """Finds the repositories' addresses, their owners' pages, and the placeholder."""
    forms = {course.PLACEHOLDER}
    for name in names:
        owner = re.escape(name.split("/")[0])
        forms |= {rf"(?<![\w.-]){re.escape(name)}(?![\w-])", rf"github\.com/{owner}(?![\w-])",
                  rf"(?<![\w.-]){owner}\.github\.io"}
    return re.compile("|".join(sorted(forms)), re.I)


def leftovers(said: Course, root: Path) -> Iterator[str]:
    """Addresses of the original, and links that lead elsewhere, in the tracked files."""
    foreign = addresses(originals(said, root))
    for path in tracked(root):
        name = path.relative_to(root).as_posix()
        if any(fnmatch(name, pattern) for pattern in ALLOWED):
            continue
        text = path.read_text(encoding="utf-8")
        if name == "course.yml":
            text = CREDIT_LINE.sub("", text)
        if name == "scripts/course.py":
            text = text.replace(f'PLACEHOLDER = "{course.PLACEHOLDER}"', "")
        yield from (f"{name}: {found}" for found in wrong(text, foreign, said))


def wrong(text: str, foreign: re.Pattern, said: Course) -> Iterator[str]:
    """What in a text belongs to the original, or leads to another repository or branch."""
    for found in sorted({match[0] for match in foreign.finditer(text)}):
        yield f"has {found}, which is the original's"
    for kind, (form, wanted) in LINKS.items():
        start = wanted.format(colab=COLAB, repository=said.repository, branch=said.branch,
                              hub=said.hub, binder=said.binder, url=said.url,
                              quoted=quote(said.url, safe="/"))
        for link in sorted(set(re.findall(form, text))):
            exact = kind == "install" and link != start
            if exact or not link.startswith(start):
                yield f"its {kind} link {link} must be {start}{'' if kind == 'install' else '...'}"
            elif kind == "JupyterHub" and not link.endswith(f"&branch={quote(said.branch, '/')}"):
                yield f"its JupyterHub link {link} must end in &branch={said.branch}"


def site_problems(said: Course, root: Path) -> Iterator[str]:
    """The same in the built site, whose notebooks' pages must have every launch link."""
    site, foreign = root / "_build/html", addresses(originals(said, root))
    for path in sorted(site.rglob("*")):
        if not path.is_file() or path.suffix not in (".html", ".ipynb", ".md", ".js", ".txt"):
            continue
        name = path.relative_to(site).as_posix()
        if name.startswith("_static/vendor/"):
            continue
        text = CREDIT.sub("", unescape(path.read_text(encoding="utf-8")))
        yield from (f"_build/html/{name}: {found}" for found in wrong(text, foreign, said))
        notebook = (root / name).with_suffix(".ipynb")
        if path.suffix == ".html" and notebook.is_file():
            for kind, link in said.links(notebook.relative_to(root).as_posix()).items():
                if link not in text:
                    yield f"_build/html/{name}: has no {kind} link {link}"
        own = course.site_address(said.repository)
        for at in re.findall(r'rel="canonical" href="([^"]+)"|"og:url" content="([^"]+)"', text):
            if (there := "".join(at)).startswith("https:") and not there.startswith(own):
                yield f"_build/html/{name}: says that it lives at {there}, not below {own}"


def problems(root: Path = ROOT) -> list[str]:
    """Everything that shows that this copy is not all its own."""
    said = course.read(root)
    if said.is_placeholder:
        return ["course.yml: repository is still the placeholder: write your owner/name there, "
                "and run `make course`."]
    found = []
    if course.settings(said) not in (root / "_config.yml").read_text(encoding="utf-8"):
        found.append("_config.yml: is not what course.yml says: run `make course`")
    if said.repository != said.original and not said.credit:
        found.append("course.yml: credit.line is empty, but CC BY asks you to say what you adapted "
                     "(if this is the original itself, credit.original must name it)")
    return [*found, *leftovers(said, root), *site_problems(said, root)]


def main() -> int:
    """Print what is wrong, or what was looked at; return 1 if anything is wrong."""
    try:
        found = problems()
        said, files = course.read(), len(tracked(ROOT))
    except ValueError as error:
        found = [str(error)]
    if found:
        print("\n".join(found), file=sys.stderr)
        print(f"fork-check: {len(found)} to put right. After a change of course.yml: "
              "`make course`, then `make book`.", file=sys.stderr)
        return 1
    pages = len(list((ROOT / "_build/html").rglob("*.html")))
    print(f"fork-check: {files} files, {pages or 'no built'} pages: every address is that of "
          f"{said.repository}, every launch link leads to its branch {said.branch}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
