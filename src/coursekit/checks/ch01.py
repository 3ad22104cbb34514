"""Chapter 01's checks: counting instances, flipping boxes, hiding masks."""

import torch

from coursekit.checks.compare import call, likely, stages

BOXES = torch.tensor([[2.0, 1, 6, 3], [0, 0, 7, 5], [3, 2, 4, 5]])


def count_instances(answer: object) -> str | None:
    """Check `count_instances(labels, num_classes)` -> (K,): objects of every class."""
    labels = torch.tensor([2, 1, 2, 2, 4])
    right = torch.tensor([0, 1, 3, 0, 1, 0, 0])
    mistakes = {
        "the classes without an object are missing: the answer has num_classes entries, some 0.":
            right[right > 0],
        "the result ends at the highest class present: give bincount minlength=num_classes.":
            right[:5],
        "background, class 0, has an entry too, so that entry k is class k.": right[1:],
        "the result says whether a class is present: count its objects.": right.clamp(max=1),
        "the result counts all the objects together: one entry a class was asked for.": 5,
        "the result counts the classes: one entry a class, with its objects, was asked for.": 3,
        "there is one entry too many: with background there are num_classes.":
            torch.cat([right, right[:1]]),
    }
    return stages(
        lambda: likely(call(answer, labels, 7), right, mistakes, "the labels 2, 1, 2, 2, 4"),
        lambda: likely(call(answer, labels[:0], 7, rare="right for five objects, but a scene "
                            "without objects must give num_classes zeros."),
                       torch.zeros(7), {}, "no label at all"))


def flip_boxes(answer: object) -> str | None:
    """Check `flip_boxes(boxes, width)` -> (N, 4): the boxes of the image mirrored left to right."""
    x1, y1, x2, y2 = BOXES.unbind(dim=1)
    mistakes = {
        "x1 is now greater than x2: the right side becomes the left, so swap the two.":
            torch.stack([10 - x1, y1, 10 - x2, y2], dim=1),
        "everything is 1 too far left: width - 1 is for pixel indices, and a half-open box mirrors "
        "at width.": torch.stack([9 - x2, y1, 9 - x1, y2], dim=1),
        "x1 is now greater than x2, and everything is 1 too far left: swap the two, and mirror at "
        "width, not width - 1.": torch.stack([9 - x1, y1, 9 - x2, y2], dim=1),
        "x2 is computed from the new x1: keep the old one until both are done.":
            torch.stack([10 - x2, y1, x2, y2], dim=1),
        "x1 is computed from the new x2: keep the old one until both are done.":
            torch.stack([x1, y1, 10 - x1, y2], dim=1),
        "y1 and y2 are flipped, but left and right are x1 and x2.":
            torch.stack([x1, 10 - y2, x2, 10 - y1], dim=1),
        "that is right for (x, y, width, height), but these boxes are xyxy.":
            torch.stack([10 - x1 - x2, y1, x2, y2], dim=1),
        "the boxes did not move.": BOXES,
    }
    right = torch.stack([10 - x2, y1, 10 - x1, y2], dim=1)
    return stages(
        lambda: likely(call(answer, BOXES, 10), right, mistakes, "three boxes and width 10"),
        lambda: likely(call(answer, BOXES[:0], 10, rare="right for three boxes, but no box at all "
                            "must give a tensor of shape (0, 4)."), BOXES[:0], {}, "no box at all"))


def visible_masks(answer: object) -> str | None:
    """Check `visible_masks(full_masks)` -> (N, H, W) bool: of two objects the later hides."""
    full = torch.zeros(3, 3, 6, dtype=torch.bool)
    full[0, :2, :4], full[1, 1:, 2:5], full[2, :2, 3:] = True, True, True
    later = torch.stack([full[1] | full[2], full[2], torch.zeros_like(full[2])])
    earlier = torch.stack([torch.zeros_like(full[0]), full[0], full[0] | full[1]])
    mistakes = {
        "the wrong one is in front: the masks come farthest first, so the later one hides.":
            full & ~earlier,
        "the masks still overlap: take away from each what lies in front of it.": full,
        "each mask loses only what the next one covers: all that come later hide it.":
            full & ~torch.cat([full[1:], torch.zeros_like(full[:1])]),
        "pixels that two objects share belong to nobody now: the later object keeps them.":
            full & (full.sum(dim=0) == 1),
        "that is the hidden part of each mask: the visible part was asked for.": full & later,
        "that is a map of owners: one mask for each object was asked for.":
            (full * torch.arange(3)[:, None, None]).amax(dim=0) - 1 * ~full.any(dim=0),
        "that is a map of owners: one mask for each object was asked for. ":
            (full * torch.arange(1, 4)[:, None, None]).amax(dim=0),
    }
    return stages(
        lambda: likely(call(answer, full), full & ~later, mistakes, "three overlapping masks"),
        lambda: likely(call(answer, full[:0], rare="right for three masks, but no mask at all must "
                            "give none, of shape (0, H, W)."), full[:0], {}, "no mask at all"))


CHECKS = {
    "count-instances": count_instances,
    "flip-boxes": flip_boxes,
    "visible-masks": visible_masks,
}
