"""What members get, as a playbook says it: currencies, what earns them, benefits by tier, stored value, referrals.

The tiers themselves are the grades of one scale of the same playbook; what the shop thinks of a customer is another
scale, or another playbook.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from regulars.playbooks.conditions import Wrong
from regulars.playbooks.parts import Bilingual, Count, Key, Part, Positive
from regulars.playbooks.problems import Place
from regulars.shop.words import Words

Rounding = Literal["down", "nearest", "up"]
Who = Literal["number", "everybody", "asked"]
Benefits = Literal[
    "discount", "member-price", "birthday", "priority", "own-team", "own-menu", "service", "present"
]

_EXPIRES = re.compile(r"never|(?P<months>[1-9]\d{0,2}) months(?P<idle> idle)?|end of (?P<next>next )?year")

TOO_MANY_LEVELS = Words(
    "介绍奖励最多两级：三级起层层计酬就是传销，《禁止传销条例》不许",
    "Referral rewards go two levels at most: paid through three or more it is pyramid selling, which the Regulation on "
    "the Prohibition of Pyramid Selling forbids",
)


class Currency(Part):
    """A kind of points: what a unit is worth to the shop, when it can be spent, and when it ends."""

    key: Key
    name: Bilingual
    worth: Annotated[float, Field(ge=0, le=10_000)] = 0
    """Yuan of one unit when it is spent."""
    expires: str = "never"
    """`never`, `12 months`, `12 months idle` (after so long without earning or spending), `end of year`,
    `end of next year`."""
    pending_days: Annotated[Count, Field(le=366)] = Field(0, alias="pending")
    """Days until the return period is over and it can be spent."""
    rounding: Rounding = "down"
    because: Bilingual

    @field_validator("key")
    @classmethod
    def _is_no_money(cls, key: str) -> str:
        if key in ("principal", "bonus", "value"):
            raise Wrong(
                Words(
                    f"{key} 这个名字留给储值用，换一个", f"{key} is kept for stored value; take another name"
                ),
                key,
            )
        return key

    @field_validator("expires")
    @classmethod
    def _is_said_so(cls, expires: str) -> str:
        if not _EXPIRES.fullmatch(expires):
            raise Wrong(
                Words(
                    f"「{expires}」看不懂；可以写 never、12 months、12 months idle、end of year、end of next year",
                    f'"{expires}" is not understood; write never, 12 months, 12 months idle, end of year, end of next year',
                ),
                expires,
            )
        return expires

    @property
    def months(self) -> int | None:
        found = _EXPIRES.fullmatch(self.expires)
        return int(found["months"]) if found and found["months"] else None

    @property
    def is_idle(self) -> bool:
        return self.expires.endswith("idle")

    @property
    def worth_fen(self) -> float:
        return self.worth * 100


class Earn(Part):
    """One rule of earning: so much a yuan or a visit, or so many times as much on certain days, goods or for tiers.

    Of several rules that multiply, the largest counts."""

    key: Key
    name: Bilingual
    currency: Key = "points"
    per_yuan: Annotated[float, Field(gt=0, le=1_000)] | None = None
    per_visit: Positive | None = None
    times: Annotated[float, Field(gt=0, le=100)] | None = None
    tiers: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    weekdays: tuple[Annotated[int, Field(strict=True, ge=1, le=7)], ...] = ()
    month_days: tuple[Annotated[int, Field(strict=True, ge=1, le=31)], ...] = ()
    when: Literal["birthday-month", "birthday"] | None = None
    most_a_receipt: Positive | None = None
    most_a_day: Positive | None = None
    because: Bilingual

    @model_validator(mode="after")
    def _says_one_thing(self) -> Earn:
        if sum(x is not None for x in (self.per_yuan, self.per_visit, self.times)) != 1:
            raise Wrong(
                Words(
                    "per_yuan（每元几分）、per_visit（每次几分）、times（几倍）三样写一样",
                    "Write one of per_yuan, per_visit, times",
                )
            )
        if self.times is not None and (self.most_a_receipt or self.most_a_day):
            raise Wrong(
                Words("封顶写在 per_yuan 或 per_visit 那条上", "Caps stand with per_yuan or per_visit")
            )
        if self.per_visit is not None and self.categories:
            raise Wrong(Words("按到店次数给的，不分品类", "What a visit earns knows no categories"))
        return self


class Benefit(Part):
    """Something that members of these tiers get."""

    key: Key
    name: Bilingual
    kind: Benefits
    tiers: Annotated[tuple[str, ...], Field(min_length=1)]
    percent_off: Annotated[float, Field(gt=0, lt=100)] | None = None
    worth: Annotated[float, Field(ge=0)] = 0
    """Yuan that it costs the shop each time."""
    because: Bilingual

    @model_validator(mode="after")
    def _says_how_much(self) -> Benefit:
        if (self.kind == "discount") != (self.percent_off is not None):
            raise Wrong(
                Words(
                    "discount 要写 percent_off（减百分之几），别的不写",
                    "percent_off goes with discount, and only there",
                )
            )
        return self


class Offer(Part):
    """So much paid in brings so much on top, in yuan."""

    pays: Annotated[float, Field(gt=0)]
    gives: Annotated[float, Field(ge=0)]


class Value(Part):
    """Stored value: which part is spent first, whether paying with it earns, what is put on top."""

    order: Literal["principal-first", "pro-rata"] = "principal-first"
    earns: bool = False
    offers: tuple[Offer, ...] = Field((), alias="offer")
    bonus_months: Positive | None = None
    """After so many months what was put on top lapses; what was paid in never does."""
    because: Bilingual


class PaidTier(Part):
    """A tier that can be bought for a while."""

    tier: str
    price: Annotated[float, Field(gt=0)]
    months: Positive
    because: Bilingual


class Referral(Part):
    """What somebody gets who brings a customer, and what the new one gets, once she has really bought."""

    currency: Key = "points"
    gives: Count
    friend_gets: Count = 0
    least_spend: Annotated[float, Field(ge=0)] = 0
    """Yuan that the new one has to have spent."""
    within_days: Positive = 90
    levels: Annotated[int, Field(strict=True, ge=1)] = 1
    second_gives: Count = 0
    most_a_month: Positive = 20
    because: Bilingual

    @field_validator("levels")
    @classmethod
    def _is_lawful(cls, levels: int) -> int:
        if levels > 2:
            raise Wrong(TOO_MANY_LEVELS, str(levels))
        return levels


class Membership(Part):
    """A membership programme."""

    about: Bilingual
    scale: str = "main"
    members: Who = "number"
    """Who is a member: whoever has a member number or card (`number`), every customer who is known (`everybody`), or
    only those who have joined at the counter or on their phone (`asked`)."""
    without_categories: tuple[str, ...] = Field((), alias="without")
    currencies: Annotated[tuple[Currency, ...], Field(min_length=1)] = Field(alias="currency")
    earns: Annotated[tuple[Earn, ...], Field(min_length=1)] = Field(alias="earn")
    benefits: tuple[Benefit, ...] = Field((), alias="benefit")
    value: Value | None = None
    paid: tuple[PaidTier, ...] = ()
    referral: Referral | None = None

    @model_validator(mode="after")
    def _names_meet(self) -> Membership:
        for table, keys in (
            ("currency", [c.key for c in self.currencies]), ("earn", [e.key for e in self.earns]),
            ("benefit", [b.key for b in self.benefits]),
        ):  # fmt: skip
            for n, key in enumerate(keys):
                if key in keys[:n]:
                    raise Wrong(Words(f"{key} 写了两次", f"{key} is there twice"), place=(table, n, "key"))
        known = {c.key for c in self.currencies}
        named: list[tuple[str, Place]] = [
            (e.currency, ("earn", n, "currency")) for n, e in enumerate(self.earns)
        ]
        if self.referral:
            named.append((self.referral.currency, ("referral", "currency")))
        for key, at in named:
            if key not in known:
                raise Wrong(Words(f"没有叫 {key} 的积分", f"No currency is called {key}"), key, at)
        return self

    def tiers_named(self) -> Iterator[tuple[str, Place]]:
        """Every tier that a rule speaks of, and where."""
        named: list[tuple[str, list[tuple[str, ...]]]] = [
            ("earn", [e.tiers for e in self.earns]), ("benefit", [b.tiers for b in self.benefits])
        ]  # fmt: skip
        for table, rules in named:
            for n, tiers in enumerate(rules):
                for tier in tiers:
                    yield tier, ("membership", table, n, "tiers")
        for n, paid in enumerate(self.paid):
            yield paid.tier, ("membership", "paid", n, "tier")

    def currency(self, key: str) -> Currency:
        """The currency of that key; KeyError where there is none."""
        for currency in self.currencies:
            if currency.key == key:
                return currency
        raise KeyError(key)


TABLES: dict[Place, type[Part]] = {
    ("membership",): Membership,
    ("membership", "currency"): Currency,
    ("membership", "earn"): Earn,
    ("membership", "benefit"): Benefit,
    ("membership", "value"): Value,
    ("membership", "value", "offer"): Offer,
    ("membership", "paid"): PaidTier,
    ("membership", "referral"): Referral,
}
"""The tables of a programme and what each holds."""
