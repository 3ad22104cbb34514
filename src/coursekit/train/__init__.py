"""Training: one loop that every chapter uses, on one machine or on several.

`fit` runs epochs over a loader, shows a bar, and saves a checkpoint after each; `train_steps` is
one pass. `python -m coursekit.train` trains a detector on a folder of photographs with it, in one
process, or in several under `torchrun`: see `coursekit.train.cli`.
"""

from coursekit.train.history import History
from coursekit.train.loop import LossFunction, fit, set_learning_rate, to_device, train_steps

__all__ = ["History", "LossFunction", "fit", "set_learning_rate", "to_device", "train_steps"]
