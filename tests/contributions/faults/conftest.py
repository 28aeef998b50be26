"""Faults want orders as well as debits: the till and its providers, beside the exchange folder."""

from tests.contributions.orders.conftest import providers, till

__all__ = ["providers", "till"]
