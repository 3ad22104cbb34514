"""A fork: the course copied into an empty folder, one file edited, one command, built and crawled.

The copy is what "Use this template" makes: the files, and a history of one commit. It is built
whole, as pages that link to one another cannot be built in part without a warning.
"""

import functools
import json
import os
import re
import shutil
import subprocess
import threading
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import course
import fork_check
import jupyter_book
import pytest
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
PYTHON = Path(jupyter_book.__file__).parents[4] / "bin/python"       # of the reader's environment
VENV = PYTHON.parents[1]
MAKE = ["make", "-o", f"{VENV}/ready", f"VENV={VENV}"]              # nothing is installed anew
OWNER, NAME, BRANCH = "Ada-Example", "vision-2027", "term/2027"
REPOSITORY = f"https://github.com/{OWNER}/{NAME}"
COLAB = "https://colab.research.google.com"
SITE, HUB, BINDER = f"/{NAME}/", "https://hub.example.edu", "https://mybinder.org"
EDITS = {   # a line's beginning in course.yml, and what a teacher writes there
    "repository: ": f"{OWNER}/{NAME}", "branch: ": BRANCH, "title: ": "Vision 2027",
    "institution: ": "Example University", "hub: ": HUB, "binder: ": BINDER,
    "  start: ": "2027-01-11", "  weeks_off: ": "[2027-01-25]", "  time_zone: ": "Europe/Berlin",
    "  A: ": "2027-02-05 18:00", "  line: ": "Adapted from Pixels to Instances, cut to six weeks.",
}
pytestmark = pytest.mark.timeout(600)


def run(*command, cwd, fails=False):
    """Run a command, with the folder's own package first; return what it printed."""
    keep = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True,
                          env={**keep, "PYTHONPATH": str(Path(cwd) / "src")})
    told = done.stdout + done.stderr
    assert (done.returncode != 0) == fails, f"{command}\n{told[-5000:]}"
    return told


AS = "git -c user.name=Ada -c user.email=ada@example.edu "


def git(*command, cwd):
    return run(*AS.split(), *command, cwd=cwd)


