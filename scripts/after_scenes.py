"""What came after, on one scene of three dogs: grids, distances, a matching, panoptic labels.

Each function gives one drawing (see `svg.py`). The places are the scene's own, computed from its
boxes and masks; only the answers of the detector in `matching` are invented, as the page says.

Boxes are in the pixels of the course's 128 x 128 scene, drawn three times as fine.
"""

import functools

import numpy as np
import svg
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from coursekit.boxes import convert, giou
from coursekit.data import PetScenes
from coursekit.style import CLASS_COLORS, INK, PALETTE, QUIET, text_in, text_on

SIDE, FINE, INDEX = 128, 384, 8
DOGS = PALETTE[:3]                       # a color for each dog, as in chapter 12
WHITE, YELLOW = "#ffffff", "#FFD166"
STRIDE, PLACE = 8, (68, 84)              # FCOS: a cell's middle that lies in the second dog's box
# invented answers for the scene: how sure of 'dog', and the box
QUERIES = ((0.9, (12, 66, 50, 116)), (0.8, (9, 63, 47, 113)), (0.6, (40, 64, 80, 112)),
           (0.7, (73, 82, 118, 120)), (0.1, (90, 20, 120, 50)))
COST_BOX, COST_GIOU = 5, 2               # facebookresearch/detr, main.py; the class counts once


@functools.cache
def scene(size: int = FINE) -> tuple[np.ndarray, dict]:
    """The scene as bytes (H, W, 3), and its target."""
    image, target = PetScenes("test", length=INDEX + 1, mode="three_dogs", size=size)[INDEX]
    return (255 * image).round().byte().permute(1, 2, 0).numpy(), target


def true_boxes() -> Tensor:
    """(3, 4): the dogs' boxes at the course's own size."""
    return scene(SIDE)[1]["boxes"]


def centerness(left: float, top: float, right: float, bottom: float) -> float:
    """How near the box's middle a place lies, from its distances to the sides: 0 to 1."""
    across = min(left, right) / max(left, right)
    return (across * min(top, bottom) / max(top, bottom)) ** 0.5


def costs() -> Tensor:
    """(5, 3): what each pair of a query and a dog costs; Carion et al. 2020, section 3.1."""
    sure = torch.tensor([p for p, _ in QUERIES])
    answers = torch.tensor([box for _, box in QUERIES], dtype=torch.float32)
    truth = true_boxes()
    apart = torch.cdist(*(convert(boxes / SIDE, "xyxy", "cxcywh") for boxes in (answers, truth)),
                        p=1)
    return COST_BOX * apart - COST_GIOU * giou(answers, truth) - sure[:, None]


def cheapest(table: Tensor) -> dict[int, int]:
    """Of a table of costs (queries, dogs): the dog of each query that has one; the sum is least."""
    return dict(zip(*(places.tolist() for places in linear_sum_assignment(table)), strict=True))


def grids() -> str:
    """Left: YOLO's 7 x 7 cells. Right: two of SSD's grids, with the anchors of a cell each."""
    image, side = scene()[0], 300
    parts = [svg.text(10, 26, "YOLO: one grid", font_weight="bold"),
             svg.text(330, 26, "SSD: several grids", font_weight="bold"),
             svg.pixels(image, 10, 40, side), svg.pixels(image, 330, 40, side)]
    for left, cells, color in ((10, 7, WHITE), (330, 8, WHITE), (330, 4, YELLOW)):
        for k in range(cells + 1):
            at = k * side / cells
            for points in (((left, 40 + at), (left + side, 40 + at)),
                           ((left + at, 40), (left + at, 40 + side))):
                parts.append(svg.line(*points, stroke=color, stroke_width=1.5, opacity=0.8))
    for color, (x1, y1, x2, y2) in zip(DOGS, true_boxes().tolist(), strict=True):
        x, y, cell = (x1 + x2) / 2, (y1 + y2) / 2, SIDE / 7
        row, column, scale = int(y / cell), int(x / cell), side / SIDE
        corners = [column * cell, row * cell, (column + 1) * cell, (row + 1) * cell]
        parts.append(svg.box(*placed(corners, 10, 40, scale), fill=color, stroke=color,
                             fill_opacity=0.45))
        parts.append(svg.box(*placed([x1, y1, x2, y2], 10, 40, scale), stroke=color,
                             stroke_width=3))
        parts.append(svg.dot(10 + x * scale, 40 + y * scale, fill=WHITE, stroke=INK))
    for (x, y), size, color in (((24, 104), 26, WHITE), ((80, 80), 52, YELLOW)):
        for ratio in (0.5, 1, 2):
            w, h = size / ratio ** 0.5 / 2, size * ratio ** 0.5 / 2
            parts.append(svg.box(*placed([x - w, y - h, x + w, y + h], 330, 40, side / SIDE),
                                 stroke=color, stroke_width=3, stroke_dasharray="7 4"))
        parts.append(svg.dot(330 + x * side / SIDE, 40 + y * side / SIDE, fill=color, stroke=INK))
    return svg.page(354, *parts)


