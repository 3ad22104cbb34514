"""Run one student's cells where they can do no harm: bubblewrap, or a container.

Inside there are the system's programs (`/usr`), the interpreter and its packages, all read-only,
and a small `/tmp` in memory. There is no network, no home folder, no course repository, no file
of anybody: the cells come in through a pipe and the marks go out through another. Limits on time,
memory, processes and output are set by `sandbox_runner` inside and watched by
`sandbox_process`.
"""

import json
import os
import secrets
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent
MEGABYTE = 2**20
SYSTEM = ["/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/alternatives"]
ASK = """
import json, sys, coursekit
print(json.dumps([sys.prefix, sys.base_prefix, *(path for path in sys.path if path)]))
"""


class NoSandbox(RuntimeError):
    """There is no isolation here, so nothing is run."""


@dataclass(frozen=True)
class Limits:
    """What one submission may use."""

    wall: float = 240             # seconds, all of it
    cell: float = 30              # seconds, one cell
    cpu: int = 200                # seconds of each process
    memory: int = 2500            # megabytes of each process; torch alone takes 900
    total: int = 4000             # megabytes of all processes together
    processes: int = 100          # threads count; a kernel has about 15
    files: int = 64               # megabytes in /tmp, and as much again in /dev/shm
    output: int = 1_000_000       # characters printed


@cache
def visible(python: str) -> tuple[Path, ...]:
    """The folders that the interpreter needs: its own, its packages, and coursekit's `src`."""
    done = subprocess.run([python, "-I", "-c", ASK], capture_output=True, text=True)
    if done.returncode:
        raise NoSandbox(f"{python} cannot import coursekit: {done.stderr.strip()[-200:]}")
    folders = {Path(name) for name in json.loads(done.stdout)} | {Path(python).absolute().parent}
    folders |= {folder.resolve() for folder in folders}
    return tuple(sorted(folder for folder in folders if folder.is_dir()))


def mounts(folders: tuple[Path, ...]) -> list[str]:
    """Options that show the system and `folders`, read-only, and nothing around them."""
    options = ["--perms", "0755", "--dir", "/etc"]
    for name in SYSTEM:
        if os.path.islink(name):
            options += ["--symlink", os.readlink(name), name]
        else:
            options += ["--ro-bind-try", name, name]
    shown = [Path("/usr")]
    for folder in folders:                      # sorted: a folder comes before what it holds
        if any(folder.is_relative_to(other) for other in shown):
            continue
        shown.append(folder)
        for parent in [*folder.parents][-2::-1]:
            options += ["--perms", "0755", "--dir", str(parent)]
        options += ["--ro-bind", str(folder), str(folder)]
    return options


def bubblewrap(python: str, variables: dict[str, str], limits: Limits) -> list[str]:
    """The command that runs `sandbox_runner` isolated; as root it becomes another user first."""
    seen, size = mounts(visible(python)), str(limits.files * MEGABYTE)
    command = ["bwrap", "--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent",
               "--new-session", "--hostname", "sandbox", "--clearenv"]
    for name, value in variables.items():
        command += ["--setenv", name, value]
    # /tmp before what is shown: the course may lie below it, in a folder that is read-only then
    below = sorted({str(Path(*folder.parts[:3])) for folder in visible(python)
                    if folder.is_relative_to("/tmp")})
    command += ["--size", size, "--tmpfs", "/tmp",
                *(part for folder in below for part in ("--perms", "0755", "--tmpfs", folder)),
                *seen, *(part for folder in below for part in ("--remount-ro", folder)),
                "--proc", "/proc", "--dev", "/dev", "--size", size, "--tmpfs", "/dev/shm",
                "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp", *runner(python)]
    if os.geteuid() != 0:
        return command
    # Root is exempt from the limit on processes. A first bubblewrap shows the same folders, since
    # another user may not pass through root's own; in it bubblewrap starts again as nobody we know.
    user = str(1_900_000_000 + secrets.randbelow(100_000_000))
    outer = ["bwrap", "--die-with-parent", *seen, "--dev-bind", "/proc", "/proc",
             "--dev-bind", "/dev", "/dev", "--perms", "0755", "--dir", "/tmp"]
    for right in ("SETUID", "SETGID", "SETPCAP"):
        outer += ["--cap-add", f"CAP_{right}"]
    return [*outer, "setpriv", "--reuid", user, "--regid", user, "--clear-groups",
            "--pdeathsig", "KILL", *command]


def container(image: str, engine: str, variables: dict[str, str], limits: Limits) -> list[str]:
    """The same in a container of `image`, whose python3 must have the course's packages."""
    size = f"size={limits.files}m"
    command = [engine, "run", "--rm", "--interactive", "--network=none", "--read-only",
               "--cap-drop=ALL", "--security-opt=no-new-privileges", "--user=65534:65534",
               f"--memory={limits.total}m", f"--memory-swap={limits.total}m",
               f"--pids-limit={limits.processes}", "--cpus=2", f"--shm-size={limits.files}m",
               f"--tmpfs=/tmp:rw,nosuid,nodev,{size}", "--workdir=/tmp", "--entrypoint="]
    command += [f"--env={name}={value}" for name, value in variables.items() if name != "PATH"]
    return [*command, image, *runner("python3")]


def runner(python: str) -> list[str]:
    """The command inside."""
    return [python, "-I", "-c", (SCRIPTS / "sandbox_runner.py").read_text(encoding="utf-8")]


def environment(python: str, seed: str) -> dict[str, str]:
    """The variables inside: nothing of the teacher's but the class's seed."""
    return {"PATH": f"{Path(python).absolute().parent}:/usr/bin:/bin", "HOME": "/tmp",
            "TMPDIR": "/tmp", "USER": "student", "LOGNAME": "student", "LANG": "C.UTF-8",
            "IPYTHONDIR": "/tmp/ipython", "JUPYTER_RUNTIME_DIR": "/tmp/jupyter",
            "JUPYTER_PLATFORM_DIRS": "1", "MPLBACKEND": "agg", "MPLCONFIGDIR": "/tmp/matplotlib",
            "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2",
            "COURSEKIT_PLAIN": "1", "COURSEKIT_CLASS": seed}
