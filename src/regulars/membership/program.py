"""The programme that holds: its terms out of the playbook, who is a member, and which tier each has."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import transaction
from django.db.models import Count
from django.db.models.functions import Coalesce

from regulars.customers.models import Customer, Link
from regulars.grading.actions import adopt, in_force, loaded
from regulars.grading.models import Adoption, GradeChange, Standing
from regulars.membership import unsettled
from regulars.membership.kin import families, family_of
from regulars.membership.models import Member, Program, TierBought
from regulars.membership.rules.numbers import ALPHABET, with_check_digit
from regulars.membership.rules.terms import last_day
from regulars.membership.teller import ANOTHER
from regulars.playbooks.membership import Currency, Membership, PaidTier
from regulars.playbooks.playbook import Playbook, load
from regulars.playbooks.problems import BadPlaybook
from regulars.sales.models import Sale
from regulars.shop import bulk
from regulars.shop.models import Staff, Store, audit
from regulars.shop.words import Refused, Words

NOT_FOR_SALE = Words("这个等级不卖", "This tier is not for sale")
OPEN_ALREADY = Words(
    "会员已经开着；要换规矩，先停办再开", "A programme is open already; end it first to open another"
)
TAKEN_BACK = Words("这次卖的等级已经撤销了，要重新卖一次", "This sale of a tier was taken back; sell it anew")
NONE_YET = Words("会员还没开通", "There is no membership programme yet")
ENDED = Words(
    "会员活动已停办：手里的照样能用，别的要先再开通",
    "The programme has ended: what members hold can still be spent; for anything else, open it again first",
)


@dataclass(frozen=True)
class Terms:
    """What holds now: the playbook with the shop's own numbers, and since when sales earn."""

    playbook: Playbook
    membership: Membership
    starts_on: date

    @property
    def tiers(self) -> dict[str, Words]:
        """What each tier is called, best first."""
        return self.playbook.scale(self.membership.scale).names

    @property
    def first_tier(self) -> str:
        """The tier that everybody has who has no better one; empty where the scale has no such grade."""
        last = self.playbook.scale(self.membership.scale).grades[-1]
        return last.key if not last.ways else ""


def current() -> Terms | None:
    """The terms that hold now; None where the shop has no programme."""
    program = Program.objects.filter(ended_on=None).order_by("-id").first()
    if program is None:
        return None
    for held in in_force():
        if held.playbook.key == program.playbook and held.playbook.membership:
            return Terms(held.playbook, held.playbook.membership, program.starts_on)
    return None


def last() -> Terms | None:
    """The terms that hold or, where the programme has ended, those that held. None where there never was one."""
    found = current()
    if found is not None:
        return found
    program = Program.objects.order_by("-id").first()
    if program is None:
        return None
    held = {h.playbook.key: h.playbook for h in in_force()}
    playbook = held.get(program.playbook) or load(program.playbook)
    return Terms(playbook, playbook.membership, program.starts_on) if playbook.membership else None


def last_membership() -> Membership | None:
    """What the programme says or, where it has ended, what it said: members still hold what it names. None where there
    never was one."""
    found = last()
    return found.membership if found else None


def currencies_ever() -> dict[str, Currency]:
    """Every kind of points that a programme of this shop has named, by key, in the words of the latest that named it:
    what members hold of it is owed still."""
    playbooks = Program.objects.values("playbook")
    adopted = Adoption.objects.filter(key__in=playbooks).order_by("-id").values_list("key", "overlay")
    said = [last_membership()]
    for key, overlay in dict.fromkeys(adopted):
        with suppress(BadPlaybook):  # shipped once, or written for facts that are gone
            said.append(loaded(key, overlay).membership)
    found: dict[str, Currency] = {}
    for membership in filter(None, said):
        for currency in membership.currencies:
            found.setdefault(currency.key, currency)
    return found


def terms() -> Terms:
    """The terms that hold now; raises Refused where the shop has no programme, or it has ended."""
    found = current()
    if found is None:
        raise Refused(ENDED if Program.objects.exists() else NONE_YET)
    return found


