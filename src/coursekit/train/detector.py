"""Which detector the command line trains: how it is built, started, saved and loaded again.

A trained detector is a folder with two files: `model.safetensors`, all its numbers, and
`model.json`, which says what they are the numbers of: the model, the backbone, the classes, the
picture size; and how they were learned. Neither can run code.

Source: the format is https://huggingface.co/docs/safetensors.
"""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors import torch as files
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from coursekit import weights
from coursekit.anchors import shapes
from coursekit.checkpoint import write_atomically
from coursekit.models.backbone import Backbone
from coursekit.models.faster_rcnn import FasterRCNN
from coursekit.models.mask_rcnn import MaskRCNN
from coursekit.models.pyramid import MobilePyramid, pyramid_mask_rcnn
from coursekit.models.rpn import RATIOS, RPN, SIZES

MODELS = {"faster_rcnn": FasterRCNN, "mask_rcnn": MaskRCNN}
BACKBONES = ("small", "mobilenet_v2")
NUMBERS, CARD = "model.safetensors", "model.json"
SIDE = 128                              # pixels of the pictures that the small RPN's SIZES are for


def build(model: str, backbone: str, num_classes: int, size: tuple[int, int],
          pretrained: bool = False) -> FasterRCNN:
    """A detector that is ready to learn.

    Batch normalization stays as it was learned: the few images of a batch could only blur its
    means, and those of one process are not those of another.

    Args:
        model: one of `MODELS`.
        backbone: "small", the course's own, whose anchors grow with the pictures; "mobilenet_v2",
            with a pyramid of four maps on top.
        num_classes: K, background included.
        size: (shortest, longest) side that pictures are brought to.
        pretrained: start from what the backbone learned before, else from random numbers.
    """
    if backbone == "small":
        features = Backbone()
        if pretrained:
            features.load_state_dict(weights.load("backbone"))
        around = shapes([side * size[0] / SIDE for side in SIZES], RATIOS)
        rpn = RPN(features.channels, [around])
        detector = MODELS[model](features, num_classes, rpn, resize=size)
    else:
        detector = on_a_pyramid(model, num_classes, size, pretrained)
    return still(detector)


def on_a_pyramid(model: str, num_classes: int, size: tuple[int, int],
                 pretrained: bool) -> FasterRCNN:
    """MobileNetV2 with a pyramid, and the heads that read all its maps."""
    whole = pyramid_mask_rcnn(MobilePyramid(pretrained), num_classes, size)
    if model == "mask_rcnn":
        return whole
    boxes_alone = FasterRCNN(whole.backbone, num_classes, whole.rpn, whole.head, size)
    boxes_alone.regions = whole.regions
    return boxes_alone


def still(model: nn.Module) -> nn.Module:
    """The same model, whose batch normalization uses its stored means in training, too."""
    for part in model.modules():
        if isinstance(part, _BatchNorm):
            part.register_forward_pre_hook(_stay)
    return model


def _stay(part: nn.Module, _: object) -> None:
    part.eval()


def start_from(model: nn.Module, path: str | Path) -> str:
    """Take over from a file whatever fits, and say in one line what did not.

    The backbone must be whole. Heads of another number of classes, or of another detector, start
    anew.

    Args:
        model: takes the numbers.
        path: a safetensors file, or one of torch's; of a detector or of its backbone alone.
    Raises:
        ValueError: not such a file, or one of another backbone.
        FileNotFoundError: no such file.
    """
    state, own = read_state(Path(path)), model.state_dict()
    if not any(name.startswith("backbone.") for name in state):
        state = {f"backbone.{name}": value for name, value in state.items()}
    fitting = {name: state[name] for name in own
               if name in state and state[name].shape == own[name].shape}
    missing = [name for name in own
               if name not in fitting and not name.endswith("num_batches_tracked")]
    lacking = [name for name in missing if name.startswith("backbone.")]
    if lacking:
        raise ValueError(f"{path} lacks {len(lacking)} of the backbone's tensors or has them in "
                         f"other shapes, first {lacking[0]}. Give a file of this backbone, or "
                         f"another --backbone.")
    model.load_state_dict(fitting, strict=False)
    heads = sorted({name.rpartition(".")[0] for name in missing})
    return (f"weights: {len(fitting)} of {len(own)} tensors from {path}; "
            f"{'new: ' + ', '.join(heads) if heads else 'none is new'}")


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file or of one of torch's, by name."""
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}, but one with weights is wanted there. "
                                f"Check the name and the folder.")
    try:
        state = files.load_file(path)
    except SafetensorError:
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:        # torch raises a dozen kinds for a damaged file
            raise ValueError(f"{path} is damaged, or holds no weights that could be read safely "
                             f"({type(error).__name__}). Give a safetensors file, or a state dict "
                             f"that torch.save wrote.") from error
    state = state.get("model", state) if isinstance(state, dict) else state
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise ValueError(f"{path} holds a {type(state).__name__}, but the tensors of a model by "
                         f"name are wanted. Save model.state_dict().")
    return state


def save_detector(folder: str | Path, model: nn.Module, card: dict) -> None:
    """Write the two files.

    Args:
        folder: where; made if need be.
        model: as `build` made it.
        card: `model`, `backbone`, `classes`, `size`, and whatever else is worth telling.
    Raises:
        OSError: the disk refuses; what was there before is kept.
    """
    state = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    write_atomically(Path(folder) / NUMBERS, files.save(state))
    write_card(folder, card)


def write_card(folder: str | Path, card: dict) -> None:
    """Write `model.json` alone."""
    write_atomically(Path(folder) / CARD, (json.dumps(card, indent=1) + "\n").encode())


def read_card(folder: str | Path) -> dict:
    """What `model.json` says.

    Raises:
        ValueError: not a file that `save_detector` wrote.
        FileNotFoundError: no such file.
    """
    path = Path(folder) / CARD
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}, but the folder of a trained detector is "
                                f"wanted: what --out named.")
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        if card["model"] in MODELS and card["backbone"] in BACKBONES and len(card["size"]) == 2 \
                and card["classes"]:
            return card
    except (ValueError, KeyError, TypeError):
        pass
    raise ValueError(f"{path} is no file that coursekit.train wrote, or is damaged. Train again, "
                     f"or take it from where it came once more.")


def load_detector(folder: str | Path) -> tuple[FasterRCNN, tuple[str, ...]]:
    """A trained detector, ready to predict, and its classes: `classes[label]` is a name.

    Args:
        folder: what `--out` named.
    Raises:
        ValueError: a damaged file, or the two do not belong together.
        FileNotFoundError: one of the two is not there.
    """
    card, path = read_card(folder), Path(folder) / NUMBERS
    model = build(card["model"], card["backbone"], len(card["classes"]), tuple(card["size"]))
    try:
        model.load_state_dict(read_state(path))
    except RuntimeError as error:
        raise ValueError(f"{path} does not belong to the {CARD} beside it: {error}. Take both from "
                         f"one run.") from error
    return model.eval(), tuple(card["classes"])