def copy_of_the_course(folder):
    """What this checkout holds, tracked or to be, as a repository of one commit."""
    listed = subprocess.run(["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT,
                            capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, listed):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    first_commit(folder)


def first_commit(folder):
    git("init", "-q", "-b", BRANCH, cwd=folder)
    git("add", "-A", cwd=folder)
    git("commit", "-qm", "Initial commit", cwd=folder)


def edit(folder, edits):
    """What a person does in course.yml with an editor."""
    file = folder / "course.yml"
    text = file.read_text(encoding="utf-8")
    for start, new in edits.items():
        text, count = re.subn(rf"^{start}.*$", start + new, text, flags=re.M)
        assert count == 1, start
    file.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def fork(tmp_path_factory):
    """The fork after `make course`, committed, not yet built."""
    folder = tmp_path_factory.mktemp("fork") / NAME
    folder.mkdir()
    copy_of_the_course(folder)
    edit(folder, EDITS)
    told = run(*MAKE, "course", cwd=folder)
    assert f"{OWNER}/{NAME}, branch {BRANCH}" in told and "11 January 2027" in told
    git("commit", "-qam", "Our own course", cwd=folder)
    return folder


@pytest.fixture(scope="module")
def built(fork):
    """The fork's website, built with the browser packages and the network of this checkout."""
    (fork / "node_modules").symlink_to(ROOT / "node_modules")
    if (ROOT / "_build/playground").is_dir():
        shutil.copytree(ROOT / "_build/playground", fork / "_build/playground")
    run(*MAKE, "book", cwd=fork)
    return fork / "_build/html"


class Links(HTMLParser):
    """A page's addresses, its identifiers, its words."""

    def __init__(self, page):
        super().__init__()
        self.found, self.words, self.ids = [], "", set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        said = dict(attributes)
        self.found += [said[name] for name in ("href", "src") if said.get(name)]
        self.ids |= {said[name] for name in ("id", "name") if said.get(name)}

    def handle_data(self, data):
        self.words += data


@pytest.fixture(scope="module")
def pages(built):
    found = sorted(path for path in built.rglob("*.html") if "_static" not in path.parts)
    return {path.relative_to(built).as_posix(): Links(path) for path in found}


def notebooks(pages):
    return [name for name in pages if re.match(r"notebooks/.*\d\d_\w+\.html", name)]


def test_only_what_holds_an_address_has_changed(fork):
    changed = git("diff", "--name-only", "HEAD~1", cwd=fork).splitlines()
    assert {"course.yml", "_config.yml"} < set(changed)
    others = set(changed) - {"course.yml", "_config.yml"}
    assert all(re.fullmatch(r"(notebooks|notebooks/solutions|labs)/\w+\.ipynb", name)
               for name in others), others
    assert len(others) == len([*fork.glob("notebooks/**/*.ipynb"), *fork.glob("labs/*.ipynb")])


def test_a_second_time_nothing_changes(fork):
    run(*MAKE, "course", cwd=fork)
    assert git("status", "--porcelain", "--untracked-files=no", cwd=fork) == ""


def test_every_set_up_cell_installs_from_the_fork_and_every_output_is_kept(fork):
    for path in [*fork.glob("notebooks/**/*.ipynb"), *fork.glob("labs/*.ipynb")]:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        [setup] = [cell for cell in cells if "setup" in cell["metadata"].get("tags", [])]
        assert f'@ git+{REPOSITORY}@{BRANCH}"' in "".join(setup["source"])
        before = json.loads((ROOT / path.relative_to(fork)).read_text(encoding="utf-8"))["cells"]
        assert [cell.get("outputs") for cell in cells] == [cell.get("outputs") for cell in before]


def test_the_forks_own_tests_of_texts_notebooks_and_address_pass(fork):
    told = run(PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_sync.py",
               "tests/test_repository.py", "-k", "address or hold_the_same or set_up", cwd=fork)
    assert " passed" in told and "failed" not in told


def test_fork_check_passes_before_and_after_the_book_is_built(fork, built):
    assert f"every launch link leads to its branch {BRANCH}." in run(*MAKE, "fork-check", cwd=fork)
    shutil.move(fork / "_build", fork / "_moved")
    try:
        assert "no built pages" in run(*MAKE, "fork-check", cwd=fork)
    finally:
        shutil.move(fork / "_moved", fork / "_build")


@pytest.mark.parametrize("file, old, new, told", [
    ("README.md", "# ", "# See https://github.com/YOUR_ORG/pixels-to-instances ",
     "has github.com/YOUR_ORG, which is the original's"),
    ("notebooks/03_upsampling.ipynb", f"@{BRANCH}", "@main", "its install link"),
    ("_build/html/notebooks/03_upsampling.html", f"{NAME}/blob/", "other/blob/", "its Colab link"),
    ("course.yml", OWNER, "Somebody-Else", "run `make course`"),
])
def test_fork_check_fails_on_what_is_left(file, old, new, told, fork, built):
    path = fork / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    try:
        said = run(*MAKE, "fork-check", cwd=fork, fails=True)
    finally:
        path.write_text(text, encoding="utf-8")
    assert told in said and file in said.replace("_config.yml", "course.yml")


def test_every_notebooks_page_opens_the_fork_on_colab_on_the_hub_and_on_binder(pages):
    assert len(notebooks(pages)) == 26
    for name in notebooks(pages):
        file = name.replace(".html", ".ipynb")
        links = set(pages[name].found)
        assert f"{COLAB}/github/{OWNER}/{NAME}/blob/{BRANCH}/{file}" in links
        assert f"{BINDER}/v2/gh/{OWNER}/{NAME}/{BRANCH}?urlpath=lab/tree/{file}" in links
        [hub] = [link for link in links if link.startswith(HUB)]
        assert urlsplit(hub).path == "/hub/user-redirect/git-pull"
        assert parse_qs(urlsplit(hub).query) == {"repo": [REPOSITORY], "branch": [BRANCH],
                                                 "urlpath": [f"lab/tree/{NAME}/{file}"]}


def test_no_link_of_any_page_leads_to_another_repository(pages):
    """Read here from the links themselves, not with fork-check's expressions."""
    seen = {"repository": 0, "colab": 0, "canonical": 0}
    for name, page in pages.items():
        for link in page.found:
            at, parts = urlsplit(link), urlsplit(link).path.strip("/").split("/")
            if at.netloc == "github.com" and parts[2:3] in (["edit"], ["issues"]):
                assert parts[:2] == [OWNER, NAME], (name, link)
            seen["repository"] += link == REPOSITORY
            if link.startswith(COLAB) and parts[0] == "github":
                assert parts[1:3] == [OWNER, NAME], (name, link)
                seen["colab"] += 1
            if at.netloc == f"{OWNER.lower()}.github.io":
                assert at.path == f"{SITE}{name}", (name, link)
                seen["canonical"] += 1
            assert "YOUR_ORG" not in link and "pixels-to-instances/" not in link, (name, link)
    assert min(seen.values()) >= 26, seen


def test_the_site_stands_below_the_forks_name(pages, built):
    """Every link within the site leads to a file and a place on it, from /vision-2027/."""
    for name, page in pages.items():
        for link in page.found:
            at = urlsplit(urljoin(f"http://site{SITE}{name}", link))
            if at.netloc != "site" or at.scheme != "http":
                continue
            assert at.path.startswith(SITE), (name, link)
            target = at.path.removeprefix(SITE) or "index.html"
            assert (built / target).is_file(), (name, link)
            if at.fragment and target in pages:
                assert at.fragment in pages[target].ids, (name, link)


def test_the_syllabi_show_the_forks_dates_and_skip_the_week_off(pages):
    words = pages["book/teach/syllabi.html"].words
    for week, day in ((1, "11 January 2027"), (2, "18 January 2027"), (3, "1 February 2027")):
        assert f"Week {week} ({day})" in words
    due = pages["book/teach/fork.html"].words
    assert "Friday 5 February 2027, 18:00 (Europe/Berlin)" in due
    assert due.count("at a time that course.yml does not say yet") == 4      # labs B, C, D, project


def test_each_page_says_who_teaches_and_where_it_comes_from(pages):
    for name, page in pages.items():
        if name.startswith(("book/", "notebooks/")):
            assert "Taught at Example University." in page.words, name
            assert EDITS["  line: "] in page.words, name
            assert "Vision 2027" in page.words, name


def test_the_page_on_forks_lists_links_for_the_learning_platform(pages, fork):
    links = pages["book/teach/fork.html"].found
    for path in [*ROOT.glob("notebooks/*.ipynb"), *ROOT.glob("labs/*.ipynb")]:
        file = path.relative_to(ROOT).as_posix()
        wanted = course.read(fork).links(file)
        assert len(wanted) == 3 and set(wanted.values()) <= set(links), file
    text = pages["book/teach/fork.html"].words
    assert f"command: [gitpuller, {REPOSITORY}, {BRANCH}, {NAME}]" in text
    assert not re.search("REPOSITORY_|SEED_VARIABLE|LAUNCH_LINKS", text)


class Site(SimpleHTTPRequestHandler):
    """Serves the site as Pages does: below its name, with its own page for what is not there."""

    def do_GET(self):
        path = urlsplit(self.path).path
        file = Path(self.directory) / (path.removeprefix(SITE) or "index.html")
        there = path.startswith(SITE) and file.is_file()
        body = (file if there else Path(self.directory) / "404.html").read_bytes()
        self.send_response(200 if there else 404)
        self.send_header("Content-Type", self.guess_type(str(file) if there else "x.html"))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def test_in_a_browser_the_site_works_below_the_forks_name(built):
    chromium = subprocess.run([ROOT / "scripts/browser"], capture_output=True, text=True)
    handler = functools.partial(Site, directory=str(built))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server, sync_playwright() as play:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        at = f"http://127.0.0.1:{server.server_port}"
        browser = play.chromium.launch(executable_path=chromium.stdout.strip(),
                                       args=["--no-sandbox"])
        page, missing = browser.new_page(), []
        page.on("response", lambda got: got.status == 404 and missing.append(got.url))
        page.goto(f"{at}{SITE}")
        page.wait_for_url("**/book/index.html")
        page.goto(f"{at}{SITE}notebooks/03_upsampling.html")
        assert page.locator("a[href*='colab.research.google.com']").first.get_attribute("href") \
            .endswith(f"{OWNER}/{NAME}/blob/{BRANCH}/notebooks/03_upsampling.ipynb")
        assert missing == []
        page.goto(f"{at}{SITE}notebooks/no-such-page.html")
        home = page.locator(f"a[href^='{SITE}']").first.get_attribute("href")
        assert page.request.get(f"{at}{home}").status == 200
        browser.close()
        server.shutdown()


def test_new_chapters_of_the_original_arrive_by_the_pages_commands(fork, tmp_path):
    """A copy of the template remembers its original; both change; the page's commands merge."""
    page = (ROOT / "book/teach/fork.md").read_text(encoding="utf-8")
    original, ours = tmp_path / "original", tmp_path / "ours"
    original.mkdir()
    shutil.copytree(fork, ours, ignore=shutil.ignore_patterns("_build", "node_modules"))
    run("bash", "-c", f"git archive HEAD~1 | tar -x -C '{original}'", cwd=fork)
    first_commit(original)

    def ask(start, fails=False):
        """Run the page's commands that begin so."""
        found = re.findall(rf"^{start}.*$", page, re.M)
        assert found, start
        for command in found:
            command = command.replace("upstream/main", f"upstream/{BRANCH}").replace("git ", AS, 1)
            told = run("bash", "-c", command, cwd=ours, fails=fails)
        return told

    git("remote", "add", "upstream", str(original), cwd=ours)
    ask("git fetch upstream")
    ask("git merge --allow")
    assert git("diff", "HEAD~1", cwd=ours) == ""
    text = original / "notebooks/text/03_upsampling.md"
    text.write_text(text.read_text(encoding="utf-8") + "\nA sentence of the original's.\n",
                    encoding="utf-8")
    run(PYTHON, "scripts/sync.py", "jane/pixels-to-instances", cwd=original)
    git("commit", "-qam", "An address and a sentence", cwd=original)
    ask("git fetch upstream")
    said = ask("git merge upstream", fails=True)
    stopped = set(re.findall(r"Merge conflict in (.+)", said))
    assert {"course.yml", "_config.yml", "notebooks/03_upsampling.ipynb"} <= stopped
    assert all(re.search(r"^(course|_config)\.yml$|\.ipynb$", name) for name in stopped)
    ask("git checkout --")
    run(*MAKE, "course", cwd=ours)
    git("add", "-A", cwd=ours)
    git("commit", "-qm", "What is new in the original", cwd=ours)
    assert "A sentence of the original's." in (ours / "notebooks/03_upsampling.ipynb").read_text()
    assert fork_check.problems(ours) == []
