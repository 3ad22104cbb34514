"""The notebooks' widgets: built by the chapter's own cells, then turned as a reader would."""

from pathlib import Path

import IPython.display
import matplotlib.pyplot as plt
import nbformat
import pytest
import torch

from coursekit import plot
from coursekit.boxes import batched_nms, clip, decode
from coursekit.data import CLASSES, PetScenes
from coursekit.masks import paste
from coursekit.models.backbone import Backbone
from coursekit.models.mask_rcnn import MaskRCNN
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
