"""Whose turn an image is, and where chance stands, epoch by epoch.

All processes shuffle the images in the same way and take turns: of P, process r takes the images r,
r + P, r + 2P, … of that order. So their batches together are the batch that one process would
have had. The order, and every later draw of chance, follow from the seed, the epoch and the process
alone: a run that was cut off goes on without anybody's memory of where its generators stood.
"""

import random

import numpy as np
import torch
from torch.utils.data import Dataset, DistributedSampler

from coursekit.train.distributed import place


class Turns(DistributedSampler):
    """This process's images of each epoch; chance starts anew with the epoch.

    Where the images cannot be divided evenly, the first of the order are taken again, one each by
    the last processes: all must make the same number of steps.

    Args:
        data: the images.
        seed: of the order, and of all that is drawn by chance in training.
    """

    def __init__(self, data: Dataset, seed: int = 0):
        process, count = place()
        super().__init__(data, num_replicas=count, rank=process, shuffle=True, seed=seed)

    def set_epoch(self, epoch: int) -> None:
        """Shuffle for this epoch, and seed python, numpy and torch for it and this process."""
        super().set_epoch(epoch)
        entropy = np.random.SeedSequence([self.seed, epoch, self.rank])
        seed_everything(int(entropy.generate_state(1)[0]))


def seed_everything(seed: int) -> None:
    """Seed python, numpy and torch, the GPUs' generators too."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
