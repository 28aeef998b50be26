"""Where somebody is insured."""

from enrollment.queries import city_of

__all__ = ["city_of"]
