"""Whose order it is: logins see their own orders, each with its own city."""

from typing import Any

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from contributions.models import Order
from contributions.orders import queries
from portal.accounts.models import User
from portal.policy.book import book


def login_of(request: HttpRequest) -> User:
    """Who is logged in. Raises Http404 where nobody is."""
    if not isinstance(request.user, User):
        raise Http404
    return request.user


def own_order(request: HttpRequest, number: str) -> Order:
    """The login's order of that number. Raises Http404 where it has none."""
    order: Order = get_object_or_404(queries.orders_of(login_of(request)), number=number)
    return order


def city_context(order: Order) -> dict[str, Any]:
    """The order's own city for the page, whichever the visitor looked at last."""
    place = book().city(order.city)
    return {"place": place, "city": place}
