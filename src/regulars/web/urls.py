"""Where each page stands."""

from __future__ import annotations

urlpatterns: list[object] = []
