"""What a training run did, epoch by epoch."""

from dataclasses import dataclass, field


@dataclass
class History:
    """What a run did: `epochs` holds one dict an epoch, the mean of each loss term and `seconds`.

    `loss` is the sum of the terms; `steps` counts the steps of the whole run.
    """

    epochs: list[dict[str, float]] = field(default_factory=list)
    steps: int = 0

    @property
    def seconds(self) -> float:
        """Seconds that all epochs took, those before a resumption included."""
        return sum(epoch["seconds"] for epoch in self.epochs)

    def last(self, name: str = "loss") -> float:
        """Mean of the loss term `name` over the last epoch.

        Raises:
            KeyError: no such term; the message lists those there are.
        """
        known = sorted(self.epochs[-1]) if self.epochs else []
        if name not in known:
            raise KeyError(f"{name!r} was asked for, but the last epoch recorded {known}. "
                           f"Choose one of these, or train for one epoch at least.")
        return self.epochs[-1][name]
