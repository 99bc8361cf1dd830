"""Sealed texts found by their words: each word stands as 64 bits of a keyed token beside the record, never as itself.

Equal words have equal tokens. Whoever takes the database without the key sees how often a token occurs and which occur
together, and nothing of the words; `docs/decisions/keys-and-trail.md` weighs that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db.models import ForeignKey, Model

from regulars.shop import bulk
from regulars.shop.keys import keys
from regulars.shop.rules.note_words import words_asked, words_of


def tokens_of(words: Iterable[str], purpose: str) -> list[int]:
    token = keys().token
    return sorted(int.from_bytes(token(purpose, word)[:8], "big", signed=True) for word in words)


def write_words(model: type[Model], texts: Sequence[tuple[int, str]]) -> None:
    """Write the words of some records (number, text) anew. `model` has a foreign key to the record, and `token`."""
    record, purpose = _record(model), model._meta.label
    for chunk in bulk.in_chunks(texts):
        bulk.delete(model, record, [i for i, _ in chunk])
        rows = [(i, t) for i, text in chunk for t in tokens_of(words_of(text), purpose)]
        bulk.insert(model, (record, "token"), rows)


def records_with(model: type[Model], asked: str, most: int) -> list[int]:
    """Numbers of the records that have all words asked for, newest first. Whether they say it only their text tells."""
    tokens = tokens_of(words_asked(asked), model._meta.label)
    if not tokens:
        return []
    record, table = _record(model), model._meta.db_table
    marks = ", ".join(["%s"] * len(tokens))
    sql = (
        f"SELECT {record} FROM {table} WHERE token IN ({marks}) GROUP BY {record} "
        f"HAVING COUNT(DISTINCT token) = {len(tokens)} ORDER BY {record} DESC LIMIT {int(most)}"
    )
    return [i for (i,) in bulk.rows(sql, tokens)]


def _record(model: type[Model]) -> str:
    """The column that names the record."""
    return next(str(f.column) for f in model._meta.concrete_fields if isinstance(f, ForeignKey))
