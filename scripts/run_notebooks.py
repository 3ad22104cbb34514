"""Run the notebooks in order and store what they print: `make outputs`, or `make outputs NB=01`.

Prints each one's time and its kernel's peak memory, and fails above the course's limits. A second
run changes no byte of a file but where an output changed.
"""
from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from run_nbval import ROOT, notebooks
from sync import dumps

MEMORY = 3.0   # GiB, at most, for every notebook
PEAK = """\
import resource, sys
unit = 1 if sys.platform == "darwin" else 1024
print(unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"""


def time_limit(path: Path) -> int:
    """Seconds that a notebook may take on two cores."""
    if path.parent.name == "solutions":
        return 60
    return 300 if path.name.startswith("13") else 120


def run(path: Path) -> tuple[NotebookNode, float, float]:
    """The notebook with new outputs, the seconds that it took, and its kernel's peak in GiB."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=600, record_timing=False, store_widget_state=False,
                            kernel_name="python3", resources={"metadata": {"path": path.parent}})
    start = time.perf_counter()
    with client.setup_kernel():
        cells = [*notebook.cells]
        for index, cell in enumerate(cells):
            client.execute_cell(cell, index)
        seconds = time.perf_counter() - start
        notebook.cells.append(nbformat.v4.new_code_cell(PEAK))
        client.execute_cell(notebook.cells[-1], len(cells))
    peak = int(notebook.cells.pop().outputs[0].text) / 2**30
    for cell in notebook.cells:
        if cell.cell_type == "code":
            tidy(cell)
    return notebook, seconds, peak


def tidy(cell: NotebookNode) -> None:
    """Join neighboring pieces of one stream: where they break is chance."""
    joined: list[NotebookNode] = []
    for output in cell.outputs:
        last = joined[-1] if joined else None
        if last and output.output_type == last.output_type == "stream" and output.name == last.name:
            last.text += output.text
        else:
            joined.append(output)
    cell.outputs = joined


def main(prefix: str = "") -> int:
    """Run and store; return 1 when a limit was passed."""
    os.environ.update(COURSEKIT_PLAIN="1", PYTHONUTF8="1")
    too_much = 0
    for path in notebooks(prefix):
        print(path.relative_to(ROOT), end=": ", flush=True)
        metadata = nbformat.read(path, as_version=4).metadata
        notebook, seconds, peak = run(path)
        notebook.metadata = metadata
        if (new := dumps(notebook)) != path.read_text(encoding="utf-8"):
            path.write_text(new, encoding="utf-8")
        limit = time_limit(path)
        print(f"{seconds:.1f} s of {limit}, {peak:.2f} GiB of {MEMORY:.0f}")
        too_much |= seconds > limit or peak > MEMORY
    if too_much:
        print("A notebook passed its limit of time or memory: make it smaller.", file=sys.stderr)
    return int(too_much)


if __name__ == "__main__":
    sys.exit(main("".join(sys.argv[1:])))
