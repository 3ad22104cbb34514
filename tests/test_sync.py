"""From text to notebook: mirrored cells, the set-up cell, outputs that are kept."""
import importlib
import sys
from pathlib import Path
from types import ModuleType

import course as settings
import mirror
import nbformat
import pytest
import sync
from IPython.core.interactiveshell import InteractiveShell

PLACEHOLDER = "https://github.com/YOUR_ORG/pixels-to-instances"
TEXT = '''\
# Boxes

Some *prose* with $x^2$.

```{code-cell}
:tags: [setup, hide-input]

anything
```

```{code-cell}
# coursekit/nested/shapes.py: half, Square
```

+++

A second text, straight after.

```{code-cell}
---
tags: [hide-input]
mystnb:
  image:
    alt: A square with a corner cut off, drawn in blue on a white page, with its two sides named
---
print(1)
```
'''
MODULE = '''\
"""A module."""
import functools

THIRD = 1 / 3
HALF = 0.5  # of anything
TABLE: dict[str, float] = {"half": HALF}
UNUSED = 7


def before() -> int:
    """Not asked for."""
    return UNUSED


@functools.cache
def half(x: float) -> float:
    r"""Half of \\\\alpha.

    Args:
        x: any number.
    """
    return TABLE["half"] * x


class Square:
    """A square.

    It has a side.
    """

    @property
    def side(self) -> int:
        """The side.

        In pixels.
        """
        return 1
'''
MIRRORED = '''\
# coursekit/nested/shapes.py: half, Square
HALF = 0.5  # of anything
TABLE: dict[str, float] = {"half": HALF}


@functools.cache
def half(x: float) -> float:
    r"""Half of \\\\alpha."""
    return TABLE["half"] * x


class Square:
    """A square."""

    @property
    def side(self) -> int:
        """The side."""
        return 1'''
