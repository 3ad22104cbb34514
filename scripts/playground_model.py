"""Turn the course's trained Mask R-CNN into two ONNX files that a browser can run.

`find.onnx` goes from a picture to everything that comes before the last suppression: the anchors
that score highest, the boxes they become, the proposals that NMS leaves, and for each proposal its
scores and boxes. `masks.onnx` draws masks for boxes on the same map. Cut there, the page's two
thresholds can move without running the network again, and masks are drawn for what is shown only.

Three things differ from `MaskRCNN`, and none of them changes an answer by more than rounding: NMS
and RoIAlign are torchvision's, which have a counterpart in ONNX; picture and grid have one size;
masks stay 28 x 28, the page pastes them. Weights are stored in half precision, as they are shipped.

N the highest anchors, R proposals, K classes with background 0, C channels.

    python scripts/playground_model.py FOLDER
"""

import io
import sys
import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import torch
import torchvision.ops as reference
from onnx import TensorProto, numpy_helper
from torch import Tensor, nn

from coursekit import weights
from coursekit.boxes import clip, decode
from coursekit.models.backbone import Backbone
from coursekit.models.fast_rcnn import BINS, WEIGHTS
from coursekit.models.mask_rcnn import MASK_BINS, MaskRCNN
from coursekit.models.rpn import NMS_IOU, SMALLEST

SIDE = 128                      # pixels of the picture
OPSET = 17
FOUND = ("features", "anchors", "objectness", "before", "kept", "scores", "boxes")


def trained() -> MaskRCNN:
    """Chapter 12's network with the weights that the package ships."""
    model = MaskRCNN(Backbone())
    model.load_state_dict(weights.load("mask-rcnn"))
    return model.eval()


def align(levels: Sequence[Tensor], boxes: Sequence[Tensor], width: int, bins: int) -> Tensor:
    """What `align_one_map` gives, by torchvision's RoIAlign."""
    return reference.roi_align(levels[0], list(boxes), bins, levels[0].shape[-1] / width, 2, True)


class Find(nn.Module):
    """(1, 3, 128, 128) in [0, 1] -> the map, and all that is known of every proposal.

    Returns:
        features (1, C, 16, 16); anchors (N, 4), by falling objectness (N,); `before` (N, 4), the
        boxes they become; `kept` (R,), which of those NMS leaves; for each of these scores (R, K)
        after the softmax, and boxes (R, K, 4).
    """

    def __init__(self, model: MaskRCNN):
        super().__init__()
        self.backbone, self.rpn, self.head = model.backbone, model.rpn, model.head
        self.head.pool = partial(align, bins=BINS)
        with torch.no_grad():                    # the same for every picture
            maps = [self.backbone(torch.zeros(1, 3, SIDE, SIDE))]
        self.around = self.rpn.anchors(maps, (SIDE, SIDE))[0]                # (H * W * A, 4)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """See the class."""
        size = (SIDE, SIDE)
        features = self.backbone(image)
        scores, deltas = (found[0][0] for found in self.rpn([features]))
        top, place = scores.topk(self.rpn.before[1])
        anchors, objectness = self.around[place], top.sigmoid()
        before = clip(decode(deltas[place], anchors), size)
        solid = ((before[:, 2:] - before[:, :2]) >= SMALLEST).all(dim=1).nonzero().flatten()
        kept = solid[reference.nms(before[solid], objectness[solid], NMS_IOU)[:self.rpn.after[1]]]
        proposals = before[kept]
        scores, deltas = self.head([features], [proposals], SIDE)
        boxes = clip(decode(deltas, proposals, WEIGHTS).flatten(0, 1), size)
        boxes = boxes.unflatten(0, (-1, self.head.num_classes))
        return features, anchors, objectness, before, kept.int(), scores.softmax(dim=1), boxes


class Masks(nn.Module):
    """The map (1, C, 16, 16) and boxes (R, 4) -> masks (R, K, 28, 28) in [0, 1]."""

    def __init__(self, model: MaskRCNN):
        super().__init__()
        self.mask_head = model.mask_head
        self.mask_head.pool = partial(align, bins=MASK_BINS)

    def forward(self, features: Tensor, boxes: Tensor) -> Tensor:
        """See the class."""
        return self.mask_head([features], [boxes], SIDE).sigmoid()


def export(model: nn.Module, inputs: tuple[Tensor, ...], names: Sequence[str],
           outputs: Sequence[str], free: dict[str, dict[int, str]]) -> onnx.ModelProto:
    """A module as an ONNX graph; `free` names the axes that may have any length."""
    written = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")          # checks of shapes are traced as constants, rightly
        torch.onnx.export(model, inputs, written, input_names=list(names), dynamic_axes=free,
                          output_names=list(outputs), opset_version=OPSET, dynamo=False,
                          training=torch.onnx.TrainingMode.PRESERVE)   # weights stay as shipped
    return onnx.load_from_string(written.getvalue())


def halve(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Store every weight that half precision holds exactly so, with a cast back to float32."""
    casts = []
    for weight in graph.graph.initializer:
        values = numpy_helper.to_array(weight)
        half = values.astype(np.float16) if values.dtype == np.float32 else values
        if values.dtype != np.float32 or values.size < 64 or (half != values).any():
            continue
        name = weight.name
        weight.CopyFrom(numpy_helper.from_array(half, f"{name}.half"))
        casts.append(onnx.helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    for cast in reversed(casts):
        graph.graph.node.insert(0, cast)
    onnx.checker.check_model(graph)
    return graph


def write(folder: Path) -> None:
    """Write both files into `folder`."""
    model = trained()
    find = export(Find(model), (torch.rand(1, 3, SIDE, SIDE),), ["image"], FOUND,
                  {name: {0: "R"} for name in FOUND[4:]})
    features = torch.rand(1, model.backbone.channels, *[SIDE // model.backbone.stride] * 2)
    masks = export(Masks(model), (features, torch.tensor([[8.0, 8, 90, 70], [20, 40, 60, 90]])),
                   ["features", "boxes"], ["masks"], {"boxes": {0: "R"}, "masks": {0: "R"}})
    for name, graph in (("find", find), ("masks", masks)):
        (folder / f"{name}.onnx").write_bytes(halve(graph).SerializeToString())


if __name__ == "__main__":
    write(Path(sys.argv[1]))
