"""With whom a member is read: customers who were merged hold one purse together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

from regulars.customers.models import Customer
from regulars.membership.models import Member
from regulars.shop import bulk

_MEMBER, _CUSTOMER = Member._meta.db_table, Customer._meta.db_table


def kin_sql(listed: str) -> str:
    """Rows (member, the customer as whom she is read) of the members in `listed`, a condition on m.id, and of all who
    are read with them. Whoever has left is read with nobody and has no customer.
    A row may come more than once."""
    return (
        f"WITH named AS (SELECT m.id, COALESCE(c.merged_into_id, c.id) AS root FROM {_MEMBER} m "
        f"LEFT JOIN {_CUSTOMER} c ON c.id = m.customer_id WHERE m.id {listed}) "
        "SELECT id, root FROM named UNION ALL "
        f"SELECT m.id, n.root FROM named n CROSS JOIN {_MEMBER} m WHERE m.customer_id = n.root UNION ALL "
        f"SELECT m.id, n.root FROM named n CROSS JOIN {_CUSTOMER} c CROSS JOIN {_MEMBER} m "
        "WHERE c.merged_into_id = n.root AND m.customer_id = c.id"
    )


def grouped(rows: Iterable[tuple[int, int | None]]) -> dict[int, set[int]]:
    """Members by member, from what `kin_sql` finds."""
    together: dict[int, set[int]] = defaultdict(set)
    found: dict[int, set[int]] = {}
    for member, root in rows:
        found[member] = group = {member} if root is None else together[root]
        group.add(member)
    return found


def families(members: Collection[int]) -> dict[int, set[int]]:
    """With whom each of these members is read, herself among them; without those who do not exist."""
    return grouped(bulk.rows_in(kin_sql("IN ({marks})"), sorted(members)))


def family_of(member: int) -> list[int]:
    """The members who are read as this one, herself among them."""
    return sorted(families({member}).get(member, {member}))
