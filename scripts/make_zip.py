"""Pack the built site into one zip that is read without a network: `make zip`.

Browsers run no modules from files. So the interactive figures travel as classic scripts, the ones
that notebooks carry, and are alive on a page that was opened as a file. The playground has to ask
for its network, which no file may: its page shows the stored answer there, and each page says how
to serve the folder. Served, the zip is the site.

    python scripts/make_zip.py               into _build/html/take-along
    python scripts/make_zip.py --out FILE    elsewhere, and the site is left as it is
"""

import argparse
import re
import time
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import take_along
from build_book import SITE

from coursekit.figures import FIGURES, inline_script

ROOT_FOLDER = "pixels-to-instances"
QUIZ = "_static/quiz"            # a module that imports nothing
LEFT_OUT = ("take-along/", "404.html", ".buildinfo")
MODULE = re.compile(r'<script type="module" src="([^"]*?)(_static/(?:figures/)?([a-z0-9-]+))\.js'
                    r'[^"]*"></script>')
WHEN_SERVED = ('<script>location.protocol === "file:" || document.head.append(Object.assign('
               'document.createElement("script"), {{type: "module", src: "{}.js"}}))</script>')
HOW = ("run <code>python -m http.server</code> in the folder <code>pixels-to-instances</code>, "
       "then open <code>http://localhost:8000</code>.")
NOTE = ('<p class="from-files"><small>You read this page as a file, and its figures are alive. '
        f'The playground comes alive when the folder is served: {HOW}</small></p>'
        '<script>location.protocol === "file:" || document.querySelector(".from-files").remove()'
        '</script>')
READ_ME = """Pixels to Instances, to be read without a network.

Open index.html. The pages, their figures and the search work as they are.
The playground, in which the trained network runs, needs a server. In this folder:

    python -m http.server

and then open http://localhost:8000 in a browser.
"""


def classic(name: str) -> str:
    """A figure's module and all it imports as one script of the kind that files may run."""
    module = re.search(r'<script type="module">\n(.*)</script>', inline_script(name), re.S)[1]
    return f"(() => {{\n{module}}})();\n"


def offline_page(text: str) -> str:
    """A page that also works when it is opened as a file, and that says how to serve it."""
    def script(found: re.Match) -> str:
        if found[3] in FIGURES or found[2] == QUIZ:
            return f'<script defer src="{found[1]}{found[2]}.classic.js"></script>'
        return WHEN_SERVED.format(found[1] + found[2])

    text = MODULE.sub(script, take_along.without_links(text))
    text = re.sub(r'<link rel="preload"[^>]* crossorigin>\n?', "", text)    # fonts: files may not
    return text.replace('<article class="bd-article">', f'<article class="bd-article">{NOTE}', 1)


def offline_files() -> dict[str, bytes]:
    """What the zip holds, by path."""
    files = {"READ-ME-FIRST.txt": READ_ME.encode()}
    for path in sorted(SITE.rglob("*")):
        name = path.relative_to(SITE).as_posix()
        if path.is_dir() or name.startswith(LEFT_OUT):
            continue
        files[name] = path.read_bytes()
        if path.suffix == ".html":
            files[name] = offline_page(path.read_text(encoding="utf-8")).encode()
    for name in FIGURES:
        files[f"_static/figures/{name}.classic.js"] = classic(name).encode()
    files[f"{QUIZ}.classic.js"] = b"(() => {\n" + files[f"{QUIZ}.js"] + b"})();\n"
    # without its preloads a font may come late; and a search in files cannot read the pages
    for name, said, meant in (
            ("_static/course.css", "font-display: optional", "font-display: swap"),
            ("_static/documentation_options.js", "SHOW_SEARCH_SUMMARY: true",
             'SHOW_SEARCH_SUMMARY: location.protocol !== "file:"')):
        text = files[name].decode()
        if said not in text:
            raise ValueError(f"{name} does not say {said!r} any more: see what it says now.")
        files[name] = text.replace(said, meant).encode()
    return files


def pack(out: Path) -> None:
    """Write the zip; the same site gives the same bytes."""
    with ZipFile(out, "w", ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in offline_files().items():
            entry = ZipInfo(f"{ROOT_FOLDER}/{name}")
            entry.compress_type, entry.external_attr = ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, data)


def main() -> None:
    """Pack the site, link the zip from it, and say how large it is."""
    parser = argparse.ArgumentParser(description="Pack the built site into one zip.")
    parser.add_argument("--out", type=Path)
    out = parser.parse_args().out
    start = time.perf_counter()
    take_along.ensure_book()
    pack(out or take_along.ZIP)
    if not out:
        take_along.announce()
    print(f"zip: {(out or take_along.ZIP).stat().st_size / 1e6:.0f} MB, "
          f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
