"""Do the boxes of a COCO file fit its outlines, and both its images?

A file says twice where an object is: `bbox`, and `segmentation`. Where the two disagree, other
readings of the four numbers are tried; one that makes most of them agree is the mistake.

Letters: H and W an image's height and width. Boxes are x, y, width, height here, as in the file.
"""

from collections.abc import Iterator
from typing import NamedTuple

from pycocotools import mask as coco_mask

from coursekit.data.coco import CocoFolder, run_length_mask

Box = tuple[float, float, float, float]
FIT = 2, 0.1        # pixels, and share of the outline's side: how far a box's edge may be from it
OUT = 1             # pixels beyond the image that a tool's rounding may cause
AREA = 16, 0.25     # pixels, and share of the mask's: how far `area` may be from them
READINGS = {        # of four numbers a, b, c, d: what else they could have been meant to be
    "two corners, x1, y1, x2, y2": lambda a, b, c, d, H, W: (a, b, c - a, d - b),
    "a center and a size": lambda a, b, c, d, H, W: (a - c / 2, b - d / 2, c, d),
    "x, y, height, width": lambda a, b, c, d, H, W: (a, b, d, c),
    "y, x, height, width": lambda a, b, c, d, H, W: (b, a, d, c),
    "a center and a size in parts of the image": lambda a, b, c, d, H, W: (
        (a - c / 2) * W, (b - d / 2) * H, c * W, d * H),
}


class Thing(NamedTuple):
    """One annotation, what to call it, its image's size, and what its outline comes to."""

    entry: dict
    name: str
    size: tuple[int, int]
    around: Box             # the box around the mask
    pixels: int             # of the mask


def things_of(data: CocoFolder) -> list[Thing]:
    """Every annotation that the folder will show."""
    things = []
    for image in data.images:
        size = image["height"], image["width"]
        for number, entry in enumerate(data.annotations[image["id"]]):
            mask = run_length_mask(entry["segmentation"], size)
            name = f"annotation {entry.get('id', f'number {number}')} of {image['file_name']}"
            things.append(Thing(entry, name, size, tuple(coco_mask.toBbox(mask).tolist()),
                                int(coco_mask.area(mask))))
    return things


def say(what: str, bad: list[str], of: int, advice: str) -> Iterator[str]:
    """The finding, if there is anything bad."""
    if bad:
        yield f"{what}: {len(bad)} of {of}, first {bad[0]}. {advice}"


def boxes(things: list[Thing]) -> Iterator[str]:
    """Boxes that are not around their outlines, and the reading that would put them there."""
    what, advice = "Boxes that are not around their outlines", (
        "Look at them over the photograph. (A box may include what is hidden; an outline may not.)")
    bad = [thing for thing in things if thing.pixels and not _fits(thing.entry["bbox"], thing)]
    best = max(READINGS, key=lambda reading: sum(_explains(reading, thing) for thing in bad))
    told = [thing for thing in bad if _explains(best, thing)]
    if 2 * len(told) > len(bad):
        what, advice, bad = f"{what}, but are if bbox is read as {best}", (
            "COCO's bbox is x, y, width, height: write that."), told
    yield from say(what, [f"{thing.name}: bbox {_short(thing.entry['bbox'])}, outline within "
                          f"{_short(thing.around)}" for thing in bad], len(things), advice)
    yield from say("Outlines that cover no pixel", [
        thing.name for thing in things if not thing.pixels], len(things),
        "Draw them anew, or remove them.")


def _short(box: Box) -> str:
    return f"({', '.join(f'{number:.5g}' for number in box)})"


def _explains(reading: str, thing: Thing) -> bool:
    return _fits(READINGS[reading](*thing.entry["bbox"], *thing.size), thing)


def _fits(box: Box, thing: Thing) -> bool:
    """Whether each edge of the box, cut at the image's border, is near the outline's."""
    most = [max(FIT[0], FIT[1] * side) for side in thing.around[2:]] * 2
    pairs = zip(_corners(box, *thing.size), _corners(thing.around, *thing.size), most, strict=True)
    return all(abs(a - b) <= near for a, b, near in pairs)


def _corners(box: Box, H: int, W: int) -> list[float]:
    """x1, y1, x2, y2, cut at the image's border."""
    x, y, width, height = box
    edges = (x, W), (y, H), (x + width, W), (y + height, H)
    return [min(max(edge, 0), end) for edge, end in edges]


def outlines(things: list[Thing]) -> Iterator[str]:
    """Outlines beyond the image, rectangles for outlines, areas that are not the masks'."""
    yield from say("Boxes or outlines that reach beyond the image", [
        f"{thing.name}, by {_beyond(thing):.0f} pixels" for thing in things
        if _beyond(thing) > OUT], len(things), "They are cut at its border. Were they drawn on the "
        "photograph in another size?")
    square = [thing.name for thing in things if _is_rectangle(thing)]
    if len(square) == len(things) > 2:
        yield from say("Outlines that are only rectangles", square, len(things), "Masks learned "
                       "from them will be rectangles, too. Draw outlines; or take a detector "
                       "without masks, Faster R-CNN.")
    yield from say("Areas that are not the outlines'", [
        f"{thing.name}, {thing.entry['area']:g} for {thing.pixels} pixels" for thing in things
        if thing.entry.get("area") is not None
        and abs(thing.entry["area"] - thing.pixels) > max(AREA[0], AREA[1] * thing.pixels)],
        len(things), "COCO sorts objects into small, medium and large by it. Leave the key out, "
        "and the mask's pixels are counted.")


def _beyond(thing: Thing) -> float:
    """How far the box or a polygon reaches out of the image, in pixels."""
    (H, W), (x, y, width, height) = thing.size, thing.entry["bbox"]
    outline = thing.entry["segmentation"]
    rows = [[x, y, x + width, y + height], *(outline if isinstance(outline, list) else [])]
    return max(edge for row in rows for edge in (
        -min(row[::2]), -min(row[1::2]), max(row[::2]) - W, max(row[1::2]) - H))


def _is_rectangle(thing: Thing) -> bool:
    """Whether the outline is one polygon of four corners (and perhaps the first again), upright."""
    outline = thing.entry["segmentation"]
    return (isinstance(outline, list) and [len(polygon) for polygon in outline] in ([8], [10])
            and len(set(outline[0][::2])) == len(set(outline[0][1::2])) == 2)
