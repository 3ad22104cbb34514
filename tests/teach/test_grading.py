"""Submissions that do harm, or lie, are graded for what they are; the next one is graded right."""
import csv
import getpass
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import attacks
import grade
import gradebook
import pytest
import sandbox
import sandbox_process
import small_lab
import submissions

import labs

ROOT = Path(__file__).resolve().parent.parent.parent
LAB = small_lab.small_lab()
GRADER = small_lab.grader(LAB)


@pytest.fixture(scope="session", autouse=True)
def isolation():
    done = subprocess.run([ROOT / "scripts/bubblewrap"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def graded(tmp_path: Path, written: dict[str, str]) -> dict[str, gradebook.Row]:
    """Grade a class: each name's `double`, with everything else right; zoe's is right, too."""
    folder = small_lab.empty(tmp_path / "in")
    for name, source in {**written, "zoe": small_lab.DOUBLE}.items():
        cells = {"double": source, "mean": small_lab.MEAN, "why": "0 / 0 has no value."}
        small_lab.hand_in(folder / f"{name}.ipynb", small_lab.submission(LAB, cells))
    students, _ = submissions.find(folder)
    rows = grade.grade_all(students, GRADER, tmp_path / "out", jobs=2)
    assert [row.key for row in rows] == sorted([*written, "zoe"])
    return {row.key: row for row in rows}


def right(row: gradebook.Row) -> bool:
    return row.points == {"test_double": 2, "test_mean": 3, "why": None} and not row.remarks


def targets(source: str, found: list) -> str:
    return f"TARGETS = {found!r}\n{source}"


def processes() -> int:
    return sum(name.isdigit() for name in os.listdir("/proc"))


def test_the_labs_own_solution_gets_every_point():
    grade.check(GRADER)


def test_a_solution_that_loses_points_here_stops_the_grading(monkeypatch):
    monkeypatch.setitem(LAB.most, "test_mean", 4.0)
    with pytest.raises(ValueError, match="own solution loses points here.*test_mean"):
        grade.check(GRADER)


def test_what_tries_to_get_out_gets_nothing_and_changes_nothing(tmp_path):
    book = tmp_path / "out/grades.csv"
    gradebook.write(book, "student,total\nzoe,5\n")
    other = small_lab.hand_in(tmp_path / "in2/anna.ipynb", small_lab.submission(LAB, {}))
    victims = [book, other, ROOT / "README.md", Path.home() / "victim.txt", Path("/usr/victim"),
               Path("/victim"), Path("/etc/victim"), Path("/dev/victim"), Path(sandbox.__file__),
               Path(sys.prefix, "victim"), Path(grade.__file__).parent.parent / "src/victim"]
    before = {path: path.read_bytes() if path.exists() else None for path in victims}
    secret = [book, other, tmp_path, ROOT / "labs", ROOT / "tests", ROOT / "scripts",
              ROOT / "README.md", Path.home(), Path("/etc/passwd"), Path("/var"), Path("/root")]
    seen = [str(path) for path in secret if not any(
        folder.is_relative_to(path) for folder in sandbox.visible(sys.executable))]
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as unix:
        unix.bind(f"\0{tmp_path.name}")
        unix.listen()
        address = list(server.getsockname())
        with socket.create_connection(tuple(address), timeout=2):     # from out here it is open
            server.accept()[0].close()
        rows = graded(tmp_path, {
            "writes": targets(attacks.WRITE, [str(path) for path in victims]),
            "reads": targets(attacks.READ, seen),
            "calls": targets(attacks.SOCKET, [address, ["1.1.1.1", 53], f"\0{tmp_path.name}"]),
            "escapes": targets(attacks.ESCAPE, ["namespace", "root", "limit", "report"])})
        server.settimeout(0.1)
        with pytest.raises(TimeoutError):
            server.accept()
    for name in ("writes", "reads", "calls", "escapes"):
        assert rows[name].points["test_double"] == 0, name
        assert rows[name].comments["test_double"] == "AssertionError: nothing was possible", name
        assert rows[name].points["test_mean"] == 3, name
    assert right(rows["zoe"])
    del before[book]                             # the class's new one lies there now
    assert before == {path: path.read_bytes() if path.exists() else None for path in before}
    assert str(tmp_path) in str(seen) and str(ROOT / "labs") in seen


def test_what_takes_all_there_is_gets_nothing_and_the_next_one_is_graded(tmp_path):
    running = processes()
    rows = graded(tmp_path, attacks.HARMFUL)
    assert {name: rows[name].points["test_double"] for name in attacks.HARMFUL} == dict.fromkeys(
        attacks.HARMFUL, 0)
    said = {name: rows[name].comments["test_double"] + "; ".join(rows[name].remarks)
            for name in attacks.HARMFUL}
    ends = "printed more than 200000 characters", "kernel died", "MemoryError"     # or none left
    assert any(words in said["gigabyte"] for words in ends)
    assert "ran longer than 4 s" in said["loop"] and rows["loop"].points["test_mean"] == 3
    assert "MemoryError" in said["memory"] and "kernel died" in said["dies"]
    assert "its process stopped" in said["kills"] and "OSError" in said["full_disk"]
    assert right(rows["zoe"])
    with (tmp_path / "out/grades.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["student"] for line in lines] == sorted([*attacks.HARMFUL, "zoe"])
    assert processes() < running + 20            # nothing of the forks is left
    large = [path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size > 10**5]
    assert large == []


def test_a_forged_test_gives_no_points(tmp_path):
    rows = graded(tmp_path, attacks.FORGED)
    assert {name: rows[name].points["test_double"] for name in attacks.FORGED} == dict.fromkeys(
        attacks.FORGED, 0)
    assert "changed" in rows["late"].comments["test_double"]
    assert right(rows["zoe"])


@pytest.mark.parametrize("name", labs.texts())
def test_every_labs_own_solution_gets_every_point_in_the_sandbox(name):
    grade.check(grade.Grader(grade.Lab(name, labs.read(name)), "a class"))


def test_forgeries_with_torch_give_no_points():
    lab = grade.Lab("A", labs.read("A"), "A_upsampling")
    grader = grade.Grader(lab, "a class")
    points, comments, remarks = grader.marks({**lab.answers(), **attacks.FORGED_A})
    tests = {name: mark for name, mark in points.items() if name not in lab.by_hand}
    assert set(tests) == {f"test_{name}" for name in attacks.FORGED_A}
    assert tests == dict.fromkeys(tests, 0) and remarks == [], comments
    assert "the check said:" in comments["test_nearest"], comments


def test_a_crash_keeps_the_points_before_it():
    written = {"double": small_lab.DOUBLE, "mean": "import os\nos._exit(1)\n"}
    points, comments, remarks = GRADER.marks(written)
    assert points == {"test_double": 2, "test_mean": 0, "why": 0}
    assert comments["test_mean"] == "not reached" and remarks[0].startswith("stopped at mean: its")


def test_a_stubborn_submission_ends_with_its_time():
    stubborn = ("def double(values):\n    while True:\n        try:\n            while True:\n"
                "                pass\n        except BaseException:\n            pass\n")
    limits = sandbox.Limits(wall=6, cell=30, cpu=15, memory=700)
    quick = grade.Grader(LAB, limits=limits)
    points, _, remarks = quick.marks({"double": stubborn, "mean": small_lab.MEAN})
    assert points["test_double"] == points["test_mean"] == 0
    assert remarks == ["stopped at test_double: it took longer than 6 s"]


def test_memory_of_many_processes_is_bounded_together():
    hog = ("import os, time\nfor _ in range(20):\n    if not os.fork():\n"
           "        held = bytearray(os.urandom(10**6)) * 400\n        time.sleep(60)\n"
           "time.sleep(20)\n")
    limits = sandbox.Limits(wall=40, cell=30, cpu=15, memory=700, total=1000)
    _, _, remarks = grade.Grader(LAB, limits=limits).marks({"double": hog})
    assert remarks == ["stopped at double: it took more than 1000 MB of memory"]


def test_the_name_of_the_teacher_and_the_environment_stay_outside(monkeypatch):
    monkeypatch.setenv("A_SECRET", "of the teacher")
    spy = ("import os\ndef double(values):\n    names = sorted(os.environ)\n"
           "    raise ValueError(f\"{os.getcwd()} {os.environ.get('A_SECRET')} \"\n"
           "                     f\"{os.environ['USER']} {os.getuid() != 0}\")\n")
    _, comments, _ = GRADER.marks({"double": spy})
    assert comments["test_double"] == "ValueError: /tmp None student True"
    assert getpass.getuser() != "student"


def test_without_isolation_nothing_runs(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError):
        GRADER.marks({})
    (tmp_path / "bwrap").write_text("#!/bin/sh\necho not today >&2\nexit 1\n", encoding="utf-8")
    (tmp_path / "bwrap").chmod(0o755)
    (tmp_path / "sh").symlink_to("/bin/sh")
    with pytest.raises(sandbox.NoSandbox, match="did not start.*nothing was run.*not today"):
        GRADER.marks({})


def test_a_container_gets_the_same_limits_and_no_network():
    grader = grade.Grader(LAB, image="course:1", engine="podman", limits=small_lab.LIMITS)
    command = grader.command()
    assert command[:3] == ["podman", "run", "--rm"] and "course:1" in command
    assert {"--network=none", "--read-only", "--cap-drop=ALL", "--pids-limit=60",
            "--memory=1200m", "--user=65534:65534"} <= set(command)
    assert not [part for part in command if part.startswith(("--volume", "--mount", "-v"))]


def test_a_report_that_is_none_is_not_believed():
    lines = 'print("no report"); print("[1]"); print(\'{"cell": 0}\'); print("x" * 10**7)'
    outcome = sandbox_process.run([], [sys.executable, "-c", lines], sandbox.Limits(wall=20))
    assert outcome == sandbox_process.Outcome([{"cell": 0}], "its process stopped")
    assert threading.active_count() < 10
