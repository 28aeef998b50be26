"""Refunds are of what was paid by orders: the same till and providers."""

from tests.contributions.orders.conftest import providers, till

__all__ = ["providers", "till"]
