"""The interactive figures: `show("five-outputs")` puts one into a notebook's output.

A figure is a custom element, one plain ES module in this folder, that works with no kernel and no
network: `<ck-five-outputs data-params='…'>picture</ck-five-outputs>`. All it shows travels in
`data-params`: the stored scene and numbers in `data/`, made by `scripts/make_figure_data.py`, so
the output is the same on every machine. The picture inside is for readers without scripts.

The website serves the modules itself. Elsewhere (JupyterLab, VS Code, Colab, where every output is
a page of its own) the output carries its script along; `COURSEKIT_PLAIN=1` leaves it out.

Letters: N instances, H and W the scene's height and width.
"""

import base64
import html
import json
import os
import re
from dataclasses import dataclass
from importlib.resources import files

import torch
from torch import Tensor

from coursekit.data.sample import check_sample

HERE = files(__name__)
# of each figure: width and height of its fallback picture, and its own height on a phone
SIZES = json.loads((HERE / "fallback" / "sizes.json").read_text(encoding="utf-8"))
DECODERS = ("FCN-32s", "FCN-16s", "FCN-8s", "SegNet", "U-Net", "nearest", "bilinear",
            "bed of nails", "transposed convolution")
RULES = ("nearest", "squares", "points", "nails", "unpool")
BOX_LOSSES = ("l1", "l2", "iou", "giou")
ROI_BINS = (2, 3, 7)
MASKS = ("cat", "dog", "rabbit", "target")
VIEWS = ("picture", "classification", "semantic", "localisation", "detection", "instance")


@dataclass(frozen=True)
class Kind:
    """What the host knows of a figure."""

    alt: str                                    # what the fallback picture shows
    params: dict[str, type | tuple[str | int, ...]]  # the type wanted, or the values to choose from


FIGURES = {
    "five-outputs": Kind(
        alt="One scene of animals, shown as instance segmentation: each animal has a mask, a "
            "colour and a number of its own. Beside it, what the output says of one pixel.",
        params={"view": VIEWS, "scene": dict}),
    "sliding-window": Kind(
        alt="A window over a scene. Beside it, the window enlarged, the coarse map of the fully "
            "convolutional network with the same place marked, and the seven scores of both.",
        params={"row": int, "column": int}),
    "upsampling-grid": Kind(
        alt="A map of two rows and three columns enlarged twofold by bilinear interpolation. One "
            "output pixel is framed; beside it, the four input values that it mixes, with their "
            "weights and the sum written out.",
        params={"rule": RULES, "row": int, "column": int}),
    "decoders": Kind(
        alt="A scene coloured by what one decoder says of each pixel; beside it the true classes, "
            "the share of right pixels, the mean IoU, and the share right near the outlines.",
        params={"decoder": DECODERS, "view": ("answer", "wrong", "near")}),
    "box-loss": Kind(
        alt="A scene with the true box of its animal and an answer that meets it in part, an arrow "
            "at each side of the answer. Beside it, a table of four losses and their gradients.",
        params={"loss": BOX_LOSSES, "box": list}),
    "nms-and-ap": Kind(
        alt="A scene of five animals with nine numbered boxes, some struck out by non-maximum "
            "suppression. Beside it the list of the boxes, and precision over recall.",
        params={"nms": int, "counted": int}),
    "grouping": Kind(
        alt="A scene with the outlines of its regions, two of them framed because they are joined "
            "next, and the animals' boxes dotted. Beside it the four similarities of the two, the "
            "number of boxes so far, and the recall.",
        params={"step": int}),
    "rcnn-walk": Kind(
        alt="A scene with one of its regions framed, and the box that a regression makes of it. "
            "Beside it, that region warped to a square, its coarse feature map, its scores and "
            "refined boxes for cat, dog and rabbit, and a clock of the stages.",
        params={"region": int,
                "stage": ("propose", "warp", "network", "svm", "regress", "nms")}),
    "roi-pooling": Kind(
        alt="A scene with a region dashed over it and, framed, the whole cells that it is rounded "
            "to. Beside it the map of numbers with the region's three by three bins, the cells "
            "that two bins share hatched; below, the pooled numbers and one bin's cells.",
        params={"box": list, "bins": ROI_BINS}),
    "anchors": Kind(
        alt="A scene of three animals with twelve boxes around one cell, of four sizes and "
            "three shapes. Beside it a table of their widths, heights and overlaps with an animal; "
            "further views show what all anchors learn, and proposals before and after NMS.",
        params={"view": ("anchors", "assignment", "proposals"), "row": int, "column": int,
                "positive": float, "negative": float, "rescue": bool, "nms": float, "kept": int}),
    "roi-align": Kind(
        alt="A scene with one region twice: RoIAlign's dashed frame with four points in each of "
            "its nine bins, and the whole cells that RoI pooling rounds it to. Beside it the map; "
            "below, the numbers of both, and one bin's cells and points.",
        params={"box": list, "bins": ROI_BINS, "view": ("channel", "x", "y")}),
    "mask-paste": Kind(
        alt="A scene with one detection: its box, its mask in violet, and the true one's outline. "
            "Beside it the mask head's grid of 28 by 28 probabilities, a threshold, and the "
            "overlap with the true mask.",
        params={"view": MASKS, "threshold": float}),
    "transposed-convolution": Kind(
        alt="A grid of three rows and columns onto which a kernel of two rows and columns was "
            "stamped four times. One output pixel is framed; beside the grid, the input, the "
            "kernel, and the sum that makes the pixel.",
        params={"view": ("sums", "counts"), "size": int, "stride": int, "padding": int,
                "extra": int}),
}


