"""Build the book's website into `_build/html` from the notebooks' stored outputs.

Four steps: fetch the browser-side packages that `package-lock.json` names (npm, with the node that
pip installed); stage fonts, formula styles, the interactive figures and the playground as static
files; run Jupyter Book with every warning an error; finish the pages (image sizes, lazy loading,
only the icons in use, a front door, a page for lost readers). In the end every page of the contents
must be there.

    python scripts/build_book.py                 the whole book
    python scripts/build_book.py --toc FILE      another table of contents, for a trial
"""

import argparse
import html
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import landing
import playground_assets
import yaml
from fontTools import subset
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
NODE_MODULES = ROOT / "node_modules"
STAGED = ROOT / "_build" / "static"
SITE = ROOT / "_build" / "html"
FONTS = ("source-serif-4-latin-wght-normal", "source-serif-4-latin-wght-italic",
         "source-sans-3-latin-wght-normal", "source-code-pro-latin-wght-normal")
# asked for early, on pages that have the mark, so that no line moves when they come
EARLY_FONTS = {f"fonts/{FONTS[0]}": "<", f"fonts/{FONTS[2]}": "<",
               f"fonts/{FONTS[1]}": "<(em|cite|i)>", f"fonts/{FONTS[3]}": "<(pre|code)",
               "katex/fonts/KaTeX_Main-Regular": 'class="katex',
               "katex/fonts/KaTeX_Math-Italic": 'class="katex'}
EVERY_SITE_HAS = ("index.html", "404.html", "search.html", "searchindex.js", "genindex.html",
                  "objects.inv", "_static/course.css", "_static/logo.svg", "_static/favicon.svg",
                  "_static/playground/find.onnx", "_static/playground/masks.onnx")
SETUP_CELL = (r'(<div class="cell tag_setup[^>]*>\s*)'
              r'(<div class="cell_input.*?</pre>(?:\s*</div>){3})')
# a cell's output, not that of another cell, and the caption right after it
CAPTIONED = (r'<div class="cell_output(?:(?!<div class="cell_output).)*?'
             r'(?:</div>\s*|</details>\s*)+<p class="ck-caption"')
# the theme's search button and folding arrows get names that a screen reader can tell apart, and
# the bibliography loses roles that browsers have given up
NAMES = ((r'(<button class="btn search-button-field[^>]*?) aria-label="Search"', r"\1"),
         (r'(>([^<>]+)</a><details[^>]*><summary)>', r'\1 aria-label="Pages under: \2">'),
         (r'<div role="list" class="citation-list">', '<div class="citation-list">'),
         (r'(<div class="citation"[^>]*?) role="doc-biblioentry"', r"\1"))
# browsers that draw no SVG in a tab, and telephones, take these
ICONS = (r'<link rel="icon" href="([^"]*)favicon\.svg"\s*/?>',
         r'<link rel="icon" href="\1favicon.ico" sizes="32x32">\n'
         r'<link rel="icon" href="\1favicon.svg" type="image/svg+xml">\n'
         r'<link rel="apple-touch-icon" href="\1apple-touch-icon.png">')
# the theme's scripts find out only after the page is drawn whether it is to be light or dark, and
# colors, logo and lines of code would change before the reader's eyes: so ask at once
SCHEME = ('localStorage.getItem("theme") || "auto";',
          '(mode => mode !== "auto" ? mode : matchMedia("(prefers-color-scheme: dark)").matches '
          '? "dark" : "light")(document.documentElement.dataset.mode);')
# where a reader's browser lets a site keep nothing, the theme's scripts would stop at the first try
STORAGE = ("<head>", "<head>\n<script>try { localStorage } catch { Object.defineProperty(window, "
           "'localStorage', {value: {getItem: () => null, setItem() {}, removeItem() {}}}) }"
           "</script>")
