"""What was earned so far: read from the books, brought to what is due, and kept together with what is booked for it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any

from regulars.membership import kin, models, teller
from regulars.membership.rules import due
from regulars.membership.rules.due import Change, Earned
from regulars.membership.rules.ledger import VALUE
from regulars.playbooks.membership import Currency
from regulars.shop import bulk
from regulars.shop.words import Refused

_EARNED = models.Earned._meta.db_table
_COLUMNS = ("day", "gross", "by_value", "units", "most", "due", "owed", "turns", "parts", "rules")


class Tally:
    """Rows by what earned them and currency, and the changes that are to be booked on that day."""

    def __init__(self, on: date) -> None:
        self.on = on
        self.rows: dict[tuple[str, str], Earned] = {}
        self.booked: dict[str, set[str]] = defaultdict(set)  # in which currencies each has earned before
        self.changes: list[Change] = []

    def read(self, whats: Sequence[str]) -> None:
        """Read what was booked for these so far."""
        sql = f"SELECT what, currency, id, member_id, {', '.join(_COLUMNS)} FROM {_EARNED} WHERE what IN ({{marks}})"
        for found in bulk.rows_in(sql, whats):
            row = self.rows[found[0], found[1]] = Earned(*found)
            row.day, row.parts, row.rules = bulk.day(row.day), _list(row.parts), _list(row.rules)
            self.booked[row.what].add(row.currency)

    def row(self, what: str, currency: str) -> Earned:
        if (what, currency) not in self.rows:
            self.rows[what, currency] = Earned(what, currency)
        return self.rows[what, currency]

    def come_to(self, row: Earned, units: int, currency: Currency) -> None:
        """Let so many units be due for it."""
        self.changes += due.come_to(row, units, currency, self.on)

    def pass_on(self, row: Earned, member: int, is_closed: bool) -> Earned:
        """The row as this member's, once what another had by it has been taken back."""
        fresh = due.pass_on(row, member, is_closed)
        for one in (fresh, row):  # the old one bears another name now
            self.rows[one.what, one.currency] = one
        return fresh

    def book(self) -> int:
        """Book all changes, take what is owed from what they brought, and keep the rows. Returns how many postings were
        made; raises Refused where one can't be."""
        made = self._post(self.changes)
        made += self._post(self._collected())
        self._keep()
        return made

    def _post(self, changes: Sequence[Change]) -> int:
        made = 0
        for change, done in zip(changes, teller.post_each([c.move for c in changes]), strict=True):
            if isinstance(done, Refused):
                raise done
            made += done.is_new
            due.note(change, done.posting, done.amounts.get(change.row.currency, 0), done.short)
        return made

    def _collected(self) -> list[Change]:
        """What members, and those who are read as them, still owe is taken from what they have just earned."""
        earned = {c.move.member for c in self.changes if c.move.kind == "earn"}
        if not earned:
            return []
        earned.update(one for group in kin.families(earned).values() for one in group)
        sql = f"SELECT what, currency FROM {_EARNED} WHERE owed > 0 AND member_id IN ({{marks}})"
        self.read([what for what, c in bulk.rows_in(sql, sorted(earned)) if (what, c) not in self.rows])
        return [
            due.collect(row, self.on)
            for row in self.rows.values()
            if row.owed and row.member in earned and row.currency not in VALUE
        ]

    def _keep(self) -> None:
        changed = [r for r in self.rows.values() if r.is_changed]
        bulk.execute_many(
            f"UPDATE {_EARNED} SET what = %s, {', '.join(f'{c} = %s' for c in _COLUMNS)} WHERE id = %s",
            [(r.what, *_values(r), r.id) for r in changed if r.id],
        )
        if new := [r for r in changed if not r.id]:
            bulk.insert(
                models.Earned,
                ("what", "currency", "member_id", *_COLUMNS),
                [(r.what, r.currency, r.member, *_values(r)) for r in new],
            )


def _values(row: Earned) -> tuple[Any, ...]:
    """What stands in the columns of `_COLUMNS`."""
    parts, rules = json.dumps([p for p in row.parts if p[1]]), json.dumps(row.rules)
    numbers = row.gross, row.by_value, row.units, row.most, row.due, row.owed, row.turns
    return row.day.isoformat(), *numbers, parts, rules


def _list(value: Any) -> list[Any]:
    return json.loads(value) if isinstance(value, str) else list(value)
