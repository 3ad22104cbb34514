"""The reader's own photographs, annotated in COCO's instances format.

COCO numbers its categories with gaps (1 … 90 for 80 of them) and other tools from 0; the course
counts labels 1, 2, … with 0 for background, as torchvision does, so ids are mapped, in their
order, and the way back is kept in `category_ids`. Boxes are turned from x, y, width, height into
xyxy and cut at the image's border, as masks are.

Letters: N annotations of an image, H and W its height and width.
"""

import warnings
from pathlib import Path

import torch
from pycocotools import mask as coco_mask
from torch import Tensor
from torch.utils.data import Dataset

from coursekit.boxes import clip, convert
from coursekit.data.coco_file import read_coco
from coursekit.data.photo import read_photo
from coursekit.data.sample import VOID


class CocoFolder(Dataset):
    """A folder of photographs with a COCO file; images without annotations are samples too.

    `classes[label]` is a category's name and `category_ids[label]` its id in the file, from 1 on.
    In the semantic map the smaller of two overlapping objects is on top, and crowds lie below
    all. `area` is the file's, or the mask's where the file has none. Annotations whose box has no
    area are left out, with a warning. How turned photographs (EXIF) are read: `read_photo`.

    Args:
        images: the folder with the photographs, which the file names relative to it.
        annotations: the JSON file.
    Raises:
        FileNotFoundError: the file, or photographs that it names, are not there.
        ValueError: the file is not in the format, or its values cannot be right.
    """

    def __init__(self, images: Path | str, annotations: Path | str) -> None:
        """Read and check the annotations; the photographs are read one by one, later."""
        content = read_coco(annotations)
        categories = sorted(content["categories"], key=lambda category: category["id"])
        if len(categories) >= VOID:
            raise ValueError(f"{annotations} has {len(categories)} categories, but {VOID - 1} is "
                             f"the most, as {VOID} marks void pixels. Keep those you need.")
        self.classes = ("background", *(category["name"] for category in categories))
        self.category_ids = {label: entry["id"] for label, entry in enumerate(categories, start=1)}
        self.folder, self.images = Path(images), content["images"]
        self.annotations = _by_image(content)
        _check_files(self.folder, self.images)

    def __len__(self) -> int:
        """Number of images."""
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Image (3, H, W) in [0, 1]; target with boxes (N, 4), labels (N,), masks (N, H, W).

        The target also holds `semantic`, `area`, `iscrowd` and `image_id`.
        """
        entry = self.images[index]
        size = (entry["height"], entry["width"])
        image = read_photo(self.folder / entry["file_name"], size)
        found = self.annotations[entry["id"]]
        labels = {id: label for label, id in self.category_ids.items()}
        boxes = torch.tensor([a["bbox"] for a in found], dtype=torch.float32).reshape(-1, 4)
        masks = torch.zeros((len(found), *size), dtype=torch.bool)
        for mask, annotation in zip(masks, found, strict=True):
            rle = run_length_mask(annotation["segmentation"], size)
            mask[:] = torch.from_numpy(coco_mask.decode(rle))
        counted = masks.sum(dim=(1, 2)).tolist()
        target = {
            "boxes": clip(convert(boxes, "xywh", "xyxy"), size),
            "labels": torch.tensor([labels[a["category_id"]] for a in found], dtype=torch.int64),
            "masks": masks,
            "area": torch.tensor([n if a.get("area") is None else float(a["area"])
                                  for n, a in zip(counted, found, strict=True)]).float(),
            "iscrowd": torch.tensor([int(a.get("iscrowd", 0)) for a in found], dtype=torch.int64),
            "image_id": torch.tensor(entry["id"]),
        }
        return image, target | {"semantic": _semantic(target, counted, size)}


def run_length_mask(outline: list | dict, size: tuple[int, int]) -> dict:
    """Polygons or RLE -> one mask as pycocotools' run lengths, by COCO's own rule for pixels."""
    if isinstance(outline, dict) and isinstance(outline["counts"], str):
        return outline
    rles = coco_mask.frPyObjects(outline, *size)
    return rles if isinstance(rles, dict) else coco_mask.merge(rles)


def _semantic(target: dict[str, Tensor], counted: list[int], size: tuple[int, int]) -> Tensor:
    """(H, W) labels: crowds first, then objects, each from the largest mask to the smallest."""
    semantic = torch.zeros(size, dtype=torch.int64)
    crowd = target["iscrowd"].tolist()
    for i in sorted(range(len(crowd)), key=lambda i: (-crowd[i], -counted[i])):
        semantic[target["masks"][i]] = target["labels"][i]
    return semantic


def _by_image(content: dict[str, list[dict]]) -> dict[int, list[dict]]:
    """Image id -> its annotations, without those whose box in the image has no area."""
    sizes = {entry["id"]: (entry["height"], entry["width"]) for entry in content["images"]}
    found, empty = {id: [] for id in sizes}, []
    for annotation in content["annotations"]:
        x, y, width, height = annotation["bbox"]
        H, W = sizes[annotation["image_id"]]
        seen = min(x + width, W) > max(x, 0) and min(y + height, H) > max(y, 0)
        (found[annotation["image_id"]] if seen else empty).append(annotation)
    if empty:
        warnings.warn(f"{len(empty)} annotations are left out, as their boxes have no area within "
                      f"the image; the first has bbox {empty[0]['bbox']}.", stacklevel=3)
    return found


def _check_files(folder: Path, images: list[dict]) -> None:
    names = [entry["file_name"] for entry in images]
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise FileNotFoundError(
            f"{folder} lacks {len(missing)} of the {len(names)} photographs that the annotations "
            f"name, first {missing[0]}. Give the folder to which those names are relative.")
