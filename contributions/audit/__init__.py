"""The invariants, proved over the whole database, and what the database holds by itself.

The audit asks each app for its CHECKS by this name.
"""

from contributions.audit.looking import CHECKS

__all__ = ["CHECKS"]