# the folder of this python first, so that jupyter-book and npm are the ones that pip installed
ENVIRONMENT = {**os.environ, "NO_COLOR": "1",
               "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def install_packages() -> None:
    """Run `npm ci`, unless what is installed already came from this lock file."""
    lock = (ROOT / "package-lock.json").read_text()
    stamp = NODE_MODULES / ".installed-from"
    if stamp.exists() and stamp.read_text() == lock:
        return
    subprocess.run(["npm", "ci", "--loglevel=error"], cwd=ROOT, env=ENVIRONMENT, check=True)
    stamp.write_text(lock)


def stage_assets(folder: Path = STAGED) -> None:
    """Copy fonts, the formulas' style and the interactive figures to where the site serves them."""
    shutil.rmtree(folder, ignore_errors=True)
    fonts = folder / "vendor" / "fonts"
    fonts.mkdir(parents=True)
    for name in FONTS:
        family = name.split("-latin-")[0]
        package = NODE_MODULES / "@fontsource-variable" / family
        shutil.copy(package / "files" / f"{name}.woff2", fonts)
        shutil.copy(package / "LICENSE", fonts / f"{family}-LICENSE.txt")
    katex, staged = NODE_MODULES / "katex", folder / "vendor" / "katex"
    shutil.copytree(katex / "dist/fonts", staged / "fonts",
                    ignore=shutil.ignore_patterns("*.ttf", "*.woff"))
    style = (katex / "dist/katex.min.css").read_text()
    style = re.sub(r',url\([^)]*\.(?:woff|ttf)\) format\("[a-z]+"\)', "", style)
    (staged / "katex.min.css").write_text(style)
    shutil.copy(katex / "LICENSE", staged / "LICENSE.txt")
    shutil.copytree(ROOT / "src/coursekit/figures", folder / "figures",
                    ignore=shutil.ignore_patterns("*.py", "__pycache__", ".*"))


def run_jupyter_book(toc: Path) -> None:
    """Build afresh; a warning of any kind fails the build."""
    shutil.rmtree(SITE, ignore_errors=True)
    command = ["jupyter-book", "build", ".", "--all", "-W", "--keep-going", "-n", "--toc", str(toc)]
    with open(SITE.parent / "build.log", "w+", encoding="utf-8") as log:
        failed = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, stdout=log,
                                stderr=subprocess.STDOUT, check=False).returncode
        log.seek(0)
        lines = log.read().splitlines()
    if failed:
        told = [line for line in lines if re.search("WARNING|ERROR|CRITICAL", line)] or lines[-30:]
        sys.exit("\n".join([*told, f"The book did not build; all it said is in {log.name}."]))


def image_size(path: Path) -> tuple[int, int] | None:
    """(width, height) in pixels, also of a drawing in SVG; None where the file is not ours."""
    if not path.is_file():
        return None
    if path.suffix != ".svg":
        with Image.open(path) as image:
            return image.size
    box = re.search(r'viewBox="[\d.-]+ [\d.-]+ ([\d.]+) ([\d.]+)"', path.read_text())
    return (round(float(box[1])), round(float(box[2]))) if box else None


def finish_image(tag: str, page: Path) -> str:
    """Give an <img> its width and height, and let it wait until it is scrolled to."""
    source = re.search(r'src="([^"]*)"', tag)
    ours = source and not source[1].startswith("data:")
    size = image_size(page.parent / html.unescape(source[1])) if ours else None
    added = ""
    if size and "width=" not in tag and "height=" not in tag:
        added += f' width="{size[0]}" height="{size[1]}"'
        if "class=" not in tag and size[0] > max(560, 1.8 * size[1]):
            added += ' class="wide"'
    if "loading=" not in tag:
        eager = re.search(r'class="[^"]*\b(hero|logo__image)\b', tag)
        added += ' fetchpriority="high"' if eager else ' loading="lazy" decoding="async"'
    return f"<img{added}{tag[4:]}"


def narrow_caption(found: re.Match) -> str:
    """Make a caption as wide as the widest picture or figure above it, and never very narrow."""
    widths = [int(width) for width in re.findall(r'<img\b[^>]*? width="(\d+)"', found[0])]
    width = f' style="max-width: {max(*widths, 400)}px"' if widths else ""
    return found[0] + width


def finish_page(page: Path) -> str:
    """Write picture sizes, lazy loading and early fonts into a page; return its text."""
    text = page.read_text(encoding="utf-8")
    text = re.sub(r"<img\b[^>]*>", lambda found: finish_image(found[0], page), text)
    style = re.search(r'<link href="([^"]*_static/)styles/theme\.css', text)
    if style:
        fonts = [name for name, where in EARLY_FONTS.items() if re.search(where, text)]
        early = "".join(f'<link rel="preload" href="{style[1]}vendor/{name}.woff2" as="font" '
                        f'type="font/woff2" crossorigin>\n' for name in fonts)
        text = text.replace(style[0], early + style[0], 1)
    text = re.sub(SETUP_CELL, r'\1<details class="setup"><summary>Set-up cell, for those who run '
                  r"this notebook</summary>\2</details>", text, flags=re.S)
    for said, meant in (*NAMES, ICONS):
        text = re.sub(said, meant, text)
    text = text.replace(*SCHEME).replace(*STORAGE)
    text = re.sub(CAPTIONED, narrow_caption, text, flags=re.S)
    text = re.sub(r'\s*<script[^>]*scripts/fontawesome\.js[^>]*></script>', "", text)
    page.write_text(text, encoding="utf-8")
    return text


