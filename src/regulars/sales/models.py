"""Records of sales: batches, identities as written, receipts that are never edited."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from regulars.shop.models import SealedTextField, Staff, Store


class BatchState(models.TextChoices):
    WRITING = "writing"  # nobody sees its rows yet
    COMPLETE = "complete"
    UNDOING = "undoing"  # out of sight again, not all of its rows are gone yet
    UNDONE = "undone"


class Batch(models.Model):
    """One import: which file, read how, and what became of its rows. Later batches win over earlier ones."""

    state = models.CharField(max_length=10, choices=BatchState.choices, default=BatchState.WRITING)
    files = models.JSONField(default=list)  # names as given
    digest = models.CharField(max_length=64, blank=True)  # SHA-256 over the files' bytes and the mapping
    reader = models.CharField(max_length=40, blank=True)
    kind = models.CharField(max_length=20, default="sales")
    mapping = models.JSONField(default=dict)
    options = models.JSONField(default=dict)
    rows = models.BigIntegerField(default=0)
    new = models.BigIntegerField(default=0)
    known = models.BigIntegerField(default=0)
    refused = models.BigIntegerField(default=0)
    customers = models.BigIntegerField(default=0)
    warnings = models.JSONField(default=list)  # [[zh, en], …]
    covers_from = models.DateField(null=True)
    covers_until = models.DateField(null=True)
    covers = models.JSONField(default=dict)  # {store number: last day}
    first_identity = models.BigIntegerField(
        default=0
    )  # identities that it made have this number or a higher one
    by = models.ForeignKey(Staff, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["digest"], name="sales_batch_digest")]


class IdentityKind(models.TextChoices):
    MEMBER = "member"
    CARD = "card"
    PHONE = "phone"
    OPENID = "openid"
    NAME = "name"  # companies in wholesale only: a name never identifies a person


class Identity(models.Model):
    """An identity as written on a sale or a list: encrypted, found by its token, shared by all sales that carry it."""

    kind = models.CharField(max_length=6, choices=IdentityKind.choices)
    token = models.BinaryField(max_length=16)
    written = SealedTextField()
    is_shared = models.BooleanField(default=False)  # a phone used by many members: never joins anybody

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "token"], name="sales_identity_once")]


class Forgotten(models.Model):
    """A number whose owner asked to be deleted: files that bring it again are taken in without her. It is a token of a
    token, so that it can't be laid beside the identities of an old backup."""

    token = models.BinaryField(max_length=16, unique=True)
    on = models.DateField()


class Pairing(models.Model):
    """Evidence of one batch that two identities were written on one row, so they belong to one customer."""

    batch = models.ForeignKey(
        Batch, on_delete=models.CASCADE, related_name="+", db_index=False
    )  # the constraint has it
    one = models.ForeignKey(Identity, on_delete=models.CASCADE, related_name="+")
    other = models.ForeignKey(Identity, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["batch", "one", "other"], name="sales_pairing_once")]


class Item(models.Model):
    """Something that is sold."""

    name = models.CharField(max_length=200)
    category = models.CharField(max_length=100, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "category"], name="sales_item_once")]


class SaleKind(models.TextChoices):
    SALE = "sale"
    REFUND = "refund"
    ATTENDANCE = "attendance"  # came, without an amount
    REVERSED = "reversed"  # a later file says that there was no sale; never counts itself


class Sale(models.Model):
    """One receipt as one batch wrote it. Never edited: a later file that knows better adds a row with the same `key`,
    and only the row of the latest batch `is_current`.

    A million rows are written at a time, so there is no index that no question asks for."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="sales", db_index=False)
    key = (
        models.BigIntegerField()
    )  # 64 bits of a hash: by receipt number, else store, time, identity, amount, occurrence
    content = models.BigIntegerField()  # 64 bits of a hash over everything that the row says
    row = models.IntegerField(null=True)
    store = models.ForeignKey(Store, on_delete=models.PROTECT, related_name="+", db_index=False)
    identity = models.ForeignKey(
        Identity, null=True, on_delete=models.SET_NULL, related_name="sales", db_index=False
    )
    kind = models.CharField(max_length=10, choices=SaleKind.choices)
    day = models.DateField()  # business day on which it counts; a linked refund counts on its original's day
    own_day = models.DateField(null=True)  # of a linked refund: its own day, for when the original goes
    at = models.DateTimeField(null=True)  # wall time of the shop, stored as UTC
    amount = models.BigIntegerField(default=0)  # net fen
    currency = models.CharField(max_length=3, default="CNY")
    receipt = models.CharField(max_length=64, blank=True)
    refund_of = models.CharField(max_length=64, blank=True)
    party_size = models.PositiveSmallIntegerField(null=True)
    occasion = models.CharField(max_length=40, blank=True)
    served_by = models.CharField(max_length=60, blank=True)
    is_current = models.BooleanField(default=True)

    class Meta:
        indexes = [
            models.Index(fields=["key"], name="sales_sale_key"),
            models.Index(fields=["identity", "day"], name="sales_sale_identity"),
            models.Index(fields=["batch"], name="sales_sale_batch"),
            models.Index(fields=["receipt"], name="sales_sale_receipt", condition=~Q(receipt="")),
            models.Index(fields=["refund_of"], name="sales_sale_refund_of", condition=~Q(refund_of="")),
        ]


class SaleLine(models.Model):
    """What was on a receipt. Quantity in thousandths, amount in fen."""

    sale = models.ForeignKey(Sale, on_delete=models.CASCADE, related_name="lines")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="+", db_index=False)
    quantity = models.BigIntegerField(default=1000)
    amount = models.BigIntegerField(default=0)


class Sighting(models.Model):
    """A batch that carried a sale which another batch had already written in the same words: if that one is undone,
    the sale stays."""

    batch = models.ForeignKey(
        Batch, on_delete=models.CASCADE, related_name="+", db_index=False
    )  # the constraint has it
    sale = models.ForeignKey(Sale, on_delete=models.CASCADE, related_name="sightings")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["batch", "sale"], name="sales_sighting_once")]


class SavedMapping(models.Model):
    """How a file with these headers was read last time."""

    signature = models.CharField(max_length=64, unique=True)
    mapping = models.JSONField(default=dict)
    options = models.JSONField(default=dict)
    used_at = models.DateTimeField(auto_now=True)
