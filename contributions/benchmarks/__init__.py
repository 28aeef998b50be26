"""What the room can measure; ``script/bench`` finds it here."""

from contributions.benchmarks.month import BENCHES, GOALS

__all__ = ["BENCHES", "GOALS"]
