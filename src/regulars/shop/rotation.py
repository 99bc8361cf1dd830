"""A new key for the shop: everything that is sealed is sealed anew, everything that is found by a token gets a new one.

1. The new key is written into the key file before the old one: from now on both open, the new one seals.
2. Every sealed column of every model, and every sealed file, is sealed anew in short steps. What hangs on a row's text
   (its token, the words of a note) is made anew in the same step, so a row is either wholly of the old key or of the new.
3. What is made from many rows (the search words of a phone) is made anew.
4. Only when nothing is left that is sealed with the old key, that goes.

A crash leaves both keys in the file; the same command goes on where it was cut off. Until then nothing else works on the
shop. What is sealed says by which key in its first byte, so no list of what has been done is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.apps import apps
from django.db import transaction
from django.db.models import Model

from regulars.shop import bulk, lasting, vault
from regulars.shop.home import Home
from regulars.shop.keys import Keys, WrongKey, keys, look_again, write_key_file
from regulars.shop.models import SealedTextField, audit
from regulars.shop.turns import doors_closed, turn
from regulars.shop.words import Refused, Words

ROWS = 2_000
"""Rows in one step: a tenth of a second, and little to do again after a crash."""

Progress = Callable[[int, int, Words], None]
Renew = Callable[[Sequence[tuple[int, dict[str, str]]]], None]
"""Called with (number of the row, {column: text}) of rows that were sealed anew, inside their transaction."""

SEALING = Words("重新加密", "Sealing anew")

_with_rows: dict[str, Renew] = {}
_at_the_end: list[Callable[[], None]] = []


def renewed_with(model: str) -> Callable[[Renew], Renew]:
    """Register what hangs on the sealed text of a model's rows ("app.Model")."""

    def register(renew: Renew) -> Renew:
        _with_rows[model] = renew
        return renew

    return register


def renewed_at_the_end(renew: Callable[[], None]) -> Callable[[], None]:
    """Register what is made from many rows; it may be called again."""
    _at_the_end.append(renew)
    return renew


def sealed_columns() -> dict[type[Model], list[str]]:
    """Every model that keeps something sealed, with the database columns that do."""
    found: dict[type[Model], list[str]] = {}
    for model in apps.get_models(include_auto_created=True):
        columns = [str(f.column) for f in model._meta.concrete_fields if isinstance(f, SealedTextField)]
        if columns and model._meta.managed and not model._meta.proxy:
            found[model] = columns
    return found


def rotate(progress: Progress = lambda done, total, step: None) -> dict[str, Any]:
    """Change the shop's key. Raises Refused while its pages are served or somebody works on it."""
    look_again()
    with doors_closed(), turn(patience=0, changes_key=True):
        here = keys()
        if not here.is_changing:
            new = here.masters[0].next()
            lasting.set_down()
            write_key_file(Home.find().key_file, [new, *here.masters])
            here = look_again()
        old = here.masters[-1]
        values = sum(_seal_rows(model, columns, progress) for model, columns in sealed_columns().items())
        files = vault.seal_anew()
        for renew in _at_the_end:
            progress(0, 0, Words("重做索引", "Making the indexes anew"))
            renew()
        left = sum(_left(model, columns) for model, columns in sealed_columns().items()) + vault.seal_anew()
        if left:
            raise Refused(
                Words(
                    "换的时候还有别的程序在写。关掉它们，再运行一次 regulars key rotate",
                    "Another program was writing meanwhile. Close it and run regulars key rotate again",
                )
            )
        write_key_file(Home.find().key_file, here.masters[:1])
        here = look_again()
        audit("rotate-key", f"key {here.number}", detail={"from": old.number, "rows": values, "files": files})
    return {"key": here.number, "mark": here.mark, "rows": values, "files": files}


def opens(key: Keys) -> bool:
    """Whether a key opens what stands sealed in this shop: the first value of every sealed column and a file."""
    for model, columns in sealed_columns().items():
        for column in columns:
            table = model._meta.db_table
            sql = f'SELECT "{column}" FROM {table} WHERE "{column}" IS NOT NULL LIMIT 1'
            try:
                for (value,) in bulk.rows(sql):
                    key.unseal(value)
            except WrongKey:
                return False
    return vault.opens(key)


def _other_key(column: str) -> str:
    """The condition that a column is sealed with another key than the one that seals now."""
    number = keys().number
    if bulk.is_postgres():
        return f'get_byte("{column}", 0) <> {number}'
    return f"substr(\"{column}\", 1, 1) <> X'{number:02x}'"


def _where(columns: Sequence[str]) -> str:
    return "(" + " OR ".join(f'("{c}" IS NOT NULL AND {_other_key(c)})' for c in columns) + ")"


def _left(model: type[Model], columns: Sequence[str]) -> int:
    return int(bulk.rows(f"SELECT COUNT(*) FROM {model._meta.db_table} WHERE {_where(columns)}")[0][0])


def _seal_rows(model: type[Model], columns: Sequence[str], progress: Progress) -> int:
    """Seal one model's rows anew, from the first that is not; returns how many it were."""
    table, pk = model._meta.db_table, model._meta.pk.column
    total = _left(model, columns)
    names = ", ".join(f'"{c}"' for c in columns)
    sets = ", ".join(f'"{c}" = %s' for c in columns)
    renew = _with_rows.get(model._meta.label)
    done = last = 0
    here = keys()
    while True:
        with transaction.atomic():
            rows = bulk.rows(
                f'SELECT "{pk}", {names} FROM {table} WHERE "{pk}" > %s AND {_where(columns)} ORDER BY "{pk}" LIMIT {ROWS}',
                [last],
            )
            if not rows:
                return done
            opened = [
                (r[0], {c: here.unseal(v) for c, v in zip(columns, r[1:], strict=True) if v is not None})
                for r in rows
            ]
            bulk.execute_many(
                f'UPDATE {table} SET {sets} WHERE "{pk}" = %s',
                [(*(here.seal(said[c]) if c in said else None for c in columns), i) for i, said in opened],
            )
            if renew:
                renew(opened)
        last = rows[-1][0]
        done += len(rows)
        progress(done, total, SEALING)
