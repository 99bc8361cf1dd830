"""The part of the API that tills speak: what a member has, and points, stored value and coupons kept for a bill until the
till says that it was paid or not. Every request that changes something carries a key of the till's own: sent again with
the same key it changes nothing and answers as before."""

# Annotations are values here: the wrapper of `needs` belongs to another module, which does not know these shapes.

from decimal import Decimal
from typing import Annotated, Any

from ninja import Body, Path, Router, Schema
from pydantic import Field

from regulars.customers.models import Customer
from regulars.customers.queries import named_exactly
from regulars.customers.sight import sees
from regulars.membership import coupons, passes, program, purse
from regulars.membership.models import Member, Reservation
from regulars.membership.offers import CouponUse
from regulars.membership.rules.ledger import BONUS, NOT_A_NUMBER, PRINCIPAL, VALUE
from regulars.shop.money import fen
from regulars.shop.rules.doors import SEARCH
from regulars.shop.words import Refused
from regulars.web.api import ONE, Lang, NotThere, TooMany, Wrong, Yuan, needs
from regulars.web.counter import customer_shown_by
from regulars.web.doors import clock
from regulars.web.store_here import place_of
from regulars.web.throttle import too_fast

router = Router()

Key = Annotated[
    str,
    Field(
        min_length=8, max_length=50, pattern=r"^[A-Za-z0-9._-]+$",
        description="收银机自己的业务号；同一个号再发一次，什么也不会多做。The till's own key; sent again it changes nothing.",
    ),
]  # fmt: skip
Who = Annotated[
    str,
    Field(
        min_length=1, max_length=60, pattern=r"^[^\x00]*$",
        description="会员码、会员号、整个手机号或券码。A pass, a member number, a whole phone or a coupon's code.",
    ),
]  # fmt: skip
CouponCode = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[^\x00]*$")]
Codes = Annotated[list[CouponCode], Field(min_length=1, max_length=12)]
Bill = Annotated[
    float, Field(ge=0, le=10**8, allow_inf_nan=False, description="账单，元。The bill, in yuan.")
]
Receipt = Annotated[str, Field(max_length=64, pattern=r"^[^\x00]*$")]
Reserved = Annotated[str, Path(max_length=32, pattern=r"^[0-9a-f]+$")]


class Ask(Schema):
    who: Who


class BalanceOut(Schema):
    currency: str
    can_spend: int
    aside: int = Field(description="还不能用的。Pending or reserved.")


class ValueOut(Schema):
    can_spend: Yuan
    principal: Yuan
    bonus: Yuan


class BenefitOut(Schema):
    kind: str = Field(description="discount, member-price, birthday, priority, …")
    name: str
    percent_off: float | None = Field(
        None, description="折扣：整单减百分之几。Of a discount: per cent off the bill."
    )


class CouponOut(Schema):
    code: str
    name: str
    kind: str
    valid_until: Any = Field(json_schema_extra={"type": "string", "format": "date"})
    least: Yuan


class MemberOut(Schema):
    number: str
    tier: str
    benefits: list[BenefitOut] = Field(
        description="这个等级现在有的；停办以后没有。What her tier brings; nothing once the programme has ended."
    )
    balances: list[BalanceOut]
    value: ValueOut
    coupons: list[CouponOut]


class ReserveIn(Schema):
    key: Key
    who: Who
    currency: Annotated[
        str, Field(max_length=20, pattern=r"^[a-z][a-z0-9-]*$", description="points, …, value")
    ]
    amount: Annotated[
        float,
        Field(
            gt=0,
            le=10**8,
            allow_inf_nan=False,
            description="储值是元，别的是个数。Yuan of value, else units.",
        ),
    ]
    receipt: Receipt = ""


class CheckIn(Schema):
    codes: Codes
    bill: Bill


class ReserveCoupons(CheckIn):
    key: Key
    receipt: Receipt = ""


class Off(Schema):
    code: str
    off: Yuan


class Checked(Schema):
    bill: Yuan
    payable: Yuan
    coupons: list[Off]


class ReservationOut(Schema):
    reservation: str = Field(description="确认、放掉时用。To confirm or release it.")
    state: str
    until: Any = Field(None, json_schema_extra={"type": "string", "format": "date-time", "nullable": True})
    payable: Yuan | None = Field(None, description="用券后要付的。What is to be paid, of coupons.")


class Paid(Schema):
    receipt: Receipt = ""


def _member(request: Any, who: str) -> Member:
    """Whom the customer at the till names: anybody who shows a pass, else one whom the key's owner sees."""
    if seconds := too_fast("search", str(request.user.pk), SEARCH):
        raise TooMany(seconds)
    shown = passes.member_of_pass(who, clock())
    if shown is not None:
        return shown
    customer: Customer | None = customer_shown_by(who)[0] or named_exactly(who)
    member = program.member_of(customer) if customer and sees(request.user, customer, "counter") else None
    if member is None:
        raise NotThere
    return member


def _own(request: Any, key: str) -> str:
    """The till's key among all tills: two stores may number alike, and neither gets the other's reservation."""
    return f"{request.user.pk}.{key}"


def _to_fen(amount: float) -> int:
    return fen(Decimal(str(amount)))


