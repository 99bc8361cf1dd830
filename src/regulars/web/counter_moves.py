"""What can be done at the counter with what she has: each move says what it would come to, and how it is booked once
somebody has said yes."""

from __future__ import annotations

import unicodedata
from typing import Any

from regulars.customers.sight import sees
from regulars.membership import coupons, program, purse
from regulars.membership.models import Member, Posting
from regulars.membership.offers import CouponUse, Offer
from regulars.membership.rules import coupons as rules
from regulars.membership.rules.ledger import BONUS, PRINCIPAL, VALUE, name_of
from regulars.shop.words import Refused, Words
from regulars.web.by_hand import amount_typed
from regulars.web.ledger_said import amount_said, change_said, currency_said, fen_said
from regulars.web.request import Request, number_in
from regulars.web.shown import Badges, customers_shown
from regulars.web.store_here import place_of, store_here


def fen_typed(text: str) -> int:
    """An amount of money that was typed, above nothing."""
    typed = amount_typed(text)
    if typed <= 0 or typed > rules.MOST:
        raise Refused(Words("请写金额", "Please write an amount"))
    return typed


def _left(member: Member, request: Request, key: str) -> int:
    held = purse.holdings(member, request.today)
    keys = VALUE if key == "value" else (key,)
    return sum(held[k].can_spend for k in keys if k in held)


def _enough(member: Member, request: Request, key: str, n: int) -> int:
    """What is left of a currency after so much; refused where it is not there."""
    have = _left(member, request, key)
    if have < n:
        raise Refused(
            Words("{c}不够：有 {h}，要 {n}", "Not enough {c}: {h} held, {n} wanted").fill(
                c=currency_said(key), h=amount_said(key, have), n=amount_said(key, n)
            )
        )
    return have - n


def _was_booked(request: Request, source: str, key: str) -> bool:
    """Whether a form that comes again has been booked: then what she has now says nothing about it."""
    return "sure" in request.POST and Posting.objects.filter(source=source, source_id=key).exists()


def _receipt(request: Request) -> str:
    """The number of the bill: by it a refund gives back what was spent, and what was paid by value earns nothing."""
    return request.POST.get("receipt", "").strip()[:64]


def _on_receipt(request: Request) -> list[Words]:
    number = _receipt(request)
    return [Words("单号 {r}", "Receipt number {r}").fill(r=number)] if number else []


def _redeem(request: Request, member: Member) -> Any:
    program_ = (program.last() or program.terms()).membership
    key = request.POST.get("currency", "")
    amount = number_in(request.POST.get("amount"), 1, 10**9)
    if key not in {c.key for c in program_.currencies} or amount is None:
        raise Refused(Words("请写要用多少积分", "Please write how many points"))
    once = request.POST["once"]
    left = 0 if _was_booked(request, "counter", once) else _enough(member, request, key, amount)
    ahead = [
        *_on_receipt(request),
        Words("用掉 {n}", "{n} are redeemed").fill(n=amount_said(key, amount)),
        Words("还剩 {n}", "{n} are left").fill(n=amount_said(key, left)),
    ]
    return ahead, lambda once: purse.redeem(
        member, key, amount, key=once, on=request.today, store=store_here(request), by=request.user,
        receipt=_receipt(request),
    )  # fmt: skip


def _reward(request: Request, member: Member) -> Any:
    number = number_in(request.POST.get("offer"), 1, 2**62)
    offer = Offer.objects.filter(pk=number or 0).first()
    if offer is None or not offer.price:
        raise Refused(coupons.NO_OFFER)
    booked = _was_booked(request, "reward", f"counter.{request.POST['once']}")
    if not booked and (refusal := coupons.why_no_more(offer, request.today)):
        raise Refused(refusal)
    left = 0 if booked else _enough(member, request, offer.currency, offer.price)
    ahead = [
        Words("换一张「{o}」，用掉 {n}", 'One "{o}" for {n}').fill(o=offer.words, n=amount_said(offer.currency, offer.price)),
        Words("还剩 {n}", "{n} are left").fill(n=amount_said(offer.currency, left)),
    ]  # fmt: skip
    return ahead, lambda once: coupons.buy(offer, member, key=once, on=request.today, by=request.user)