def open_program(playbook: str, starts_on: date, *, by: Staff | None = None) -> Program:
    """Open the membership programme of a playbook: sales earn from this day on. The playbook comes into force beside
    the leading one where it is not yet. Raises Refused while a programme is open."""
    if load(playbook).membership is None:
        raise Refused(
            Words(
                f"打法 {playbook} 里没有会员这一段", f"The playbook {playbook} says nothing about membership"
            )
        )
    with transaction.atomic():
        bulk.alone("open-membership")
        if current() is not None:
            raise Refused(OPEN_ALREADY)
        if all(held.playbook.key != playbook for held in in_force()):
            adopt(playbook, by=by, is_first=False)
        Program.objects.filter(ended_on=None).update(ended_on=starts_on)
        program = Program.objects.create(playbook=playbook, starts_on=starts_on, by=by)
        audit("open-membership", f"playbook {playbook}", by=by, detail={"starts_on": starts_on.isoformat()})
        join_listed(starts_on)
    return program


def end_program(on: date, *, by: Staff | None = None) -> None:
    """From now on nothing is earned any more; what members hold can still be spent."""
    with transaction.atomic():
        if Program.objects.filter(ended_on=None).update(ended_on=on):
            audit("end-membership", "", by=by)


# --- who is a member -------------------------------------------------------------------------------------------------


def member_of(customer: Customer) -> Member | None:
    """The membership of a customer, or of one of those who are read as her: the oldest."""
    return Member.objects.filter(customer__in=files_of(customer), left_on=None).order_by("id").first()


def files_of(customer: Customer) -> list[int]:
    """All files that are read as one with this customer's, the one that stands for them first."""
    root = customer.merged_into_id or customer.pk
    return [root, *Customer.objects.filter(merged_into=root).values_list("id", flat=True)]


def join(
    customer: Customer, on: date, how: str, *, store: Store | None = None, by: Staff | None = None
) -> Member:
    """Make a customer a member; one who is stays what she is, one who had left is back. What she has bought since is
    reckoned, whether its file came before or comes after."""
    root = customer.merged_into or customer
    with transaction.atomic():
        Customer.objects.select_for_update().get(pk=root.pk)
        known = Member.objects.filter(customer__in=files_of(root)).order_by("left_on", "id")
        member = next((m for m in known if m.left_on is None), None) or known.first()
        if member is not None:
            if member.left_on is not None:
                Member.objects.filter(pk=member.pk).update(left_on=None)
                member.left_on = None
                audit("rejoin", f"customer {root.pk}", by=by)
                unsettled.again(files_of(root))
            return member
        member, is_new = Member.objects.get_or_create(  # a list may have made her one in this moment
            customer=root,
            defaults={
                "number": new_numbers(1)[0], "code": new_code(), "joined_on": on, "how": how, "store": store, "by": by,
            },
        )  # fmt: skip
        if is_new:
            audit("join", f"customer {root.pk}", by=by, detail={"how": how})
            unsettled.again(files_of(root))
    return member


def how_many() -> int:
    """How many people are members: those who are read as one count once, whoever has been deleted not at all."""
    root = Coalesce("customer__merged_into", "customer")
    return int(Member.objects.filter(left_on=None).aggregate(n=Count(root, distinct=True))["n"])


def leave(member: Member, on: date, *, by: Staff | None = None) -> None:
    """End a membership, with all that are read as one with it. What she holds stays on the books until she is paid out
    or it lapses."""
    with transaction.atomic():
        if Member.objects.filter(pk__in=family_of(member.pk), left_on=None).update(left_on=on):
            audit("leave", f"customer {member.customer_id}", by=by)


def works_here(member: Member) -> bool:
    """Whether she, or one who is read as her, is known to work in the shop."""
    return Member.objects.filter(pk__in=family_of(member.pk), works_here=True).exists()


def say_works_here(member: Member, is_so: bool, *, by: Staff) -> None:
    """Say that a member works in the shop, or no longer does: whoever does brings nobody for a reward."""
    with transaction.atomic():
        hers = Member.objects.filter(pk__in=family_of(member.pk)).exclude(works_here=is_so)
        if hers.update(works_here=is_so):
            audit("works-here", f"customer {member.customer_id}", by=by, detail={"works_here": is_so})