@router.post(
    "/till/member", response={200: MemberOut, **ONE, 409: Wrong}, tags=["till"], summary="会员有什么。What a member has."
)  # fmt: skip
@needs("counter")
def member(request: Any, said: Annotated[Ask, Body()], lang: Lang = None) -> Any:
    """Her tier and what it brings, what she can spend, and her coupons; no name and no phone."""
    her, terms = _member(request, said.who), program.last() or program.terms()
    tier = program.tier_of(her, terms, request.today)
    benefits = terms.membership.benefits if program.current() else ()
    held = purse.holdings(her, request.today)
    principal, bonus = ((held[k].can_spend if k in held else 0) for k in (PRINCIPAL, BONUS))
    return {
        "number": her.number, "tier": tier,
        "benefits": [
            {"kind": b.kind, "name": b.name.say(lang or request.lang), "percent_off": b.percent_off} for b in benefits if tier in b.tiers
        ],
        "balances": [
            {"currency": h.currency, "can_spend": h.can_spend, "aside": h.aside} for h in held.values() if h.currency not in VALUE
        ],
        "value": {"can_spend": (principal + bonus) / 100, "principal": principal / 100, "bonus": bonus / 100},
        "coupons": [
            {"code": c.code, "name": c.offer.words.say(lang or request.lang), "kind": c.offer.kind, "valid_until": c.valid_until.isoformat(),
             "least": c.offer.least / 100}
            for c in coupons.coupons_of(her, request.today, place_of(request))
        ],
    }  # fmt: skip


@router.post(
    "/till/reservations", response={200: ReservationOut, **ONE, 409: Wrong}, tags=["till"],
    summary="留出积分或储值。Set points or value aside.",
)  # fmt: skip
@needs("counter")
def reserve(request: Any, said: Annotated[ReserveIn, Body()]) -> Any:
    """For fifteen minutes; the same key finds the same reservation."""
    amount = _to_fen(said.amount) if said.currency == "value" else int(said.amount)
    if said.currency in VALUE or (said.currency != "value" and amount != said.amount):
        raise Refused(NOT_A_NUMBER)
    made = purse.reserve(
        _member(request, said.who), said.currency, amount, key=_own(request, said.key), on=request.today, store=request.user.store,
        by=request.user, receipt=said.receipt,
    )  # fmt: skip
    return _points(made)


@router.post(
    "/till/coupons", response={200: Checked, **ONE, 409: Wrong}, tags=["till"],
    summary="这单用这些券要付多少。What a bill comes to with coupons.",
)  # fmt: skip
@needs("counter")
def check_coupons(request: Any, said: Annotated[CheckIn, Body()]) -> Any:
    """Nothing is changed; 409 says why they can't be used."""
    if seconds := too_fast("search", str(request.user.pk), SEARCH):
        raise TooMany(seconds)
    found = coupons.ahead(said.codes, _to_fen(said.bill), place_of(request))
    laid_down = sorted((coupons.coupon_of(code) for code in said.codes), key=lambda c: c.pk)
    return {
        "bill": found.bill / 100, "payable": found.payable / 100,
        "coupons": [{"code": c.code, "off": off / 100} for c, off in zip(laid_down, found.off, strict=True)],
    }  # fmt: skip


@router.post(
    "/till/coupons/reservations", response={200: ReservationOut, **ONE, 409: Wrong}, tags=["till"],
    summary="占住券。Reserve coupons for a bill.",
)  # fmt: skip
@needs("counter")
def reserve_coupons(request: Any, said: Annotated[ReserveCoupons, Body()]) -> Any:
    """All of them or none, for fifteen minutes; the same key finds the same reservation."""
    if seconds := too_fast("search", str(request.user.pk), SEARCH):
        raise TooMany(seconds)
    made = coupons.reserve(
        said.codes,
        _to_fen(said.bill),
        key=_own(request, said.key),
        place=place_of(request),
        by=request.user,
        receipt=said.receipt,
    )
    return _coupons(made)


@router.post(
    "/till/reservations/{code}/confirmation", response={200: ReservationOut, **ONE, 409: Wrong}, tags=["till"],
    summary="付了。It was paid.",
)  # fmt: skip
@needs("counter")
def confirm(request: Any, code: Reserved, said: Annotated[Paid, Body()]) -> Any:
    """What was reserved is spent, once however often this is sent; 409 where its time is over."""
    if _of(code) is Reservation:
        purse.confirm(code, on=request.today, receipt=said.receipt, by=request.user)
        return _points(Reservation.objects.get(code=code))
    return _coupons(coupons.confirm(code, on=request.today, receipt=said.receipt, by=request.user))


@router.post(
    "/till/reservations/{code}/release", response={200: ReservationOut, **ONE, 409: Wrong}, tags=["till"],
    summary="不买了。There was no sale.",
)  # fmt: skip
@needs("counter")
def release(request: Any, code: Reserved) -> Any:
    """What was reserved is hers again."""
    if _of(code) is Reservation:
        purse.release(code, on=request.today, by=request.user)
        return _points(Reservation.objects.get(code=code))
    return _coupons(coupons.release(code))


def _of(code: str) -> type[Reservation | CouponUse]:
    """Whether points or coupons are reserved under this code."""
    for kind in (Reservation, CouponUse):
        if kind.objects.filter(code=code).exists():
            return kind
    raise NotThere


def _points(made: Reservation) -> dict[str, Any]:
    return {"reservation": made.code, "state": made.state, "until": made.until.isoformat()}


def _coupons(made: CouponUse) -> dict[str, Any]:
    state = "confirmed" if made.state == CouponUse.State.USED else made.state
    return {
        "reservation": made.code, "state": "open" if made.state == CouponUse.State.RESERVED else state,
        "until": made.until.isoformat() if made.until else None, "payable": made.payable / 100,
    }  # fmt: skip
