"""Pages for what goes wrong: each says what happened and what to do next."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "400.html", status=400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "403.html", status=403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "404.html", status=404)


def broken(request: HttpRequest) -> HttpResponse:
    return render(request, "500.html", status=500)


def expired_form(request: HttpRequest, reason: str = "", **kwargs: Any) -> HttpResponse:
    """A form whose secret is missing or old: not the visitor's fault, so it says how to go on."""
    return render(request, "403.html", {"is_expired_form": True}, status=403)