def join_listed(on: date) -> list[int]:
    """Make members of all who are by the programme's own rule: those with a member number or card, or everybody. Returns
    the customers who have become members: what they had bought before anybody knew it earns too."""
    found = current()
    if found is None or found.membership.members == "asked":
        return []
    customer, link, member, sale = (m._meta.db_table for m in (Customer, Link, Member, Sale))
    kinds = (
        "'member', 'card'"
        if found.membership.members == "number"
        else "'member', 'card', 'phone', 'openid', 'name'"
    )
    rows = bulk.rows(
        f"SELECT c.id, MIN(s.day) FROM {customer} c JOIN {link} l ON l.customer_id = c.id "
        f"JOIN sales_identity i ON i.id = l.identity_id LEFT JOIN {sale} s ON s.identity_id = i.id AND s.is_current "
        f"WHERE c.merged_into_id IS NULL AND NOT c.is_gone AND i.kind IN ({kinds}) "
        f"AND NOT EXISTS (SELECT 1 FROM {member} m WHERE m.customer_id = c.id) GROUP BY c.id ORDER BY c.id"
    )  # fmt: skip
    known = set(
        Member.objects.filter(customer__merged_into__isnull=False).values_list(
            "customer__merged_into", flat=True
        )
    )
    rows = [r for r in rows if r[0] not in known]
    for chunk in bulk.in_chunks(rows, bulk.CHUNK):
        numbers = new_numbers(len(chunk))
        codes = {new_code() for _ in chunk}
        while len(codes) < len(chunk):
            codes.add(new_code())
        bulk.execute_many(  # who joins in this moment at the counter or on her phone is a member by that
            f"INSERT INTO {member} (customer_id, number, code, joined_on, how, works_here, device) "
            "VALUES (%s, %s, %s, %s, 'list', %s, '') ON CONFLICT DO NOTHING",
            [
                (c, number, code, str(day)[:10] if day else on.isoformat(), False)
                for (c, day), number, code in zip(chunk, numbers, codes, strict=True)
            ],
        )
    return [c for c, _ in rows]


def new_numbers(n: int) -> list[str]:
    """Member numbers that nobody has: nine random digits and one that tells a slip of the finger."""
    found: list[str] = []
    while len(found) < n:
        tried = list(
            {with_check_digit(secrets.randbelow(9 * 10**8) + 10**8) for _ in range(n - len(found))}
            - set(found)
        )
        taken = {
            number
            for (number,) in bulk.rows_in(
                f"SELECT number FROM {Member._meta.db_table} WHERE number IN ({{marks}})", tried
            )
        }
        found += [t for t in tried if t not in taken]
    return found


def new_code() -> str:
    """A code that can't be guessed: ten signs that nobody mistakes for each other, 49 bits."""
    return "".join(secrets.choice(ALPHABET) for _ in range(10))


# --- tiers -----------------------------------------------------------------------------------------------------------


def tiers_of(members: Iterable[Member], terms: Terms, on: date) -> dict[int, str]:
    """The tier of each member now: the better one of what she has earned and what she has paid for."""
    people = list(members)
    root = {m.pk: (m.customer.merged_into_id or m.customer_id) if m.customer else None for m in people}
    standing = dict(
        bulk.rows_in(
            f"SELECT customer_id, grade FROM {Standing._meta.db_table} "
            "WHERE playbook = %s AND scale = %s AND customer_id IN ({marks})",
            sorted({c for c in root.values() if c}), [terms.playbook.key, terms.membership.scale],
        )
    )  # fmt: skip
    bought = bought_tiers(list(root), terms, on)
    return {m: better(standing.get(c or 0, ""), bought.get(m, ""), terms) for m, c in root.items()}


def bought_tiers(members: Sequence[int], terms: Terms, on: date) -> dict[int, str]:
    """The best tier that each of these members, or one who is read as her, has paid for and that holds on this day."""
    held = TierBought.objects.filter(starts_on__lte=on, ends_on__gte=on, is_undone=False)
    if not members or not held.exists():
        return {}
    family = families(set(members))
    theirs = {m for group in family.values() for m in group}
    found: dict[int, str] = {}
    for chunk in bulk.in_chunks(sorted(theirs)):
        for member, tier in held.filter(member__in=chunk).values_list("member", "tier"):
            found[member] = better(found.get(member, ""), tier, terms)
    best: dict[int, str] = {}
    for member in members:
        for one in family.get(member, {member}) & found.keys():
            best[member] = better(best.get(member, ""), found[one], terms)
    return best


def tier_of(member: Member, terms: Terms, on: date) -> str:
    """The tier of one member on a day."""
    return tiers_of([member], terms, on)[member.pk]


