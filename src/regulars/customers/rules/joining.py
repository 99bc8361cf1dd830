"""Which identities are one customer: a pure function of who was written beside whom.

It depends on the evidence only, never on the order in which files came, so that taking a file back gives the customers
that would be there without it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

STRENGTH = {"member": 0, "card": 1, "phone": 2, "openid": 3, "name": 4}
NUMBERS = ("member", "card")
"""Given out by the shop, one to a customer: two different ones of a kind are never joined automatically."""


SHARED_AFTER = 5
"""A phone that stands with more numbers than this is a shop's own or a made-up one, and joins nobody (contract)."""


def same_numbers(identities: Mapping[int, tuple[str, bytes]]) -> list[tuple[int, int]]:
    """Pairs of a member number and a card that are the same number: files call it now one, now the other.

    >>> same_numbers({1: ("member", b"88"), 2: ("card", b"88"), 3: ("card", b"89"), 4: ("phone", b"88")})
    [(1, 2)]
    """
    members = {token: i for i, (kind, token) in identities.items() if kind == "member"}
    return [(members[t], i) for i, (kind, t) in identities.items() if kind == "card" and t in members]


def shared_by_many(
    identities: Mapping[int, tuple[str, bytes]], pairs: Iterable[tuple[int, int]]
) -> frozenset[int]:
    """Phones, payers and names that stand with more than `SHARED_AFTER` different numbers.

    >>> many = {0: ("phone", b"p"), **{k: ("member", bytes([k])) for k in range(1, 7)}}
    >>> shared_by_many(many, [(k, 0) for k in range(1, 7)]), shared_by_many(many, [(k, 0) for k in range(1, 6)])
    (frozenset({0}), frozenset())
    """
    beside: dict[int, set[bytes]] = defaultdict(set)
    for pair in pairs:
        for weak, strong in (pair, pair[::-1]):
            if weak in identities and strong in identities and identities[weak][0] not in NUMBERS:
                kind, token = identities[strong]
                if kind in NUMBERS:
                    beside[weak].add(token)
    return frozenset(i for i, tokens in beside.items() if len(tokens) > SHARED_AFTER)


WEAK = tuple(kind for kind in STRENGTH if kind not in NUMBERS)


def joined(
    identities: Mapping[int, tuple[str, bytes]],
    pairs: Iterable[tuple[int, int]],
    shared: frozenset[int] = frozenset(),
    by_hand: Iterable[tuple[int, int]] = (),
) -> list[list[int]]:
    """Groups of identities that belong to one customer each; every identity stands in exactly one group.

    `identities`: number → (kind, token); `pairs`: written on one row; `shared`: identities that join nobody (a phone
    used by many members); `by_hand`: pairs of whom a person has said that they are one, whatever their numbers.
    A phone beside two member numbers belongs to neither for sure, so it joins neither.

    >>> who = {1: ("member", b"a"), 2: ("phone", b"p"), 3: ("member", b"b"), 4: ("openid", b"o")}
    >>> joined(who, [(1, 2), (2, 4)])
    [[1, 2, 4], [3]]
    >>> joined(who, [(1, 2), (3, 2)])
    [[1], [2], [3], [4]]
    >>> joined(who, [(1, 2), (3, 2)], by_hand=[(1, 3)])
    [[1, 2, 3], [4]]

    Numbers on one row are sure: a member who was given a new card keeps the old one, but a card beside two members
    belongs to neither.

    >>> cards = {1: ("member", b"a"), 2: ("card", b"x"), 3: ("card", b"y"), 4: ("member", b"b")}
    >>> joined(cards, [(1, 2), (1, 3)]), joined(cards, [(1, 2), (4, 2)])
    ([[1, 2, 3], [4]], [[1], [2], [3], [4]])
    """
    beside: dict[int, set[int]] = defaultdict(set)
    for a, b in pairs:
        if a in identities and b in identities and a not in shared and b not in shared:
            beside[a].add(b)
            beside[b].add(a)
    parent: dict[int, int] = {}
    numbers: dict[int, dict[str, frozenset[bytes]]] = {}

    def root(i: int) -> int:
        while parent.setdefault(i, i) != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    def join(a: int, b: int, *exclusive: str) -> None:
        """Let two groups be one, unless both have numbers of an exclusive kind and none of them is the same."""
        one, other = root(a), root(b)
        mine, theirs = numbers[one], numbers[other]
        if one == other or any(mine[k] and theirs[k] and not mine[k] & theirs[k] for k in exclusive):
            return
        parent[other] = one
        numbers[one] = {k: mine[k] | theirs[k] for k in NUMBERS}

    def order(i: int) -> tuple[int, bytes]:
        kind, token = identities[i]
        return STRENGTH[kind], token

    said = [(a, b) for a, b in by_hand if a in identities and b in identities]
    for i in {*beside, *(i for pair in said for i in pair)}:
        kind, token = identities[i]
        numbers[i] = {k: frozenset([token]) if k == kind else frozenset() for k in NUMBERS}
    for a, b in sorted(said):
        join(a, b)
    edges = sorted(
        {(min(a, b, key=order), max(a, b, key=order)) for a, others in beside.items() for b in others},
        key=lambda edge: (order(edge[0]), order(edge[1])),
    )
    for kinds, exclusive in ((NUMBERS, ("member",)), (WEAK, NUMBERS)):
        doubtful = _doubtful(identities, beside, root, kinds)
        for a, b in edges:
            if identities[b][0] in kinds and a not in doubtful and b not in doubtful:
                join(a, b, *exclusive)
    groups: dict[int, list[int]] = defaultdict(list)
    for i in identities:
        groups[root(i) if i in parent else i].append(i)
    return sorted(sorted(group) for group in groups.values())


def _doubtful(
    identities: Mapping[int, tuple[str, bytes]],
    beside: Mapping[int, set[int]],
    root: Callable[[int], int],
    kinds: tuple[str, ...],
) -> set[int]:
    """Cards that stand beside two members, and phones, payers and names that stand beside two numbers of a kind, which
    are not known to be one customer."""
    found = set()
    for i, others in beside.items():
        kind, token = identities[i]
        if kind not in kinds or len(others) < 2 or kind == "member":
            continue
        for above in ("member",) if kind == "card" else NUMBERS:
            different = {root(o) for o in others if identities[o][0] == above and identities[o][1] != token}
            if len(different) > 1:
                found.add(i)
    return found
