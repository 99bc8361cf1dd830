"""What membership can tell of a customer: how many she has brought and what they spend, and whether she is a member."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta

from regulars.customers.models import Customer, Link
from regulars.customers.telling import tells
from regulars.membership.models import Member, Program, Referral
from regulars.playbooks.catalogue import Window
from regulars.sales.models import Batch, Identity, Sale
from regulars.shop import bulk

_CUSTOMER, _LINK, _MEMBER, _REFERRAL, _SALE, _BATCH = (
    m._meta.db_table for m in (Customer, Link, Member, Referral, Sale, Batch)
)
_WINDOWED = re.compile(r"referred_(customers|spend)(?:_in_(\d+)_(days|months))?")
_ROOT = "COALESCE(c.merged_into_id, c.id)"


@tells
def of_referrals(keys: Sequence[str], on: date, customers: Sequence[int] | None) -> dict[str, dict[int, str]]:
    """Customers brought who have really bought, and what they spent, by window."""
    found: dict[str, dict[int, str]] = {}
    if not any(_WINDOWED.fullmatch(key) for key in keys) or not Referral.objects.exists():
        return found
    whose = "" if customers is None else f" AND {_ROOT} IN ({{marks}})"
    people = list(customers or [])
    brought = (
        f"FROM {_REFERRAL} r JOIN {_MEMBER} m ON m.id = r.referrer_id JOIN {_CUSTOMER} c ON c.id = m.customer_id "
        f"WHERE r.state = 'counted'{whose} "
    )
    for key in keys:
        matched = _WINDOWED.fullmatch(key)
        if matched is None:
            continue
        what, n, unit = matched.groups()
        first = on - timedelta(days=Window(int(n), unit).days - 1) if n else date(1900, 1, 1)
        if what == "customers":
            sql = f"SELECT {_ROOT}, COUNT(*) {brought} AND r.counted_on >= '{first}' AND r.counted_on <= '{on}' GROUP BY {_ROOT}"
            rows = _rows(sql, people)
            found[key] = {c: str(v) for c, v in rows}
        else:
            sql = (
                f"SELECT {_ROOT}, SUM(s.amount) FROM {_REFERRAL} r JOIN {_MEMBER} m ON m.id = r.referrer_id "
                f"JOIN {_CUSTOMER} c ON c.id = m.customer_id JOIN {_CUSTOMER} f ON f.id = r.friend_id "
                f"JOIN {_LINK} l ON l.customer_id = COALESCE(f.merged_into_id, f.id) "
                f"JOIN {_SALE} s ON s.identity_id = l.identity_id AND s.is_current "
                f"JOIN {_BATCH} b ON b.id = s.batch_id AND b.state = 'complete' WHERE r.state = 'counted'{whose} "
                f"AND s.day >= r.\"on\" AND s.day >= '{first}' AND s.day <= '{on}' GROUP BY {_ROOT}"
            )
            found[key] = {c: f"{int(v) / 100:.2f}" for c, v in _rows(sql, people)}
    return found


@tells
def of_membership(
    keys: Sequence[str], on: date, customers: Sequence[int] | None
) -> dict[str, dict[int, str]]:
    """Who is a member; in a shop that has never opened a programme, who has a number or card of the till."""
    if "is_member" not in keys:
        return {}
    whose = "" if customers is None else f" AND {_ROOT} IN ({{marks}})"
    if not Program.objects.exists():
        sql = (
            f"SELECT DISTINCT {_ROOT}, 1 FROM {_LINK} l JOIN {_CUSTOMER} c ON c.id = l.customer_id "
            f"JOIN {Identity._meta.db_table} i ON i.id = l.identity_id WHERE i.kind IN ('member', 'card'){whose}"
        )
        return {"is_member": {c: "true" for c, _ in _rows(sql, list(customers or []))}}
    sql = (
        f"SELECT DISTINCT {_ROOT}, 1 FROM {_MEMBER} m JOIN {_CUSTOMER} c ON c.id = m.customer_id "
        f"WHERE m.left_on IS NULL AND m.joined_on <= '{on}'{whose}"
    )
    return {"is_member": {c: "true" for c, _ in _rows(sql, list(customers or []))}}


def _rows(sql: str, people: list[int]) -> list[tuple[int, int]]:
    return list(bulk.rows_in(sql, people)) if "{marks}" in sql else bulk.rows(sql)
