"""Make the stored data of the interactive figures: `src/coursekit/figures/data/NAME.json`.

'five-outputs' shows a scene of PetScenes with its truth. 'sliding-window' shows what chapter 2's
shipped network answers for windows of a scene: the patch classifier window by window, its fully
convolutional twin in one pass; the script stops if they disagree. These scenes are found by rule,
so the script also serves when PetScenes draws anew; their indices are stored with them. 'decoders'
shows what chapter 5's nine decoders answer for that chapter's scene. 'box-loss' shows a scene with
one animal, and an answer that meets it in part; 'nms-and-ap' made-up boxes over chapter 5's scene;
'grouping' the steps of one hierarchy of it; 'rcnn-walk' follows the regions of another scene
through chapter 9's shipped R-CNN, with the milliseconds of each stage here; 'roi-pooling' lays a
region over a dog, and over one channel of the shipped backbone's map; 'anchors' shows the boxes
that chapter 11's shipped region proposal network scores highest. Run `make_fallbacks.py` after.

    python scripts/make_figure_data.py          (or with the names of some)

Letters: H W image size, P patch size, h w cells of the grid, K classes.
"""

import base64
import json
import sys
import time
from functools import cache
from pathlib import Path

import torch
from skimage.segmentation import felzenszwalb
from torch import Tensor, nn
from torch.nn import functional as F

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from coursekit import proposals  # noqa: E402
from coursekit.boxes import clip, decode  # noqa: E402
from coursekit.data import CLASSES, PetScenes  # noqa: E402
from coursekit.figures import pack_scene, runs  # noqa: E402
from coursekit.models import pixels, segmentation  # noqa: E402
from coursekit.models.backbone import Backbone  # noqa: E402
from coursekit.models.faster_rcnn import FasterRCNN  # noqa: E402
from coursekit.models.pixels import FullyConvolutional, PatchClassifier  # noqa: E402
from coursekit.models.rcnn import NMS_IOU, RCNN, SCORE  # noqa: E402
from coursekit.models.rpn import NEGATIVE_IOU, POSITIVE_IOU, RATIOS, SIZES  # noqa: E402
from coursekit.models.rpn import NMS_IOU as RPN_NMS_IOU  # noqa: E402
from coursekit.warp import CONTEXT, warp  # noqa: E402
from coursekit.weights import load  # noqa: E402

DATA = ROOT / "src/coursekit/figures/data"
SCENE = 17                  # of the test split: chapter 5's
ONE = 119                   # of the test split's scenes with one animal
WALK = 14                   # likewise, chapter 9's: R-CNN finds both of its animals
POOLED = 190                # of the test split: a dog in the middle, clear of the edges
ANCHORED = 89               # likewise: at an IoU of 0.7, no anchor fits two of its three animals
PROPOSED = 60               # boxes of highest score that 'anchors' shows
VARIED = 30                 # different numbers that a channel shows in the dog's box, at least
SIZE = (128, 144)           # height and width: three screen pixels a pixel fit beside the text
SMALLEST = {"five-outputs": 450, "sliding-window": 380}    # pixels that an animal shows at least


def touching(masks: Tensor, labels: Tensor) -> bool:
    """Whether two masks (N, H, W) of one class lie side by side."""
    grown = F.max_pool2d(masks.float(), 3, stride=1, padding=1) > 0            # (N, H, W)
    return any(labels[i] == labels[j] and bool((grown[i] & masks[j]).any())
               for i in range(len(masks)) for j in range(i))


def suits_five_outputs(target: dict[str, Tensor]) -> bool:
    """Three animals and sky; two are of one class and touch: the semantic map melts them."""
    labels, ids = target["labels"], target["semantic"].unique()
    return len(labels) == 3 and len(labels.unique()) == 2 and CLASSES.index("sky") in ids \
        and touching(target["masks"], labels)


def suits_sliding_window(target: dict[str, Tensor]) -> bool:
    """Three animals, and every class of the course."""
    ids = set(target["semantic"].unique().tolist())
    return len(target["labels"]) == 3 and ids >= set(range(len(CLASSES)))


RULES = {"five-outputs": suits_five_outputs, "sliding-window": suits_sliding_window}


