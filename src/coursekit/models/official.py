"""The official COCO weights in the course's own Mask R-CNN.

torchvision publishes a Mask R-CNN with ResNet-50 and a feature pyramid that has learned from COCO's
118,000 training photographs: 170 MB, box AP 37.9 and mask AP 34.6 on COCO's 5,000 for validation.
Its labels are COCO's own ids: 1 to 90 for 80 classes, with ten gaps that were never used. So its
names are a list of 91, `names[label]`, in which the gaps are called 'N/A'.

Source: torchvision.models.detection.MaskRCNN_ResNet50_FPN_Weights.COCO_V1; the figures are its
documentation's.
"""

from torchvision.models.detection import MaskRCNN_ResNet50_FPN_Weights

from coursekit.models.hub import cached, origin, published
from coursekit.models.mask_rcnn import MaskRCNN
from coursekit.models.torchvision_weights import load_torchvision

OFFICIAL = MaskRCNN_ResNet50_FPN_Weights.COCO_V1
NAMES = tuple(OFFICIAL.meta["categories"])                  # 91, by label


def official_mask_rcnn() -> MaskRCNN:
    """The course's Mask R-CNN with torchvision's COCO weights, in evaluation mode.

    Its 91 names are `NAMES`. The file lies in torch.hub's cache, or is fetched into it.

    Raises:
        FileNotFoundError: the file is not there and could not be fetched.
        ValueError: what is there are not the weights of such a detector.
    """
    state, file = published(OFFICIAL.url), cached(OFFICIAL.url)
    advice = f"Remove it from {file.parent} and run this again."
    try:
        model = load_torchvision(state)
    except (AttributeError, RuntimeError, TypeError, ValueError) as error:
        raise ValueError(f"{file.name} in torch's cache holds other weights ({error}). "
                         f"{advice}") from error
    if not isinstance(model, MaskRCNN) or model.head.num_classes != len(NAMES):
        raise ValueError(f"{file.name} in torch's cache holds a {type(model).__name__} of "
                         f"{model.head.num_classes} classes, but COCO's Mask R-CNN has "
                         f"{len(NAMES)}. {advice}")
    return model


def official_origin() -> str:
    """One line that tells which file those weights came from.

    Raises:
        FileNotFoundError: it is not there.
    """
    return origin(OFFICIAL.url)
