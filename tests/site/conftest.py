"""The built book, served on this machine as GitHub Pages would serve it, and a browser for it.

`site` is the book's address; `page(path, scheme=…, width=…)` opens one of its pages in a window of
its own and notes what the page asks for and complains of. Any host but this one is refused.
"""

import fcntl
import functools
import gzip
import os
import shutil
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / "_build" / "html"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
COMPRESSED = (".html", ".css", ".js", ".mjs", ".json", ".svg", ".txt", ".xml", ".ipynb", ".wasm")
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".svg", ".ico")
FOLDER = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"].split("/")[-1]
ALONE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"    # no other host has an address
REPORT = pytest.StashKey[dict]()
PROBE = (Path(__file__).parent / "probe.js").read_text(encoding="utf-8")
# of the table at the end: heading, key, unit, digits
COLUMNS = (("KB text", "text", 1000, 0), ("pictures", "pictures", 1000, 0),
           ("shift", "shift", 1, 3), ("at 360", "phone", 1, 3), ("axe", "axe", 1, 0),
           ("paint s", "paint", 1, 2))


@functools.cache
def compressed(path: Path) -> bytes:
    return gzip.compress(path.read_bytes(), 6)


def file_of(url: str) -> Path:
    """The built file that an address of the book stands for."""
    return BUILT / (urlsplit(url).path.removeprefix(f"/{FOLDER}/") or "index.html")


def bytes_sent(path: Path) -> int:
    """What the server sends for a file."""
    return len(compressed(path)) if path.suffix in COMPRESSED else path.stat().st_size


class Pages(SimpleHTTPRequestHandler):
    """Serves the book below its repository's name, text compressed."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True     # else each body waits 40 ms for a late acknowledgement

    def do_GET(self):
        path = file_of(self.path)
        status = 200 if path.is_file() and self.path.startswith(f"/{FOLDER}/") else 404
        path = path if status == 200 else BUILT / "404.html"
        packed = path.suffix in COMPRESSED
        body = compressed(path) if packed else path.read_bytes()
        self.send_response(status)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Length", str(len(body)))
        if packed:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *args):
        """A browser that closes a connection early is no news."""


@pytest.fixture(scope="session")
def site():
    """The address of the book's folder, ending in a slash."""
    assert BUILT.is_dir(), "There is no built book in _build/html: run `make book` first."
    with Server(("127.0.0.1", 0), Pages) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/{FOLDER}/"
        server.shutdown()


@pytest.fixture(scope="session")
def browser():
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert path, "Chromium or Chrome must be on the PATH: scripts/browser installs or names it."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", ALONE])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def open_page(browser, site):
    """open_page(path) opens a page of the book in a window with an empty cache.

    Close it by `.context.close()`.

    The page carries `outside` (addresses elsewhere that it asked for), `errors` (of scripts and the
    console) and `answers` (addresses of the book itself). `slower=6` slows its scripts and layout.
    """
    def open_page(path="book/index.html", *, scheme="light", width=1280, height=900, scripts=True,
                  slower=1):
        context = browser.new_context(viewport={"width": width, "height": height},
                                      color_scheme=scheme, java_script_enabled=scripts,
                                      reduced_motion="reduce")     # no color is caught halfway
        context.set_default_timeout(60_000)
        page = context.new_page()
        page.outside, page.errors, page.answers = [], [], []

        def note(request):    # asks the browser nothing: a handler that does may wait for itself
            if request.url.startswith(site):
                page.answers.append(request.url)
            elif not request.url.startswith(("data:", "blob:")):
                page.outside.append(request.url)

        page.on("request", note)
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.on("console", lambda message: page.errors.append(message.text)
                if message.type in ("error", "warning") else None)
        if scripts:
            page.add_init_script(PROBE)
        if slower > 1:
            throttle = context.new_cdp_session(page)
            throttle.send("Emulation.setCPUThrottlingRate", {"rate": slower})
        page.goto(site + path, wait_until="load")
        return page

    return open_page


@pytest.fixture
def page(open_page):
    """`open_page`, whose windows are closed at the end of the test."""
    opened = []

    def page(*args, **kwargs):
        opened.append(open_page(*args, **kwargs))
        return opened[-1]

    yield page
    for one in opened:
        one.context.close()


@pytest.fixture(scope="session")
def weigh():
    """weigh(addresses) -> (bytes of pictures, bytes of all else) that the server sends for them."""
    def weigh(addresses):
        sizes = {"pictures": 0, "text": 0}
        for path in {file_of(address) for address in addresses}:
            if path.is_file():
                sizes["pictures" if path.suffix in PICTURES else "text"] += bytes_sent(path)
        return sizes["pictures"], sizes["text"]

    return weigh


@pytest.fixture(scope="session")
def report(request):
    """A table of figures, a row a page, printed at the end of the run."""
    return request.config.stash[REPORT]["pages"]


@pytest.fixture(scope="session")
def note(request):
    """note(line): a measured figure, printed at the end of the run."""
    return request.config.stash[REPORT]["notes"].append


# ---- two workers, each with whole files, so that a page is opened once; what is timed is alone
# (Two that visit pages at once take longer than one: a visit keeps both cores of a small machine.)

def pytest_configure(config):
    config.stash[REPORT] = {"pages": {}, "notes": []}
    config.addinivalue_line("markers", "alone: is timed, so that no other test of the site runs "
                            "beside it")


@pytest.fixture(autouse=True)
def shared_machine(request, tmp_path_factory):
    """Tests share the room; one that is marked `alone` waits until it is empty, then shuts it."""
    if "PYTEST_XDIST_WORKER" not in os.environ:            # a run of one worker
        yield
        return
    folder = tmp_path_factory.getbasetemp().parent         # that of all workers of this run
    shared = not request.node.get_closest_marker("alone")
    with open(folder / "site-door", "w") as door, open(folder / "site-room", "w") as room:
        fcntl.flock(door, fcntl.LOCK_EX)      # nobody comes in while somebody waits for the room
        fcntl.flock(room, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        if shared:
            fcntl.flock(door, fcntl.LOCK_UN)
        yield


def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):    # a worker of pytest-xdist: the parent prints
        session.config.workeroutput["site"] = session.config.stash[REPORT]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    told = getattr(node, "workeroutput", {}).get("site", {"pages": {}, "notes": []})
    node.config.stash[REPORT]["pages"].update(told["pages"])
    node.config.stash[REPORT]["notes"] += told["notes"]


def pytest_terminal_summary(terminalreporter, config):
    rows, notes = config.stash[REPORT]["pages"], config.stash[REPORT]["notes"]
    if rows:
        terminalreporter.section("the book's pages, each as a browser met it")
        terminalreporter.line("  ".join(f"{words:>8}" for words, *_ in COLUMNS) + "  page")
        for name, row in sorted(rows.items()):
            cells = (f"{row[key] / unit:8.{digits}f}" if key in row else f"{'-':>8}"
                     for _, key, unit, digits in COLUMNS)
            terminalreporter.line("  ".join(cells) + f"  {name}")
    for line in notes:
        terminalreporter.line(line)
