"""Make the stored data of the figure 'mask-paste': `src/coursekit/figures/data/mask-paste.json`.

One detection of the shipped Mask R-CNN on a scene: its box, and what the mask head says of it, cell
by cell, for every class, beside the true mask cut to the same box as in training. A probability is
stored as a byte b and read as (b + 0.5) / 256, so that none of them lies on a threshold. Run
`make_fallbacks.py` after.

    python scripts/make_mask_figure.py

K classes, S = 28 cells a side, N detections, H W image size.
"""

import base64
import json
import sys
from pathlib import Path

import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from coursekit.boxes import iou  # noqa: E402
from coursekit.data import PetScenes  # noqa: E402
from coursekit.figures import pack_scene, runs  # noqa: E402
from coursekit.masks import cut  # noqa: E402
from coursekit.models.backbone import Backbone  # noqa: E402
from coursekit.models.mask_rcnn import MaskRCNN  # noqa: E402
from coursekit.weights import load  # noqa: E402

FILE = ROOT / "src/coursekit/figures/data/mask-paste.json"
SCENE, OBJECT = 48, 1                 # of the test split: a rabbit, alone in its box


def detect(image: Tensor, aim: Tensor) -> tuple[Tensor, int, float, Tensor]:
    """The detection that meets the box `aim` (4,) best: box (4,), label, score, masks (K-1, S, S).

    The box is rounded to hundredths of a pixel before the mask head sees it.
    """
    model = MaskRCNN(Backbone()).eval()
    model.load_state_dict(load("mask-rcnn"))
    with torch.inference_mode():
        found = model([image])[0]
        best = int(iou(found["boxes"], aim[None]).argmax())
        box = (100 * found["boxes"][best]).round() / 100
        levels = [model.backbone(image[None])]
        masks = model.mask_head(levels, [box[None]], image.shape[-1])[0, 1:].sigmoid()
    return box, int(found["labels"][best]), float(found["scores"][best]), masks


def mask_paste() -> dict:
    """The scene, the detection, its masks, and the true mask."""
    image, target = PetScenes("test")[SCENE]
    truth = target["masks"][OBJECT]                                             # (H, W)
    box, label, score, masks = detect(image, target["boxes"][OBJECT])
    side = masks.shape[-1]
    aim = cut(truth[None], box[None], torch.zeros(1, dtype=torch.int64), side)  # (1, S, S)
    planes = (256 * torch.cat([masks, aim])).floor().clamp(0, 255).to(torch.uint8)
    scene = pack_scene(image, target)
    return {"index": SCENE, "scene": {key: scene[key] for key in ("height", "width", "rgb")},
            "box": [round(value, 2) for value in box.tolist()], "label": label,
            "score": round(score, 2), "side": side,
            "masks": base64.b64encode(planes.numpy().tobytes()).decode(),
            "truth": runs(truth.int()), "view": ("cat", "dog", "rabbit")[label - 1],
            "threshold": 0.5}


def main() -> None:
    """Write the file."""
    FILE.write_text(json.dumps(mask_paste(), separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{FILE.relative_to(ROOT)}: {FILE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
