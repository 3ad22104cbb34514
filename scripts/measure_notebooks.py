"""Run each notebook three times and once on one thread; its time and memory: `make measure`.

Every run is `make nbval`'s own: what it compares must be the same in all four. The memory is the
greatest sum, over a notebook's kernel and all its children, looked at ten times a second (on Linux,
pages that they share are counted once). `make measure NB=03` takes the notebooks that begin so.
"""
from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
from run_nbval import ROOT, notebooks
from run_notebooks import MEMORY, time_limit

RUNS = {"1st": {}, "2nd": {}, "3rd": {}, "one thread": {"OMP_NUM_THREADS": "1"}}   # environments
SCRIPT = ROOT / "scripts/run_nbval.py"


@dataclass
class Run:
    """How one run went: its exit status, seconds, peak memory in GiB, and what it printed."""

    status: int
    seconds: float
    peak: float
    printed: str


def memory(process: psutil.Process) -> int:
    """Bytes that a process holds, shared pages by its part of them; 0 if it is gone."""
    try:
        info = process.memory_full_info()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0
    return getattr(info, "pss", info.rss)


def children(process: psutil.Process) -> list[psutil.Process]:
    """The processes that it started, and those that they did; none if it is gone."""
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def measure(command: list[str], environment: dict[str, str] | None = None) -> Run:
    """Run a command; the memory is that of all its children, and not its own."""
    start, peak = time.perf_counter(), 0
    with tempfile.TemporaryFile("w+", encoding="utf-8") as printed:   # a pipe could fill and block
        process = psutil.Popen(command, cwd=ROOT, env={**os.environ, **(environment or {})},
                               stdout=printed, stderr=subprocess.STDOUT)
        while process.poll() is None:
            peak = max(peak, sum(map(memory, children(process))))
            time.sleep(0.1)
        seconds = time.perf_counter() - start
        printed.seek(0)
        return Run(process.returncode, seconds, peak / 2**30, printed.read())


def complaints(path: Path, runs: dict[str, Run]) -> list[str]:
    """What is wrong with a notebook's runs; empty if nothing is."""
    found = []
    for name, run in runs.items():
        if run.status:
            found.append(f"{path.name}, {name} run: an output changed\n{run.printed}")
        if run.peak > MEMORY:
            found.append(f"{path.name}, {name} run: {run.peak:.2f} GiB, {MEMORY:.0f} at most")
        if run.seconds > time_limit(path) and name != "one thread":
            found.append(f"{path.name}, {name} run: {run.seconds:.0f} s, "
                         f"{time_limit(path)} at most")
    return found


def main(prefix: str = "") -> int:
    """Print a table in Markdown; return 1 if an output changed or a limit was passed."""
    found = []
    print(f"| notebook | {' | '.join(f'{name}, s' for name in RUNS)} | peak, GiB |")
    print(f"|---|{'---:|' * (len(RUNS) + 1)}")
    for path in notebooks(prefix):
        runs = {name: measure([sys.executable, str(SCRIPT), path.stem], environment)
                for name, environment in RUNS.items()}
        times = " | ".join(f"{run.seconds:.0f}" for run in runs.values())
        peak = max(run.peak for run in runs.values())
        print(f"| {path.relative_to(ROOT / 'notebooks')} | {times} | {peak:.2f} |", flush=True)
        found += complaints(path, runs)
    print("\n".join(found), file=sys.stderr)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main("".join(sys.argv[1:])))
