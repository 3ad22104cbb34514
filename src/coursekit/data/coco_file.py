"""Read an annotation file in COCO's instances format, and say what is wrong with it.

The file is one JSON object with three lists, tied together by ids that need not be consecutive:
`images` (id, file_name, height, width), `categories` (id, name) and `annotations` (image_id,
category_id, `bbox` as x, y, width, height, and `segmentation`: polygons x1, y1, x2, y2 …, or
run lengths, RLE, down the columns and beginning with the zeros). Everything is checked here, once,
so that a slip of an annotation tool is met when the file is opened and not in the third epoch.

Source: Lin et al., "Microsoft COCO", ECCV 2014; https://cocodataset.org/#format-data.
"""

import json
import math
from pathlib import Path

KEYS = {
    "images": ("id", "file_name", "height", "width"),
    "categories": ("id", "name"),
    "annotations": ("image_id", "category_id", "bbox", "segmentation"),
}
SLACK = 0.1  # of the image's side: how far outside of it an outline may reach


def read_coco(path: Path | str) -> dict[str, list[dict]]:
    """The file's three lists, checked.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not JSON, not COCO's instances format, or values that cannot be right; the
            message names the entry.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"There is no file {path}, but a JSON file in COCO's instances "
                                f"format is wanted there. Check the name and the folder.")
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except ValueError as error:  # also bytes that are no text
        raise ValueError(f"{path} is not JSON ({error}). Export the annotations in COCO's "
                         f"instances format.") from error
    try:
        _check(content)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return {part: content[part] for part in KEYS}


def _check(content: object) -> None:
    """Check the three lists, then each annotation against its image."""
    if not isinstance(content, dict):
        raise ValueError(f"the file holds a {type(content).__name__}, but COCO's instances format "
                         f"is an object with {', '.join(KEYS)}. A list is a file of results: give "
                         f"the file of annotations.")
    for part, keys in KEYS.items():
        if not isinstance(content.get(part), list):
            raise ValueError(f"the key {part!r} is missing or no list; the file has "
                             f"{sorted(content)}. Export in COCO's instances format.")
        for number, entry in enumerate(content[part]):
            _check_keys(entry, keys, f"{part}[{number}]")
    sizes = {}
    for image in _unique(content["images"], "images"):
        sizes[image["id"]] = (image["height"], image["width"])
        if not all(_whole(side) and side > 0 for side in sizes[image["id"]]):
            raise ValueError(f"image {image['id']} has height and width {sizes[image['id']]}, but "
                             f"whole numbers of pixels are wanted.")
    categories = {entry["id"] for entry in _unique(content["categories"], "categories")}
    for number, entry in enumerate(content["annotations"]):
        name = f"annotation {entry.get('id', f'number {number}')}"
        _check_belongs(entry, name, sizes, categories)
        _check_box(entry["bbox"], name, *sizes[entry["image_id"]])
        _check_segmentation(entry["segmentation"], name, *sizes[entry["image_id"]])


def _check_keys(entry: object, keys: tuple[str, ...], name: str) -> None:
    missing = [key for key in keys if not isinstance(entry, dict) or key not in entry]
    if missing:
        raise ValueError(f"{name} lacks {', '.join(missing)}; COCO's instances format wants "
                         f"{', '.join(keys)}. Export in that format, with outlines.")
    for key in {"file_name", "name"}.intersection(keys):
        if not isinstance(entry[key], str) or not entry[key]:
            raise ValueError(f"{name} has {key} {entry[key]!r}, but a text is wanted.")


def _unique(entries: list[dict], part: str) -> list[dict]:
    """The same entries, whose ids are whole numbers, each used once."""
    seen = set()
    for entry in entries:
        if not _whole(entry["id"]) or entry["id"] in seen:
            raise ValueError(f"{part} hold the id {entry['id']!r} twice, or it is no whole number. "
                             f"Number them anew, each with its own.")
        seen.add(entry["id"])
    return entries


def _check_belongs(entry: dict, name: str, sizes: dict, categories: set) -> None:
    """Check the annotation's two ids, its `iscrowd` and its `area`."""
    if not _whole(entry["image_id"]) or entry["image_id"] not in sizes:
        raise ValueError(f"{name} is of image {entry['image_id']!r}, but no image has that id. "
                         f"Add the image or remove the annotation.")
    if not _whole(entry["category_id"]) or entry["category_id"] not in categories:
        raise ValueError(f"{name} is of category {entry['category_id']!r}, but the categories are "
                         f"{sorted(categories)}. Add the category or correct the annotation.")
    if entry.get("iscrowd", 0) not in (0, 1):
        raise ValueError(f"{name} has iscrowd {entry['iscrowd']!r}, but 0 or 1 is wanted.")
    area = entry.get("area")
    if area is not None and not (_finite([area]) and area >= 0):
        raise ValueError(f"{name} has area {area!r}, but a number of pixels is wanted. Leave the "
                         f"key out, and the mask is counted.")