def find_scene(name: str) -> int:
    """The index of the first test scene that suits the figure, its animals clearly visible."""
    scenes = PetScenes("test", size=SIZE)
    for index in range(len(scenes)):
        target = scenes[index][1]
        if RULES[name](target) and int(target["masks"].flatten(1).sum(1).min()) >= SMALLEST[name]:
            return index
    raise ValueError(f"None of {len(scenes)} test scenes suits {name!r}, but one is wanted. "
                     f"Loosen its rule or SMALLEST.")


@cache
def scene_of(name: str) -> tuple[int, Tensor, dict[str, Tensor]]:
    """Index, image and target of the scene that the figure shows; found if none is stored."""
    file = DATA / f"{name}.json"
    stored = file.exists() and json.loads(file.read_text(encoding="utf-8"))
    index = stored["index"] if stored else find_scene(name)
    return index, *PetScenes("test", size=SIZE)[index]


def five_outputs() -> dict:
    """One scene with its truth."""
    index, image, target = scene_of("five-outputs")
    return {"index": index, "view": "picture", "scene": pack_scene(image, target)}


def probabilities() -> tuple[Tensor, Tensor, dict[str, int]]:
    """Softmax scores of both networks on the twin's grid, (h, w, K) each; their multiplications."""
    _, image, _ = scene_of("sliding-window")
    classifier = PatchClassifier().eval()
    classifier.load_state_dict(load("pixel-classifier"))
    twin = FullyConvolutional.from_patch_classifier(classifier)
    h, w = (-(-side // pixels.STRIDE) for side in SIZE)
    patches = pixels.patches_around(image, pixels.grid_points(SIZE))            # (h * w, 3, P, P)
    with torch.inference_mode():
        one_by_one = classifier(patches).softmax(1).view(h, w, -1)
        at_once = twin.grid(image[None])[0, :, :h, :w].softmax(0).permute(1, 2, 0)
    cost = {"window": multiplications(classifier, patches[:1]),
            "dense": multiplications(twin, image[None])}
    return one_by_one, at_once, cost


def multiplications(model: nn.Module, images: Tensor) -> int:
    """How many multiplications the convolutions and linear layers of `model` make for `images`."""
    counts = []

    def record(layer: nn.Module, _, out: Tensor) -> None:
        counts.append(out.numel() * layer.weight[0].numel())

    layers = [layer for layer in model.modules() if isinstance(layer, (nn.Conv2d, nn.Linear))]
    hooks = [layer.register_forward_hook(record) for layer in layers]
    with torch.inference_mode():
        model.grid(images) if isinstance(model, FullyConvolutional) else model(images)
    for hook in hooks:
        hook.remove()
    return sum(counts)


def sliding_window() -> dict:
    """What both networks say of a scene, window by window, in thousandths."""
    one_by_one, at_once, cost = probabilities()
    torch.testing.assert_close(one_by_one, at_once, rtol=0, atol=1e-4)
    scores = (at_once * 1000).round().int()
    index, image, target = scene_of("sliding-window")
    scene = pack_scene(image, target)
    h, w, _ = scores.shape
    return {"index": index, "row": h // 2, "column": w // 2,
            "scene": {key: scene[key] for key in ("height", "width", "rgb", "semantic")},
            "patch": pixels.PATCH, "stride": pixels.STRIDE, "first": [-(pixels.PATCH // 2)] * 2,
            "rows": h, "columns": w, "scores": scores.flatten().tolist(),
            "answers": at_once.argmax(-1).flatten().tolist(), "multiplications": cost}


def nine_answers() -> dict:
    """What chapter 5's decoders say of a scene of the size that they were trained on."""
    image, target = PetScenes("test")[SCENE]
    encoder = segmentation.Encoder().eval()
    encoder.load_state_dict(load("segmentation-encoder"))
    decoders = nn.ModuleDict({name: make() for name, make in segmentation.DECODERS.items()}).eval()
    decoders.load_state_dict(load("segmentation-decoders"))
    with torch.inference_mode():
        levels = encoder(image[None])
        answers = [runs(decoder(levels).argmax(dim=1)[0]) for decoder in decoders.values()]
    scene = pack_scene(image, target)
    return {"index": SCENE, "decoder": "FCN-32s", "view": "answer",
            "scene": {key: scene[key] for key in ("height", "width", "rgb", "semantic")},
            "names": list(segmentation.DECODERS), "answers": answers}


def one_box() -> dict:
    """A scene with one animal, and an answer that overlaps it in part."""
    image, target = PetScenes("test", mode="one")[ONE]
    scene = pack_scene(image, target)
    return {"index": ONE, "scene": {key: scene[key] for key in ("height", "width", "rgb")},
            "truth": scene["boxes"][0], "box": [40, 38, 86, 80], "loss": "giou"}


# Made up by hand over that scene's five animals: hits, duplicates, one badly placed, one on grass.
DETECTIONS = [(1, 57, 47, 103, 0.95), (66, 50, 101, 98, 0.91), (5, 62, 52, 104, 0.86),
              (80, 46, 127, 84, 0.80), (44, 46, 86, 78, 0.74), (84, 48, 128, 86, 0.66),
              (20, 45, 56, 67, 0.58), (90, 100, 120, 124, 0.47), (70, 56, 104, 104, 0.38)]


def nms_and_ap() -> dict:
    """The scene, the boxes of its animals, and nine made-up detections of them."""
    image, target = PetScenes("test")[SCENE]
    scene = pack_scene(image, target)
    return {"index": SCENE, "nms": 20, "counted": 9,
            "scene": {key: scene[key] for key in ("height", "width", "rgb")},
            "truth": scene["boxes"], "boxes": [list(row[:4]) for row in DETECTIONS],
            "scores": [row[4] for row in DETECTIONS]}


def grouping() -> dict:
    """The tree of one grouping of chapter 8's scene, and the similarities of who was joined."""
    image, target = PetScenes("test")[SCENE]
    hsv = proposals.to_space(image.permute(1, 2, 0).double().numpy(), "hsv")
    labels = felzenszwalb(hsv, scale=400, sigma=0.8, min_size=30)
    parts = proposals.color_bins(hsv), proposals.texture_bins(hsv)
    regions = proposals.describe(labels, *parts)
    merges = proposals.group(regions, proposals.neighbours(labels))
    likeness = proposals.similarities(regions, *merges.T).T.round(4)
    scene = pack_scene(image, target)
    return {"index": SCENE, "step": 5,
            "scene": {key: scene[key] for key in ("height", "width", "rgb")},
            "labels": runs(torch.from_numpy(labels)), "merges": merges.tolist(),
            "similarities": likeness.tolist(), "objects": scene["boxes"],
            "names": scene["labels"]}


def rcnn_walk() -> dict:
    """Every region of a scene at every stage; each stage's least time in seven runs."""
    image, target = PetScenes("test")[WALK]
    backbone = Backbone()
    backbone.load_state_dict(load("backbone"))
    model = RCNN(backbone)
    model.load_heads(load("rcnn"))
    with torch.inference_mode():
        runs_ = [stages_of(model, image) for _ in range(7)]
        (boxes, squares, _, scores, refined, _), _ = runs_[0]
        maps = model.backbone(squares).mean(dim=1)                              # (R, 8, 8)
    strength = maps.flatten(1) / maps.amax(dim=(1, 2)).clamp(min=1e-9)[:, None]
    nibbles = (15 * strength).round().to(torch.uint8).view(-1, 2)               # two cells a byte
    packed = (16 * nibbles[:, 0] + nibbles[:, 1]).numpy().tobytes()
    scene = pack_scene(image, target)
    return {"index": WALK, "scene": {key: scene[key] for key in ("height", "width", "rgb")},
            "context": CONTEXT, "fill": (255 * backbone.mean).flatten().round().int().tolist(),
            "boxes": text_of(boxes), "mapSide": maps.shape[-1],
            "maps": base64.b64encode(packed).decode(),
            "scores": (100 * scores).round().int().flatten().tolist(),
            "refined": text_of(refined * 255 / max(image.shape[-2:])),
            "ms": [round(1000 * min(ms), 2) for ms in zip(*(t for _, t in runs_),
                                                                        strict=True)],
            "least": SCORE, "overlap": NMS_IOU}


def text_of(values: Tensor) -> str:
    """Numbers from 0 to 255, rounded, as base64 of bytes."""
    return base64.b64encode(values.round().to(torch.uint8).numpy().tobytes()).decode()


def stages_of(model: RCNN, image: Tensor) -> tuple[list, list[float]]:
    """What R-CNN's six stages give for an image, and the seconds that each takes."""
    steps = [lambda: model.propose([image])[0],
             lambda: warp(image, out[0], model.backbone.mean),
             lambda: model.describe(out[1]),
             lambda: model.score(out[2]),
             lambda: model.refine(out[0], out[2], image.shape[-2:]),
             lambda: model.suppress(out[4], out[3])]
    out, seconds = [], []
    for step in steps:
        start = time.perf_counter()
        out.append(step())
        seconds.append(time.perf_counter() - start)
    return out, seconds


def roi_pooling() -> dict:
    """A scene, a region that fits its dog, and one channel of the backbone's map of it.

    Of the channels with many different numbers in the dog's box, it is the one with the greatest
    share of its sum there.
    """
    image, target = PetScenes("test")[POOLED]
    network = Backbone().eval()
    network.load_state_dict(load("backbone"))
    with torch.inference_mode():
        maps = network(image[None])[0]                                          # (C, h, w)
    maps = (99 * maps / maps.amax(dim=(1, 2), keepdim=True).clamp(min=1e-9)).round().int()
    x1, y1, x2, y2 = (target["boxes"][-1] / network.stride).round().int().tolist()
    inside = maps[:, y1:y2, x1:x2].flatten(1)
    share = inside.sum(1) / maps.sum(dim=(1, 2)).clamp(min=1)
    varied = torch.tensor([len(row.unique()) >= VARIED for row in inside])
    channel = int((share * varied).argmax())
    scene = pack_scene(image, target)
    return {"index": POOLED, "scene": {key: scene[key] for key in ("height", "width", "rgb")},
            "stride": network.stride, "rows": maps.shape[1], "columns": maps.shape[2],
            "map": maps[channel].flatten().tolist(), "channel": channel, "channels": len(maps),
            "box": [53, 38, 101, 118], "bins": 3}


def anchors() -> dict:
    """A scene, the RPN's anchor shapes, and the boxes that the shipped RPN scores highest there.

    Their corners are rounded to tenths of a pixel; the order is that of the scores unrounded.
    """
    image, target = PetScenes("test")[ANCHORED]
    model = FasterRCNN(Backbone()).eval()
    model.load_state_dict(load("faster-rcnn"))
    size = image.shape[-2:]
    with torch.inference_mode():
        levels = [model.backbone(image[None])]
        scores, deltas = (part[0][0] for part in model.rpn(levels))             # (A, ), (A, 4)
        top, place = scores.topk(PROPOSED)
        starts = model.rpn.anchors(levels, size)[0][place]
        boxes = clip(decode(deltas[place], starts), size)
    scene = pack_scene(image, target)
    rows, columns = levels[0].shape[-2:]
    return {"index": ANCHORED, "scene": {key: scene[key] for key in ("height", "width", "rgb")},
            "objects": scene["boxes"], "labels": scene["labels"], "sizes": list(SIZES),
            "ratios": list(RATIOS), "stride": model.backbone.stride, "rows": rows,
            "columns": columns, "positive": POSITIVE_IOU, "negative": NEGATIVE_IOU,
            "rescue": True, "proposals": (10 * boxes).round().int().tolist(),
            "scores": [round(score, 3) for score in top.sigmoid().tolist()],
            "nms": RPN_NMS_IOU, "kept": 10, "view": "anchors", "row": 7, "column": 6}


def roi_align() -> dict:
    """The same scene, region and channel, for RoI pooling and RoIAlign side by side."""
    return roi_pooling() | {"view": "channel"}


MAKERS = {"five-outputs": five_outputs, "sliding-window": sliding_window, "decoders": nine_answers,
          "box-loss": one_box, "nms-and-ap": nms_and_ap, "grouping": grouping,
          "rcnn-walk": rcnn_walk, "roi-pooling": roi_pooling,
          "anchors": anchors, "roi-align": roi_align}


def main() -> None:
    """Find the scenes afresh and write the files, all or those named."""
    names = sys.argv[1:] or list(MAKERS)
    for name in names:
        (DATA / f"{name}.json").unlink(missing_ok=True)
    for name in names:
        file, make = DATA / f"{name}.json", MAKERS[name]
        file.write_text(json.dumps(make(), separators=(",", ":")) + "\n", encoding="utf-8")
        print(f"{file.relative_to(ROOT)}: {file.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
