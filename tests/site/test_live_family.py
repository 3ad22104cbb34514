"""What all interactive figures have in common: one look, the same controls and keys.

Each is played through by keyboard, on a phone by touch, and printed.
"""

import pytest
from test_live_figures import NAMES, choose, label, server, swipe, text, visit  # noqa: F401

pytestmark = pytest.mark.site
STEPS = {"upsampling-grid": "Next pixel", "transposed-convolution": "Next stamp",
         "nms-and-ap": "Next box", "grouping": "Next step", "rcnn-walk": "Next region",
         "roi-pooling": "Next bin", "roi-align": "Next bin"}
DRAGGED = ("box-loss", "roi-pooling", "roi-align")
MAIN = "canvas[tabindex]"
# all that a reader sees: words, values, and every pixel of every canvas
SEEN = """name => { const root = document.querySelector(`ck-${name}`).shadowRoot;
  const all = (kind, read) => [...root.querySelectorAll(kind)].map(read);
  const shown = (o) => o.checkVisibility({ visibilityProperty: true });
  return [root.querySelector('figure').innerText,
          all('output', (o) => shown(o) ? o.textContent : ''),
          all('input', (i) => i.type === 'radio' || i.type === 'checkbox' ? i.checked : i.value),
          all('canvas', (c) => c.getAttribute('aria-label')),
          all('canvas', (c) => c.hidden ? '' : c.toDataURL())]; }"""


def seen(page, name):
    return page.evaluate(SEEN, name)


def play(page):
    """Move, step, choose and set everything there is, by keyboard alone; yields after each act."""
    main = page.locator(MAIN)
    for key in ("ArrowRight", "ArrowDown", "Shift+ArrowRight", ".", ".", ",", "Enter"):
        main.press(key)
        yield
    for slider in page.locator("input[type=range]:visible").all():
        for key in ("Home", "End", "ArrowLeft"):
            slider.press(key)
            yield
    for field in page.locator("input[type=number]:visible").all()[:1]:
        field.fill("3")
        yield
    for group in page.locator("fieldset").all():
        name = group.locator("input").first.get_attribute("name")
        for _ in range(group.locator("input").count() - 1):
            page.locator(f"input[name={name}]:checked").press("ArrowRight")
            yield
    for button in page.locator("button:visible").all():
        if button.get_attribute("name") not in ("reset", "play"):
            button.press("Enter")
            yield


@pytest.mark.parametrize("name", NAMES)
def test_the_parts_have_the_same_places_words_and_roles(visit, name):  # noqa: F811
    page = visit(name)
    head = page.locator("figure > *")
    assert head.nth(0).evaluate("e => e.tagName") == "FIGCAPTION"
    task = head.nth(1).inner_text()
    assert task.startswith("Task. ") and task.endswith(".") and task.count(". ") == 1
    steps = page.locator(".steps button").all_inner_texts()
    assert steps[-1] == "Start again"
    assert steps[:2] == ["Back", STEPS[name]] if name in STEPS else "Back" not in steps
    assert page.locator("figure > .task:last-child button").first.get_attribute("name") == "claim"
    assert page.locator(".task .verdict[aria-live=polite]").inner_text()
    assert page.locator("output.reading[aria-live=polite]:visible").count() == 1
    main = page.locator(MAIN)
    assert main.get_attribute("role") == "application"
    keys = page.locator(f"#{main.get_attribute('aria-describedby')}").inner_text()
    assert keys.startswith("Keys on the picture: arrows ")
    assert keys.endswith(", Home starts again.")
    assert ("comma and full stop step" in keys) == (name in STEPS)
    for canvas in page.locator("canvas").all():
        if canvas.is_visible():
            assert len(canvas.get_attribute("aria-label").split()) >= 3


@pytest.mark.parametrize("name", NAMES)
def test_start_again_and_home_bring_all_of_the_start_back(visit, name):  # noqa: F811
    page = visit(name)
    before = seen(page, name)
    for _ in play(page):
        pass
    assert seen(page, name) != before
    page.locator("[name=reset]").press("Enter")
    assert seen(page, name) == before
    page.locator(MAIN).press("Enter")
    page.locator(MAIN).press("Home")
    assert seen(page, name) == before
    assert page.trouble == []


