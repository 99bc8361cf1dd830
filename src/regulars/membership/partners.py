"""Another firm's members, recognised by the beginning of a card or by a list: what they get here, and what the partner is
billed for it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from regulars.customers.models import Customer
from regulars.membership.models import Partner, PartnerCard, PartnerUse
from regulars.membership.teller import ANOTHER
from regulars.shop import bulk
from regulars.shop.keys import keys
from regulars.shop.models import Staff, Store, audit
from regulars.shop.words import Refused, Words

BEGINNING = re.compile(r"([0-9]{3,12})(?:-([0-9]{3,12}))?")

BAD_BEGINNING = Words(
    "「{text}」看不懂：写卡号开头的几位，至少三位，例如 6225，或一段 6225-6229",
    '"{text}" is not understood: write at least three first digits of the cards, as in 6225, or a range, 6225-6229',
)
NO_CARDS = Words(
    "写上卡号怎么开头，或者贴一份名单；都没有，一张卡也认不出来",
    "Say how their cards begin, or give a list: with neither no card is recognised",
)
NO_PARTNER = Words("认不出这张卡是哪家的", "No partner has a card like this")
CANCELLED = Words("这一单已经撤销了，要重新记一笔", "This bill was cancelled; write it down anew")
OVER = Words("和这家的合作已经到期", "The agreement with this partner is over")


def beginnings(text: str) -> list[str]:
    """The beginnings that somebody has typed, one a line or between commas. Raises Refused with the first wrong one."""
    found = [part for part in re.split(r"[\s,，、;；]+", unicodedata.normalize("NFKC", text)) if part]
    for part in found:
        matched = BEGINNING.fullmatch(part)
        if not matched or (matched[2] and (len(matched[1]) != len(matched[2]) or matched[1] > matched[2])):
            raise Refused(BAD_BEGINNING.fill(text=part))
    return found


def plain(number: str) -> str:
    """A card number as it is compared: letters and digits only, full-width ones as the others.

    >>> plain("６２２５ 8800-0001"), plain("ＶＩＰ－７７")
    ('622588000001', 'VIP77')
    """
    return "".join(c for c in unicodedata.normalize("NFKC", number) if c.isalnum()).upper()


def make(
    name: str, *, begins: str, cards: Iterable[str] = (), benefit: str = "", percent_off: Decimal = Decimal(0),
    share_percent: Decimal = Decimal(0), valid_from: date, valid_until: date | None = None, by: Staff | None = None,
) -> Partner:  # fmt: skip
    """Agree with another firm: whose cards, what they get, who bears how much, how long. The same agreement, sent again by
    a second click, is made once."""
    if not name.strip():
        raise Refused(Words("写上合作方的名字", "Write the partner's name"))
    if not 0 <= percent_off < 100 or not 0 <= share_percent <= 100:
        raise Refused(Words("百分比要在 0 到 100 之间", "A percentage lies between 0 and 100"))
    if any(p != p.quantize(Decimal("0.1")) for p in (percent_off, share_percent)):
        raise Refused(Words("百分比最多写一位小数", "A percentage has one decimal at most"))
    if valid_until is not None and valid_until < valid_from:
        raise Refused(Words("到期日在开始日前面了", "It ends before it begins"))
    agreed: dict[str, Any] = {
        "name": name.strip()[:80], "begins": beginnings(begins), "benefit": benefit.strip()[:200], "percent_off": percent_off,
        "share_percent": share_percent, "valid_from": valid_from, "valid_until": valid_until,
    }  # fmt: skip
    with transaction.atomic():
        bulk.alone("make-partner")
        partner = Partner.objects.filter(**agreed).first()
        if partner is None:
            partner = Partner.objects.create(**agreed, by=by)
            audit("make-partner", f"partner {partner.pk}", by=by)
        add_cards(partner, cards)
        if not partner.begins and not partner.cards.exists():
            raise Refused(NO_CARDS)
    return partner


def add_cards(partner: Partner, cards: Iterable[str]) -> int:
    """Put numbers on a partner's list; those that stand there already are passed over. Says how many were new."""
    tokens = {keys().token("partner", plain(card)) for card in cards if plain(card)}
    known = {bytes(t) for t in partner.cards.values_list("token", flat=True)}
    new = sorted(tokens - known)
    bulk.insert(PartnerCard, ("partner_id", "token"), [(partner.pk, t) for t in new])
    return len(new)


