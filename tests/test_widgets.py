"""The notebooks' widgets: built by the chapter's own cells, then turned as a reader would."""

import ast
import io
import os
from datetime import UTC, datetime
from pathlib import Path

import IPython.display
import ipywidgets
import matplotlib.pyplot as plt
import nbformat
import pytest
import torch
from PIL import Image
from torchvision.transforms.functional import to_pil_image

from coursekit import plot
from coursekit.boxes import batched_nms, clip, decode
from coursekit.data import CLASSES, PetScenes
from coursekit.data.photo import ORIENTATION
from coursekit.masks import paste
from coursekit.models.backbone import Backbone
from coursekit.models.mask_rcnn import MaskRCNN
from coursekit.models.official import NAMES
from coursekit.models.segmentation import DECODERS, Encoder, Segmenter

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"


def run_cells(notebook, words, space):
    """Run the code cells of a notebook that contain one of these words, in order."""
    cells = nbformat.read(NOTEBOOKS / notebook, as_version=4).cells
    found = [cell.source for cell in cells if cell.cell_type == "code"
             and any(word in cell.source for word in words)]
    assert len(found) == len(words)
    for source in found:
        exec(compile(source, notebook, "exec"), space)


@pytest.fixture
def shown(monkeypatch):
    """What the cells displayed, and the titles of the figures that they drew."""
    widgets, titles = [], []
    monkeypatch.setenv("COURSEKIT_PLAIN", "0")
    monkeypatch.setattr(IPython.display, "display", widgets.append)
    plot.use_style()                                # titles stand at the left
    monkeypatch.setattr(plt, "show", lambda: (
        titles.append([ax.get_title("left") for ax in plt.gcf().axes]), plt.close("all")))
    return widgets, titles


def test_chapter_5s_widget_flips_decoder_and_scene(shown):
    torch.manual_seed(0)
    encoder = Encoder()
    networks = {name: Segmenter(encoder, make()).eval() for name, make in DECODERS.items()}
    test = PetScenes("test", length=200)
    run_cells("05_encoder_decoders.ipynb", ["def show_decoder", "ipywidgets.interactive"],
              {"torch": torch, "plt": plt, "plot": plot, "networks": networks, "test": test})
    (chooser,), titles = shown
    name, scene = chooser.children[:2]
    assert list(name.options) == list(DECODERS) and (scene.min, scene.max) == (0, 199)
    for network in DECODERS:
        name.value = network
        scene.value = 3
        chooser.update()
        assert titles[-1] == ["scene 3", network, "wrong pixels"]
        image, target = test[3]
        with torch.no_grad():
            answer = networks[network](image[None]).argmax(dim=1)[0]
        assert chooser.result == pytest.approx((answer != target["semantic"]).float().mean().item())
    before = chooser.result
    scene.value = 4                                 # turning it is enough
    assert titles[-1][0] == "scene 4" and chooser.result != before


def test_chapter_7s_widget_moves_threshold_and_scene(shown):
    boxes = torch.tensor([[10.0, 10, 50, 40], [14, 10, 54, 40], [70, 60, 90, 90], [70, 60, 92, 90]])
    found = [{"boxes": boxes + n % 2, "labels": torch.tensor([1, 1, 2, 3]),
              "scores": torch.tensor([0.9, 0.8, 0.7, 0.2 + 0.4 * (n % 2)])} for n in range(200)]
    space = {"torch": torch, "plt": plt, "plot": plot, "found": found, "CLASSES": CLASSES,
             "test": PetScenes("test", length=200), "batched_nms": batched_nms, "SCENE": 17}
    run_cells("07_many_objects.ipynb", ["def show_nms", "ipywidgets.interactive"],
              space | {"named": lambda d, n: [""] * len(d["scores"])})
    (chooser,), titles = shown
    assert titles == [["threshold 0.1", "threshold 0.4", "threshold 0.7"]]
    threshold, scene = chooser.children[:2]
    assert (scene.min, scene.max) == (0, 199)
    for at, which, left in [(0.5, 0, 2), (0.9, 0, 3), (0.9, 1, 4), (0.5, 1, 3)]:
        threshold.value, scene.value = at, which         # cats 0.82 apart, a rabbit too weak in 0
        chooser.update()
        assert chooser.result == left
        assert plt.gcf().axes[0].get_title("left") == f"threshold {at:.1f}"
        plt.close("all")


def test_chapter_12s_widget_turns_three_thresholds_on_a_live_model(shown):
    torch.manual_seed(0)
    model = MaskRCNN(Backbone()).eval()              # random heads: scores of about a quarter
    space = {"torch": torch, "plt": plt, "plot": plot, "shipped": model, "CLASSES": CLASSES,
             "test": PetScenes("test", length=200), "batched_nms": batched_nms, "clip": clip,
             "decode": decode, "paste": paste}
    run_cells("12_mask_rcnn.ipynb", ["def look(", "def find(", "def show_found(",
                                     "ipywidgets.interactive"], space)
    (chooser,), titles = shown
    assert len(titles) == 1 and len(set(titles[0])) == 4          # each threshold turned once
    score, overlap, mask, scene = chooser.children[:4]
    assert (scene.min, scene.max) == (0, 199)
    counts = []
    for at, duplicate, sure, which in [(0.05, 0.5, 0.5, 3), (0.05, 0.1, 0.5, 3),
                                       (0.05, 0.1, 0.95, 3), (0.95, 0.1, 0.95, 4)]:
        score.value, overlap.value, mask.value, scene.value = at, duplicate, sure, which
        chooser.update()
        wanted = space["find"](model, space["test"][which][0], at, duplicate)
        assert chooser.result == len(wanted["labels"])
        title = f"score {at:.2f}, overlap {duplicate:.1f}, mask {sure:.2f}"
        assert plt.gcf().axes[0].get_title("left") == title
        counts.append(chooser.result)
        plt.close("all")
    assert counts[0] > counts[1] == counts[2] > counts[3] == 0


