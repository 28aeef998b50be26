"""What the room can measure; ``script/bench`` finds it here."""

from contributions.benchmarks import month, pages

BENCHES = {**month.BENCHES, **pages.BENCHES}
GOALS = {**month.GOALS, **pages.GOALS}
