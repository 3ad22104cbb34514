"""Run the notebooks with nbval, one after another, and compare what they print: `make nbval`.

Strict: every code cell runs, and its text must equal the stored text but for what tests/nbval.cfg
names. The device is the environment's choice, as everywhere; with GPU=1 and no GPU to be seen,
nothing is run. `make nbval NB=01` takes the notebooks whose names begin with 01.

Chapter 13 needs photographs and pretrained weights, which are not in the repository. Where one of
them is missing it is left out, and named with the reason; with COURSEKIT_REQUIRE_DATA=1 the run
fails instead.

`COURSEKIT_DEVICE=second make nbval` runs them on a device that is emulated (tests/second_device):
as strict about tensors left on the CPU as a GPU, with other rounding and other random numbers. So
it shows without a GPU that they run there, and that nothing that is compared depends on the device.
"""
from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OPTIONS = ["--nbval", "--nbval-current-env", "--nbval-cell-timeout=900", "--timeout=0", "-q",
           "--nbval-sanitize-with", str(ROOT / "tests/nbval.cfg"), "-p", "no:cacheprovider",
           "-W", "default"]   # a warning inside a notebook is text on stderr, which is compared
NEEDS = {"13_real_photographs.ipynb"}      # photographs and pretrained weights


class Count:
    """Counts the cells of each notebook and takes its time; says what was left out, and why."""

    def __init__(self, left_out: list[str]) -> None:
        self.left_out = left_out
        self.cells: dict[str, int] = {}
        self.seconds: dict[str, float] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add a cell that ran to its notebook."""
        name = report.nodeid.partition("::")[0]
        self.seconds[name] = self.seconds.get(name, 0.0) + report.duration
        self.cells[name] = self.cells.get(name, 0) + (report.when == "call")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say how much was compared, above pytest's own closing line."""
        for name, cells in self.cells.items():
            terminalreporter.write_line(f"{name}: {cells} cells, {self.seconds[name]:.0f} s")
        for line in self.left_out:
            terminalreporter.write_line(f"deselected: {line}")
        total = sum(self.cells.values())
        terminalreporter.write_line(f"{total} cells compared in {len(self.cells)} notebooks")


def notebooks(prefix: str = "", root: Path = ROOT) -> list[Path]:
    """The notebooks in reading order, then their solutions; those that begin with `prefix`."""
    folders = root / "notebooks", root / "notebooks/solutions"
    return [path for folder in folders for path in sorted(folder.glob(f"{prefix}*.ipynb"))]


def main(prefix: str = "") -> int:
    """Compare; return pytest's exit status."""
    if os.environ.get("GPU") == "1":
        from coursekit.device import pick_device
        try:
            pick_device()
        except RuntimeError as error:
            print(error, file=sys.stderr)
            return 1
    chosen = notebooks(prefix)
    if not chosen:
        print(f"No notebook begins with {prefix!r}: run it as `make nbval NB=01`.", file=sys.stderr)
        return 1
    left_out = []
    if any(path.name in NEEDS for path in chosen) and (reason := lacking()):
        if os.environ.get("COURSEKIT_REQUIRE_DATA") == "1":
            print(f"COURSEKIT_REQUIRE_DATA=1, but {reason}", file=sys.stderr)
            return 1
        left_out = [f"{path.name}: {reason}" for path in chosen if path.name in NEEDS]
        chosen = [path for path in chosen if path.name not in NEEDS]
        if not chosen:
            print(*left_out, sep="\n")
            return 0
    os.environ.update(COURSEKIT_PLAIN="1", PYTHONUTF8="1",
                      PYDEVD_DISABLE_FILE_VALIDATION="1")   # no kernel's advice about debuggers
    with tempfile.TemporaryDirectory() as folder:
        if os.environ.get("COURSEKIT_DEVICE") == "second":
            os.environ["IPYTHONDIR"] = second_device(Path(folder))
        return pytest.main([*OPTIONS, *map(str, chosen)], plugins=[Count(left_out)])


def lacking() -> str:
    """What of chapter 13's photographs and weights is missing, in a sentence; else empty."""
    from coursekit.data import PennFudan
    from coursekit.models.hub import cached
    from coursekit.models.pyramid import OFFICIAL

    try:
        PennFudan(download=False)
    except FileNotFoundError as error:
        return f"Penn-Fudan's photographs are missing: {error}"
    if not cached(OFFICIAL.url).is_file():
        return (f"the pretrained weights are missing: fetch {OFFICIAL.url} into the folder "
                "hub/checkpoints of TORCH_HOME.")
    return ""


def second_device(folder: Path) -> str:
    """A folder of settings with which every kernel has the emulated device from its start."""
    startup = folder / "profile_default/startup"
    startup.mkdir(parents=True)
    (startup / "emulate.py").write_text(
        f"import sys\nsys.path.append({str(ROOT / 'tests')!r})\n"
        "import second_device\nsecond_device.stay()\ndel sys, second_device\n", encoding="utf-8")
    return str(folder)


if __name__ == "__main__":
    sys.exit(main("".join(sys.argv[1:])))
