"""Pages that only say something: help and accessibility."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
def help_page(request: HttpRequest) -> HttpResponse:
    """How the hall works, and where to ask."""
    return render(request, "web/help.html")


@require_safe
def accessibility(request: HttpRequest) -> HttpResponse:
    """What the hall does so that everyone can use it, and whom to tell where it fails."""
    return render(request, "web/accessibility.html")
