"""What stands in clear has been decided: every model of ours has its line in the decision on keys."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db.models import CharField, JSONField, TextField
from tests.contracts.tree import ROOT

OURS = [m for m in apps.get_models() if m.__module__.startswith("regulars.")]
PAGE = (ROOT / "docs" / "decisions" / "keys-and-trail.md").read_text("utf-8")


@pytest.mark.parametrize("model", OURS, ids=lambda m: m._meta.label)
def test_each_model_that_can_hold_words_says_how_they_stand(model: type) -> None:
    words = [f.name for f in model._meta.concrete_fields if isinstance(f, CharField | TextField | JSONField)]
    said = [line for line in PAGE.splitlines() if line.startswith("|") and f"`{model._meta.label}`" in line]
    assert said or not words, (
        f"{model._meta.label} has {words}: say in docs/decisions/keys-and-trail.md how they stand"
    )
