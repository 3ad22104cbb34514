"""The interactive figures in a browser: on a page like the site's, and as a notebook's output.

Driven by keyboard alone where it says so; every number is compared with the package's.
"""

import functools
import importlib.util
import json
import os
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

from coursekit.boxes import area, from_masks
from coursekit.data import CLASSES
from coursekit.figures import FIGURES, HERE, modules, show

pytestmark = pytest.mark.site
ROOT = Path(__file__).resolve().parents[2]
NAMES = sorted(FIGURES)
STYLE = """:root { color-scheme: light dark } body { margin: 0; font-family: sans-serif }
main { max-width: 46rem; margin: auto; padding: 0 16px }"""


def load_script(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def figure_html(name, plain, **params):
    """What `show` puts into a notebook's output."""
    before = os.environ.pop("COURSEKIT_PLAIN", None)
    try:
        if plain:
            os.environ["COURSEKIT_PLAIN"] = "1"
        return show(name, **params)._repr_html_()
    finally:
        os.environ.pop("COURSEKIT_PLAIN", None)
        if before is not None:
            os.environ["COURSEKIT_PLAIN"] = before


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def server():
    """The package's folder, served as the site serves the figures' modules."""
    handler = functools.partial(Quiet, directory=str(HERE))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def visit(browser, server):
    """visit(name) opens a page with the figure; it notes its `trouble` and what it `asked` for."""
    contexts = []

    def visit(name, *, plain=True, width=900, scheme="light", touch=False, **params):
        context = browser.new_context(viewport={"width": width, "height": 900},
                                      color_scheme=scheme, has_touch=touch)
        context.set_default_timeout(60_000)
        contexts.append(context)
        page, address = context.new_page(), f"{server}/page.html"
        script = f'<script type="module" src="{name}.js"></script>' if plain else ""
        figure = figure_html(name, plain, **params)
        text = (f'<!doctype html><html lang="en"><meta charset="utf-8"><title>figure</title>'
                f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style>{script}'
                f'<main><h1>Page</h1>{figure}<p>After it.</p></main></html>')
        page.trouble, page.asked = [], []

        def answer(route):
            if route.request.url == address:
                return route.fulfill(body=text, content_type="text/html")
            return route.continue_() if route.request.url.startswith(server) else route.abort()

        page.route("**/*", answer)
        page.on("request", lambda request: page.asked.append(request.url.removeprefix(server)))
        page.on("pageerror", lambda error: page.trouble.append(str(error)))
        page.on("console", lambda message: page.trouble.append(message.text)
                if message.type in ("error", "warning")
                and "favicon" not in str(message.location) else None)
        page.goto(address)
        page.wait_for_function(f"document.querySelector('ck-{name}').shadowRoot !== null")
        return page

    yield visit
    for context in contexts:
        context.close()


def text(page, selector):
    return page.locator(selector).inner_text()


def label(page, selector="canvas"):
    return page.locator(selector).first.get_attribute("aria-label")


def swipe(page, begin, end):
    """A finger goes down at one place of the screen, (x, y), and up at another."""
    touch = page.context.new_cdp_session(page)
    for kind, at in (("touchStart", begin), ("touchMove", end), ("touchEnd", None)):
        points = [dict(zip("xy", at, strict=True))] if at else []
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def claim(page, control="canvas.scene"):
    """Claim by Enter; whether the figure says that the task is solved, and in which words."""
    page.locator(control).press("Enter")
    words = text(page, ".verdict")
    solved = page.locator(".task.solved").count() == 1
    assert solved == words.startswith("✓ Solved")
    return solved, words


def put(page, **values):
    """Set sliders by name."""
    for name, value in values.items():
        page.locator(f"input[name={name}]").fill(str(value))


def walk(page, right, down, stride=8):
    """From the top left, by keyboard alone: sliders to their start, then arrow keys."""
    for slider in page.locator("input[type=range]").all():
        slider.press("Home")
    page.locator("canvas[tabindex]").focus()
    for steps, key in ((right, "ArrowRight"), (down, "ArrowDown")):
        for _ in range(steps // stride):
            page.keyboard.press(f"Shift+{key}")
        for _ in range(steps % stride):
            page.keyboard.press(key)


def choose(page, value, group="view"):
    """A radio button by keyboard: the group, then arrow keys."""
    page.locator(f"input[name={group}]:checked").focus()
    for _ in range(page.locator(f"input[name={group}]").count()):
        if page.locator(f"input[name={group}]:checked").get_attribute("value") == value:
            return
        page.keyboard.press("ArrowRight")
    raise AssertionError(f"no radio button for {value}")


def pixel_of(mask):
    """A pixel (x, y) well inside a mask: the middle one in its list of pixels."""
    pixels = mask.nonzero()
    y, x = pixels[len(pixels) // 2].tolist()
    return x, y


@pytest.fixture(scope="module")
def scene():
    """The sample that 'five-outputs' shows, drawn by PetScenes here and now."""
    return load_script("make_figure_data").scene_of("five-outputs")[1:]


# ---- every figure

@pytest.mark.parametrize("plain", [True, False], ids=["site", "notebook"])
@pytest.mark.parametrize("name", NAMES)
def test_figure_runs_without_an_error_and_asks_for_nothing_but_its_modules(visit, name, plain):
    page = visit(name, plain=plain)
    page.wait_for_timeout(200)
    assert page.trouble == []
    needed = [f"/{module}.js" for module in modules(name)] if plain else []
    asked = [url for url in page.asked if not url.startswith("data:") and url != "/favicon.ico"]
    assert sorted(asked) == sorted(["/page.html", *needed])
    assert page.locator("canvas").first.bounding_box()["width"] > 250


def test_two_notebook_outputs_in_one_page_both_live(visit):
    page = visit("five-outputs", plain=False)
    page.evaluate("""() => {
        const script = document.createElement('script');
        script.type = 'module';
        script.textContent = document.querySelector('script').textContent;
        const copy = document.querySelector('ck-five-outputs').cloneNode(true);
        document.querySelector('main').append(copy, script);
    }""")
    page.wait_for_timeout(200)
    assert page.locator("canvas").count() == 2 and page.trouble == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 900])
@pytest.mark.parametrize("name", NAMES)
def test_axe_finds_nothing_and_nothing_overflows(visit, name, width, scheme):
    page = visit(name, width=width, scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.evaluate((ROOT / "node_modules/axe-core/axe.min.js").read_text())
    found = page.evaluate("axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa',"
                          " 'wcag22aa', 'best-practice']})")
    assert [(v["id"], [n["html"][:120] for n in v["nodes"]]) for v in found["violations"]] == []
    assert page.locator(f"ck-{name}").get_attribute("data-scheme") == scheme


@pytest.mark.parametrize("width", [360, 900])
@pytest.mark.parametrize("name", NAMES)
def test_page_does_not_jump_when_the_figure_comes_alive(visit, name, width):
    page = visit(name, width=width)
    shift = page.evaluate("""() => new Promise((resolve) => { let sum = 0;
        new PerformanceObserver((list) => { for (const e of list.getEntries()) sum += e.value; })
            .observe({ type: 'layout-shift', buffered: true });
        setTimeout(() => resolve(sum), 300); })""")
    assert shift < 0.1


@pytest.mark.parametrize("name", NAMES)
def test_figure_follows_the_page_into_the_dark(visit, name):
    page = visit(name)
    def ground():
        return page.locator("figure").evaluate("figure => getComputedStyle(figure).backgroundColor")

    assert ground() == "rgb(255, 255, 255)"
    page.evaluate("""() => { document.documentElement.style.colorScheme = 'dark';
                             document.documentElement.dataset.theme = 'dark'; }""")
    page.wait_for_selector(f"ck-{name}[data-scheme=dark]")
    assert ground() != "rgb(255, 255, 255)"


@pytest.mark.parametrize("name", NAMES)
def test_without_scripts_the_picture_stands_there(browser, name):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.set_content(f"<main>{figure_html(name, True)}</main>")
    picture = page.get_by_role("img", name=FIGURES[name].alt)
    assert picture.is_visible() and picture.bounding_box()["width"] > 600
    context.close()


@pytest.mark.parametrize("name", NAMES)
def test_every_control_is_reached_by_tab_and_shows_its_focus(visit, name):
    page = visit(name)
    kinds = ("input[type=range]", "button", "canvas[tabindex]", "input[type=number]")
    controls = sum(page.locator(f"{kind}:visible").count() for kind in kinds)
    controls += page.locator("fieldset").count()       # a group of radio buttons is one stop
    seen = []
    for _ in range(controls):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("""() => {
            const focused = document.activeElement.shadowRoot?.activeElement;
            const framed = focused?.closest('.choice') ?? focused;
            return focused && [focused.name || focused.tagName,
                               getComputedStyle(framed).outlineStyle];
        }"""))
    assert len({found[0] for found in seen}) == controls
    assert {outline for _, outline in seen} == {"solid"}


# ---- five outputs

def test_pixel_is_read_as_the_package_has_it(visit, scene):
    image, target = scene
    x, y = pixel_of(target["masks"][0])
    page = visit("five-outputs")
    put(page, x=x, y=y)
    choose(page, "picture")
    values = ", ".join(f"{v:.3f}" for v in image[:, y, x].tolist())
    assert f"image[:, {y}, {x}] = {values}" in text(page, ".reading")
    choose(page, "semantic")
    number = int(target["semantic"][y, x])
    assert f"semantic[{y}, {x}] = {number}" in text(page, ".reading")
    assert f"Class {number}: {CLASSES[number]}" in text(page, ".reading")
    assert f"x {x}, y {y}: Class {number}: {CLASSES[number]}" in label(page)


def test_classification_lists_the_classes_of_the_semantic_map(visit, scene):
    present = [int((scene[1]["semantic"] == i).any()) for i in range(len(CLASSES))]
    page = visit("five-outputs", view="classification")
    assert f"present = {', '.join(map(str, present))}" in text(page, ".reading")
    names = [name for name, here in zip(CLASSES, present, strict=True) if here]
    assert ", ".join(names) in text(page, ".reading")


def test_boxes_and_areas_are_those_of_the_masks(visit, scene):
    masks, labels = scene[1]["masks"], scene[1]["labels"].tolist()
    boxes = from_masks(masks).int().tolist()
    page = visit("five-outputs")
    for i, mask in enumerate(masks):
        x, y = pixel_of(mask)
        put(page, x=x, y=y)
        choose(page, "instance")
        reading = text(page, ".reading")
        assert f"Instance {i}: {CLASSES[labels[i]]}" in reading
        assert f"masks[{i}, {y}, {x}] = True" in reading
        assert f"{int(mask.sum()):,} pixels" in reading
        choose(page, "detection")
        inside = [j for j, (x1, y1, x2, y2) in enumerate(boxes) if x1 <= x < x2 and y1 <= y < y2]
        smallest = min(inside, key=lambda j: area(torch.tensor(boxes[j:j + 1]).float()).item())
        x1, y1, x2, y2 = boxes[smallest]
        reading = text(page, ".reading")
        assert f"boxes[{smallest}] = {x1}, {y1}, {x2}, {y2}" in reading
        assert f"{x2 - x1} wide, {y2 - y1} high" in reading
        for j in inside:
            assert f"ox {j}" in reading
    choose(page, "localisation")
    largest = int(masks.flatten(1).sum(1).argmax())
    x, y = pixel_of(masks[largest])
    put(page, x=x, y=y)
    assert f"box = {', '.join(map(str, boxes[largest]))}" in text(page, ".reading")


def test_shapes_are_those_of_the_tensors(visit, scene):
    image, target = scene
    page = visit("five-outputs")
    tensors = {"picture": "image", "semantic": "semantic", "detection": "boxes",
               "instance": "masks"}
    for view, name in tensors.items():
        choose(page, view)
        assert f"{name} {tuple({'image': image, **target}[name].shape)}" in text(page, ".shape")


def test_task_is_confirmed_by_keyboard_alone_and_mistakes_are_named(visit, scene):
    masks, labels = scene[1]["masks"], scene[1]["labels"].tolist()
    pair = next((i, j) for j in range(3) for i in range(j) if labels[i] == labels[j])
    other = next(i for i in range(3) if i not in pair)
    page = visit("five-outputs")

    def mark(*instances):
        page.locator("[name=reset]").press("Enter")
        for i in instances:
            x, y = pixel_of(masks[i])
            walk(page, x, y)
            page.keyboard.press("Enter")
        return text(page, ".verdict")

    assert f"both belong to instance {pair[0]}" in mark(pair[0], pair[0])
    assert "the classes differ" in mark(pair[0], other)
    assert page.locator(".task.solved").count() == 0
    assert mark(*pair).startswith("✓ Solved") and page.locator(".task.solved").count() == 1
    page.locator("[name=reset]").press("Enter")
    assert page.locator(".task.solved").count() == 0


def test_arrow_keys_move_and_stop_at_the_edges(visit, scene):
    height, width = scene[0].shape[1:]
    page = visit("five-outputs")
    put(page, x=10, y=0)
    canvas = page.locator("canvas")
    canvas.press("ArrowUp")
    canvas.press("ArrowRight")
    canvas.press("Shift+ArrowDown")
    assert "At x 11, y 8:" in label(page)
    for _ in range(width // 8 + 1):
        canvas.press("Shift+ArrowRight")
    assert f"At x {width - 1}, y 8:" in label(page)


def test_mouse_moves_the_cursor_and_a_click_marks(visit, scene):
    page = visit("five-outputs")
    bounds = page.locator("canvas").bounding_box()
    scale = bounds["width"] / scene[0].shape[2]
    page.mouse.move(bounds["x"] + 20.5 * scale, bounds["y"] + 30.5 * scale)
    assert "At x 20, y 30:" in label(page)
    page.mouse.down()
    page.mouse.up()
    assert "A at (20, 30)" in text(page, ".marks")


def test_a_tap_moves_and_marks(visit, scene):
    page = visit("five-outputs", touch=True, width=390)
    bounds = page.locator("canvas").bounding_box()
    scale = bounds["width"] / scene[0].shape[2]
    page.touchscreen.tap(bounds["x"] + 5.5 * scale, bounds["y"] + 6.5 * scale)
    assert "A at (5, 6)" in text(page, ".marks") and "At x 5, y 6:" in label(page)


# ---- sliding window

@pytest.fixture(scope="module")
def stored():
    return json.loads((HERE / "data" / "sliding-window.json").read_text())


@pytest.fixture(scope="module")
def answers():
    """Both networks' scores, computed by the package here and now: (h, w, K) each."""
    return load_script("make_figure_data").probabilities()[:2]


def scores_of(page):
    """What the table says: two columns of numbers, class by class."""
    rows = page.locator("tbody tr").all()
    return [[float(row.locator("td").nth(column).inner_text()) for row in rows]
            for column in (1, 2)]


def test_scores_are_those_of_both_networks(visit, stored, answers):
    page = visit("sliding-window")
    for row, column in [(0, 0), (3, 7), (stored["rows"] - 1, stored["columns"] - 1)]:
        put(page, row=row, column=column)
        for shown, computed in zip(scores_of(page), answers, strict=True):
            assert shown == pytest.approx(computed[row, column].tolist(), abs=0.0011)
        best = CLASSES[int(answers[1][row, column].argmax())]
        assert f"Row {row}, column {column}: both networks say {best}" in text(page, ".reading")
        assert f"both networks say {best}" in label(page)


def test_window_moves_by_arrow_keys_mouse_and_map(visit, stored):
    page = visit("sliding-window", row=2, column=3)
    canvas = page.locator("canvas.scene")
    canvas.press("ArrowDown")
    canvas.press("ArrowRight")
    assert "Row 3, column 4:" in text(page, ".reading")
    bounds, (y, x) = canvas.bounding_box(), stored["first"]
    scale = bounds["width"] / stored["scene"]["width"]
    half = stored["patch"] / 2
    page.mouse.click(bounds["x"] + (x + 6 * stored["stride"] + half) * scale,
                     bounds["y"] + (y + 5 * stored["stride"] + half) * scale)
    assert "Row 5, column 6:" in text(page, ".reading")
    bounds = page.locator("canvas.map").bounding_box()
    cell = bounds["width"] / stored["columns"]
    page.mouse.click(bounds["x"] + 1.5 * cell, bounds["y"] + 2.5 * cell)
    assert "Row 2, column 1:" in text(page, ".reading")


def test_costs_count_the_windows_looked_at(visit, stored):
    one, dense = stored["multiplications"]["window"], stored["multiplications"]["dense"]
    windows = stored["rows"] * stored["columns"]
    page = visit("sliding-window", row=0, column=0)
    for _ in range(2):
        page.locator("canvas.scene").press("ArrowRight")
    page.locator("canvas.scene").press("ArrowLeft")
    assert text(page, "dt.visited") == "Windows you have looked at: 3"
    assert text(page, "dd.visited:not(.bar)") == f"{3 * one / 1e6:,.1f} million"
    assert text(page, "dd.all:not(.bar)") == f"{windows * one / 1e6:,.1f} million"
    assert text(page, "dd.dense:not(.bar)") == f"{dense / 1e6:,.1f} million"
    assert f"{windows * one / dense:.1f} times less" in text(page, ".saving")


def test_task_is_confirmed_by_keyboard_alone_where_the_network_errs_and_only_there(visit, answers):
    script = load_script("make_figure_data")
    semantic = script.scene_of("sliding-window")[2]["semantic"]
    stride = script.pixels.STRIDE
    truth, said = semantic[::stride, ::stride], answers[1].argmax(-1)          # (h, w) each
    wrong = ((truth != said) & (truth < len(CLASSES))).nonzero()[0].tolist()
    right = (truth == said).nonzero()[0].tolist()
    page = visit("sliding-window")

    def claim(row, column):
        walk(page, column, row)
        page.keyboard.press("Enter")
        return text(page, ".verdict")

    assert claim(*right).startswith("Not yet: the network says")
    assert page.locator(".task.solved").count() == 0
    row, column = wrong
    verdict = claim(row, column)
    assert verdict.startswith("✓ Solved") and page.locator(".task.solved").count() == 1
    names = CLASSES[truth[row, column]], CLASSES[said[row, column]]
    assert "middle pixel is {}, the network says {}".format(*names) in verdict
    page.locator("canvas.scene").press("ArrowRight")
    assert page.locator(".task.solved").count() == 0