def buy_tier(member: Member, tier: str, *, key: str, on: date, by: Staff | None = None) -> TierBought:
    """A member pays for a tier; while she, or one who is read as her, has it already it is prolonged. The same key buys
    once; Refused where it stands for something else or was taken back."""
    with transaction.atomic():
        bulk.alone("buy-tier")
        known = TierBought.objects.filter(key=key).first()
        if known is not None:
            if known.member_id not in family_of(member.pk) or known.tier != tier:
                raise Refused(ANOTHER.fill(key=key))
            if known.is_undone:
                raise Refused(TAKEN_BACK)
            return known
        offer, starts, ends = tier_ahead(member, tier, on)
        bought = TierBought.objects.create(
            member=member, key=key, tier=tier, price=round(offer.price * 100), starts_on=starts, ends_on=ends, by=by,
        )  # fmt: skip
        audit(
            "buy-tier", f"customer {member.customer_id}", by=by, detail={"tier": tier, "price": bought.price}
        )
    return bought


def tier_ahead(member: Member, tier: str, on: date) -> tuple[PaidTier, date, date]:
    """What she would buy, and from when to when she would have it: as soon as she has not paid for it already. Raises
    Refused where the tier is not for sale."""
    offer = next((p for p in terms().membership.paid if p.tier == tier), None)
    if offer is None:
        raise Refused(NOT_FOR_SALE)
    starts = on
    for sold in tiers_bought(member, on):  # in the order in which they begin
        if sold.tier == tier and last_day(starts, offer.months) >= sold.starts_on:
            starts = max(starts, sold.ends_on + timedelta(days=1))
    return offer, starts, last_day(starts, offer.months)


def tiers_bought(member: Member, on: date) -> list[TierBought]:
    """Tiers that she, or one who is read as her, has paid for and that have not ended; those taken back are not among
    them."""
    family = family_of(member.pk)
    return list(
        TierBought.objects.filter(member__in=family, ends_on__gte=on, is_undone=False).order_by("starts_on")
    )


def undo_tier(member: Member, number: int, *, by: Staff) -> None:
    """Take a sold tier back, where she got her money back; what came after it stays as it was sold."""
    family = family_of(member.pk)
    with transaction.atomic():
        sold = TierBought.objects.filter(pk=number, member__in=family).first()
        if sold and TierBought.objects.filter(pk=number, is_undone=False).update(is_undone=True):
            audit("undo-tier", f"customer {member.customer_id}", by=by, detail={"tier": sold.tier})


def better(one: str, other: str, terms: Terms) -> str:
    """The better of two tiers; the first tier where neither is one."""
    order = list(terms.tiers)
    known = [t for t in (one, other) if t in order]
    return min(known, key=order.index) if known else terms.first_tier


def tiers_on(pairs: Iterable[tuple[int, date]], terms: Terms) -> dict[tuple[int, date], str]:
    """The tier of each customer (by number) on a day: the better one of what the history of her standings says and what
    she had paid for."""
    wanted = set(pairs)
    bought = _bought_by({c for c, _ in wanted})
    changes: dict[int, list[tuple[date, str, str]]] = {}
    sql = (
        f'SELECT customer_id, "on", was, grade FROM {GradeChange._meta.db_table} '
        "WHERE playbook = %s AND scale = %s AND customer_id IN ({marks}) ORDER BY id"
    )
    for customer, on, was, grade in bulk.rows_in(
        sql, sorted({c for c, _ in wanted}), [terms.playbook.key, terms.membership.scale]
    ):
        changes.setdefault(customer, []).append((date.fromisoformat(str(on)[:10]), was, grade))
    found = {}
    for customer, day in wanted:
        tier = ""
        for on, was, grade in changes.get(customer, ()):
            if on <= day:
                tier = grade
            elif not tier:
                tier = was
        for paid, starts_on, ends_on in bought.get(customer, ()):
            if starts_on <= day <= ends_on:
                tier = better(tier, paid, terms)
        found[customer, day] = better(tier, "", terms)
    return found


def _bought_by(customers: set[int]) -> dict[int, list[tuple[str, date, date]]]:
    """Tiers that these customers, or those who are read as them, have paid for: tier, first day, last day."""
    found: dict[int, list[tuple[str, date, date]]] = {}
    bought, member, customer = (m._meta.db_table for m in (TierBought, Member, Customer))
    sql = (
        f"SELECT COALESCE(c.merged_into_id, c.id), b.tier, b.starts_on, b.ends_on FROM {bought} b "
        f"JOIN {member} m ON m.id = b.member_id JOIN {customer} c ON c.id = m.customer_id "
        "WHERE NOT b.is_undone AND COALESCE(c.merged_into_id, c.id) IN ({marks})"
    )
    for root, tier, first, until in bulk.rows_in(sql, sorted(customers)):
        days = (date.fromisoformat(str(d)[:10]) for d in (first, until))
        found.setdefault(root, []).append((tier, *days))
    return found
