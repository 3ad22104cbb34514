"""Look through annotated photographs for mistakes that a valid COCO file can hold.

What cannot be right is refused when the file is opened (`coursekit.data.coco_file`), and what can
be mended is mended (`coursekit.data.coco`). Some mistakes are neither: two corners written for x,
y, width and height are a box, too, only another one. Such things show because the file says them
twice, a box and an outline, a size and a photograph, or because many entries are odd in one way.

How boxes and outlines are compared stands in `coursekit.data.audit_outlines`.
"""

from collections import Counter
from collections.abc import Iterator

from PIL import Image

from coursekit.data.audit_outlines import Thing, boxes, outlines, say, things_of
from coursekit.data.coco import CocoFolder
from coursekit.data.photo import ORIENTATION

FILLERS = {"background", "__background__", "_background_", "n/a", "none", "unlabeled", "void"}
SIDEWAYS = (5, 6, 7, 8)     # EXIF orientations that swap height and width


def audit(data: CocoFolder) -> list[str]:
    """What is suspicious, a finding each: what, how many, the first of them, what to do.

    A finding may be right all the same: look at the example that it names. Outlines are drawn and
    photographs' headers read, so a thousand photographs take some seconds.

    Args:
        data: the folder, as it is opened for training.
    Returns:
        Sentences to print; none if nothing is suspicious.
    Raises:
        TypeError: something other than a `CocoFolder`.
    """
    if not isinstance(data, CocoFolder):
        raise TypeError(f"data: got a {type(data).__name__}, but a CocoFolder was expected. Open "
                        f"the photographs and their file with it first.")
    things = things_of(data)
    return [*_photographs(data), *_gaps(data, things), *_repeats(data, things),
            *_categories(data, things), *boxes(things), *outlines(things)]


def _photographs(data: CocoFolder) -> Iterator[str]:
    """Sizes and turns, from the files' headers."""
    unreadable, swapped, other, turned = [], [], [], []
    for entry in data.images:
        name, size = entry["file_name"], (entry["height"], entry["width"])
        try:
            with Image.open(data.folder / name) as photo:
                turn, stored = photo.getexif().get(ORIENTATION, 1), photo.size[::-1]
        except (OSError, SyntaxError):
            unreadable.append(name)
            continue
        upright = stored[::-1] if turn in SIDEWAYS else stored
        if size not in (stored, upright):
            (swapped if size == stored[::-1] else other).append(
                f"{name}, {size[0]} x {size[1]} in the list and {stored[0]} x {stored[1]} in the "
                f"folder (height x width)")
        elif turn != 1 and size == stored:
            turned.append(name)
    of = len(data)
    yield from say("Photographs that cannot be read", unreadable, of, "Save them anew.")
    yield from say("Images with height and width swapped", swapped, of,
                   "Swap the two numbers; if the outlines then lie wrong, their x and y, too.")
    yield from say("Images listed in another size than their photographs", other, of,
                   "Put the photographs there that were annotated, or annotate these.")
    yield from say("Photographs that EXIF says to turn, but whose annotations are of the size that "
                   "is stored", turned, of, "They will be read as stored, not upright. If the "
                   "boxes then lie wrong, save the photographs upright and annotate those.")


def _gaps(data: CocoFolder, things: list[Thing]) -> Iterator[str]:
    """Images that nobody has annotated, if they are more than half."""
    empty = [entry["file_name"] for entry in data.images if not data.annotations[entry["id"]]]
    if things and 2 * len(empty) > len(data):
        yield from say("Images without annotations", empty, len(data), "All that they show counts "
                       "as background. Take those that nobody has looked at out of the list.")


def _repeats(data: CocoFolder, things: list[Thing]) -> Iterator[str]:
    """What is there twice, and the one id that pycocotools cannot count."""
    files = Counter(entry["file_name"] for entry in data.images)
    yield from say("Photographs listed twice", [name for name, n in files.items() if n > 1],
                   len(files), "Keep one entry each, or a split may train on what it tests on.")
    ids = Counter(repr(thing.entry["id"]) for thing in things if "id" in thing.entry)
    yield from say("Annotation ids used twice", [id for id, n in ids.items() if n > 1], len(ids),
                   "pycocotools keeps only the last annotation of each. Number them from 1.")
    yield from say("Annotations with the id 0", [
        thing.name for thing in things if thing.entry.get("id") == 0], len(things),
        "The course does not mind; but pycocotools, given this file, takes an object that was "
        "found for a miss if its id is 0. Number them from 1.")
    seen, twice = set(), []
    for thing in things:
        key = thing.entry["image_id"], thing.entry["category_id"], *thing.entry["bbox"]
        (twice.append(thing.name) if key in seen else seen.add(key))
    yield from say("Objects annotated twice, in the same box and category", twice, len(things),
                   "Remove one of the two.")


def _categories(data: CocoFolder, things: list[Thing]) -> Iterator[str]:
    """Names for nothing, two names for the same, and classes without an example."""
    names = dict(zip(data.category_ids.values(), data.classes[1:], strict=True))     # by id
    plain = {id: name.strip().casefold() for id, name in names.items()}
    called = {id: f"{name!r} (id {id})" for id, name in names.items()}
    yield from say("Categories that are no objects", [
        called[id] for id, name in plain.items() if name in FILLERS], len(names), "Remove them: "
        "background is label 0 without being listed, and gaps between the ids do no harm.")
    counts = Counter(plain.values())
    yield from say("Names that more than one category has", [
        repr(name) for name, n in counts.items() if n > 1], len(counts),
        "Give their annotations one id, and remove the other categories.")
    used = {thing.entry["category_id"] for thing in things}
    if things:
        yield from say("Categories without annotations", [
            called[id] for id in names if id not in used], len(names), "Their classes learn only "
            "never to be found. Is the list of annotations whole, and do its ids begin where the "
            "categories' do? Else remove them.")
