"""What members bring along from the system before: points and stored value, out of the lists that were imported or out of
a file of its own. Booked once for each member and kind, whatever says it again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from django.db import transaction

from regulars.customers.models import Customer, Detail
from regulars.customers.queries import find
from regulars.membership import program, purse
from regulars.membership.rules.ledger import BONUS, MOST, PRINCIPAL
from regulars.sales.reading import open_file
from regulars.sales.rules.headers import FIELDS, match
from regulars.shop.models import audit
from regulars.shop.money import written
from regulars.shop.words import Problem, Refused, Words

AT_ONCE = 500

NAMES = {"points": "points", "balance": PRINCIPAL, "balance_bonus": BONUS}
"""Columns of lists and the currency that each opens; money stands in yuan there."""

WHO = ("member", "card", "phone")

NUMBERED = ("member", "card")
"""A balance belongs to a card: one that stands under a phone is the same again under the number."""

NO_COLUMNS = Words(
    "文件里要有一列会员号、卡号或手机号，再有一列积分、储值余额或赠金",
    "The file needs a column of member numbers, cards or phones, and one of points, balance or bonus",
)
BAD = Words("「{v}」不是积分或金额", '"{v}" is neither points nor an amount')
BROKEN = Words("积分只能是整数，「{v}」有零头", 'Points are whole numbers; "{v}" is not')
BELOW = Words("余额不能小于零", "A balance is not below zero")
TWICE = Words(
    "这个文件里她写了不止一行，记的是头一行；两行要加起来的话，请先在文件里加好",
    "She stands in this file more than once and the first row was booked; where rows add up, add them in the file first",
)
SEVERAL = Words(
    "她名下有不止一份余额，只记了最后一份", "There is more than one balance of hers; only the last was booked"
)
CORRECT = Words(
    "核对以后，差的在柜台她的页面里更正", "Check it, and correct what is missing on her page at the counter"
)
UNKNOWN = Words("没有这位顾客", "There is no such customer")
HINT = Words(
    "改好这一行再导一次，导过的不会重复记",
    "Mend this row and bring the file again; what is booked stays booked once",
)


@dataclass
class Opened:
    """What came of it: members for whom something was booked now, those for whom it had been before, rows left out."""

    rows: int = 0
    members: int = 0
    before: int = 0
    totals: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    seen: set[tuple[int, str]] = field(default_factory=set)
    refused: list[Problem] = field(default_factory=list)


def amount_of(currency: str, text: str) -> int:
    """Whole units, or fen of money in yuan. Raises Refused for what is no amount: a till that kept points as floating
    numbers (268.28000000000003) is told so and not rounded behind the shop's back.

    >>> amount_of("points", "1,200"), amount_of("principal", "¥88.5"), amount_of("points", "")
    (1200, 8850, 0)
    """
    if not text.strip():
        return 0
    value = written(text)
    if value is None or abs(value) * 100 > MOST:
        raise Refused(BAD.fill(v=text))
    if value < 0:
        raise Refused(BELOW)
    units = value * 100 if currency in (PRINCIPAL, BONUS) else value
    if units != units.to_integral_value():
        raise Refused((BAD if currency in (PRINCIPAL, BONUS) else BROKEN).fill(v=text))
    return int(units)


def from_file(path: Path, on: date) -> Opened:
    """Open balances by a file with a row for each member. Rows that can't serve are left out, each with its reason."""
    done = Opened()
    program.terms()
    sheets = open_file(path)
    wanted = {key: FIELDS[key] for key in (*WHO, *NAMES)}
    for sheet in sheets:
        fields = {name: header for header, name in match(sheet.headers, wanted).items()}
        who = [w for w in WHO if w in fields]
        money = [n for n in NAMES if n in fields]
        if not who or not money:
            continue
        columns = {name: sheet.table[fields[name]].to_pylist() for name in (*who, *money)}
        places = list(sheet.rows)
        for start in range(0, len(places), AT_ONCE):
            with transaction.atomic():
                for k in range(start, min(start + AT_ONCE, len(places))):
                    done.rows += 1
                    said = {name: columns[name][k] or "" for name in columns}
                    _open(said, who, int(places[k]), on, done, fields)
    if not done.rows:
        raise Refused(NO_COLUMNS)
    _note(done)
    return done


