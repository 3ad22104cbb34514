"""Inside the sandbox: run the cells that come in on stdin in a kernel, report on stdout.

This file is sent as a command line (`python -c`), so that the sandbox need show no folder of the
course's repository. It and the kernel are two processes of one user: the kernel may kill it, which
loses the marks from there on, but cannot open its files or write in its name.
"""

import ast
import ctypes
import json
import os
import queue
import resource
import secrets
import sys
import time

PR_SET_DUMPABLE = 4   # <linux/prctl.h>: at 0, no process of the same user reads our files or memory


class Ended(Exception):
    """Nothing more can be run; the message says why."""


class Slow(Exception):
    """One cell was interrupted after its time; the next may run."""


def limit(limits: dict) -> None:
    """Bound this process and all its children; none of them may raise a bound again."""
    megabyte = 2**20
    for kind, most in [(resource.RLIMIT_DATA, limits["memory"] * megabyte),
                       (resource.RLIMIT_FSIZE, limits["files"] * megabyte),
                       (resource.RLIMIT_CPU, limits["cpu"]), (resource.RLIMIT_CORE, 0),
                       (resource.RLIMIT_NPROC, limits["processes"]),
                       (resource.RLIMIT_NOFILE, 256)]:
        resource.setrlimit(kind, (most, most))
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
            file.write("1000")                  # where memory runs out, this goes first
    except OSError:
        pass


def private_stdout():
    """Keep the report's pipe to ourselves: the kernel gets /dev/null as its stdin and stdout."""
    report = os.fdopen(os.dup(1), "w", encoding="utf-8")   # dup: not inherited by children
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    return report


class Kernel:
    """A Jupyter kernel, driven message by message: replies are wanted, outputs only counted."""

    def __init__(self, limits: dict, guard: str):
        from jupyter_client.manager import KernelManager

        self.limits, self.printed = limits, 0
        self.manager = KernelManager(kernel_name="python3", transport="ipc")
        self.manager.start_kernel(extra_arguments=["--HistoryManager.enabled=False"])
        self.client = self.manager.client()
        self.client.start_channels()
        for channel in (self.client.iopub_channel, self.client.shell_channel):
            channel.socket.maxmsgsize = 16 * 2**20
        self.client.wait_for_ready(timeout=60)
        # The guard hides under a name that changes each time; a student's code that looks for it
        # can find it. It stops the easy forgeries, not a determined one.
        self.name = "_" + secrets.token_hex(16)
        start = (f"import sys, types; guard = types.ModuleType({self.name!r}); "
                 f"sys.modules[{self.name!r}] = guard; "
                 f"exec(compile({guard!r}, 'guard', 'exec'), guard.__dict__)")
        self.run(f"exec({start!r}, {{}})")       # in a namespace of its own

    def call(self, function: str, *arguments) -> dict:
        """Call a function of the guard in the kernel; its result is JSON."""
        call = f"__import__('sys').modules[{self.name!r}].{function}(*{arguments!r})"
        reply = self.run("", {"result": call}).get("user_expressions", {}).get("result", {})
        if reply.get("status") != "ok":
            return {"error": {"ename": reply.get("ename", "no result"),
                              "evalue": reply.get("evalue", "")}}
        return json.loads(ast.literal_eval(reply["data"]["text/plain"]))

    def run(self, code: str, expressions: dict | None = None) -> dict:
        """Run code; return the reply's content, or raise Slow or Ended."""
        request = self.client.execute(code, silent=False, store_history=False, allow_stdin=False,
                                      stop_on_error=False, user_expressions=expressions)
        end = time.monotonic() + self.limits["cell"]
        try:
            return self.reply(request, end)
        except TimeoutError:
            self.manager.interrupt_kernel()
        try:
            self.reply(request, time.monotonic() + 5)
        except TimeoutError:
            raise Ended(f"a cell ran longer than {self.limits['cell']:g} s, "
                        "and did not stop when interrupted") from None
        raise Slow(f"ran longer than {self.limits['cell']:g} s")

    def reply(self, request: str, end: float) -> dict:
        """Wait until a request is done; a TimeoutError at the time `end`."""
        reply, idle = None, False
        while True:
            idle = self.count(request) or idle
            try:
                while reply is None:
                    message = self.client.get_shell_msg(timeout=0)
                    if message["parent_header"].get("msg_id") == request:
                        reply, end = message["content"], min(end, time.monotonic() + 2)
            except queue.Empty:
                pass
            if reply is not None and idle:
                return reply
            if time.monotonic() > end:
                if reply is not None:           # its end was lost among too much output
                    raise Ended("it printed too much")
                raise TimeoutError
            if not self.manager.is_alive():
                raise Ended("its kernel died: too much memory or time, or the code ended it")

    def count(self, request: str) -> bool:
        """Count what was printed; true once the kernel is idle again."""
        try:
            message = self.client.get_iopub_msg(timeout=0.05)
        except queue.Empty:
            return False
        if message["msg_type"] == "status":
            ours = message["parent_header"].get("msg_id") == request
            return ours and message["content"]["execution_state"] == "idle"
        self.printed += len(json.dumps(message["content"], default=str))
        if self.printed > self.limits["output"]:
            raise Ended(f"it printed more than {self.limits['output']} characters")
        return False


def one(kernel: Kernel, cell: dict) -> dict:
    """Run a cell: the course's own, the student's, or a test."""
    if cell["kind"] == "grade":
        return kernel.call("grade", cell["source"])
    if cell["kind"] == "solution":
        kernel.call("release", cell["solved"])
    reply = kernel.run(cell["source"])
    if cell["kind"] == "frame":
        kernel.call("note", cell["source"])
    if reply.get("status") == "ok":
        return {}
    return {"error": {name: str(reply.get(name, ""))[:1000] for name in ("ename", "evalue")}}


def main() -> None:
    """Read the job, run it, report each cell as it ends."""
    job = json.load(sys.stdin)
    limit(job["limits"])
    report = private_stdout()

    def say(**content) -> None:
        print(json.dumps(content), file=report, flush=True)

    say(started=True)
    try:
        kernel = Kernel(job["limits"], job["guard"])
        for number, cell in enumerate(job["cells"]):
            try:
                say(cell=number, **one(kernel, cell))
            except Slow as slow:
                say(cell=number, error={"ename": "ran out of time", "evalue": str(slow)})
        say(ended="")
    except Ended as end:
        say(ended=str(end))
    finally:
        os._exit(0)                              # the sandbox's end takes the kernel with it


main()