def end(partner: Partner, on: date, *, by: Staff | None = None) -> None:
    """The agreement ends with this day; one that has ended before stays ended."""
    with transaction.atomic():
        if Partner.objects.filter(pk=partner.pk).exclude(valid_until__lte=on).update(valid_until=on):
            audit("end-partner", f"partner {partner.pk}", by=by)


def recognise(card: str, on: date) -> Partner:
    """Whose member this is, of those whose agreement holds that day: a list is surer than a range, a longer beginning than
    a shorter one, the later agreement than the earlier. Raises Refused."""
    number = plain(card)
    if not number:
        raise Refused(NO_PARTNER)
    holds = Q(valid_from__lte=on) & (Q(valid_until=None) | Q(valid_until__gte=on))
    if (best := _best(Partner.objects.filter(holds), number)) is not None:
        return best
    raise Refused(OVER if _best(Partner.objects.all(), number) is not None else NO_PARTNER)


def _best(among: QuerySet[Partner], number: str) -> Partner | None:
    """Of these partners the one whom this number fits best."""
    listed = among.filter(cards__token=keys().token("partner", number)).order_by("-id").first()
    if listed is not None:
        return listed
    best, longest = None, 1
    for partner in among.exclude(begins=[]).order_by("id"):
        length = max((_length(b, number) for b in partner.begins), default=0)
        if length >= longest:
            best, longest = partner, length
    return best


def _length(beginning: str, number: str) -> int:
    """How many first signs of the number the beginning explains; 0 where it is another's."""
    matched = BEGINNING.fullmatch(beginning)
    if matched is None:
        return 0
    first, last = matched[1], matched[2] or matched[1]
    head = number[: len(first)]
    return len(first) if len(head) == len(first) and head.isdigit() and first <= head <= last else 0


def off(partner: Partner, bill: int) -> int:
    """What the benefit takes off a bill, in whole fen."""
    return int((Decimal(bill) * partner.percent_off / 100).quantize(Decimal(1), ROUND_HALF_UP))


def use(
    partner: Partner, card: str, bill: int, *, key: str, on: date, store: Store | None = None,
    customer: Customer | None = None, by: Staff | None = None,
) -> PartnerUse:  # fmt: skip
    """Serve a partner's member: what was taken off is kept for settlement. The same key counts once;
    once cancelled it is refused."""
    if bill <= 0:
        raise Refused(Words("金额要大于零", "The bill must be above zero"))
    if recognise(card, on).pk != partner.pk:
        raise Refused(NO_PARTNER)
    token = keys().token("partner", plain(card))
    with transaction.atomic():
        bulk.alone("partner-use")
        known = PartnerUse.objects.filter(key=key).first()
        if known is not None:
            if (known.partner_id, bytes(known.token), known.bill) != (partner.pk, token, bill):
                raise Refused(ANOTHER.fill(key=key))
            if known.is_undone:
                raise Refused(CANCELLED)
            return known
        return PartnerUse.objects.create(
            partner=partner, key=key, token=token, on=on, bill=bill,
            off=off(partner, bill), store=store, customer=customer, by=by,
        )  # fmt: skip


def undo(used: PartnerUse, *, by: Staff | None = None) -> None:
    """The bill was cancelled: it is not settled."""
    with transaction.atomic():
        if PartnerUse.objects.filter(pk=used.pk, is_undone=False).update(is_undone=True):
            audit("undo-partner-use", f"partner {used.partner_id}", by=by)


@dataclass(frozen=True)
class Settlement:
    """What one partner's members came to between two days: how many people and bills, what was taken off in fen, and
    what of it the partner bears."""

    partner: Partner
    people: int
    bills: int
    turnover: int
    off: int
    borne: int


def settlements(first: date, last: date) -> list[Settlement]:
    """The settlement of every partner over these days, both included."""
    found = []
    for partner in Partner.objects.order_by("name", "id"):
        uses = list(partner.uses.filter(on__gte=first, on__lte=last, is_undone=False))
        taken = sum(u.off for u in uses)
        borne = int((Decimal(taken) * partner.share_percent / 100).quantize(Decimal(1), ROUND_HALF_UP))
        found.append(
            Settlement(
                partner,
                len({bytes(u.token) for u in uses}),
                len(uses),
                sum(u.bill for u in uses),
                taken,
                borne,
            )
        )
    return found
