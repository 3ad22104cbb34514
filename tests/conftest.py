"""What all tests share: one thread for each worker, and photographs that may not be here.

Penn-Fudan's photographs are too large to lie in the repository. Mark a test that reads them with
`@pytest.mark.needs_pennfudan`. Without them it is deselected, and the summary names it and says
why; with COURSEKIT_REQUIRE_DATA=1 it fails in one sentence. Nothing is ever downloaded for a test:
run `PennFudan()` once, or set COURSEKIT_DATA.
"""

import os
from functools import cache

import pytest

DESELECTED = pytest.StashKey[list]()
# Beside another worker, threads that wait for a core keep it busy with waiting, and all are slow.
# Set before anything imports torch, this holds for the kernels and processes of a test, too.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@cache
def why_absent() -> str:
    """Why Penn-Fudan cannot be read here; empty where it can."""
    from coursekit.data.pennfudan import PennFudan  # here, as torch takes seconds to import

    try:
        PennFudan(download=False)
    except FileNotFoundError as error:
        return str(error)
    return ""


def required() -> bool:
    return os.environ.get("COURSEKIT_REQUIRE_DATA") == "1"


def pytest_configure(config):
    config.stash[DESELECTED] = []
    config.addinivalue_line("markers", "needs_pennfudan: reads Penn-Fudan's photographs; "
                            "deselected without them, fails if COURSEKIT_REQUIRE_DATA=1")
    config.addinivalue_line("filterwarnings",  # pycocotools 2.0.11's decode, with NumPy 2
                            "ignore:__array__ implementation doesn't accept:DeprecationWarning")


def pytest_collection_modifyitems(config, items):
    needing = [item for item in items if item.get_closest_marker("needs_pennfudan")]
    if needing and why_absent() and not required():
        items[:] = [item for item in items if item not in needing]
        config.hook.pytest_deselected(items=needing)
        config.stash[DESELECTED] += [item.nodeid for item in needing]


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    if pyfuncitem.get_closest_marker("needs_pennfudan") and why_absent():
        pytest.fail(f"COURSEKIT_REQUIRE_DATA=1 wants Penn-Fudan's photographs, but "
                    f"{why_absent().split('. ')[0]}.", pytrace=False)


def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):  # a worker of pytest-xdist: the parent prints
        session.config.workeroutput["deselected"] = session.config.stash[DESELECTED]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    seen = node.config.stash[DESELECTED]
    seen += [name for name in getattr(node, "workeroutput", {}).get("deselected", ())
             if name not in seen]


def pytest_terminal_summary(terminalreporter, config):
    if config.stash[DESELECTED]:
        terminalreporter.section("deselected: they need Penn-Fudan")
        for name in config.stash[DESELECTED]:
            terminalreporter.line(name)
        terminalreporter.line(why_absent())