def _check_box(box: object, name: str, H: int, W: int) -> None:
    if not (isinstance(box, list) and len(box) == 4 and _finite(box)):
        raise ValueError(f"{name} has bbox {box!r}, but four finite numbers are wanted: x, y, "
                         f"width, height. Correct or remove it.")
    x, y, width, height = box
    if width < 0 or height < 0:
        raise ValueError(f"{name} has bbox {box}, but width and height must not be negative. "
                         f"COCO's bbox is x, y (the top left corner), width, height.")
    xs, ys = [x, x + width], [y, y + height]
    if not _inside(xs, ys, H, W):
        swapped = " Or are the image's two sides swapped?" if _inside(xs, ys, W, H) else ""
        raise ValueError(
            f"{name} has bbox {box}, which reaches from ({x}, {y}) to ({x + width}, {y + height}), "
            f"but its image is {H} x {W} (height x width). COCO's bbox is x, y, width, height: if "
            f"these are two corners, subtract the first from the second.{swapped}")


def _check_segmentation(outline: object, name: str, H: int, W: int) -> None:
    """Check polygons, or RLE as a list of counts or as COCO's string."""
    if isinstance(outline, dict):
        return _check_rle(outline, name, H, W)
    if not isinstance(outline, list) or not outline:
        raise ValueError(f"{name} has segmentation {outline!r}, but polygons or RLE are wanted: "
                         f"masks are learned from them. Draw outlines; or, if boxes are all you "
                         f"have, write each as the polygon of its four corners.")
    for polygon in outline:
        if not (isinstance(polygon, list) and len(polygon) >= 6 and len(polygon) % 2 == 0
                and _finite(polygon)):
            raise ValueError(f"{name} has the polygon {str(polygon)[:60]}, but a list of x1, y1, "
                             f"x2, y2, x3, y3 … is wanted: finite, three points or more.")
        if not _inside(polygon[::2], polygon[1::2], H, W):
            raise ValueError(f"{name} has a polygon that reaches to ({max(polygon[::2])}, "
                             f"{max(polygon[1::2])}), far outside its image of {H} x {W} (height "
                             f"x width). Was it drawn on the photograph in another size?")


def _check_rle(rle: dict, name: str, H: int, W: int) -> None:
    """Check that the runs fill the image exactly; pycocotools would read past their end."""
    _check_keys(rle, ("size", "counts"), f"the RLE of {name}")
    counts = rle["counts"]
    try:
        runs = run_lengths(counts) if isinstance(counts, str) else list(counts)
        sound = all(_whole(run) and run >= 0 for run in runs)
        fits = sound and rle["size"] == [H, W] and sum(runs) == H * W
    except (TypeError, ValueError):
        fits = False
    if not fits:
        raise ValueError(f"{name} has an RLE of size {rle['size']} whose runs are damaged or do "
                         f"not add up to its image's {H} x {W} (height x width) pixels. Export "
                         f"it anew, from the mask at the image's full size.")


def run_lengths(counts: str) -> list[int]:
    """The run lengths in COCO's RLE string.

    Each is written in groups of five bits, lowest first, a sixth bit saying that more follow, as
    the character 48 higher; from the fourth run on, as the difference to the run two before.

    Raises:
        ValueError: a character that is none of these, or an end within a number.
    Source:
        rleFrString in pycocotools' maskApi.c.
    """
    runs, number, bits = [], 0, 0
    for character in counts:
        group = ord(character) - 48
        if not 0 <= group < 64:
            raise ValueError(f"{character!r} is no character of COCO's RLE")
        number |= (group & 31) << bits
        bits += 5
        if group & 32:
            continue
        if group & 16:  # the highest bit is the sign
            number -= 1 << bits
        runs.append(number + (runs[-2] if len(runs) > 2 else 0))
        number, bits = 0, 0
    if bits:
        raise ValueError(f"{counts[-5:]!r} ends within a number")
    return runs


def _whole(number: object) -> bool:
    """Whether it is an int64; JSON's true and false are not."""
    return type(number) is int and abs(number) < 1 << 63


def _finite(numbers: list) -> bool:
    return all(isinstance(n, int | float) and math.isfinite(n) for n in numbers)


def _inside(xs: list, ys: list, H: int, W: int) -> bool:
    """Whether the points lie in the image, or not farther out than SLACK of its sides."""
    return (-SLACK * W <= min(xs) and max(xs) <= (1 + SLACK) * W
            and -SLACK * H <= min(ys) and max(ys) <= (1 + SLACK) * H)
