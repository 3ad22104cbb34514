import base64
import importlib.util
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import nn

from coursekit import plot
from coursekit.boxes import from_masks, iou, nms
from coursekit.figures import FIGURES, HERE, SIZES, inline_script, modules, pack_scene, runs, show

ROOT = Path(__file__).resolve().parent.parent
NAMES = sorted(FIGURES)


@pytest.fixture(autouse=True)
def notebook(monkeypatch):
    """Outputs as a reader's notebook has them, unless a test says otherwise."""
    monkeypatch.delenv("COURSEKIT_PLAIN", raising=False)


def sample():
    """A scene of 3 x 5 pixels: two dogs side by side on grass, one pixel void."""
    masks = torch.zeros(2, 3, 5, dtype=torch.bool)
    masks[0, 1:, 1], masks[1, 1:, 2:4] = True, True
    semantic = torch.full((3, 5), 4)
    semantic[masks.any(0)] = 2
    semantic[0, 0] = 255
    image = torch.arange(45).reshape(3, 3, 5) / 255
    return image, {"masks": masks, "labels": torch.tensor([2, 2]), "semantic": semantic,
                   "boxes": from_masks(masks).float()}


def decode(code, shape):
    """Runs back to a map, as the figures' own decodeRuns does it."""
    values = torch.tensor(code).reshape(-1, 2)
    return values[:, 0].repeat_interleave(values[:, 1]).reshape(shape)


class Tag(HTMLParser):
    """The elements of a figure's HTML, with their attributes; and the script's text."""

    def __init__(self, text):
        super().__init__()
        self.found, self.script = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self.found[-1][0] == "script":
            self.script += data


