"""Validation losses are real, steady, and change nothing; the recipe's learning rate is as told."""

import math

import pytest
import torch
from random_inputs import random_picture, random_target
from torch import nn
from torch.utils.data import DataLoader

from coursekit.data import collate
from coursekit.fine_tune import fine_tune, validation_losses
from coursekit.models.backbone import Backbone
from coursekit.models.faster_rcnn import FasterRCNN


@pytest.fixture
def detector():
    torch.manual_seed(0)
    return FasterRCNN(Backbone())


def loader(count=3, batch=2, shuffle=False):
    samples = [(random_picture(seed=n), random_target(seed=n)) for n in range(count)]
    return DataLoader(samples, batch, shuffle=shuffle, collate_fn=collate)


def test_it_is_the_same_each_time_and_leaves_model_mode_and_chance_alone(detector):
    detector.eval()
    detector.rpn.train()                                     # a mixture of modes
    before = {key: value.clone() for key, value in detector.state_dict().items()}
    modes, chance = [part.training for part in detector.modules()], torch.get_rng_state()
    first = validation_losses(detector, loader())
    assert first == validation_losses(detector, loader())
    assert first != validation_losses(detector, loader(), seed=1)
    assert [part.training for part in detector.modules()] == modes
    assert torch.get_rng_state().equal(chance)
    assert all(value.equal(before[key]) for key, value in detector.state_dict().items())
    assert all(p.grad is None for p in detector.parameters())


def test_plain_training_mode_would_change_the_batch_norm(detector):
    before = detector.backbone.fine[0][1].running_mean.clone()
    with torch.no_grad():
        detector.train()(*next(iter(loader())))
    assert not detector.backbone.fine[0][1].running_mean.equal(before)


def test_it_is_the_mean_over_images_of_all_terms(detector):
    found = validation_losses(detector, [next(iter(loader(2)))])
    assert set(found) == {"objectness", "rpn_box", "class", "box", "loss"}
    assert found["loss"] == pytest.approx(sum(v for k, v in found.items() if k != "loss"))

    class Counted(nn.Module):
        """Its loss is the number of images."""

        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(()))

        def forward(self, images, targets):
            return {"count": self.weight * len(images)}

    assert validation_losses(Counted(), loader(3, 2)) == {"count": pytest.approx((2 * 2 + 1) / 3),
                                                          "loss": pytest.approx((2 * 2 + 1) / 3)}


def test_it_learns_and_tells_both_losses_and_the_rate_rises_then_falls(detector):
    rates, optimizer = [], torch.optim.AdamW(detector.parameters(), lr=1e-3)
    optimizer.register_step_pre_hook(lambda o, *_: rates.append(o.param_groups[0]["lr"]))
    batches = loader(4, 2, shuffle=True)
    rows = list(fine_tune(detector, batches, loader(1), optimizer, epochs=3, warm_up=2))
    assert [row["epoch"] for row in rows] == [1, 2, 3] and not detector.training
    assert rows[-1]["loss"] < rows[0]["loss"]
    assert rows[-1]["validation"] == validation_losses(detector, loader(1))["loss"]
    wanted = [1e-3 * 0.5 * (1 + math.cos(math.pi * n / 6)) for n in range(6)]
    wanted[0] /= 2
    assert rates == pytest.approx(wanted)