def _coupons(request: Request, member: Member) -> Any:
    codes, place = request.POST.getlist("code")[:12], place_of(request)
    bill = amount_typed(request.POST.get("bill", ""))

    def book(once: str) -> CouponUse:
        return coupons.use(
            codes, bill, key=once, place=place, by=request.user, receipt=_receipt(request), member=member
        )

    if "sure" in request.POST:
        return [], book
    said = coupons.ahead(codes, bill, place, member)
    ahead = [*_on_receipt(request), Words("账单 {b}", "The bill is {b}").fill(b=fen_said(bill))]
    laid_down = sorted((coupons.coupon_of(code) for code in codes), key=lambda c: c.pk)
    for coupon, off in zip(laid_down, said.off, strict=True):
        ahead.append(
            Words("「{n}」减 {o}", '"{n}" takes {o} off').fill(n=coupon.offer.words, o=fen_said(off))
            if off
            else Words("给她「{n}」", 'She gets "{n}"').fill(n=coupon.offer.words)
        )
    ahead.append(Words("要付 {p}", "{p} are to be paid").fill(p=fen_said(said.payable)))
    return ahead, book


def _pay(request: Request, member: Member) -> Any:
    fen = fen_typed(request.POST.get("pay", ""))
    left = (
        0 if _was_booked(request, "counter", request.POST["once"]) else _enough(member, request, "value", fen)
    )
    ahead = [
        *_on_receipt(request),
        Words("储值付 {n}", "{n} are paid with stored value").fill(n=fen_said(fen)),
        Words("还剩 {n}", "{n} are left").fill(n=fen_said(left)),
    ]
    return ahead, lambda once: purse.pay(
        member, fen, key=once, on=request.today, store=store_here(request), by=request.user, receipt=_receipt(request)
    )  # fmt: skip


def _top_up(request: Request, member: Member) -> Any:
    fen = fen_typed(request.POST.get("top_up", ""))
    gives = purse.bonus_for(fen)
    ahead = [Words("收她 {n}", "She pays {n}").fill(n=fen_said(fen))]
    if gives:
        ahead.append(Words("再送 {n}", "{n} come on top").fill(n=fen_said(gives)))
    total = _left(member, request, "value") + fen + gives
    ahead.append(Words("储值变成 {n}", "Her stored value becomes {n}").fill(n=fen_said(total)))
    return ahead, lambda once: purse.top_up(
        member, fen, key=once, on=request.today, store=store_here(request), by=request.user
    )


def _why(request: Request) -> str:
    why = request.POST.get("why", "").strip()[:200]
    if not why:
        raise Refused(purse.NO_REASON)
    return why


