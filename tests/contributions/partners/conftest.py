"""What a partner reports is of what it ordered: the same bank."""

from tests.contributions.api.conftest import bank, counter, providers, till

__all__ = ["bank", "counter", "providers", "till"]
