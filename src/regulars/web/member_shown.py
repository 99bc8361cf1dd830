"""What a member reads on her own page, in the second person and in plain words: her tier, what she holds, why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import SimpleNamespace as Page
from typing import Any

from regulars.customers.models import Customer
from regulars.facts import catalogue
from regulars.grading.actions import in_force
from regulars.grading.queries import Explained
from regulars.grading.queries import portrait as drawn_now
from regulars.membership import kin, passes, purse
from regulars.membership.models import Lot, Member, Posting
from regulars.membership.program import Terms, tier_of
from regulars.membership.rules.ledger import BONUS, PRINCIPAL
from regulars.playbooks.membership import Membership
from regulars.playbooks.say import say_need
from regulars.playbooks.say_membership import say_end
from regulars.shop.money import say_money
from regulars.shop.words import Words
from regulars.web.shown import titled
from regulars.web.why import read_record, spoken

# --- tier ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Need:
    """One condition of a tier: what it counts, how far she is (0 to 100), what is missing."""

    name: Words
    has: Words
    wants: Words
    percent: int
    missing: Words | str

    @property
    def is_met(self) -> bool:
        return not self.missing


@dataclass(frozen=True)
class ShownTier:
    """Her tier, what holds it, and what brings the next one."""

    key: str
    name: Words
    rank: int
    of: int
    sentence: Words
    next_name: Words | str = ""
    needs: list[Need] = field(default_factory=list)
    enough: int = 0
    visits: Words | str = ""
    keeps: list[Need] = field(default_factory=list)
    benefits: list[Words] = field(default_factory=list)
    next_benefits: list[Words] = field(default_factory=list)


def tier_shown(her: Customer, member: Member, terms: Terms, on: date) -> ShownTier | None:
    """Her tier by the programme that holds; None where it has no tiers."""
    tiers = terms.tiers
    key = tier_of(member, terms, on)
    if key not in tiers:
        return None
    held = [h for h in in_force() if h.playbook.key == terms.playbook.key]
    drawn = drawn_now(her, on, held)
    explained = next((e for e in drawn.grades if e.scale.key == terms.membership.scale), None)
    order = list(tiers)
    rank = order.index(key)
    ups = [one for one in explained.next if one["grade"] in order[:rank]] if explained else []
    nearest = ups[0] if ups else None
    return ShownTier(
        key, tiers[key], rank + 1, len(order), _tier_sentence(explained, tiers, key, rank, on),
        next_name=tiers[nearest["grade"]] if nearest else "",
        needs=[n for record in nearest["needs"] if (n := _need(record))] if nearest else [],
        enough=nearest.get("enough", 0) if nearest else 0, visits=_visits(nearest) if nearest else "",
        keeps=[n for record in explained.conditions if (n := _need(record))] if explained and rank < len(order) - 1 else [],
        benefits=_benefits(terms.membership, key),
        next_benefits=[b for b in _benefits(terms.membership, nearest["grade"]) if b not in _benefits(terms.membership, key)] if nearest else [],
    )  # fmt: skip


def _benefits(membership: Membership, tier: str) -> list[Words]:
    return [b.name for b in membership.benefits if tier in b.tiers]


def _need(record: Mapping[str, Any]) -> Need | None:
    condition, value = read_record(dict(record))
    if condition is None or value is None or not condition.is_ordered:
        return None
    fact, wanted = catalogue.get(condition.fact), condition.threshold
    holds = condition.holds(value)
    percent = 100 if holds else max(2, min(99, int(100 * value / wanted))) if wanted > 0 else 2
    missing: Words | str = ""
    if not holds:
        missing = Words(say_need(condition, value, "zh"), say_need(condition, value, "en"))
    return Need(titled(fact.name), spoken(fact.key, value), spoken(fact.key, wanted), percent, missing)


def _visits(one: Mapping[str, Any]) -> Words | str:
    k = one.get("visits")
    if not k:
        return ""
    return Words(
        "像平常一样再来 {k} 次就到",
        "{k} more visits like your usual ones" if k > 1 else "One more visit like your usual ones",
    ).fill(k=k)


def _tier_sentence(
    explained: Explained | None, tiers: Mapping[str, Words], key: str, rank: int, on: date
) -> Words:
    lower = list(tiers)[rank + 1 :]
    if explained is not None and explained.drops_on and explained.drops_to in lower:
        return Words(
            "照现在这样，{d} 会变成{t}；来一次就不一样了。",
            "As it is, {d} moves you to {t}; one visit makes a difference.",
        ).fill(d=_day(explained.drops_on, on), t=tiers[explained.drops_to])
    if rank == 0:
        return Words("您在最高一级，谢谢您。", "You are in the highest tier: thank you.")
    if explained is not None and any(one["grade"] in list(tiers)[:rank] for one in explained.next):
        return Words("够了上一级的条件，当天就升。", "Reach the next tier and you have it the same day.")
    return Words("多来几次，等级会自己往上走。", "Come again: your tier rises by itself.")


def _day(day: date, on: date) -> Words:
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    year = "" if day.year == on.year else f"{day.year} 年 "
    return Words(
        f"{year}{day.month} 月 {day.day} 日",
        f"{day.day} {months[day.month - 1]}" + ("" if day.year == on.year else f" {day.year}"),
    )


def promised(terms: Terms) -> list[Words]:
    """What membership brings, by the names that the shop has given, for somebody who thinks about joining."""
    found = [e.name for e in terms.membership.earns]
    for one in terms.membership.benefits:
        if set(one.tiers) >= set(terms.tiers):
            found.append(one.name)
        else:
            who = [terms.tiers[t] for t in one.tiers]
            found.append(
                Words(
                    f"{'、'.join(w.zh for w in who)}：{one.name.zh}",
                    f"{', '.join(w.en for w in who)}: {one.name.en}",
                )
            )
    return found


# --- what she holds --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ShownHolding:
    """One currency: what can be spent, what it is worth, what is pending and until when, what ends when."""

    key: str
    name: Words
    can_spend: int
    worth: str
    pending: list[Words]
    reserved: Words | str
    ends: list[Words]
    rule: Words | str


def holdings_shown(member: Member, membership: Membership | None, on: date) -> list[ShownHolding]:
    """Every kind of points of the programme, and of an earlier one as long as she has some."""
    held = purse.holdings(member, on)
    known = {c.key: c for c in membership.currencies} if membership else {}
    found = []
    for key in [*known, *(k for k in held if k not in known and k not in (PRINCIPAL, BONUS))]:
        currency, holding = known.get(key), held.get(key)
        if holding is None and currency is None:
            continue
        can_spend = holding.can_spend if holding else 0
        pending = _pending(member, key, on)
        reserved = max(0, (holding.aside if holding else 0) - sum(n for _, n in pending))
        worth = (
            say_money(round(currency.worth_fen * can_spend))
            if currency and currency.worth and can_spend
            else ""
        )
        found.append(
            ShownHolding(
                key, currency.name if currency else Words(key, key), can_spend, worth,
                [Words("{n} 个待生效，{d} 起能用", "{n} pending, can be spent from {d}").fill(n=f"{n:,}", d=_day(d, on)) for d, n in pending],
                Words("{n} 个柜台正在用", "{n} being used at the counter").fill(n=f"{reserved:,}") if reserved else "",
                [Words("{n} 个用到 {d} 为止", "{n} can be spent until {d}").fill(n=f"{n:,}", d=_day(d, on)) for d, n in (holding.ends if holding else [])],
                say_end(currency) if currency else "",
            )
        )  # fmt: skip
    return found


def _pending(member: Member, currency: str, on: date) -> list[tuple[date, int]]:
    """(day from which it can be spent, how much) of what is not ripe yet."""
    found: dict[date, int] = {}
    family = kin.family_of(member.pk)
    lots = Lot.objects.filter(member__in=family, currency=currency, ripe_on__gt=on, aside__gt=0)
    for day, n in lots.values_list("ripe_on", "aside"):
        if day is not None:
            found[day] = found.get(day, 0) + n
    return sorted(found.items())


def value_shown(member: Member, on: date) -> Page | None:
    """Stored value with what she paid in and what was put on top kept apart; None where she has never had any."""
    held = purse.holdings(member, on)
    if PRINCIPAL not in held and BONUS not in held:
        return None
    principal, bonus = (held[c].can_spend if c in held else 0 for c in (PRINCIPAL, BONUS))
    ends = held[BONUS].ends if BONUS in held else []
    return Page(
        total=principal + bonus, principal=principal, bonus=bonus,
        ends=[Words("赠金 {m} 用到 {d} 为止", "{m} of the bonus until {d}").fill(m=say_money(n), d=_day(d, on)) for d, n in ends],
    )  # fmt: skip


# --- the statement ---------------------------------------------------------------------------------------------------

KINDS: dict[str, Words] = {
    "earn": Words("消费所得", "Earned"), "ripen": Words("可以用了", "Can be spent now"), "expire": Words("到期了", "Ended"),
    "redeem": Words("用掉", "Spent"), "pay": Words("储值付款", "Paid with stored value"), "top-up": Words("充值", "Paid in"),
    "bonus": Words("充值赠送", "Bonus for paying in"), "pay-out": Words("退回储值", "Paid back to you"), "transfer": Words("转让", "Handed over"),
    "reserve": Words("收银台预留", "Set aside at the till"), "confirm": Words("预留的用掉了", "What was set aside is spent"),
    "release": Words("预留放回", "What was set aside is back"), "correct": Words("店里更正", "Put right by the shop"),
    "open": Words("从以前的系统带来", "Brought along from the system before"), "reverse": Words("退货，收回", "Taken back: goods were returned"),
    "give-back": Words("退货，还给您", "Given back: goods were returned"), "referral": Words("介绍朋友", "For bringing a friend"),
    "friend": Words("朋友介绍来的", "For coming through a friend"),
}  # fmt: skip
"""Why something changed, where no rule of the programme says it better."""


@dataclass(frozen=True)
class Line:
    """One line of the statement: when, why, what it brought or took, in words where it is no number."""

    on: date
    why: Words
    more: list[Words]
    amounts: list[Words]
    is_plus: bool


def statement_shown(lines: list[tuple[Posting, dict[str, int]]], membership: Membership | None) -> list[Line]:
    """Her postings in plain words, without those that moved nothing of hers."""
    return [_line(p, amounts, membership) for p, amounts in lines if any(amounts.values())]


def _line(posting: Posting, amounts: Mapping[str, int], membership: Membership | None) -> Line:
    rules = {e.key: e.name for e in membership.earns} if membership else {}
    by_amount = {e.key for e in membership.earns if e.per_yuan is not None} if membership else set()
    keys = posting.detail.get("rules") or [posting.rule]
    named = [rules[k] for k in keys if k in rules]
    why = (
        Words("、".join(w.zh for w in named), ", ".join(w.en for w in named))
        if named
        else KINDS.get(posting.kind, KINDS["correct"])
    )
    if posting.rule == "owed":
        why = Words("补回之前已经用掉的退货积分", "For points of returned goods that had been spent")
    more = []
    if posting.detail.get("fen") and by_amount.intersection(keys):
        more.append(Words("消费 {m}", "Receipt of {m}").fill(m=say_money(posting.detail["fen"])))
    if posting.receipt:
        more.append(Words("小票 {r}", "Receipt no. {r}").fill(r=posting.receipt.replace("{", "")))
    if posting.store:
        more.append(Words(posting.store.name, posting.store.name))
    if posting.short:
        more.append(Words("还差 {n} 没收回", "{n} could not be taken").fill(n=posting.short))
    said = [_amount(currency, n, membership) for currency, n in amounts.items() if n]
    return Line(posting.on, why, more, said, sum(amounts.values()) > 0)


def _amount(currency: str, n: int, membership: Membership | None) -> Words:
    sign = "+" if n > 0 else "−"
    if currency in (PRINCIPAL, BONUS):
        name = Words("本金", "own money") if currency == PRINCIPAL else Words("赠金", "bonus")
        return Words(f"{sign}{say_money(abs(n))} {name.zh}", f"{sign}{say_money(abs(n))} {name.en}")
    names = {c.key: c.name for c in membership.currencies} if membership else {}
    name = names.get(currency, Words(currency, currency))
    return Words(f"{sign}{abs(n):,} {name.zh}", f"{sign}{abs(n):,} {name.en}")


# --- what her phone shows ------------------------------------------------------------------------------


def sign_of(member: Member, now: datetime) -> str:
    """What her phone shows at the counter: her number, with a sign behind it that changes by the minute."""
    return passes.pass_for(member, now)


def in_fours(digits: str) -> str:
    """Digits as one reads them aloud.

    >>> in_fours("1234567897")
    '1234 5678 97'
    """
    return " ".join(digits[k : k + 4] for k in range(0, len(digits), 4))
