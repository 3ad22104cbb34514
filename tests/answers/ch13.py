"""Answers to chapter 13's exercises."""

import torch
import torch.nn.functional as F


def split(scenes, held):
    places = range(len(scenes))
    return [n for n in places if scenes[n] not in held], [n for n in places if scenes[n] in held]


def first_of_each(scenes, held):
    out = [scenes.index(scene) for scene in sorted(held) if scene in scenes]
    return [n for n in range(len(scenes)) if scenes[n] not in held], out


def only_one_held(scenes, held):
    out = sorted(scenes.index(scene) for scene in held)
    return [n for n in range(len(scenes)) if n not in out], out


def down(maps, mode="nearest", cumulative=True, twofold=False):
    out = [maps[-1]]
    for n in range(len(maps) - 2, -1, -1):
        coarse = out[0] if cumulative else maps[n + 1]
        grown = (F.interpolate(coarse, scale_factor=2, mode=mode) if twofold
                 else F.interpolate(coarse, maps[n].shape[-2:], mode=mode))
        out.insert(0, maps[n] + grown)
    return out


def in_place(maps):
    for n in range(len(maps) - 2, -1, -1):
        maps[n] += F.interpolate(maps[n + 1], maps[n].shape[-2:])
    return maps


def bottom_up(maps):
    out = [maps[0]]
    for level in maps[1:]:
        out.append(level + F.adaptive_avg_pool2d(out[-1], level.shape[-2:]))
    return out


def side(boxes):
    return (boxes[:, 2:] - boxes[:, :2]).prod(dim=1).sqrt()


def level(boxes, of=side, low=2, high=5):
    return (4 + (of(boxes) / 224).log2()).floor().clamp(low, high).long()


def mean(losses, counts):
    return sum(a * b for a, b in zip(losses, counts, strict=True)) / sum(counts)


RIGHT = {
    "split-scenes": split,
    "top-down": down,
    "pyramid-level": level,
    "mean-loss": mean,
}
WRONG = {
    "split-scenes": [
        (lambda s, h: split(s, h)[::-1], "changed places"),
        (lambda s, h: [part[::-1] for part in split(s, h)], "not in order"),
        (lambda s, h: [[s[n] for n in part] for part in split(s, h)], "the scenes' numbers"),
        (lambda s, h: [[n + 1 for n in part] for part in split(s, h)], "counted from 0"),
        (lambda s, h: (list(range(len(s))), split(s, h)[1]), "is in both lists"),
        (first_of_each, "in neither list"),
        (only_one_held, "in both lists: a scene goes as a whole"),
        (lambda s, h: 3, "two lists of places"),
        (lambda s, h: split(s, h) if min(h) else None, "nothing may be held out"),
    ],
    "top-down": [
        (lambda m: down(m)[0], "a list of 3 maps"),
        (lambda m: down(m)[::-1], "the wrong way round"),
        (bottom_up, "the coarsest"),
        (lambda m: list(m), "the middle map is as it came"),
        (lambda m: [m[0], *down(m)[1:]], "the finest map is as it came"),
        (lambda m: down(m, cumulative=False), "does not reach the finest"),
        (lambda m: down(m, mode="bilinear"), "not bilinear"),
        (in_place, "the maps that came are changed"),
        (lambda m: down(m, twofold=True), "enlarge to the finer one's SIZE"),
    ],
    "pyramid-level": [
        (lambda b: level(b, low=-9, high=9), "clamp them"),
        (lambda b: (4 + (side(b) / 224).log2()).round().clamp(2, 5).long(), "round down"),
        (lambda b: (4 + (side(b) / 224).log()).floor().clamp(2, 5).long(), "base 2"),
        (lambda b: level(b, lambda b: side(b) ** 2), "take its root"),
        (lambda b: level(b, lambda b: b[:, 2] - b[:, 0]), "not the width"),
        (lambda b: level(b, lambda b: b[:, 3] - b[:, 1]), "not the height"),
        (lambda b: level(b, lambda b: (b[:, 2:] - b[:, :2]).amax(dim=1)), "not the longer side"),
        (lambda b: level(b, lambda b: (b[:, 2] * b[:, 3]).sqrt()), "the width is x2 - x1"),
        (lambda b: level(b) - 2, "counted from 0"),
        (lambda b: 2 ** level(b), "give the level k"),
        (lambda b: (4 + (side(b) / 224).log2()).clamp(2, 5), "not rounded yet"),
        (lambda b: level(b) + 0 * int(b.max()), "there may be no region"),
    ],
    "mean-loss": [
        (lambda a, n: sum(a) / len(a), "each batch counts alike"),
        (lambda a, n: mean(a, n) * sum(n), "divide by their number"),
        (lambda a, n: mean(a, n) * sum(n) / len(n), "divided by the number of batches"),
        (lambda a, n: sum(a) / sum(n), "stands for as many"),
        (lambda a, n: torch.tensor(mean(a[:-1], n[:-1]) if len(a) > 1 else torch.nan),
         "the last batch is left out"),
    ],
}
