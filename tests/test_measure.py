"""`make measure`: the memory of a tree of processes, the seconds, and what is complained of."""
import sys
from pathlib import Path

import measure_notebooks
import pytest
from measure_notebooks import Run, complaints, measure

HOLD = "import time; held = b'1' * {} * 2**20; time.sleep(1.5)"
TREE = "import subprocess, sys; {}; subprocess.run([sys.executable, '-c', {!r}]); print('done')"


def test_the_peak_is_that_of_children_and_of_theirs_together():
    child = TREE.format("held = b'1' * 200 * 2**20", HOLD.format(100))
    run = measure([sys.executable, "-c", TREE.format("own = b'1' * 300 * 2**20", child)])
    assert run.status == 0 and run.printed == "done\ndone\n"
    assert 300 / 1024 < run.peak < 400 / 1024        # 200 + 100 MB and two interpreters, not 600 MB
    assert run.seconds > 1.5


def test_a_child_that_ends_early_is_counted_too():
    code = f"{TREE.format('pass', HOLD.format(200))}; import time; time.sleep(0.5)"
    assert measure([sys.executable, "-c", code]).peak > 200 / 1024


def test_the_environment_and_the_exit_status_are_passed_on():
    code = "import os, sys; print(os.environ['OMP_NUM_THREADS'] * 100_000); sys.exit(3)"
    run = measure([sys.executable, "-c", code], {"OMP_NUM_THREADS": "1"})
    assert run.status == 3 and run.printed == "1" * 100_000 + "\n"


GOOD = Run(status=0, seconds=119, peak=2.99, printed="")


@pytest.mark.parametrize("changes, complaint", [
    ({"status": 1, "printed": "3 != 4"}, "01_x.ipynb, 1st run: an output changed\n3 != 4"),
    ({"peak": 3.01}, "01_x.ipynb, 1st run: 3.01 GiB, 3 at most"),
    ({"seconds": 121}, "01_x.ipynb, 1st run: 121 s, 120 at most"),
])
def test_a_changed_output_and_a_passed_limit_are_named(changes, complaint):
    bad = Run(**{**vars(GOOD), **changes})
    assert complaints(Path("01_x.ipynb"), {"1st": bad, "2nd": GOOD}) == [complaint]


def test_one_thread_may_take_longer_but_must_print_the_same():
    slow = Run(**{**vars(GOOD), "seconds": 500})
    assert complaints(Path("01_x.ipynb"), {"1st": GOOD, "one thread": slow}) == []
    changed = Run(**{**vars(GOOD), "status": 1})
    assert len(complaints(Path("01_x.ipynb"), {"1st": GOOD, "one thread": changed})) == 1


def test_a_notebook_is_run_three_times_and_once_on_one_thread(monkeypatch, capsys):
    runs = []

    def record(command, environment):
        runs.append((Path(command[1]).name, command[2], environment))
        return GOOD

    monkeypatch.setattr(measure_notebooks, "measure", record)
    assert measure_notebooks.main("03_u") == 0
    every = ("run_nbval.py", "03_upsampling")
    assert runs == [(*every, {})] * 3 + [(*every, {"OMP_NUM_THREADS": "1"})]
    assert "| 03_upsampling.ipynb | 119 | 119 | 119 | 119 | 2.99 |" in capsys.readouterr().out
