"""The JSON Schema accepts what ships and marks what is wrong."""

from __future__ import annotations

import tomllib

import jsonschema_rs
import pytest

from regulars.playbooks.playbook import library, read_source
from regulars.playbooks.schema import schema

VALID = jsonschema_rs.validator_for(schema())


@pytest.mark.parametrize("key", library())
def test_every_shipped_playbook_fits_the_schema(key: str) -> None:
    assert [error.message for error in VALID.iter_errors(tomllib.loads(read_source(key)[1]))] == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("version = 1", 'version = "1"'),
        ('when = "owed"', 'when = "owned"'),
        ("visits_in_30_days >= 15", "15 visits"),
        ("minutes = 2", 'minutes = "2"'),
        ("[[scale]]", "[[scales]]"),
        ('name = { zh = "A 级", en = "A" }', 'name = { zh = "A 级" }'),
    ],
)
def test_the_schema_marks_a_mistake(old: str, new: str) -> None:
    text = read_source("snack")[1]
    assert old in text
    assert not VALID.is_valid(tomllib.loads(text.replace(old, new, 1)))