def _note(done: Opened) -> None:
    if done.members:
        audit("open-balances", "", detail={"members": done.members})


def _open(
    said: dict[str, str], who: list[str], row: int, on: date, done: Opened, fields: dict[str, str]
) -> None:
    amounts: dict[str, int] = {}
    for name, currency in NAMES.items():
        try:
            if n := amount_of(currency, said.get(name, "")):
                amounts[currency] = n
        except Refused as refused:
            done.refused.append(Problem(row, fields[name], said[name], refused.words, HINT))
            return
    customer = next((c for w in who if said[w].strip() and (c := find(said[w]))), None)
    if customer is None:
        number = next((said[w] for w in who if said[w].strip()), "")
        done.refused.append(Problem(row, fields[who[0]], f"{number[:3]}…" if number else "", UNKNOWN, HINT))
        return
    if not _book(customer, amounts, on, done):
        column = next(name for name in said if name in NAMES and said[name].strip())
        done.refused.append(Problem(row, fields[column], said[column], TWICE, HINT))


def _book(customer: Customer, amounts: dict[str, int], on: date, done: Opened) -> bool:
    """False where another row of the same file has said it of her already."""
    if not amounts:
        return True
    member = program.join(customer, on, "list")
    if done.seen & {(member.pk, currency) for currency in amounts}:
        return False
    done.seen |= {(member.pk, currency) for currency in amounts}
    booked = purse.open_with(member, amounts, on=on)
    if any(d.is_new for d in booked):
        done.members += 1
        for each in booked:
            if each.is_new:
                for currency, n in each.amounts.items():
                    done.totals[currency] += n
    else:
        done.before += 1
    return True


def from_lists(on: date) -> Opened:
    """Open balances by what the till's own customer lists said, the latest word for each member. Where two cards of hers
    (two files of her were merged) or two rows of one list have a balance each, the others are reported."""
    done = Opened()
    program.terms()
    words: dict[int, dict[str, list[Detail]]] = defaultdict(lambda: defaultdict(list))
    said = Detail.objects.filter(key__in=NAMES, identity__link__isnull=False, batch__state="complete")
    for detail in said.order_by("id").select_related("identity__link__customer"):
        hers = detail.identity.link.customer  # type: ignore[union-attr]
        words[hers.merged_into_id or hers.pk][detail.key].append(detail)
    for part in _parts(sorted(words)):
        with transaction.atomic():
            customers = {c.pk: c for c in Customer.objects.filter(id__in=part, is_gone=False)}
            for number, customer in customers.items():
                done.rows += 1
                amounts: dict[str, int] = {}
                for name, details in words[number].items():
                    try:
                        if n := amount_of(NAMES[name], _text(details[-1])):
                            amounts[NAMES[name]] = n
                    except Refused as refused:
                        done.refused.append(Problem(None, name, _text(details[-1]), refused.words, HINT))
                    for other in _others(details):
                        done.refused.append(Problem(None, name, _text(other), SEVERAL, CORRECT))
                _book(customer, amounts, on, done)
    _note(done)
    return done


def _others(details: list[Detail]) -> list[Detail]:
    """What was said of her beside the last word, and not before it of the same card."""
    last = details[-1]
    others = {d.identity_id: d for d in details if d.identity_id != last.identity_id}
    kinds = {d.identity_id: d.identity.kind for d in details if d.identity}
    is_card = kinds[last.identity_id] in NUMBERED
    return [
        other
        for other in others.values()
        if other.batch_id == last.batch_id or (is_card and kinds[other.identity_id] in NUMBERED)
    ]


def _text(detail: Detail) -> str:
    return detail.plain or str(detail.sealed or "")


def _parts(numbers: list[int]) -> Iterable[list[int]]:
    for start in range(0, len(numbers), AT_ONCE):
        yield numbers[start : start + AT_ONCE]