def placed(box: list[float], left: float, top: float, scale: float) -> list[float]:
    """A box of the scene where the drawing shows the scene."""
    return [at + scale * value for at, value in zip((left, top) * 2, box, strict=True)]


def distances() -> str:
    """Left: a place's four distances to its box's sides. Right: the centre-ness of every place."""
    image, (x, y), side = scene()[0], PLACE, 300
    x1, y1, x2, y2 = true_boxes()[1].tolist()
    crop, zoom = image[3 * 59:3 * 123, 3 * 32:3 * 96], side / 64             # 64 pixels a side
    frame = placed([x1 - 32, y1 - 59, x2 - 32, y2 - 59], 10, 40, zoom)
    px, py = 10 + zoom * (x - 32), 40 + zoom * (y - 59)
    parts = [svg.text(10, 26, "a place and its box", font_weight="bold"),
             svg.text(330, 26, "centre-ness", font_weight="bold"), svg.pixels(crop, 10, 40, side),
             svg.box(*frame, stroke=DOGS[1], stroke_width=4)]
    ends = {"l": ((frame[0], py), -66, -12), "t": ((px, frame[1]), 10, -44),
            "r": ((frame[2], py), 40, -12), "b": ((px, frame[3]), 10, 80)}
    for name, (end, right, down) in ends.items():
        parts.append(svg.arrow((px, py), end, stroke=WHITE, stroke_width=3.5))
        parts.append(svg.text(px + right, py + down, name, fill=WHITE, font_size=24,
                              font_weight="bold", font_style="italic", stroke=INK,
                              stroke_width=4, paint_order="stroke"))
    parts.append(svg.dot(px, py, 7, fill=YELLOW, stroke=INK))
    rows, columns = np.mgrid[0:50, 0:44] + 0.5
    shade = np.vectorize(centerness)(columns, rows, 44 - columns, 50 - rows)[..., None]
    tint = np.array([int(DOGS[1][k:k + 2], 16) for k in (1, 3, 5)])
    parts.append(svg.pixels((255 + shade * (tint - 255)).round().astype(np.uint8), 348, 40, 264,
                            exact=True))
    zoom = 6
    parts.append(svg.box(348, 40, 348 + 44 * zoom, 40 + 50 * zoom, stroke=DOGS[1], stroke_width=4))
    for right, down, color in ((22, 25, WHITE), (11, 25, WHITE), (x - x1, y - y1, YELLOW)):
        at, value = 348 + zoom * right, centerness(right, down, 44 - right, 50 - down)
        parts.append(svg.dot(at, 40 + zoom * down, 7, fill=color, stroke=INK))
        parts.append(svg.middle(at, 40 + zoom * down + 22, f"{value:.2f}", stroke=WHITE,
                                stroke_width=3, paint_order="stroke"))
    return svg.page(354, *parts)


