"""Records of coupons: what is on offer, each coupon that somebody holds, and the bills on which they were used."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from regulars.membership.rules.coupons import Held, Terms
from regulars.shop.models import Staff, Store
from regulars.shop.words import Words


class OfferState(models.TextChoices):
    DRAFT = "draft"
    OPEN = "open"
    STOPPED = "stopped"


class Offer(models.Model):
    """What each of its coupons is good for, and how many there are. Money is in fen; 0 is "no limit" for stock, limit
    and budget. `out` and `committed` are kept so that one UPDATE can ask them: coupons that are neither void nor run
    out, and what these can still cost plus what has been used of them."""

    kind = models.CharField(max_length=8)
    name = models.CharField(max_length=40)
    name_en = models.CharField(max_length=60, blank=True)
    worth = models.BigIntegerField(default=0)
    percent = models.PositiveSmallIntegerField(default=0)
    cost = models.BigIntegerField(default=0)
    stock = models.PositiveIntegerField(default=0)
    limit = models.PositiveSmallIntegerField(default=0)  # coupons that one customer may have of it
    price = models.BigIntegerField(default=0)  # units of `currency` for which it can be had; 0: no reward
    currency = models.CharField(max_length=20, blank=True)
    valid_from = models.DateField()
    valid_until = models.DateField()
    days = models.PositiveSmallIntegerField(
        default=0
    )  # that a coupon holds from its issue; 0: as long as the offer
    weekdays = models.JSONField(default=list)  # ISO numbers; none: every day
    first = models.TimeField(null=True)
    last = models.TimeField(null=True)
    stores = models.JSONField(default=list)  # numbers of stores; none: every store
    least = models.BigIntegerField(default=0)  # the smallest bill
    stacking = models.CharField(max_length=11, default="alone")
    budget = models.BigIntegerField(default=0)
    state = models.CharField(max_length=7, choices=OfferState.choices, default=OfferState.DRAFT)
    out = models.PositiveIntegerField(default=0)
    committed = models.BigIntegerField(default=0)
    by = models.ForeignKey(Staff, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(stock=0) | Q(out__lte=F("stock")), name="membership_offer_stock"
            ),
            models.CheckConstraint(condition=Q(committed__gte=0), name="membership_offer_committed"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def words(self) -> Words:
        return Words(self.name, self.name_en or self.name)

    @property
    def terms(self) -> Terms:
        return Terms(
            self.pk, self.words, self.kind, self.worth, self.percent, self.cost, self.least, self.stacking,  # type: ignore[arg-type]
            tuple(self.weekdays), self.first, self.last, tuple(self.stores),
        )  # fmt: skip


class CouponState(models.TextChoices):
    ISSUED = "issued"
    RESERVED = "reserved"
    USED = "used"
    EXPIRED = "expired"
    VOID = "void"


class CouponUse(models.Model):
    """One bill with coupons: asked for by a till or at the counter under a key that makes it happen once. A reservation
    becomes a use, or is let go; a use whose bill was returned is taken back."""

    class State(models.TextChoices):
        RESERVED = "reserved"
        USED = "used"
        RELEASED = "released"
        TIMED_OUT = "timed-out"
        BACK = "back"

    source = models.CharField(max_length=20)
    source_id = models.CharField(max_length=80)
    code = models.CharField(max_length=32, unique=True)
    state = models.CharField(max_length=9, choices=State.choices)
    until = models.DateTimeField(null=True)
    bill = models.BigIntegerField()
    payable = models.BigIntegerField()
    on = models.DateField()
    at = models.DateTimeField(auto_now_add=True)
    receipt = models.CharField(max_length=64, blank=True)
    store = models.ForeignKey(Store, null=True, on_delete=models.SET_NULL, related_name="+")
    by = models.ForeignKey(Staff, null=True, on_delete=models.SET_NULL, related_name="+")
    back_on = models.DateField(null=True)
    is_back_by_refund = models.BooleanField(default=False)  # by the receipt's refund, and not by a person

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source_id", "source"], name="membership_couponuse_once"),
            models.CheckConstraint(condition=Q(payable__gte=0), name="membership_couponuse_payable"),
        ]
        indexes = [
            models.Index(fields=["until"], name="membership_couponuse_open", condition=Q(state="reserved")),
            models.Index(fields=["receipt"], name="membership_couponuse_receipt", condition=~Q(receipt="")),
        ]


class Coupon(models.Model):
    """One coupon: a code that can't be guessed, good once. `use`: the bill for which it is reserved or was used."""

    code = models.CharField(max_length=16, unique=True)
    member = models.ForeignKey("membership.Member", on_delete=models.PROTECT, related_name="coupons")
    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, related_name="coupons")
    source = models.CharField(max_length=20)
    source_id = models.CharField(max_length=80)
    state = models.CharField(max_length=8, choices=CouponState.choices, default=CouponState.ISSUED)
    valid_from = models.DateField()
    valid_until = models.DateField()
    issued_on = models.DateField()
    issued_by = models.ForeignKey(Staff, null=True, on_delete=models.SET_NULL, related_name="+")
    posting = models.ForeignKey("membership.Posting", null=True, on_delete=models.PROTECT, related_name="+")
    use = models.ForeignKey(CouponUse, null=True, on_delete=models.PROTECT, related_name="coupons")
    cost = models.BigIntegerField()  # at most, until it is used; then what it has cost

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source_id", "source"], name="membership_coupon_once")]
        indexes = [
            models.Index(fields=["valid_until"], name="membership_coupon_ends", condition=Q(state="issued"))
        ]

    @property
    def held(self) -> Held:
        return Held(self.pk, self.offer.terms, self.valid_from, self.valid_until)


class CouponPart(models.Model):
    """What one coupon took off one bill, and what it cost the shop."""

    use = models.ForeignKey(CouponUse, on_delete=models.PROTECT, related_name="parts")
    coupon = models.ForeignKey(Coupon, on_delete=models.PROTECT, related_name="parts")
    off = models.BigIntegerField()
    cost = models.BigIntegerField()