def _pay_out(request: Request, member: Member) -> Any:
    """What she paid in goes back to her in money; the bonus lapses in the same share."""
    fen, why = fen_typed(request.POST.get("pay_out", "")), _why(request)
    ahead: list[Words] = []
    if not _was_booked(request, "counter", request.POST["once"]):
        paid, bonus = _left(member, request, PRINCIPAL), _left(member, request, BONUS)
        left = _enough(member, request, PRINCIPAL, fen)
        lapses = -(-bonus * fen // paid)
        ahead.append(Words("退给她 {n}", "She gets {n} back").fill(n=fen_said(fen)))
        if lapses:
            ahead.append(Words("赠送的 {n} 作废", "{n} of the bonus lapse").fill(n=fen_said(lapses)))
        total = left + bonus - lapses
        ahead.append(Words("储值还剩 {n}", "{n} of stored value are left").fill(n=fen_said(total)))
    return ahead, lambda once: purse.pay_out(
        member, fen, key=once, on=request.today, by=request.user, why=why, store=store_here(request)
    )


def corrected(said: program.Terms) -> list[tuple[str, Words]]:
    """What of hers can be put right, with its name."""
    found = [(c.key, Words(c.name.zh, c.name.en)) for c in said.membership.currencies]
    return found + ([(key, name_of(key)) for key in VALUE] if said.membership.value is not None else [])


def _correct(request: Request, member: Member) -> Any:
    """Put right what she holds; above the day's limit a second person says yes."""
    key, why = request.POST.get("currency", ""), _why(request)
    typed = unicodedata.normalize("NFKC", request.POST.get("change", "")).replace("−", "-").strip()
    change = amount_typed(typed) if key in VALUE else number_in(typed, -(10**9), 10**9)
    said = program.last() or program.terms()
    if key not in {k for k, _ in corrected(said)} or not change or abs(change) > rules.MOST:
        raise Refused(
            Words(
                "请写加多少、减多少，减的前面写 -", "Say how much more, or with a - before it how much less"
            )
        )
    if change < 0 and not _was_booked(request, "correction", request.POST["once"]):
        _enough(member, request, key, -change)
    ahead = [change_said(key, change), Words("为什么：{w}", "Why: {w}").fill(w=why)]
    return ahead, lambda once: purse.correct(
        member, key, change, why=why, key=once, on=request.today, by=request.user
    )


def _buy_tier(request: Request, member: Member) -> Any:
    """She pays for a tier for a while."""
    tier, said = request.POST.get("tier", ""), program.terms()
    offer, starts, ends = program.tier_ahead(member, tier, request.today)
    ahead = [
        Words("收她 {n}", "She pays {n}").fill(n=fen_said(round(offer.price * 100))),
        Words("从 {a} 到 {b} 是{t}", "{t} from {a} to {b}").fill(
            a=starts.isoformat(), b=ends.isoformat(), t=said.tiers[tier]
        ),
    ]
    return ahead, lambda once: program.buy_tier(member, tier, key=once, on=request.today, by=request.user)


def _hand_over(request: Request, member: Member) -> Any:
    """Points that she gives to another member."""
    key, number = (
        request.POST.get("currency", ""),
        "".join(unicodedata.normalize("NFKC", request.POST.get("to", "")).split()),
    )
    to = Member.objects.select_related("customer").filter(number=number, left_on=None).first()
    if to is None or to.customer is None or not sees(request.user, to.customer, "look"):
        raise Refused(Words("没有这个会员号", "There is no such member number"))
    amount, why = number_in(request.POST.get("amount"), 1, 10**9), _why(request)
    if (
        key not in {c.key for c in (program.last() or program.terms()).membership.currencies}
        or amount is None
    ):
        raise Refused(Words("请写要转多少积分", "Please write how many points"))
    if not _was_booked(request, "counter", request.POST["once"]):
        _enough(member, request, key, amount)
    shown = customers_shown([to.customer], Badges(), request.user)[to.customer.pk]
    ahead = [
        Words("转 {n} 给{t}", "{n} go to {t}").fill(n=amount_said(key, amount), t=shown.name),
        Words("为什么：{w}", "Why: {w}").fill(w=why),
    ]
    return ahead, lambda once: purse.hand_over(
        member, to, key, amount, key=once, on=request.today, by=request.user, why=why
    )


MOVES = {
    "points": _redeem, "reward": _reward, "coupons": _coupons, "pay": _pay, "top-up": _top_up, "pay-out": _pay_out,
    "correct": _correct, "tier": _buy_tier, "hand-over": _hand_over,
}  # fmt: skip
FOR_WHO_RUNS_IT = ("pay-out", "correct", "hand-over", "undo-tier")
"""What the desk does not do alone: it takes the ability to run the programme besides."""