def load_script(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# ---- the host

@pytest.mark.parametrize("name", NAMES)
def test_output_is_one_element_with_its_data_and_a_described_picture(name, monkeypatch):
    monkeypatch.setenv("COURSEKIT_PLAIN", "1")
    (element, attributes), (inside, picture) = Tag(show(name)._repr_html_()).found
    assert (element, inside) == (f"ck-{name}", "img")
    stored = json.loads((HERE / "data" / f"{name}.json").read_text())
    assert json.loads(attributes["data-params"]) == stored
    assert "min-height" in attributes["style"]
    assert len(picture["alt"].split()) > 15
    assert [int(picture["width"]), int(picture["height"])] == SIZES[name][:2]


@pytest.mark.parametrize("name", NAMES)
def test_plain_output_is_the_same_each_time_and_light(name, monkeypatch):
    monkeypatch.setenv("COURSEKIT_PLAIN", "1")
    first, second = show(name), show(name)
    assert first._repr_html_() == second._repr_html_()
    assert repr(first) == repr(second) and "0x" not in repr(first)
    assert len(first._repr_html_()) <= 125_000


@pytest.mark.parametrize("name", NAMES)
def test_notebook_output_carries_one_script_without_imports(name):
    tag = Tag(show(name)._repr_html_())
    assert tag.found[-1] == ("script", {"type": "module"})
    assert not re.search(r"^\s*(import|export)\b", tag.script, flags=re.M)
    assert f'define("ck-{name}"' in tag.script and "class Figure" in tag.script
    assert inline_script(name).count("</script>") == 1


@pytest.mark.parametrize("name", NAMES)
def test_fallback_picture_has_the_size_that_the_tag_says(name):
    with Image.open(str(HERE / "fallback" / f"{name}.webp")) as picture:
        assert list(picture.size) == SIZES[name][:2]


@pytest.mark.parametrize("name", NAMES)
def test_no_two_modules_of_a_figure_share_a_name(name):
    texts = modules(name).values()
    found = [name for text in texts for name in
             re.findall(r"^(?:export )?(?:const|function|class) (\w+)", text, flags=re.M)]
    assert len(found) == len(set(found)) > 20                  # they stand in one script


def test_every_module_belongs_to_a_figure_and_can_be_read_in_one_sitting():
    files = {file.name[:-3] for file in HERE.iterdir() if file.name.endswith(".js")}
    assert files == {module for name in NAMES for module in modules(name)}
    shared = files - set(NAMES)
    lengths = {name: len((HERE / f"{name}.js").read_text().splitlines()) for name in files}
    assert max(lengths.values()) <= 300 and max(lengths[name] for name in shared) <= 300
    assert {"style", "figure", "task", "controls", "drawing", "pixels", "palette"} <= shared


def test_text_in_parameters_cannot_leave_the_attribute(monkeypatch):
    monkeypatch.setenv("COURSEKIT_PLAIN", "1")
    nasty = {"text": "'><script>alert(1)</script>&quot;\""}
    found = Tag(show("five-outputs", scene=nasty)._repr_html_()).found
    assert [tag for tag, _ in found] == ["ck-five-outputs", "img"]
    assert json.loads(found[0][1]["data-params"])["scene"] == nasty


def test_a_readers_own_scene_takes_the_place_of_the_stored_one():
    shown = show("five-outputs", scene=pack_scene(*sample()), view="semantic")
    assert shown.params["scene"]["width"] == 5 and shown.params["view"] == "semantic"


def test_unknown_figure_lists_the_names():
    with pytest.raises(ValueError, match=r"no figure 'five outputs'; .*'five-.*Write one"):
        show("five outputs")


def test_unknown_parameter_lists_the_names():
    with pytest.raises(ValueError, match=r"parameter 'vew', but takes \['view', 'scene'\]. Check"):
        show("five-outputs", vew="semantic")


def test_unknown_choice_lists_the_choices():
    with pytest.raises(ValueError, match=r"'view' is 'boxes', but one of \['picture', .*Choose"):
        show("five-outputs", view="boxes")


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_are_refused(bad):
    with pytest.raises(ValueError, match="'scene' holds NaN or infinity.*Mask them out"):
        show("five-outputs", scene={"boxes": [[0, 0, bad, 1]]})


def test_values_that_json_cannot_hold_are_refused():
    with pytest.raises(TypeError, match=r"'scene' holds a value that JSON cannot.*tolist"):
        show("five-outputs", scene={"boxes": torch.zeros(1, 4)})


@pytest.mark.parametrize("bad", [1.5, "3", True, None, [1]])
def test_a_row_that_is_no_whole_number_is_refused(bad):
    with pytest.raises(TypeError, match="'row' is a .*but int is wanted"):
        show("sliding-window", row=bad)


# ---- packing a scene

def test_runs_of_a_small_map_by_hand():
    assert runs(torch.tensor([[4, 4, 4], [4, 2, 2], [4, 4, 255]])) == [4, 4, 2, 2, 4, 2, 255, 1]


@given(st.lists(st.sampled_from([0, 1, 6, 255]), min_size=1, max_size=60))
def test_runs_hold_the_whole_map(values):
    assert decode(runs(torch.tensor(values)), (-1,)).tolist() == values


def test_packed_scene_holds_every_pixel_of_the_sample():
    image, target = sample()
    scene = pack_scene(image, target)
    rgb = torch.tensor(list(base64.b64decode(scene["rgb"]))).reshape(3, 5, 3)
    assert torch.equal(rgb, (image * 255).round().long().permute(1, 2, 0))
    assert torch.equal(decode(scene["semantic"], (3, 5)), target["semantic"])
    instances = decode(scene["instances"], (3, 5))
    for i, mask in enumerate(target["masks"]):
        assert torch.equal(instances == i + 1, mask)
    assert scene["boxes"] == [[1, 1, 2, 3], [2, 1, 4, 3]]
    assert scene["labels"] == [2, 2] and (scene["height"], scene["width"]) == (3, 5)


def test_a_scene_without_objects_can_be_packed():
    target = {"masks": torch.zeros(0, 3, 5, dtype=torch.bool), "boxes": torch.zeros(0, 4),
              "labels": torch.zeros(0, dtype=torch.int64), "semantic": torch.full((3, 5), 4)}
    scene = pack_scene(torch.zeros(3, 3, 5), target)
    assert scene["instances"] == [0, 15] and scene["boxes"] == []


def test_a_sample_without_maps_is_refused():
    image, target = sample()
    del target["semantic"]
    with pytest.raises(ValueError, match=r"no \['semantic'\], but masks and semantic are wanted"):
        pack_scene(image, target)


def test_overlapping_masks_are_refused():
    image, target = sample()
    target["masks"] = torch.ones_like(target["masks"])
    with pytest.raises(ValueError, match="two masks share a pixel.*Give the visible masks"):
        pack_scene(image, target)


def test_an_image_of_the_wrong_shape_is_refused():
    _, target = sample()
    with pytest.raises(ValueError, match=r"\(3, H, W\) float is wanted"):
        pack_scene(torch.zeros(3, 5), target)


# ---- the stored data, and the copies of the palette

def test_palette_of_the_figures_is_that_of_the_plots():
    source = (HERE / "palette.js").read_text()
    colors, palette, classes = (source.split(f"const {name} = ")[1].split(";")[0]
                                for name in ("CLASS_COLORS", "PALETTE", "CLASSES"))
    colors = dict(re.findall(r'(\w+): "(#[0-9A-F]{6})"', colors))
    palette = re.findall(r"#[0-9A-F]{6}", palette)
    classes = re.findall(r'"(\w+)"', classes)
    assert colors == plot.CLASS_COLORS and palette == list(plot.PALETTE)
    assert classes == list(plot.CLASS_COLORS)


def test_stored_scene_is_what_pet_scenes_draws():
    stored = json.loads((HERE / "data" / "five-outputs.json").read_text())
    assert stored == load_script("make_figure_data").five_outputs()


def test_stored_box_is_that_of_the_scene_and_the_answer_meets_it_in_part():
    stored = json.loads((HERE / "data" / "box-loss.json").read_text())
    assert stored == load_script("make_figure_data").one_box()
    true, answer = (torch.tensor([stored[key]]).float() for key in ("truth", "box"))
    assert 0 < float(iou(true, answer)) < 0.5


def test_stored_map_is_that_of_the_shipped_backbone():
    stored = json.loads((HERE / "data" / "roi-pooling.json").read_text())
    made = load_script("make_figure_data").roi_pooling()
    other = json.loads((HERE / "data" / "roi-align.json").read_text())
    assert other == stored | {"view": "channel"}
    kept, ours = (torch.tensor(data.pop("map")) for data in (stored, made))
    assert stored == made
    assert (kept - ours).abs().max() <= 1                      # of 99: rounding
    assert kept.max() == 99 and kept.min() == 0


def test_stored_proposals_are_those_that_the_shipped_network_scores_highest():
    stored = json.loads((HERE / "data" / "anchors.json").read_text())
    made = load_script("make_figure_data").anchors()
    (boxes, scores), (our_boxes, our_scores) = (
        [torch.tensor(data.pop(key)) for key in ("proposals", "scores")] for data in (stored, made))
    assert stored == made
    assert (boxes - our_boxes).abs().max() <= 1                # tenths of a pixel: rounding
    assert (scores - our_scores).abs().max() < 0.0011          # thousandths
    assert torch.equal(scores, scores.sort(descending=True).values)


def test_what_nms_leaves_of_the_stored_proposals_the_network_proposes_first():
    stored = json.loads((HERE / "data" / "anchors.json").read_text())
    script = load_script("make_figure_data")
    model = script.FasterRCNN(script.Backbone()).eval()
    model.load_state_dict(script.load("faster-rcnn"))
    image = script.PetScenes("test")[stored["index"]][0]
    levels, size = [model.backbone(image[None])], image.shape[-2:]
    wanted = model.rpn.propose(*model.rpn(levels), model.rpn.anchors(levels, size), [size])[0]
    boxes = torch.tensor(stored["proposals"]) / 10             # by falling score
    kept = boxes[nms(boxes, -torch.arange(len(boxes)).float(), stored["nms"])]
    torch.testing.assert_close(kept, wanted[:len(kept)], rtol=0, atol=0.051)


def test_stored_masks_are_those_of_the_shipped_mask_rcnn():
    stored = json.loads((HERE / "data" / "mask-paste.json").read_text())
    made = load_script("make_mask_figure").mask_paste()
    kept, ours = (torch.frombuffer(bytearray(base64.b64decode(data.pop("masks"))),
                                   dtype=torch.uint8).int() for data in (stored, made))
    assert len(kept) == 4 * 28 * 28 and (kept - ours).abs().max() <= 1    # of 256: rounding
    for key in ("box", "score"):
        torch.testing.assert_close(*map(torch.tensor, (stored.pop(key), made.pop(key))),
                                   rtol=0, atol=0.011)                    # hundredths: rounding
    assert stored == made


def test_stored_scenes_suit_their_tasks():
    script = load_script("make_figure_data")
    for name, suits in script.RULES.items():
        assert suits(script.scene_of(name)[2])


def test_stored_answers_are_those_of_both_shipped_networks():
    stored = json.loads((HERE / "data" / "sliding-window.json").read_text())
    made = load_script("make_figure_data").sliding_window()
    scores, ours = (torch.tensor(data.pop("scores")).reshape(-1, 7) for data in (stored, made))
    answers = torch.tensor(stored.pop("answers"))
    assert (scores - ours).abs().max() <= 1                    # thousandths: rounding
    assert (scores.max(1).values - scores[torch.arange(len(answers)), answers]).max() <= 1
    del made["answers"]
    assert stored == made


def test_multiplications_of_two_small_layers_by_hand():
    layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 3 * 2, 5))
    counted = load_script("make_figure_data").multiplications(layers, torch.zeros(1, 3, 5, 4))
    assert counted == 6 * 4 * 27 + 5 * 24             # 6 places, 4 channels, 27 numbers a kernel


def test_there_is_a_window_where_the_network_is_wrong():
    script = load_script("make_figure_data")
    truth = script.scene_of("sliding-window")[2]["semantic"]
    truth = truth[::script.pixels.STRIDE, ::script.pixels.STRIDE]
    wrong = (truth != script.probabilities()[1].argmax(-1)) & (truth != 255)
    assert 5 <= int(wrong.sum()) <= truth.numel() // 3         # to be found, but not everywhere
