"""Make chapter 9's shipped SVMs and regressors and its table: `python scripts/train_rcnn.py`.

A seed draws the scenes of PetScenes' training split that a run learns from; all the rest follows
from them. Every run is measured on the 200 scenes of the test split: as published; without the
regressors; with proposals of an overlap of 0.5 or more as further positives of the SVMs; with one
NMS over all classes together. A small run learns from as many scenes as the notebook does live; it
is measured on the first 40 test scenes, too, which the notebook takes.

The first seed named is stored; the scores of all seeds become `src/coursekit/weights/rcnn.json`.
Which seed is stored does not depend on them.

    python scripts/train_rcnn.py --seeds 0 1 2
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from coursekit import weights
from coursekit.boxes import nms
from coursekit.data import PetScenes
from coursekit.data.petscenes import code_version
from coursekit.metrics import coco_ap
from coursekit.models.backbone import Backbone
from coursekit.models.rcnn import MOST, NMS_IOU, RCNN, Stored
from coursekit.models.rcnn_fit import Examples, fit_boxes, fit_svms, gather

NAME = "rcnn"
TABLE = weights.FOLDER / f"{NAME}.json"
LIVE, FEW = 80, 40                      # scenes of the notebook: to learn from; to test on
Detect = Callable[[Stored, tuple[int, int]], dict[str, Tensor]]


def main() -> None:
    """Fit, measure, store."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--scenes", type=int, default=400, help="of the training split, a run")
    parser.add_argument("--test", type=int, default=200, help="scenes of the test split")
    parser.add_argument("--dry", action="store_true", help="store nothing")
    options = parser.parse_args()
    backbone = Backbone()
    backbone.load_state_dict(weights.load("backbone"))
    model = RCNN(backbone.eval())
    test = [PetScenes("test")[i] for i in range(options.test)]
    stored = [store(model, image) for image, _ in test]
    recipe = {"seed": options.seeds[0], "steps": 0, "data": f"PetScenes {code_version()}",
              "scenes": options.scenes}
    table = {"recipe": {**recipe, "seeds": options.seeds, "test_scenes": options.test,
                        "live_scenes": LIVE, "few_test_scenes": FEW}, "runs": []}
    for seed in options.seeds:
        run, state = one_run(model, stored, [target for _, target in test], seed, options)
        table["runs"].append({"seed": seed, **run})
        print(table["runs"][-1], flush=True)
        if options.dry:
            continue
        if seed == options.seeds[0]:
            weights.save(NAME, state, {**recipe, "steps": "no gradient",
                                       "score": f"AP50 {run['as published']['AP50']:.3f} on "
                                                f"{options.test} test scenes"})
        TABLE.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


def store(model: RCNN, image: Tensor) -> Stored:
    """Proposals of a test scene and their features, not yet scaled."""
    boxes, = model.propose([image])
    return Stored(boxes, model.features(image, boxes))


def one_run(model: RCNN, stored: Sequence[Stored], targets: Sequence[dict], seed: int,
            options: argparse.Namespace) -> tuple[dict, dict[str, Tensor]]:
    """The scores of one seed in all its variants, and the state to be shipped."""
    train = PetScenes("train", length=4000)
    chosen = torch.randperm(len(train), generator=torch.Generator().manual_seed(seed))
    samples = [train[i] for i in chosen[:options.scenes].tolist()]
    print(f"    {time.strftime('%H:%M:%S')}  seed {seed}: proposals and features", flush=True)
    examples = gather(model, samples, model.propose([image for image, _ in samples]))
    run = {"negatives": fit_svms(model, examples), "near": fit_boxes(model, examples)}
    weights.rounded(model)
    state = {key: value.clone() for key, value in model.heads().items()}
    scaled = [Stored(boxes, features * model.scale) for boxes, features in stored]

    def score(detect: Detect, count: int = len(stored)) -> dict:
        found = [detect(one, (128, 128)) for one in scaled[:count]]
        ap = coco_ap(found, targets[:count])
        return {"AP50": round(ap["AP50"], 4), "AP": round(ap["AP"], 4),
                "per_class50": {k: round(value, 4) for k, value in ap["per_class50"].items()}}

    run["as published"] = score(model.detect)
    run["one NMS"] = score(lambda one, size: one_nms(model, one, size))
    model.box_weight.zero_(), model.box_bias.zero_()
    run["without regressors"] = score(model.detect)
    run["positives from 0.5"] = positives(model, examples, score)
    few = Examples(*(field[examples.image < LIVE] for field in examples))
    fit_svms(model, few), fit_boxes(model, few)
    run["live"], run["live, 40 scenes"] = score(model.detect), score(model.detect, FEW)
    return run, state


def positives(model: RCNN, examples: Examples, score: Callable[[Detect], dict]) -> dict:
    """The SVMs of fine-tuning's definition of a positive: every region at 0.5 or more."""
    best, which = examples.overlaps.max(dim=1)
    fit_svms(model, examples._replace(truth=torch.where(best >= 0.5, which + 1, 0)))
    fit_boxes(model, examples)
    return score(model.detect)


def one_nms(model: RCNN, stored: Stored, size: tuple[int, int]) -> dict[str, Tensor]:
    """Detection with one NMS over all classes: a cat may strike out a dog."""
    boxes, scores = model.refine(*stored, size).flatten(0, 1), model.score(stored.features)
    labels = torch.arange(1, scores.shape[1] + 1).expand_as(scores).flatten()
    sure = (scores.flatten() > -1).nonzero().flatten()
    kept = sure[nms(boxes[sure], scores.flatten()[sure], NMS_IOU)][:MOST]
    return {"boxes": boxes[kept], "labels": labels[kept], "scores": scores.flatten()[kept]}


if __name__ == "__main__":
    main()