@dataclass(frozen=True)
class Shown:
    """A figure as a notebook shows it: HTML in a page, one constant line in text."""

    name: str
    params: dict

    def __repr__(self) -> str:
        return f"Shown({self.name!r}: an interactive figure)"

    def _repr_html_(self) -> str:
        script = "" if os.environ.get("COURSEKIT_PLAIN") == "1" else inline_script(self.name)
        return figure_tag(self.name, self.params) + script


def show(name: str, **params: object) -> Shown:
    """The interactive figure called `name`, to be the last value of a notebook's cell.

    Args:
        name: a key of `FIGURES`.
        **params: what the figure starts with, in place of its stored data.
    Returns:
        An object that notebooks show as HTML.
    Raises:
        ValueError: an unknown figure, parameter or choice; NaN or infinity in a value.
        TypeError: a value of the wrong type, or one that JSON cannot hold.
    """
    if name not in FIGURES:
        raise ValueError(f"There is no figure {name!r}; the figures are {sorted(FIGURES)}. "
                         f"Write one of these names.")
    stored = json.loads((HERE / "data" / f"{name}.json").read_text(encoding="utf-8"))
    return Shown(name, {**stored, **{key: check_param(name, key, params[key]) for key in params}})


def check_param(name: str, key: str, value: object) -> object:
    """The value as JSON gives it back, or an error that names the parameter."""
    known = FIGURES[name].params
    if key not in known:
        raise ValueError(f"Figure {name!r} got the parameter {key!r}, but takes {list(known)}. "
                         f"Check the spelling.")
    try:
        value = json.loads(json.dumps(value, allow_nan=False))
    except ValueError:
        raise ValueError(f"Parameter {key!r} holds NaN or infinity, but a figure's numbers must be "
                         f"finite. Mask them out first.") from None
    except TypeError:
        raise TypeError(f"Parameter {key!r} holds a value that JSON cannot, but numbers, text, "
                        f"lists and dicts are wanted. Call .tolist() on a tensor.") from None
    wanted = known[key]
    if isinstance(wanted, tuple) and value not in wanted:
        raise ValueError(f"Parameter {key!r} is {value!r}, but one of {list(wanted)} is wanted. "
                         f"Choose one of these.")
    if isinstance(wanted, type) and type(value) is not wanted:
        raise TypeError(f"Parameter {key!r} is a {type(value).__name__}, but {wanted.__name__} is "
                        f"wanted. A scene comes from pack_scene(image, target).")
    return value


