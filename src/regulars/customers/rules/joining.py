"""Which identities are one customer: a pure function of who was written beside whom.

It depends on the evidence only, never on the order in which files came, so that taking a file back gives the customers
that would be there without it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

STRENGTH = {"member": 0, "card": 1, "phone": 2, "openid": 3, "name": 4}
NUMBERS = ("member", "card")
"""Given out by the shop, one to a customer: two different ones of a kind are never joined automatically."""


def joined(
    identities: Mapping[int, tuple[str, bytes]], pairs: Iterable[tuple[int, int]], shared: frozenset[int] = frozenset()
) -> list[list[int]]:
    """Groups of identities that belong to one customer each; every identity stands in exactly one group.

    `identities`: number → (kind, token); `pairs`: written on one row; `shared`: identities that join nobody (a phone
    used by many members). A phone beside two member numbers belongs to neither for sure, so it joins neither.

    >>> who = {1: ("member", b"a"), 2: ("phone", b"p"), 3: ("member", b"b"), 4: ("openid", b"o")}
    >>> joined(who, [(1, 2), (2, 4)])
    [[1, 2, 4], [3]]
    >>> joined(who, [(1, 2), (3, 2)])
    [[1], [2], [3], [4]]
    """
    beside: dict[int, set[int]] = defaultdict(set)
    for a, b in pairs:
        if a in identities and b in identities and a not in shared and b not in shared:
            beside[a].add(b)
            beside[b].add(a)
    doubtful = {
        i
        for i, others in beside.items()
        if identities[i][0] not in NUMBERS
        and any(sum(identities[o][0] == kind for o in others) > 1 for kind in NUMBERS)
    }
    parent: dict[int, int] = {}
    numbers: dict[int, dict[str, int]] = {}

    def root(i: int) -> int:
        while parent.setdefault(i, i) != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for i in beside:
        kind = identities[i][0]
        numbers[i] = {kind: i} if kind in NUMBERS else {}

    def order(i: int) -> tuple[int, bytes]:
        kind, token = identities[i]
        return STRENGTH[kind], token

    edges = sorted(
        {(min(a, b, key=order), max(a, b, key=order)) for a, others in beside.items() for b in others},
        key=lambda edge: (order(edge[0]), order(edge[1])),
    )
    for a, b in edges:
        if a in doubtful or b in doubtful:
            continue
        one, other = root(a), root(b)
        if one == other:
            continue
        if any(kind in numbers[other] for kind in numbers[one]):
            continue
        parent[other] = one
        numbers[one] = {**numbers[one], **numbers[other]}
    groups: dict[int, list[int]] = defaultdict(list)
    for i in identities:
        groups[root(i) if i in parent else i].append(i)
    return sorted(sorted(group) for group in groups.values())
