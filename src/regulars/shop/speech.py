"""Which language the command line speaks: what a setting says, else the shop's own, else the machine's."""

from __future__ import annotations

import os
import sys

from regulars.shop.home import Home


def lang() -> str:
    """ "zh" or "en"; Chinese where nothing says otherwise."""
    said = str(Home.find().settings.get("lang") or "")
    if said:
        return said
    if "django" in sys.modules:
        from django.apps import apps
        from django.db import DatabaseError

        if apps.ready:
            from regulars.shop.models import Business

            try:
                business = Business.objects.first()
            except DatabaseError:  # before the first migration
                business = None
            if business:
                return business.lang
    machine = (os.environ.get("LC_ALL") or os.environ.get("LANG") or "").lower()
    return "en" if machine.startswith("en") else "zh"
