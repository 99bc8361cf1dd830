"""What a member reads on her own page, in the second person and in plain words: her tier, what she holds, why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from types import SimpleNamespace as Page
from typing import Any

from regulars.customers.models import Customer
from regulars.facts import catalogue
from regulars.grading.actions import in_force
from regulars.grading.queries import Explained
from regulars.grading.queries import portrait as drawn_now
from regulars.membership import kin, program, purse
from regulars.membership.models import Lot, Member, Posting
from regulars.membership.offers import Offer
from regulars.membership.program import Terms, tier_of
from regulars.membership.rules.ledger import BONUS, PRINCIPAL
from regulars.playbooks.membership import Membership
from regulars.playbooks.say import say_need
from regulars.playbooks.say_membership import say_end
from regulars.shop.money import say_money
from regulars.shop.words import Words
from regulars.web.jinja import day_said
from regulars.web.ledger_said import KINDS, change_said, currency_said, fen_said
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
    is_falling: bool = False


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
    until = _bought_until(member, terms, key, on)
    falls_to = "" if until else _falls_to(explained, member, terms, rank)
    ups = [one for one in explained.next if one["grade"] in order[:rank]] if explained else []
    nearest = ups[0] if ups else None
    return ShownTier(
        key, tiers[key], rank + 1, len(order), _tier_sentence(explained, tiers, key, on, until, falls_to), is_falling=bool(falls_to),
        next_name=tiers[nearest["grade"]] if nearest else "",
        needs=[n for record in nearest["needs"] if (n := _need(record))] if nearest else [],
        enough=nearest.get("enough", 0) if nearest else 0, visits=_visits(nearest) if nearest else "",
        keeps=[n for record in explained.conditions if (n := _need(record))] if explained and not until and rank < len(order) - 1 else [],
        benefits=_benefits(terms.membership, key),
        next_benefits=[b for b in _benefits(terms.membership, nearest["grade"]) if b not in _benefits(terms.membership, key)] if nearest else [],
    )  # fmt: skip


def _bought_until(member: Member, terms: Terms, key: str, on: date) -> date | None:
    """The last day on which she has this tier because she has paid for it, prolonged or not; None where she has not."""
    until = None
    for sold in program.tiers_bought(member, on):  # in the order in which they begin
        if sold.tier == key and sold.starts_on <= (until + timedelta(days=1) if until else on):
            until = max(until or sold.ends_on, sold.ends_on)
    return until


def _falls_to(explained: Explained | None, member: Member, terms: Terms, rank: int) -> str:
    """The lower tier that she will have if nothing changes; one that she has paid for holds her. Empty where none."""
    if explained is None or explained.drops_on is None:
        return ""
    bought = program.bought_tiers([member.pk], terms, explained.drops_on).get(member.pk, "")
    to = program.better(explained.drops_to, bought, terms)
    return to if to in list(terms.tiers)[rank + 1 :] else ""


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
    explained: Explained | None,
    tiers: Mapping[str, Words],
    key: str,
    on: date,
    until: date | None,
    falls_to: str,
) -> Words:
    rank = list(tiers).index(key)
    if until is not None:
        return Words(
            "{t}买到{d}，到期看当时够哪一级。", "{t} is yours until {d}; then what you have earned counts."
        ).fill(t=tiers[key], d=day_said(until, on))
    if explained is not None and explained.drops_on and falls_to:
        return Words(
            "照现在这样，{d}会变成{t}；靠什么保住，下面写着。",
            "As it is, {d} moves you to {t}; what keeps your tier stands below.",
        ).fill(d=day_said(explained.drops_on, on), t=tiers[falls_to])
    if rank == 0:
        return Words("您在最高一级，谢谢您。", "You are in the highest tier: thank you.")
    if explained is not None and any(one["grade"] in list(tiers)[:rank] for one in explained.next):
        return Words("够了上一级的条件，当天就升。", "Reach the next tier and you have it the same day.")
    return Words("多来几次，等级会自己往上走。", "Come again: your tier rises by itself.")


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
                key, currency_said(key, membership), can_spend, worth,
                [Words("{n} 个待生效，{d}起能用", "{n} pending, can be spent from {d}").fill(n=f"{n:,}", d=day_said(d, on)) for d, n in pending],
                Words("{n} 个柜台正在用", "{n} being used at the counter").fill(n=f"{reserved:,}") if reserved else "",
                [Words("{n} 个，{d}到期", "{n} can be spent until {d}").fill(n=f"{n:,}", d=day_said(d, on)) for d, n in (holding.ends if holding else [])],
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
    aside = sum(held[c].aside for c in (PRINCIPAL, BONUS) if c in held)
    return Page(
        total=principal + bonus, principal=principal, bonus=bonus,
        reserved=Words("{m} 柜台正在用", "{m} being used at the counter").fill(m=fen_said(aside)) if aside else "",
        ends=[Words("赠金 {m}，{d}到期", "{m} of the bonus until {d}").fill(m=fen_said(n), d=day_said(d, on)) for d, n in ends],
    )  # fmt: skip


# --- the statement ---------------------------------------------------------------------------------------------------

REFERRED = {
    "referrer": Words("介绍朋友", "For bringing a friend"), "friend": Words("朋友介绍来的", "For coming through a friend"),
    "second": Words("朋友又带来了朋友", "A friend of yours brought a friend"),
}  # fmt: skip
"""For whose part in a referral a reward is, by the rule of the posting."""


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
    moved = [(p, amounts) for p, amounts in lines if any(amounts.values())]
    offers = {n for p, _ in moved if (n := _offer_of(p))}
    rewards = {one.pk: one.words for one in Offer.objects.filter(pk__in=offers)}
    return [_line(p, amounts, membership, rewards) for p, amounts in moved]


def _offer_of(posting: Posting) -> int:
    """The offer for which points were taken; 0 where it was none."""
    word, _, number = posting.rule.partition(" ")
    return int(number) if word == "offer" and number.isdecimal() else 0


def _why(
    posting: Posting, amounts: Mapping[str, int], named: Sequence[Words], rewards: Mapping[int, Words]
) -> Words:
    """Why a line is there: by the rule that said so, else by what was done."""
    if posting.rule == "owed":
        return Words("补回之前已经用掉的退货积分", "For points of returned goods that had been spent")
    if named:
        return Words("、".join(w.zh for w in named), ", ".join(w.en for w in named))
    if posting.kind == "refer" and posting.rule in REFERRED:
        return REFERRED[posting.rule]
    if reward := rewards.get(_offer_of(posting)):
        return Words("换「{o}」", "For “{o}”").fill(o=reward)
    if posting.kind == "transfer":
        is_out = sum(amounts.values()) < 0
        return (
            Words("转出", "Handed over to another member") if is_out else Words("转入", "From another member")
        )
    if posting.kind == "give-back" and posting.source == "reward":
        return Words("券作废了，积分退给您", "The coupon was made void: your points are back")
    if posting.kind == "reverse" and posting.source == "referral":
        return Words("朋友那笔退了，奖励收回", "Taken back: what your friend had bought was returned")
    return KINDS.get(posting.kind, Words("其他变动", "Another change"))


def _line(
    posting: Posting, amounts: Mapping[str, int], membership: Membership | None, rewards: Mapping[int, Words]
) -> Line:
    rules = {e.key: e.name for e in membership.earns} if membership else {}
    by_amount = {e.key for e in membership.earns if e.per_yuan is not None} if membership else set()
    keys = posting.detail.get("rules") or [posting.rule]
    named = [Words(rules[k].zh, rules[k].en) for k in keys if k in rules]
    more = []
    bought = date.fromisoformat(posting.detail.get("day") or posting.on.isoformat())
    if posting.detail.get("fen") and by_amount.intersection(keys):
        more.append(Words("消费 {m}", "Receipt of {m}").fill(m=fen_said(posting.detail["fen"])))
    if bought != posting.on:
        more.append(Words("{d}那一单", "bought on {d}").fill(d=day_said(bought, posting.on)))
    if posting.receipt:
        more.append(Words("小票 {r}", "Receipt no. {r}").fill(r=posting.receipt.replace("{", "")))
    if posting.store:
        more.append(Words(posting.store.name, posting.store.name))
    if posting.short:
        more.append(Words("还差 {n} 没收回", "{n} could not be taken").fill(n=posting.short))
    said = [change_said(currency, n, membership) for currency, n in amounts.items() if n]
    return Line(posting.on, _why(posting, amounts, named, rewards), more, said, sum(amounts.values()) > 0)


# --- what her phone shows ------------------------------------------------------------------------------


def in_fours(digits: str) -> str:
    """Digits as one reads them aloud.

    >>> in_fours("1234567897")
    '1234 5678 97'
    """
    return " ".join(digits[k : k + 4] for k in range(0, len(digits), 4))
