"""A stranger's eye: how often an ImageNet network names PetScenes' animals rightly.

Each scene of mode "one" is cut to its animal's box, enlarged by 15 %, resized to 224 pixels and
shown to torchvision's MobileNetV2 (ImageNet weights, from $TORCH_HOME/hub/checkpoints or
downloaded). Counted is how often a class of the animal's own kind (5 of the 1000 are cats, 118
dogs, 3 rabbits or hares), and of any of the three, is among its five likeliest.
Run: `TORCH_HOME=... python scripts/stranger.py [number of scenes] [side]`.
"""

import sys

import torch
from torch import Tensor
from torchvision.models import MobileNet_V2_Weights, mobilenet_v2
from torchvision.transforms.v2.functional import normalize, resize

from coursekit.data import CLASSES, PetScenes

KINDS = {1: range(281, 286), 2: range(151, 269), 3: range(330, 333)}  # ImageNet's classes of each


def crop(image: Tensor, box: Tensor) -> Tensor:
    """(3, H, W) -> (3, 224, 224): the box, enlarged by 15 %, as far as the picture goes."""
    x1, y1, x2, y2 = box.tolist()
    dx, dy = 0.075 * (x2 - x1), 0.075 * (y2 - y1)
    part = image[:, max(int(y1 - dy), 0):int(y2 + dy) + 1, max(int(x1 - dx), 0):int(x2 + dx) + 1]
    part = resize(part, [224, 224], antialias=True)
    return normalize(part, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    side = int(sys.argv[2]) if len(sys.argv) > 2 else 128
    model = mobilenet_v2().eval()
    state = MobileNet_V2_Weights.IMAGENET1K_V1.get_state_dict(check_hash=True, weights_only=True)
    model.load_state_dict(state)
    same, some, seen = [0] * 4, [0] * 4, [0] * 4
    pets = {index for kind in KINDS.values() for index in kind}
    with torch.inference_mode():
        for image, target in PetScenes("test", count, mode="one", size=side):
            kind = int(target["labels"][0])
            top = set(model(crop(image, target["boxes"][0])[None])[0].topk(5).indices.tolist())
            seen[kind] += 1
            same[kind] += bool(top & set(KINDS[kind]))
            some[kind] += bool(top & pets)
    for kind in KINDS:
        print(f"{CLASSES[kind]:7s} {seen[kind]:4d} crops: its own kind among the top five "
              f"{same[kind] / seen[kind]:.0%}, any of the three {some[kind] / seen[kind]:.0%}")
    print(f"all     {sum(seen):4d} crops: its own kind {sum(same) / sum(seen):.0%}, "
          f"any {sum(some) / sum(seen):.0%}")
