"""Django's own `migrate`, which begins an empty store with all its tables at once."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import migrate

from regulars.shop import first_tables


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> str | None:
        wants_all = options.get("app_label") is None
        if wants_all and not any(options.get(o) for o in ("plan", "check_unapplied", "fake", "prune")):
            first_tables.lay()
        return super().handle(*args, **options)