def define(notebook, name, space):
    """Define one function of a notebook, without the rest of its cell."""
    for cell in nbformat.read(NOTEBOOKS / notebook, as_version=4).cells:
        if cell.cell_type == "code" and f"def {name}(" in cell.source:
            found, = [node for node in ast.parse(cell.source).body
                      if isinstance(node, ast.FunctionDef) and node.name == name]
            exec(compile(ast.Module([found], []), notebook, "exec"), space)


def as_file(photo):
    """A picture's bytes, as a browser would send them."""
    file = io.BytesIO()
    to_pil_image(photo).save(file, format="PNG")
    return file.getvalue()


def choose_file(upload, content):
    """What the browser's part of a FileUpload does when somebody has chosen a file."""
    if ipywidgets.__version__.startswith("7"):
        upload.metadata = [{"name": "mine.png", "type": "image/png", "size": len(content)}]
        upload.data = [content]
        upload._counter += 1
    else:
        upload.value = ({"name": "mine.png", "type": "image/png", "size": len(content),
                         "content": memoryview(content), "last_modified": datetime.now(UTC)},)


class Finder(torch.nn.Module):
    """A detector that finds two things in every photograph, and keeps what it was shown."""

    def __init__(self):
        super().__init__()
        self.weight, self.shown = torch.nn.Parameter(torch.zeros(1)), []

    def forward(self, images):
        self.shown += images
        masks = torch.zeros(2, 1, *images[0].shape[1:])
        masks[0, :, 2:9, 3:12], masks[1, :, 20:30, 5:40] = 0.9, 0.8
        return [{"boxes": torch.tensor([[3., 2, 12, 9], [5, 20, 40, 30]]), "masks": masks,
                 "labels": torch.tensor([18, 1]), "scores": torch.tensor([0.9, 0.4])}]


@pytest.fixture
def own_photograph(shown):
    """Chapter 13's cells around the widget, with a detector that is quick."""
    finder = Finder()
    space = {"torch": torch, "plt": plt, "plot": plot, "F": torch.nn.functional, "os": os,
             "io": io, "finder": finder, "words": NAMES}
    define("13_real_photographs.ipynb", "detect", space)
    run_cells("13_real_photographs.ipynb", ["def opened(", "def show_found(",
                                            "ipywidgets.interactive"], space)
    return finder, space, *shown


def test_chapter_13s_widget_finds_things_in_ones_own_photograph(own_photograph, capsys):
    finder, _, (chooser,), titles = own_photograph
    upload, score = chooser.children[:2]
    chooser.update()
    assert not finder.shown and titles == []                     # nothing was chosen yet
    photo = torch.rand(3, 60, 90, generator=torch.Generator().manual_seed(0))
    choose_file(upload, as_file(photo))                          # that is enough
    assert chooser.result == 1 and plt.gcf().axes[0].get_title("left") == "score 0.50 or more"
    assert [text.get_text() for text in plt.gcf().axes[0].texts] == ["dog 0.90"]
    torch.testing.assert_close(finder.shown[0], photo, rtol=0, atol=1 / 250)
    for at, count in [(0.3, 2), (0.95, 0), (0.05, 2)]:
        score.value = at
        assert chooser.result == count
    assert len(finder.shown) == 1                                # a slider does not ask again
    plt.close("all")


def test_chapter_13s_widget_makes_a_photograph_small_and_upright(own_photograph):
    finder, space, _, _ = own_photograph
    large = Image.new("RGB", (3000, 2000), (250, 0, 0))
    exif = large.getexif()
    exif[ORIENTATION] = 6                                        # stored lying
    file = io.BytesIO()
    large.save(file, format="JPEG", exif=exif)
    assert space["opened"](file.getvalue()).shape == (3, 1024, 683)
    for upload in ([{"content": memoryview(file.getvalue())}],               # ipywidgets 8
                   {"a.jpg": {"metadata": {}, "content": file.getvalue()}}):     # 7
        assert space["show_found"](upload, score=0.1) == 2
    assert finder.shown[0].shape == (3, 1024, 683)
    plt.close("all")


@pytest.mark.parametrize("content", [b"", b"ftypheic and so on", as_file(torch.rand(3, 9, 9))[:60]],
                         ids=["empty", "HEIC", "cut"])
def test_chapter_13s_widget_says_when_a_file_is_no_photograph(own_photograph, capsys, content):
    _, space, _, titles = own_photograph
    assert space["show_found"]([{"content": content}]) == 0 and titles == []
    said = capsys.readouterr().out
    assert "PIL cannot read it" in said and "A PNG or JPEG file is wanted" in said
