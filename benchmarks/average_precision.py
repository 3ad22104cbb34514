"""Time of the course's COCO AP against pycocotools': `python benchmarks/average_precision.py`.

One thread. 128 images with some 900 objects and 4,000 detections of 80 classes, drawn with a seed:
boxes first, then the same with masks of 160 x 120. pycocotools is given all it needs (index,
results, evaluate, accumulate, summarize; masks arrive encoded already). Both give the same numbers
(asserted), their calls alternate, and the ratio is the median of the pairs' ratios.
"""

import contextlib
import io
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from pycocotools.mask import encode
from torch import Tensor

from coursekit.metrics import coco_ap

IMAGES, CLASSES, REPEATS, BOUND = 128, 80, 5, 0.35
NAMES = ["AP", "AP50", "AP75", "APs", "APm", "APl"]


def draw_set() -> tuple[list[dict], list[dict]]:
    """Objects, and detections of most of them, moved by noise, with as many again beside them."""
    predictions, targets = [], []
    for _ in range(IMAGES):
        n = int(torch.randint(0, 15, ()))
        corner, size = torch.rand(n, 2) * 400, 8 + 150 * torch.rand(n, 2) ** 2
        boxes, labels = torch.cat([corner, corner + size], dim=1), torch.randint(1, CLASSES, (n,))
        if n:
            labels = labels[torch.randint(max(1, n // 3), (n,))]     # several of few classes
        targets.append({"boxes": boxes, "labels": labels, "iscrowd": (torch.rand(n) < 0.03).long()})
        noisy = boxes.repeat(4, 1)
        side = (noisy[:, 2:] - noisy[:, :2]).repeat(1, 2)
        noisy = noisy + torch.randn(4 * n, 4) * 0.12 * side
        noisy = torch.cat([noisy.view(-1, 2, 2).amin(dim=1), noisy.view(-1, 2, 2).amax(dim=1)], 1)
        found = labels.repeat(4)
        wrong = torch.rand(4 * n) < 0.1
        found[wrong] = torch.randint(1, CLASSES, (int(wrong.sum()),))
        predictions.append({"boxes": noisy, "labels": found, "scores": torch.rand(4 * n)})
    return predictions, targets


def with_masks(samples: list[dict]) -> list[dict]:
    """The same, with a filled ellipse of 160 x 120 pixels at most in every box, at a quarter."""
    y, x = torch.arange(120)[:, None] + 0.5, torch.arange(160) + 0.5
    for sample in samples:
        x1, y1, x2, y2 = (sample["boxes"] / 4).T[:, :, None, None]
        sample["masks"] = ((2 * x - x1 - x2) / (x2 - x1)) ** 2 + (
            (2 * y - y1 - y2) / (y2 - y1)) ** 2 < 1                          # (N, H, W)
    return samples


def rows(samples: list[dict], iou_type: str) -> list[dict]:
    """The samples as COCO's files hold them, masks encoded."""
    out = []
    for image, sample in enumerate(samples):
        boxes = sample["boxes"].double()
        boxes = torch.cat([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], dim=1).tolist()
        for i, (x, y, w, h) in enumerate(boxes):
            row = {"id": len(out) + 1, "image_id": image, "category_id": int(sample["labels"][i])}
            if iou_type == "bbox":
                row.update(bbox=[x, y, w, h], area=w * h)
            else:
                mask = np.asfortranarray(sample["masks"][i].numpy().astype(np.uint8))
                row.update(segmentation=encode(mask), area=float(mask.sum()))
            row["iscrowd"] = int(sample["iscrowd"][i]) if "iscrowd" in sample else 0
            if "scores" in sample:
                row["score"] = float(sample["scores"][i])
            out.append(row)
    return out


def pycocotools_ap(found: list[dict], true: list[dict], iou_type: str) -> list[float]:
    """What pycocotools says of the same set: its first six numbers."""
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {"images": [{"id": i, "height": 120, "width": 160} for i in range(IMAGES)],
                        "annotations": true, "info": {},
                        "categories": [{"id": k} for k in range(1, CLASSES)]}
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(found), iou_type)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return [value if value > -1 else float("nan") for value in evaluation.stats[:6]]


def seconds(call: Callable, *inputs: object) -> tuple[float, object]:
    """Processor time of one call, and its result."""
    start = time.process_time()
    result = call(*inputs)
    return time.process_time() - start, result


def compare(predictions: list[dict[str, Tensor]], targets: list[dict[str, Tensor]],
            iou_type: str) -> float:
    """Print the line of one kind of overlap; return its ratio."""
    times = []
    for _ in range(REPEATS):
        found, true = rows(predictions, iou_type), rows(targets, iou_type)   # it writes into them
        theirs, reference = seconds(pycocotools_ap, found, true, iou_type)
        ours, result = seconds(coco_ap, predictions, targets, iou_type)
        assert np.allclose([result[name] for name in NAMES], reference, rtol=0, atol=1e-9,
                           equal_nan=True)
        times.append((ours / theirs, theirs))
    ratio, base = (statistics.median(column) for column in zip(*times, strict=True))
    print(f"coco_ap, {iou_type}, {len(found)} detections, {len(true)} objects, {IMAGES} images: "
          f"pycocotools {base * 1e3:.0f} ms, ours x {ratio:.2f}")
    return ratio


def main() -> None:
    """Print a line for boxes and one for masks, and hold the first to its bound."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    predictions, targets = draw_set()
    ratio = compare(predictions, targets, "bbox")
    compare(with_masks(predictions), with_masks(targets), "segm")
    assert ratio <= BOUND, f"at most {BOUND} times pycocotools' time is claimed, not {ratio:.2f}"


if __name__ == "__main__":
    main()