@pytest.mark.parametrize("name", STEPS)
def test_comma_and_full_stop_step_as_the_buttons_do(visit, name):  # noqa: F811
    page = visit(name)

    def begin():
        page.locator("[name=reset]").press("Enter")
        if name == "nms-and-ap":                    # it starts at its last box
            page.locator("[name=back]").press("Enter")

    for button, key in (("back", ","), ("next", ".")):
        begin()
        before = seen(page, name)
        page.locator(f"[name={button}]").press("Enter")
        after = seen(page, name)
        assert after != before
        begin()
        page.locator(MAIN).press(key)
        assert seen(page, name) == after
        if button == "back":
            page.locator(MAIN).press(".")
            assert seen(page, name)[1] == before[1]


@pytest.mark.parametrize("width", [360, 900])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_below_the_figure_moves_while_it_is_played(visit, name, width):  # noqa: F811
    page = visit(name, width=width)
    height = page.locator(f"ck-{name}").bounding_box()["height"]
    for _ in play(page):
        found = page.locator(f"ck-{name}").bounding_box()["height"]
        words = text(page, ".verdict")
        assert abs(found - height) < 1 or words.startswith(("✓ Solved", "Not yet")), words
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("name", NAMES)
def test_a_finger_plays_it_on_a_phone(visit, name):  # noqa: F811
    page = visit(name, touch=True, width=390, scheme="dark")
    page.locator(MAIN).scroll_into_view_if_needed()
    assert not page.locator(".keys").is_visible()
    before, bounds = seen(page, name), page.locator(MAIN).bounding_box()
    x, y = (bounds["x"] + 0.52 * bounds["width"], bounds["y"] + 0.5 * bounds["height"])
    if name in DRAGGED:
        swipe(page, (x, y), (x + 30, y - 24))
    elif name == "grouping":
        page.locator("[name=next]").tap()
    else:
        page.touchscreen.tap(x, y + 0.2 * bounds["height"])
    assert seen(page, name) != before
    page.locator("[name=reset]").tap()
    assert seen(page, name) == before


@pytest.mark.parametrize("name", NAMES)
def test_on_paper_the_picture_stands_in_its_place(visit, name):  # noqa: F811
    page = visit(name, scheme="dark")
    picture = page.locator(f"ck-{name} > img")
    assert not picture.is_visible() and page.locator("figure").is_visible()
    page.emulate_media(media="print")
    assert picture.is_visible() and not page.locator("figure").is_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 704


def stop_the_clock(page):
    """From now on it goes on by `run_for` alone, however slow the machine is."""
    page.clock.install(time=0)
    page.clock.pause_at(10)


def test_playing_stops_by_itself_by_the_button_and_by_a_step(visit):  # noqa: F811
    page = visit("grouping", step=0)
    stop_the_clock(page)
    button = page.locator("[name=play]")
    button.press("Enter")
    assert button.inner_text() == "Stop"
    page.clock.run_for(1000)
    assert text(page, ".reading").startswith("Step 2:")
    button.press("Enter")
    page.clock.run_for(2000)
    assert text(page, ".reading").startswith("Step 2:") and button.inner_text() == "Play"
    button.press("Enter")
    page.locator(MAIN).press(".")
    page.clock.run_for(2000)
    assert text(page, ".reading").startswith("Step 3:")
    button.press("Enter")
    page.clock.run_for(30_000)
    assert text(page, ".reading").endswith("One region is left: the whole picture.")
    assert button.inner_text() == "Play"


def test_who_asks_for_less_motion_gets_a_third_of_it(visit):  # noqa: F811
    page = visit("grouping", step=0)
    page.emulate_media(reduced_motion="reduce")
    stop_the_clock(page)
    page.locator("[name=play]").press("Enter")
    page.clock.run_for(1300)
    assert text(page, ".reading").startswith("Step 0:")
    page.clock.run_for(100)
    assert text(page, ".reading").startswith("Step 1:")