COURSE = """\
repository: YOUR_ORG/pixels-to-instances   # o/n
branch: main
title: Pixels to Instances
institution: ""
hub: ""
binder: ""
term: {start: "", weeks_off: [], time_zone: ""}
deadlines: {A: "", B: "", C: "", D: "", project: ""}
seed_variable: COURSEKIT_CLASS
credit: {original: YOUR_ORG/pixels-to-instances, line: ""}
"""
CONFIG = """\
# `make course` writes this from course.yml: edit that file.
title: Pixels to Instances
repository:
  url: {}
  branch: main
launch_buttons:
  notebook_interface: jupyterlab
  colab_url: https://colab.research.google.com
# end of what `make course` writes
author: us
"""


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course of one chapter, one solutions notebook and one module."""
    for name, content in {
        "course.yml": COURSE,
        "_config.yml": CONFIG.format(PLACEHOLDER),
        "src/coursekit/nested/shapes.py": MODULE,
        "notebooks/text/01_boxes.md": TEXT,
        "notebooks/solutions/text/01_solutions.md": TEXT,
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return tmp_path


def code(path: Path) -> list[nbformat.NotebookNode]:
    return [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]


def test_a_mirrored_cell_keeps_decorators_and_named_constants_and_cuts_docstrings(course):
    wanted = mirror.request("# coursekit/nested/shapes.py: half, Square\nold text")
    assert mirror.render(*wanted, src=course / "src") == MIRRORED


def test_a_mirrored_cell_may_name_a_constant(course):
    cell = mirror.render("coursekit/nested/shapes.py", ["TABLE"], src=course / "src")
    assert cell.splitlines()[1:] == ["HALF = 0.5  # of anything",
                                     'TABLE: dict[str, float] = {"half": HALF}']


def test_an_ordinary_cell_is_not_mirrored():
    assert mirror.request("# a comment\nx = 1") is None


def test_a_mirrored_cell_without_names_is_refused():
    with pytest.raises(ValueError, match="must name what it shows after a colon"):
        mirror.request("# coursekit/boxes.py")


def test_a_name_that_the_module_lacks_is_refused(course):
    with pytest.raises(ValueError, match="Square, but a mirrored cell asks for 'quarter'"):
        mirror.render("coursekit/nested/shapes.py", ["quarter"], src=course / "src")


def test_sync_fills_the_text_and_writes_the_notebook(course):
    changed = sync.sync(course)
    assert {path.name for path in changed} == {
        "01_boxes.md", "01_boxes.ipynb", "01_solutions.md", "01_solutions.ipynb"}
    text = (course / "notebooks/text/01_boxes.md").read_text(encoding="utf-8")
    cells = code(course / "notebooks/01_boxes.ipynb")
    assert cells[0].source == sync.setup_cell(PLACEHOLDER) and cells[0].source in text
    assert cells[1].source == MIRRORED and MIRRORED in text
    assert cells[2].metadata == {"tags": ["hide-input"], "mystnb": {"image": {
        "alt": "A square with a corner cut off, drawn in blue on a white page, with its two sides "
               "named"}}}
    assert "Some *prose* with $x^2$." in text and "A second text, straight after." in text


def test_a_second_sync_changes_nothing(course):
    sync.sync(course)
    assert sync.sync(course) == []


def test_outputs_stay_with_cells_whose_source_stays(course):
    sync.sync(course)
    path, text = course / "notebooks/01_boxes.ipynb", course / "notebooks/text/01_boxes.md"
    notebook = nbformat.read(path, as_version=4)
    for number, cell in enumerate((c for c in notebook.cells if c.cell_type == "code"), start=1):
        cell.execution_count = number
        cell.outputs = [nbformat.v4.new_output("stream", text=f"{number}\n")]
    path.write_text(sync.dumps(notebook), encoding="utf-8")
    assert sync.sync(course) == []
    more = "```{code-cell}\nprint(2)\n```\n"
    text.write_text(text.read_text(encoding="utf-8") + "\n" + more, encoding="utf-8")
    module = course / "src/coursekit/nested/shapes.py"
    module.write_text(MODULE.replace("return 1", "return 2"), encoding="utf-8")
    settings.set_repository("jane/course", course)
    sync.sync(course)
    cells = code(path)
    assert [cell.execution_count for cell in cells] == [1, None, 3, None]
    assert [len(cell.outputs) for cell in cells] == [1, 0, 1, 0]


def test_the_address_is_rewritten_in_the_settings_and_in_every_set_up_cell(course):
    sync.sync(course)
    settings.set_repository("jane/course", course)
    new = "https://github.com/jane/course"
    assert sync.address(course) == new
    assert (course / "course.yml").read_text() == COURSE.replace(
        "repository: YOUR_ORG/pixels-to-instances", "repository: jane/course")
    sync.sync(course)
    assert (course / "_config.yml").read_text(encoding="utf-8") == CONFIG.format(new)
    for name in ("01_boxes", "solutions/01_solutions"):
        source = code(course / f"notebooks/{name}.ipynb")[0].source
        assert f'%pip install -q --no-deps "pixels-to-instances @ git+{new}@main"' in source
    assert not [path for path in sync.texts(course) if new in path.read_text(encoding="utf-8")]


def test_an_address_that_is_not_owner_and_name_is_refused(course):
    with pytest.raises(ValueError, match="owner/name is wanted"):
        settings.set_repository("https://github.com/jane/course", course)


def test_one_broken_text_is_named_and_the_others_are_written(course):
    wrong = TEXT.replace("half, Square", "quarter")
    (course / "notebooks/text/01_boxes.md").write_text(wrong, encoding="utf-8")
    with pytest.raises(ValueError, match=r"^01_boxes\.md: .* asks for 'quarter'"):
        sync.sync(course)
    assert not (course / "notebooks/01_boxes.ipynb").exists()
    assert (course / "notebooks/solutions/01_solutions.ipynb").exists()


@pytest.mark.parametrize("url", [PLACEHOLDER, "https://github.com/jane/course"])
def test_the_set_up_cell_runs_outside_colab_and_prints_nothing(url, capsys):
    result = InteractiveShell().run_cell(sync.setup_cell(url))
    assert result.success
    assert capsys.readouterr() == ("", "")


def test_on_colab_the_placeholder_is_named_in_one_sentence(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "google.colab", ModuleType("google.colab"))
    with pytest.warns(UserWarning, match="To exit"):
        result = InteractiveShell().run_cell(sync.setup_cell(PLACEHOLDER))
    assert isinstance(result.error_in_exec, SystemExit)
    assert "no address for Colab to install from yet: its owner must run `make sync REPO=owner/" \
        in capsys.readouterr().out.replace("\n", " ") + str(result.error_in_exec)


def test_on_colab_only_the_package_itself_is_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "google.colab", ModuleType("google.colab"))
    shell, asked = InteractiveShell(), []
    shell.register_magic_function(asked.append, magic_name="pip")
    assert shell.run_cell(sync.setup_cell("https://github.com/jane/course")).success
    assert asked == ['install -q --no-deps "pixels-to-instances @ '
                     'git+https://github.com/jane/course@main"']


@pytest.mark.parametrize("text", sync.texts(), ids=lambda path: path.stem)
def test_text_package_and_notebook_hold_the_same(text):
    for path, wanted in sync.synced(text).items():
        assert path.read_text(encoding="utf-8") == wanted, f"{path.name}: run `make sync`"


@pytest.mark.parametrize("text", sync.texts(), ids=lambda path: path.stem)
def test_every_mirrored_cell_runs(text):
    _, notebook = sync.render(text.read_text(encoding="utf-8"), sync.address())
    for cell in notebook.cells:
        if cell.cell_type == "code" and (wanted := mirror.request(cell.source)):
            module, names = wanted
            module = importlib.import_module(module.removesuffix(".py").replace("/", "."))
            space = {name: value for name, value in vars(module).items() if name not in names}
            exec(cell.source, space)
            assert set(names) <= set(space)


def test_every_notebook_has_a_text():
    folders = sync.ROOT / "notebooks", sync.ROOT / "notebooks/solutions"
    notebooks = {path for folder in folders for path in folder.glob("*.ipynb")}
    assert notebooks == {sync.notebook_path(text) for text in sync.texts()} != set()