def matching() -> str:
    """Left: five answers over three dogs. Right: what each pair costs, and the cheapest pairs."""
    image, side = scene()[0], 300
    table, pairs = costs(), cheapest(costs())
    parts = [svg.text(10, 26, "five answers", font_weight="bold"),
             svg.text(330, 26, "cost of each pair", font_weight="bold"),
             svg.pixels(image, 10, 40, side)]
    for n, (_, answer) in enumerate(QUERIES):
        color = DOGS[pairs[n]] if n in pairs else WHITE
        x1, y1, x2, y2 = placed(list(answer), 10, 40, side / SIDE)
        parts.append(svg.box(x1, y1, x2, y2, stroke=color, stroke_width=3,
                             **({} if n in pairs else {"stroke_dasharray": "7 4"})))
        at = x1 + 12 if n != 1 else x1 - 8
        parts.append(svg.dot(at, y1 - 4, 13, fill=color, stroke=INK, stroke_width=1))
        parts.append(svg.middle(at, y1 - 4, str(n + 1), fill=text_on(color),
                                font_weight="bold"))
    for m, name in enumerate("ABC"):
        parts.append(svg.middle(420 + 74 * m, 58, f"dog {name}", fill=text_in(DOGS[m]),
                                font_weight="bold"))
    for n in range(len(QUERIES)):
        y = 98 + 44 * n
        parts.append(svg.text(335, y + 6, f"{n + 1}", font_weight="bold"))
        for m in range(3):
            x, chosen = 420 + 74 * m, pairs.get(n) == m
            if chosen:
                parts.append(svg.box(x - 35, y - 19, x + 35, y + 19, fill=DOGS[m], stroke="none",
                                     rx=6))
            parts.append(svg.middle(x, y, f"{table[n, m]:.2f}".replace("-", "−"),
                                    fill=text_on(DOGS[m]) if chosen else INK,
                                    font_weight="bold" if chosen else "normal"))
    parts.append(svg.text(330, 330, "2 and 5: ‘no object’", fill=QUIET))
    return svg.page(354, *parts)


def panoptic() -> str:
    """The picture, its semantic map, its instances, and both in one map."""
    image, target = scene()
    semantic, masks = target["semantic"].numpy(), target["masks"].numpy()
    names = list(CLASS_COLORS)
    table = np.array([[int(CLASS_COLORS[name][k:k + 2], 16) for k in (1, 3, 5)] for name in names])
    dogs = np.array([[int(color[k:k + 2], 16) for k in (1, 3, 5)] for color in DOGS])
    classes = table[semantic].astype(np.uint8)
    classes[semantic == 0] = 255                       # no class: left white
    both, alone = classes.copy(), np.full_like(classes, 255)
    for mask, color in zip(masks, dogs, strict=True):
        both[mask], alone[mask] = color, color
    parts, top = [], 3 * 30                            # less sky
    for n, (title, plane) in enumerate((("picture", image), ("semantic", classes),
                                        ("instances", alone), ("panoptic", both))):
        x, y = 10 + 320 * (n % 2), 36 + 290 * (n // 2)
        parts.append(svg.text(x, y - 10, title, font_weight="bold"))
        parts.append(svg.pixels(plane[top:], x, y, 300, exact=n > 0))
        parts.append(svg.box(x, y, x + 300, y + 300 * (1 - 30 / SIDE), stroke=QUIET,
                             stroke_width=1))
        parts += labels(n, x, y, target)
    return svg.page(568, *parts)


def labels(panel: int, x: float, y: float, target: dict) -> list[str]:
    """The names on one of the four maps."""
    halo = {"stroke": WHITE, "stroke_width": 4, "paint_order": "stroke", "font_weight": "bold"}
    words = [] if panel in (0, 2) else [(150, 22, "sky"), (36, 205, "grass")]
    if panel == 1:
        words.append((140, 130, "dog"))
    if panel > 1:
        for n, (x1, y1, x2, y2) in enumerate(target["boxes"].tolist(), start=1):
            words.append(((x1 + x2) / 2 * 300 / FINE, ((y1 + y2) / 2 - 90) * 300 / FINE,
                          f"dog {n}"))
    return [svg.middle(x + across, y + down, name, **halo) for across, down, name in words]


SCENES = {"grids": grids, "distances": distances, "matching": matching, "panoptic": panoptic}
