"""Chapter 06's checks: targets in fractions, the slope of smooth L1, one answer, DIoU."""

import torch
from torch import Tensor

from coursekit.boxes import convert
from coursekit.checks.compare import Hint, call, likely, numbers, stages

BOXES = torch.tensor([[20.0, 10.0, 100.0, 40.0], [0.0, 5.0, 50.0, 45.0]])
SIZE = (50, 200)                                             # height and width
D = torch.tensor([-3.0, -0.5, 0.0, 0.25, 1.0, 5.0])
CENTRES = torch.tensor([1.0, 2.0, 9.0])
A = torch.tensor([[2.0, 1.0, 8.0, 5.0], [0.0, 0.0, 4.0, 3.0]])
B = torch.tensor([[4.0, 2.0, 10.0, 7.0], [8.0, 4.0, 12.0, 9.0]])


def to_target(answer: object) -> str | None:
    """Check `to_target(boxes, size)` for a picture that is not square."""
    H, W = SIZE
    centred, sides = convert(BOXES, "xyxy", "cxcywh"), torch.tensor([W, H, W, H])
    right = centred / sides
    return stages(
        lambda: likely(call(answer, BOXES, SIZE), right, {
            "height and width are swapped: size is (height, width), x goes by the width.":
                centred / torch.tensor([H, W, H, W]),
            "those are pixels: divide by the picture's width and height.": centred,
            "those are corners in fractions: centre and size were asked for.": BOXES / sides,
            "that is the top left corner and the size: x and y are those of the centre.":
                convert(BOXES, "xyxy", "xywh") / sides,
            "all is divided by the width: y and the height go by the picture's height.":
                centred / W,
            "all is divided by the height: x and the width go by the picture's width.":
                centred / H,
        }, "two boxes in a picture of height 50 and width 200"),
        lambda: likely(call(answer, BOXES[:0], SIZE, rare="right for two boxes, but a picture may "
                            "have none: (0, 4) should give (0, 4)."),
                       right[:0], {}, "no boxes"))


def slope_of(d: Tensor, beta: float) -> Tensor:
    """The derivative of smooth L1."""
    return (d / beta).clamp(-1, 1)


def smooth_l1_slope(answer: object) -> str | None:
    """Check `smooth_l1_slope(d, beta)` for beta 2."""
    inside = D.abs() < 2
    return likely(call(answer, D, 2.0), slope_of(D, 2.0), {
        "the sign is lost: a difference below 0 has a slope below 0.": slope_of(D, 2.0).abs(),
        "inside, the slope is d / beta: the 1/2 of the parabola and the 2 of its derivative "
        "cancel.": torch.where(inside, D / 4, D.sign()),
        "inside, the derivative of d² / (2 beta) has a 1 / beta.": torch.where(inside, D, D.sign()),
        "that is L1's slope: inside beta it is d / beta.": D.sign(),
        "that is the slope of the parabola everywhere: outside beta it is 1 or -1.": D / 2,
        "that is the loss: its derivative was asked for.":
            torch.where(inside, D * D / 4, D.abs() - 1),
    }, "differences -3, -0.5, 0, 0.25, 1, 5 and beta 2")


def one_answer(answer: object) -> str | None:
    """Check `one_answer(centres, loss)` for 1, 2, 9: the mean and the median."""
    found = numbers(answer, [(CENTRES, "L2"), (CENTRES, "L1")], "loss", "a number")
    return likely(found, torch.tensor([4.0, 2.0]), {
        "the two are swapped: L2 is least at the mean, L1 at the median.": torch.tensor([2.0, 4.0]),
        "that is the mean twice: for L1, every step past a centre gains as much as it loses; "
        "only the number of centres on each side counts.": torch.tensor([4.0, 4.0]),
        "that is the median twice: for L2 a far centre pulls harder.": torch.tensor([2.0, 2.0]),
        "that is the middle between the least and the greatest: the centres between count too.":
            torch.tensor([5.0, 5.0]),
        "those are the losses at the best number: the number itself was asked for.":
            torch.tensor([38.0, 8.0]),
    }, 'the centres 1, 2 and 9, for "L2" and then "L1"')


def diou_of(a: Tensor, b: Tensor, power: int = 2, iou: bool = True, diagonal: bool = True,
            around: bool = True) -> Tensor:
    """1 - DIoU of pairs, or what it becomes with one of the typical mistakes."""
    corner, opposite = torch.maximum(a[:, :2], b[:, :2]), torch.minimum(a[:, 2:], b[:, 2:])
    inter = (opposite - corner).clamp(min=0).prod(dim=1)
    areas = [(c[:, 2:] - c[:, :2]).prod(dim=1) for c in (a, b)]
    overlap = inter / (areas[0] + areas[1] - inter).clamp(min=1e-9)
    gap = (a[:, :2] + a[:, 2:] - b[:, :2] - b[:, 2:]) / 2                    # (N, 2)
    frame = torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])
    frame = frame if around else b[:, 2:] - b[:, :2]
    room = frame.square().sum(dim=1) ** (power / 2) if diagonal else frame.prod(dim=1)
    far = gap.square().sum(dim=1) ** (power / 2) / room.clamp(min=1e-9)
    return (1 - overlap if iou else 0) + far


def diou_loss(answer: object) -> str | None:
    """Check `diou_loss(predicted, target)` for two pairs, then its gradient of boxes apart."""
    right = diou_of(A, B)

    def gradient() -> str | None:
        apart = A[1:].clone().requires_grad_()
        try:
            (slopes,) = torch.autograd.grad(answer(apart, B[1:]).sum(), apart)
        except RuntimeError:
            raise Hint("the values are right, but no gradient passes: use tensors all the way, "
                       "and no .item() or .detach().") from None
        return None if slopes.abs().sum() > 0 else "the gradient is 0 where boxes are apart."

    return stages(
        lambda: likely(call(answer, A, B), right, {
            "that is DIoU: the loss is 1 minus it.": 1 - right,
            "the distance is taken off the loss: a box far away should cost more.":
                right - 2 * diou_of(A, B, iou=False),
            "the distances are not squared: both of them should be.": diou_of(A, B, power=1),
            "the squared distance is divided by the area of C: the squared diagonal was asked for.":
                diou_of(A, B, diagonal=False),
            "the diagonal is that of the target: take the smallest box around both.":
                diou_of(A, B, around=False),
            "the overlap is missing: it is 1 - IoU plus the share of the distance.":
                diou_of(A, B, iou=False),
            "that is 1 - IoU: the distance is missing.": diou_of(A, B) - diou_of(A, B, iou=False),
        }, "two pairs of boxes"),
        gradient,
        lambda: likely(call(answer, A[:0], B[:0], rare="right for two pairs, but with no pairs it "
                            "should give no losses."), right[:0], {}, "no pairs"))


CHECKS = {
    "to-target": to_target,
    "smooth-l1-slope": smooth_l1_slope,
    "one-answer": one_answer,
    "diou-loss": diou_loss,
}