def keep_used_icons(pages: list[str]) -> None:
    """Cut the theme's icon font and its style (0.3 MB) down to the icons that the pages show."""
    style_file = SITE / "_static/styles/pydata-sphinx-theme.css"
    style = style_file.read_text(encoding="utf-8")
    scripts = [path.read_text(encoding="utf-8")
               for path in (SITE / "_static/scripts").glob("*theme*.js")]
    used = set(re.findall(r"\bfa-[a-z0-9-]+", "".join(pages + scripts)))

    def keep(rule: re.Match) -> str:
        return rule[0] if used & set(re.findall(r"fa-[a-z0-9-]+", rule[1])) else ""

    style = re.sub(r'((?:\.fa-[\w-]+:before,?)+)\{content:"[^"]*"\}', keep, style)
    codes = {int(code, 16) for code in re.findall(r'content:"\\([ef][0-9a-f]{3})"', style)}
    codes |= {ord(letter) for letter in style if "\ue000" <= letter <= "\uf8ff"}   # as themselves
    folder = SITE / "_static/vendor/fontawesome/webfonts"
    for name in ("fa-solid-900", "fa-regular-400", "fa-brands-400"):
        options = subset.Options(flavor="woff", ignore_missing_unicodes=True)
        font = subset.load_font(str(folder / f"{name}.ttf"), options)
        chosen = subset.Subsetter(options)
        chosen.populate(unicodes=sorted(codes))
        chosen.subset(font)
        subset.save_font(font, str(folder / f"{name}.woff"), options)
        style = re.sub(rf'{name}\.woff2\) format\("woff2"\),url\([^)]*\) format\("truetype"\)',
                       f'{name}.woff) format("woff")', style)
        (folder / f"{name}.ttf").unlink()
        (folder / f"{name}.woff2").unlink()
    style_file.write_text(style, encoding="utf-8")
    for path in [*SITE.glob("_static/scripts/fontawesome.js*"), *SITE.glob("_static/*macros.html")]:
        path.unlink()


def write_front_doors(settings: dict, root_page: str) -> None:
    """Write `index.html`, which leads to the first page, and `404.html` for lost addresses."""
    owner, name = settings["repository"]["url"].rstrip("/").split("/")[-2:]
    served = "/" if name.lower() == f"{owner.lower()}.github.io" else f"/{name}/"
    for page, base in (("404.html", served), ("index.html", "")):
        text = (ROOT / "book/_templates" / page).read_text(encoding="utf-8")
        text = text.replace("{{title}}", settings["title"]).replace("{{base}}", base)
        text = text.replace("{{target}}", base + root_page)
        (SITE / page).write_text(text, encoding="utf-8")


def toc_pages(entry: dict | list) -> list[str]:
    """Every page that a table of contents names, in reading order."""
    if isinstance(entry, list):
        return [page for item in entry for page in toc_pages(item)]
    own = [entry[key] for key in ("root", "file") if key in entry]
    return own + [page for key in ("parts", "chapters", "sections") for page in
                  toc_pages(entry.get(key, []))]


def main() -> None:
    """Build, finish and check the site; print how long it took."""
    parser = argparse.ArgumentParser(description="Build the book's website into _build/html.")
    parser.add_argument("--toc", type=Path, default=ROOT / "_toc.yml")
    toc_file = parser.parse_args().toc
    settings = yaml.safe_load((ROOT / "_config.yml").read_text())
    pages = toc_pages(yaml.safe_load(toc_file.read_text()))
    start = time.perf_counter()
    install_packages()
    stage_assets()
    playground_assets.stage(STAGED)
    landing.stage(STAGED)
    installed = time.perf_counter()
    run_jupyter_book(toc_file.resolve())
    write_front_doors(settings, f"{pages[0]}.html")
    keep_used_icons([finish_page(page) for page in sorted(SITE.rglob("*.html"))])
    missing = [name for name in [*(f"{page}.html" for page in pages), *EVERY_SITE_HAS]
               if not (SITE / name).is_file()]
    if missing:
        sys.exit(f"The build ended without an error, but {', '.join(missing)} is not in {SITE}.")
    ended = time.perf_counter()
    print(f"book: {len(pages)} pages in _build/html, packages {installed - start:.0f} s, "
          f"build {ended - installed:.0f} s")


if __name__ == "__main__":
    main()
