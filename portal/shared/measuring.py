"""What a measurement is held against, for ``script/bench``."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Goal:
    """What ``ours`` is to come to: so many times ``reference``, the best round of each; without a
    reference, the figure itself.

    Exactly one bound is given: ``at_least`` for rates, whose best round is the largest; ``at_most``
    for what is better the less there is of it, such as seconds, whose best round is the smallest.
    Of a ``peak``, such as memory, the worst round counts.
    """

    ours: str
    reference: str = ""
    at_least: float | None = None
    at_most: float | None = None
    peak: bool = False

    def __post_init__(self) -> None:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError(f"{self.ours}: a goal has one bound")

    def best(self, rounds: list[float]) -> float:
        """The round that counts."""
        return min(rounds) if self.at_most is not None and not self.peak else max(rounds)

    def compare(self, measured: dict[str, list[float]]) -> tuple[float, bool]:
        """The ratio, or the figure itself, and whether the goal is reached."""
        ratio = self.best(measured[self.ours])
        if self.reference:
            ratio /= self.best(measured[self.reference])
        return ratio, ratio >= self.at_least if self.at_least is not None else ratio <= (self.at_most or 0)
