"""A sandbox's process: what goes in, what comes out, and its end, whatever happens in it."""

import json
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import psutil
from sandbox import MEGABYTE, SCRIPTS, Limits, NoSandbox


@dataclass(frozen=True)
class Outcome:
    """What came out: one report for each cell that was reached, and why it ended early, if so."""

    reports: list[dict]
    ended: str = ""


def run(cells: list[dict], command: list[str], limits: Limits) -> Outcome:
    """Send `cells` into the sandbox that `command` starts; read what `sandbox_runner` reports.

    Args:
        cells: each with `kind` (frame, solution or grade), `source`, and for a solution `solved`,
            the course's own.
        command: from `sandbox.bubblewrap` or `sandbox.container`.
        limits: for this submission.
    """
    job = {"cells": cells, "limits": asdict(limits),
           "guard": (SCRIPTS / "sandbox_guard.py").read_text(encoding="utf-8")}
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, start_new_session=True)
    said, complaints = bytearray(), bytearray()
    threads = [threading.Thread(target=feed, args=(process.stdin, json.dumps(job).encode())),
               threading.Thread(target=drain, args=(process.stdout, said, 4 * MEGABYTE)),
               threading.Thread(target=drain, args=(process.stderr, complaints, 100_000))]
    for thread in threads:
        thread.start()
    try:
        ended = watch(process, limits)
    finally:
        kill(process)
        for thread in threads:
            thread.join()
    reports = [report for line in said.splitlines() if (report := parse(line)) is not None]
    if not reports and not ended:
        raise NoSandbox("The sandbox did not start, so nothing was run: "
                        f"{complaints.decode(errors='replace').strip()[-300:]!r}")
    last = reports.pop() if reports and "ended" in reports[-1] else {"ended": "its process stopped"}
    return Outcome([report for report in reports if "cell" in report], ended or last["ended"])


def watch(process: subprocess.Popen, limits: Limits) -> str:
    """Wait until the end; say which limit was passed, if one was."""
    end, most = time.monotonic() + limits.wall, limits.total * MEGABYTE
    while True:
        try:
            process.wait(0.2)
            return ""
        except subprocess.TimeoutExpired:
            if time.monotonic() > end:
                return f"it took longer than {limits.wall:g} s"
            if total(process.pid, resident) > most and total(process.pid, shared_out) > most:
                return f"it took more than {limits.total} MB of memory"


def resident(process: psutil.Process) -> int:
    """Bytes of a process, shared pages too: quick to read."""
    return process.memory_info().rss


def shared_out(process: psutil.Process) -> int:
    """Bytes that a process holds, shared pages by its part of them."""
    try:
        return process.memory_full_info().pss
    except psutil.AccessDenied:
        return resident(process)


def total(pid: int, size: Callable[[psutil.Process], int]) -> int:
    """Bytes of a process and all its children, each as `size` counts them."""
    held = 0
    for process in family(pid):
        try:
            held += size(process)
        except (psutil.NoSuchProcess, ProcessLookupError):
            continue
    return held


def family(pid: int) -> list[psutil.Process]:
    """A process and all that it started, as far as they still run."""
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def kill(process: subprocess.Popen) -> None:
    """End the sandbox and everything in it."""
    for member in family(process.pid):
        try:
            member.kill()
        except psutil.NoSuchProcess:
            continue
    process.wait()


def feed(pipe, content: bytes) -> None:
    """Write everything, unless the reader goes."""
    try:
        with pipe:
            pipe.write(content)
    except BrokenPipeError:
        pass                                     # it ended early; its reports say why


def drain(pipe, kept: bytearray, most: int) -> None:
    """Read to the end, and keep no more than `most` bytes."""
    with pipe:
        while block := pipe.read1(65536):
            if len(kept) < most:
                kept += block[:most - len(kept)]


def parse(line: bytes) -> dict | None:
    """A line of the report."""
    try:
        report = json.loads(line)
    except ValueError:
        return None
    return report if isinstance(report, dict) else None
