"""A small folder in COCO's format for tests: drawn scenes, their outlines as RLE."""

import json

import numpy as np
import torch
from PIL import Image
from pycocotools import mask as coco_mask

from coursekit.data import PetScenes

NAMES = ("cat", "dog", "rabbit")
IDS = (3, 7, 90)                        # of the categories in the file


def write_scenes(folder, name, count, split="train", size=64, empty=()):
    """`count` scenes into folder/images and folder/NAME.json; those in `empty` without outlines."""
    scenes = PetScenes(split, length=count, size=size, cache=False)
    (folder / "images").mkdir(parents=True, exist_ok=True)
    content = {"images": [], "annotations": [],
               "categories": [{"id": id, "name": one} for id, one in zip(IDS, NAMES, strict=True)]}
    for n in range(count):
        image, target = scenes[n]
        file, (H, W) = f"{name}{n}.png", image.shape[-2:]
        bytes_ = (image * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
        Image.fromarray(bytes_).save(folder / "images" / file)
        content["images"].append({"id": n, "file_name": file, "height": H, "width": W})
        if n not in empty:
            content["annotations"] += outlines(n, target)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(content))
    return path


def outlines(image_id, target):
    """COCO's annotations of one scene."""
    found = []
    for box, label, mask in zip(target["boxes"].tolist(), target["labels"].tolist(),
                                target["masks"].numpy(), strict=True):
        rle = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
        x1, y1, x2, y2 = box
        found.append({"image_id": image_id, "category_id": IDS[label - 1], "iscrowd": 0,
                      "bbox": [x1, y1, x2 - x1, y2 - y1],
                      "segmentation": {"size": list(mask.shape), "counts": rle["counts"].decode()}})
    return found
