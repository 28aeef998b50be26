"""What the rooms do one at a time. Whoever takes several takes them in this order: charging,
drawing, chain."""

from portal import locks

# The trigger of entries takes this one, too.
CHAIN = "chain"
_CHARGING, _DRAWING = "charging", "drawing"


def one_charging_run(city: str) -> None:
    """Until the transaction ends, nobody else charges the city."""
    locks.hold(_CHARGING, city)


def before_or_after_charging(city: str) -> None:
    """Wait for a run that is just charging the city, and keep the next one waiting until the
    transaction ends: it either sees what we did, or we see what it charged. Several may do so at
    once."""
    locks.share(_CHARGING, city)


def one_batch_opened(city: str) -> None:
    """Until the transaction ends: no other batch of the city is opened, and no coverage there
    ends."""
    locks.hold(_DRAWING, city)


def before_or_after_a_batch(city: str) -> None:
    """Wait for a batch that is just being opened in the city, and keep the next one waiting until
    this transaction ends: it either sees what we did, or we see what it took. Several may do so at
    once."""
    locks.share(_DRAWING, city)


def chain(city: str) -> None:
    """Keep the city's chain of entries, and the closes of its months, to this transaction until it
    ends."""
    locks.hold(CHAIN, city)
