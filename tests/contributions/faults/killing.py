"""Workers that are killed at random points, again and again."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.workers import Worker

# No run is that slow: it hangs.
_PATIENCE = 120


@dataclass
class Killed:
    """How often a worker was killed in the middle of its work, until one came to its end."""

    kills: int = 0
    runs: int = 0


def killed_until_done(
    begin: Callable[[int], Worker],
    *,
    seed: int,
    between: tuple[float, float],
    kills: int,
    after_kill: Callable[[], None] = lambda: None,
) -> Killed:
    """Start workers one after the other and kill each after a random while (seconds), the first
    ``kills`` of them; then let one come to its end. ``after_kill`` looks at what a killed one
    left."""
    dice, done = random.Random(seed), Killed()
    while True:
        run = begin(done.runs)
        done.runs += 1
        assert run.hear() == "ready"
        if run.ends_within(dice.uniform(*between) if done.kills < kills else _PATIENCE):
            assert run.hear() == "done"
            return done
        assert done.kills < kills, "the worker hangs"
        run.kill()
        done.kills += 1
        after_kill()
