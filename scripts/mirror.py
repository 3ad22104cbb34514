"""Show the package's own code in a notebook, so that what a chapter teaches is what runs.

A cell whose first line is `# coursekit/boxes/overlap.py: area, iou` is mirrored: `make sync` fills
it with those definitions from that file under src/, and a test renders it again, so that cell and
package cannot differ. Kept are decorators, and the module constants that the definitions name,
each with its comment. Cut is every docstring after its first line: the rest is on the API page.
"""
from __future__ import annotations

import ast
import re
from pathlib import Path

SRC = Path(__file__).resolve().parent.parent / "src"
HEADER = re.compile(r"# (coursekit/[\w/]+\.py): (\w+(?:, \w+)*)")
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def request(source: str) -> tuple[str, list[str]] | None:
    """The module and the names that a cell's first line asks for; None for an ordinary cell."""
    first = source.partition("\n")[0].rstrip()
    if not first.startswith("# coursekit/"):
        return None
    match = HEADER.fullmatch(first)
    if match is None:
        raise ValueError(f"a mirrored cell opens with {first!r}, but must name what it shows after "
                         "a colon: write it like '# coursekit/boxes/overlap.py: area, iou'.")
    return match[1], match[2].split(", ")


def render(module: str, names: list[str], src: Path = SRC) -> str:
    """The cell's whole text: first line, constants, definitions, in the module's order."""
    text = (src / module).read_text(encoding="utf-8")
    tree, lines = ast.parse(text), text.splitlines()
    constants = {name: node for node in tree.body for name in targets(node)}
    found = constants | {node.name: node for node in tree.body if isinstance(node, Definition)}
    if missing := [name for name in names if name not in found]:
        raise ValueError(f"{module} defines {', '.join(found)}, but a mirrored cell asks for "
                         f"{missing[0]!r}: correct the cell's first line.")
    chosen, wanted = set(), {found[name] for name in names}
    while wanted:
        chosen |= wanted
        named = {name for node in wanted for name in mentions(node)}
        wanted = {constants[name] for name in named if name in constants} - chosen
    parts = sorted(chosen, key=lambda node: node.lineno)
    values = [code(node, lines) for node in parts if not isinstance(node, Definition)]
    blocks = [code(node, lines) for node in parts if isinstance(node, Definition)]
    cell = "\n\n\n".join(["\n".join(values)] * bool(values) + blocks)
    return f"# {module}: {', '.join(names)}\n{cell}"


def targets(node: ast.stmt) -> list[str]:
    """The names that a top-level assignment sets; none for any other statement."""
    goals = getattr(node, "targets", [getattr(node, "target", None)])
    assigns = isinstance(node, ast.Assign | ast.AnnAssign)
    return [name for goal in goals for name in mentions(goal)] if assigns else []


def mentions(node: ast.AST) -> set[str]:
    """Every name that stands in a piece of code."""
    return {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}


def code(node: ast.stmt, lines: list[str]) -> str:
    """A statement's own lines from its first decorator on, with its docstrings cut."""
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
    kept = dict(enumerate(lines[first - 1:node.end_lineno], start=first))
    for owner in ast.walk(node):
        if isinstance(owner, Definition) and ast.get_docstring(owner) is not None:
            start, end = owner.body[0].lineno, owner.body[0].end_lineno
            if end > start:
                kept[start] = kept[start].rstrip() + lines[end - 1].rstrip()[-3:]
                for number in range(start + 1, end + 1):
                    del kept[number]
    return "\n".join(kept.values())
