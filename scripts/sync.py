"""Write the notebooks from their texts: `make sync`.

People edit notebooks/text/NN_name.md (jupytext, md:myst). This script fills in its generated cells:
  the set-up cell (tag `setup`), from the template below and the address in course.yml, and
  mirrored cells (first line `# coursekit/boxes/overlap.py: area, iou`), from the package's source;
then it writes notebooks/NN_name.ipynb, keeping the outputs of every cell whose source is as it was.
What else holds an address follows: _config.yml, and the set-up cells of labs/*.ipynb.
`make sync REPO=owner/name` first writes that address into course.yml; commit what it changes.
"""
from __future__ import annotations

import re
import sys
from hashlib import sha256
from pathlib import Path

import course
import jupytext
import mirror
import nbformat
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parent.parent
METADATA = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python", "pygments_lexer": "ipython3"}}
METADATA_KEPT = ("tags", "mystnb", "slide")    # of a cell; `slide` names it for slides/NN.md
SETUP = """\
# @title Set-up: run this cell first
# A cell that opens with "# coursekit/..." shows the package's own code:
# what you change there changes in this notebook only.
import sys

if "google.colab" in sys.modules:
{colab}

import torch

from coursekit import plot

torch.manual_seed(0)
plot.use_style()"""
INSTALL = """\
    # the course's package alone: Colab's own torch stays as it is
    %pip install -q --no-deps "pixels-to-instances @ git+{address}@{branch}\""""
NO_ADDRESS = """\
    raise SystemExit("This copy of the course has no address for Colab to install from yet: "
                     "its owner must run `make sync REPO=owner/name` and commit the result.")"""


def address(root: Path = ROOT) -> str:
    """The repository's address, from the one place where it stands."""
    return course.read(root).url


def setup_cell(url: str, branch: str = "main") -> str:
    """The set-up cell; while the placeholder stands, it says on Colab what to do."""
    if course.is_placeholder(url):
        return SETUP.format(colab=NO_ADDRESS)
    return SETUP.format(colab=INSTALL.format(address=url, branch=branch))


def is_setup(cell: NotebookNode) -> bool:
    """Whether a cell is the set-up cell."""
    return "setup" in cell.metadata.get("tags", [])


def texts(root: Path = ROOT) -> list[Path]:
    """Every notebook's text: the chapters' in reading order, then the solutions'."""
    folders = root / "notebooks/text", root / "notebooks/solutions/text"
    return [text for folder in folders for text in sorted(folder.glob("*.md"))]


def notebook_path(text: Path) -> Path:
    """notebooks/text/01_x.md -> notebooks/01_x.ipynb."""
    return text.parent.parent / f"{text.stem}.ipynb"


def render(text: str, url: str, src: Path = mirror.SRC,
           branch: str = "main") -> tuple[str, NotebookNode]:
    """The text with its generated cells filled in, and its notebook, as yet without outputs.

    The text never holds an address: it is the same in every copy of the course.
    """
    notebook, ids = jupytext.reads(text, fmt="md:myst"), []
    for cell in notebook.cells:
        kept = {key: cell.metadata[key] for key in METADATA_KEPT if key in cell.metadata}
        cell.metadata = NotebookNode(kept)
        if is_setup(cell):
            cell.source = setup_cell(course.PLACEHOLDER)
        elif cell.cell_type == "code" and (wanted := mirror.request(cell.source)):
            cell.source = mirror.render(*wanted, src=src)
    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    filled = jupytext.writes(notebook, fmt="md:myst")
    for cell in notebook.cells:
        if is_setup(cell):
            cell.source = setup_cell(url, branch)
        ids.append(sha256(cell.source.encode()).hexdigest()[:8])   # changes with this cell alone
        cell.id = f"{ids[-1]}-{ids.count(ids[-1])}"
    return re.sub(r" +(format|jupytext)_version: .*\n", "", filled), notebook


def keep_outputs(notebook: NotebookNode, old: NotebookNode) -> None:
    """Take outputs and execution counts over from `old` where a cell's source is the same."""
    def key(cell: NotebookNode) -> str:
        return "set-up" if is_setup(cell) else cell.source

    stored: dict[str, list[NotebookNode]] = {}
    for cell in old.cells:
        if cell.cell_type == "code":
            stored.setdefault(key(cell), []).append(cell)
    for cell in notebook.cells:
        if cell.cell_type == "code" and stored.get(key(cell)):
            same = stored[key(cell)].pop(0)
            cell.outputs, cell.execution_count = same.outputs, same.execution_count


def dumps(notebook: NotebookNode) -> str:
    """A notebook's text, always written the same way."""
    return nbformat.writes(notebook, version=nbformat.NO_CONVERT).rstrip("\n") + "\n"


def synced(text: Path, root: Path = ROOT) -> dict[Path, str]:
    """What a notebook's text and the notebook itself should hold."""
    said = course.read(root)
    filled, notebook = render(text.read_text(encoding="utf-8"), said.url, root / "src", said.branch)
    path = notebook_path(text)
    if path.exists():
        keep_outputs(notebook, nbformat.read(path, as_version=4))
    return {text: filled, path: dumps(notebook)}


def with_address(notebook: Path, root: Path = ROOT) -> str:
    """A lab's notebook with its set-up cell filled in; the rest of it is `make labs`' own."""
    said, lab = course.read(root), nbformat.read(notebook, as_version=4)
    for cell in filter(is_setup, lab.cells):
        cell.source = setup_cell(said.url, said.branch)
    return dumps(lab)


def written(files: dict[Path, str]) -> list[Path]:
    """Write the files that do not hold what they should; return these."""
    changed = [path for path, wanted in files.items()
               if not path.exists() or path.read_text(encoding="utf-8") != wanted]
    for path in changed:
        path.write_text(files[path], encoding="utf-8")
    return changed


def sync(root: Path = ROOT) -> list[Path]:
    """Bring settings, texts and notebooks up to date; return the files that changed."""
    changed, problems = course.write_settings(root), []
    for text in texts(root):
        try:
            files = synced(text, root)
        except ValueError as error:
            problems.append(f"{text.name}: {error}")
            continue
        changed += written(files)
    changed += written({lab: with_address(lab, root) for lab in sorted(root.glob("labs/*.ipynb"))})
    if problems:
        raise ValueError("\n".join(problems))
    return changed


if __name__ == "__main__":
    try:
        if repository := "".join(sys.argv[1:]):
            course.set_repository(repository)
        for file in sync():
            print(f"wrote {file.relative_to(ROOT)}")
    except ValueError as error:
        sys.exit(str(error))
