"""The localiser: its contract, its geometry by hand, and that it can learn."""

import pytest
import torch
from torch import Tensor

from coursekit.box_losses import iou_loss
from coursekit.data import PetScenes
from coursekit.models.localiser import Localiser, in_fractions, vote
from coursekit.models.segmentation import Encoder


def model(**options):
    torch.manual_seed(0)
    return Localiser(Encoder(), **options)


def target(boxes, labels):
    return {"boxes": torch.tensor(boxes).reshape(-1, 4).float(), "labels": torch.tensor(labels)}


class Words(torch.nn.Module):
    """A head that says what it was given, whatever it reads."""

    def __init__(self, words: Tensor):
        super().__init__()
        self.words = torch.nn.Parameter(words)

    def forward(self, maps: Tensor) -> Tensor:
        return self.words.expand(len(maps), *self.words.shape)


def saying(cells, h=2, w=4):
    """The vote of h x w cells, two classes, of which those at (row, column) say the numbers."""
    words = torch.zeros(1, 7, h, w)
    words[:, 0] = -1e4                                       # no weight but where a cell speaks
    for (i, j), said in cells.items():
        words[0, :, i, j] = torch.tensor(said)
    return vote(words)


def test_one_cell_speaks_and_the_box_lies_as_far_from_it_as_it_says():
    # the cell in row 1, column 2 of 2 x 4 has its middle at x 2.5 / 4, y 1.5 / 2
    boxes, scores = saying({(1, 2): [0.0, 0.125, -0.25, 0.0, 0.0, 3.0, -1.0]})
    torch.testing.assert_close(boxes, torch.tensor([[0.5, 0.25, 1.0, 0.75]]))
    torch.testing.assert_close(scores, torch.tensor([[3.0, -1.0]]))


def test_two_cells_with_equal_weight_put_the_box_between():
    boxes, scores = saying({(0, 0): [0.0, 0, 0, 0, 0, 4, 0], (0, 3): [0.0, 0, 0, 0, 0, 0, 2]})
    torch.testing.assert_close(boxes, torch.tensor([[0.25, 0.0, 0.75, 0.5]]))
    torch.testing.assert_close(scores, torch.tensor([[2.0, 1.0]]))


def test_predicted_boxes_are_sound_even_for_wild_words():
    boxes, _ = vote(100 * torch.randn(50, 9, 8, 8, generator=torch.Generator().manual_seed(0)))
    assert (boxes[:, 2:] >= boxes[:, :2]).all()


def test_training_gives_two_losses_and_gradients_to_the_head_alone():
    network = model().train()
    images = [torch.rand(3, 128, 128), torch.rand(3, 96, 160)]
    targets = [target([[3, 4, 60, 70]], [2]), target([[10, 0, 90, 40]], [1])]
    losses = network(images, targets)
    assert list(losses) == ["class", "box"] and all(loss.dim() == 0 for loss in losses.values())
    sum(losses.values()).backward()
    assert all(p.grad is not None for p in network.head.parameters())
    assert all(p.grad is None for p in network.encoder.parameters())
    assert not network.encoder.training


def test_the_box_loss_is_the_mean_over_the_pictures_that_have_an_object():
    network = model(box_loss=iou_loss).train()
    maps = torch.rand(3, 128, 8, 8, generator=torch.Generator().manual_seed(0))
    truth = torch.tensor([[0.1, 0.2, 0.5, 0.4], [0, 0, 0, 0], [0.3, 0.3, 0.9, 0.8]])
    boxes, scores = vote(network.head(maps))
    losses = network.losses(maps, truth, torch.tensor([2, 0, 3]))
    torch.testing.assert_close(losses["box"], iou_loss(boxes[[0, 2]], truth[[0, 2]]).mean())
    p = scores.softmax(1)
    torch.testing.assert_close(losses["class"], -(p[0, 2] * p[1, 0] * p[2, 3]).log() / 3)


def test_evaluation_gives_pixels_of_each_pictures_own_size():
    network = model(num_classes=2).eval()
    words = torch.zeros(7, 8, 8)
    words[6] = 5.0                                           # class 1, in the middle, half as large
    network.head = Words(words)
    wide, small = network([torch.rand(3, 64, 200), torch.rand(3, 40, 32)])
    torch.testing.assert_close(wide["boxes"], torch.tensor([[50.0, 16, 150, 48]]))
    torch.testing.assert_close(small["boxes"], torch.tensor([[8.0, 10, 24, 30]]))
    assert wide["labels"].tolist() == [1] and wide["scores"][0] > 0.99


def test_boxes_are_cut_off_at_the_pictures_edge_and_background_gives_none():
    network = model(num_classes=2).eval()
    words = torch.zeros(7, 8, 8)
    words[1], words[6] = 0.5, 5.0                            # the center on the right edge
    network.head = Words(words)
    (found,) = network([torch.rand(3, 100, 100)])
    torch.testing.assert_close(found["boxes"], torch.tensor([[75.0, 25, 100, 75]]))
    with torch.no_grad():
        network.head.words[5] = 9.0
    (nothing,) = network([torch.rand(3, 100, 100)])
    assert nothing["boxes"].shape == (0, 4) and nothing["labels"].shape == (0,)


def test_no_pictures_and_pictures_without_objects():
    network = model()
    losses = network.train()([], [])
    assert [loss.item() for loss in losses.values()] == [0, 0]
    losses = network([torch.rand(3, 64, 64)] * 2, [target([], [])] * 2)
    assert losses["box"] == 0 and losses["class"] > 0
    sum(losses.values()).backward()
    assert network.eval()([]) == [] and len(network.features([])) == 0


def test_targets_in_fractions_divide_x_by_the_width_and_y_by_the_height():
    boxes, labels = in_fractions([torch.zeros(3, 50, 200)] * 2,
                                 [target([[20, 10, 100, 40]], [1]), target([], [])])
    torch.testing.assert_close(boxes, torch.tensor([[0.1, 0.2, 0.5, 0.8], [0, 0, 0, 0]]))
    assert labels.tolist() == [1, 0]


def test_training_without_a_target_for_each_picture_is_refused():
    network, image = model().train(), torch.rand(3, 64, 64)
    with pytest.raises(ValueError, match="targets: got none for 1 images, .* call model.eval"):
        network([image])
    with pytest.raises(ValueError, match="targets: got 2 for 1 images"):
        network([image], [target([], [])] * 2)


def test_two_objects_in_a_target_are_refused():
    two = target([[0, 0, 5, 5], [3, 3, 9, 9]], [1, 2])
    with pytest.raises(ValueError, match="target 0 has 2 boxes, but one at most was expected"):
        model().train()([torch.rand(3, 64, 64)], [two])


def test_it_learns_eight_scenes_by_heart():
    scenes = [PetScenes("train", mode="one")[i] for i in range(8)]
    images, targets = map(list, zip(*scenes, strict=True))
    network = model().train()
    maps, truth = network.features(images), in_fractions(images, targets)
    optimizer = torch.optim.AdamW(network.head.parameters(), lr=3e-3)
    for _ in range(120):
        optimizer.zero_grad()
        sum(network.losses(maps, *truth).values()).backward()
        optimizer.step()
    found = network.eval()(images)
    boxes, wanted = (torch.cat([one["boxes"] for one in some]) for some in (found, targets))
    assert len(boxes) == 8 and (1 - iou_loss(boxes, wanted)).mean() > 0.6
    assert [int(one["labels"]) for one in found] == [int(one["labels"]) for one in targets]
