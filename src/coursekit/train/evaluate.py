"""Measure a detector once, by all processes together.

Each process takes every P-th photograph, so that none is counted twice, and compares what it finds
with what is there. Masks are large and overlaps are small: only these travel to the first process,
which puts them into the photographs' order and reads off the average precision. Photographs go
through the detector one by one, so nothing depends on how many processes there are.
"""

import torch
from torch.utils.data import DataLoader, Dataset, Subset

from coursekit.average_precision import ap_of_pairs
from coursekit.data import collate
from coursekit.detections import SHAPES, pair_up
from coursekit.models.faster_rcnn import FasterRCNN
from coursekit.train.distributed import gather, place
from coursekit.train.loop import to_device

ROWS = ("AP", "AP50", "AP75", "APs", "APm", "APl")


@torch.no_grad()
def evaluate(model: FasterRCNN, data: Dataset, workers: int = 0) -> dict[str, dict]:
    """Average precision of boxes and, if the detector draws any, of masks.

    Args:
        model: in evaluation mode, on its device.
        data: samples.
        workers: processes that read them.
    Returns:
        "bbox" and perhaps "segm": what `coco_ap` gives; the same in every process.
    """
    process, count = place()
    mine = Subset(data, range(process, len(data), count))
    device = next(model.parameters()).device
    kinds = [kind for kind, shape in SHAPES.items() if shape in model.needed]
    rows = []
    for images, targets in DataLoader(mine, num_workers=workers, collate_fn=collate):
        found = model(to_device(images, device))
        for one in found:
            if "masks" in one:
                one["masks"] = one["masks"][:, 0] > 0.5
        found = to_device(found, torch.device("cpu"))
        rows.append([pair_up(found, targets, kind)[0] for kind in kinds])
    parts = gather(rows)
    rows = [parts[n % count][n // count] for n in range(len(data))]
    return {kind: ap_of_pairs([row[k] for row in rows]) for k, kind in enumerate(kinds)}


def table(scores: dict[str, dict], classes: tuple[str, ...]) -> str:
    """All scores in one table: a row a score and a class, a column for boxes and one for masks."""
    rows = [(name, [score[name] for score in scores.values()]) for name in ROWS]
    rows += [(f"AP {classes[k]}", [score["per_class"].get(k, float("nan"))
                                   for score in scores.values()]) for k in range(1, len(classes))]
    width = max(len(name) for name, _ in rows)
    lines = [" " * width + "".join(f"{SHAPES[kind]:>8}" for kind in scores)]
    lines += [f"{name:{width}}" + "".join("       –" if one != one else f"{one:8.3f}"
                                         for one in values) for name, values in rows]
    return "\n".join(lines)