def figure_tag(name: str, params: dict) -> str:
    """The custom element with its data, the height kept free for it, and its fallback picture."""
    width, height, narrow = SIZES[name]
    slope = (narrow - height) / (width - 320)  # pixels of height for a pixel of width
    room = (f"clamp({height}px, calc({narrow + 320 * slope:.0f}px - {100 * slope:.0f}vw), "
            f"{narrow}px)")
    data = html.escape(json.dumps(params, separators=(",", ":"), allow_nan=False), quote=False)
    picture = base64.b64encode((HERE / "fallback" / f"{name}.webp").read_bytes()).decode()
    return (f"<ck-{name} data-params='{data.replace(chr(39), '&#39;')}' "
            f'style="display:block;min-height:{room}">'
            f'<img src="data:image/webp;base64,{picture}" alt="{html.escape(FIGURES[name].alt)}" '
            f'width="{width}" height="{height}" loading="lazy" style="max-width:100%;height:auto">'
            f"</ck-{name}>")


def inline_script(name: str) -> str:
    """The figure's module and what it imports as one script, without imports and exports."""
    joined = re.sub(r"^import \{.*?\} from \S+;$", "", "\n".join(modules(name).values()),
                    flags=re.M | re.S)
    joined = re.sub(r"^export ", "", joined, flags=re.M)
    return f'\n<script type="module">\n{joined}</script>'


def modules(name: str) -> dict[str, str]:
    """The text of the module `name` by its name, after those of the modules that it needs."""
    text = (HERE / f"{name}.js").read_text(encoding="utf-8")
    found = {}
    for other in re.findall(r'\} from "\./(\S+)\.js";$', text, flags=re.M):
        found |= modules(other)
    return found | {name: text}


def pack_scene(image: Tensor, target: dict[str, Tensor]) -> dict:
    """A sample in the form that 'five-outputs' takes as its parameter `scene`.

    Args:
        image: (3, H, W) float in [0, 1].
        target: `boxes` (N, 4), `labels` (N,), `masks` (N, H, W) and `semantic` (H, W).
    Returns:
        height, width, rgb (base64 of H × W × 3 bytes), two maps as runs, labels, boxes.
    Raises:
        ValueError: a sample that is not sound, lacks a map, or whose masks overlap.
    """
    check_sample(image, target, "pack_scene")
    missing = sorted({"masks", "semantic"} - set(target))
    if missing:
        raise ValueError(f"pack_scene: the target has no {missing}, but masks and semantic are "
                         f"wanted. PetScenes has both.")
    image, target = image.cpu(), {key: value.cpu() for key, value in target.items()}
    masks = target["masks"]
    if len(masks) and int(masks.sum(0).max()) > 1:
        raise ValueError("pack_scene: two masks share a pixel, but a pixel shows one instance at "
                         "most. Give the visible masks, not full_masks.")
    numbers = torch.arange(1, len(masks) + 1)[:, None, None]                   # (N, 1, 1)
    rgb = (image * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous()  # (H, W, 3)
    return {"height": image.shape[1], "width": image.shape[2],
            "rgb": base64.b64encode(rgb.numpy().tobytes()).decode(),
            "semantic": runs(target["semantic"]), "instances": runs((masks * numbers).sum(0)),
            "labels": target["labels"].tolist(), "boxes": target["boxes"].round().int().tolist()}


def runs(values: Tensor) -> list[int]:
    """Run-length code of a map, row by row: [value, length, value, length, …]."""
    found, lengths = torch.unique_consecutive(values.flatten(), return_counts=True)
    return torch.stack([found, lengths], dim=1).flatten().tolist()
