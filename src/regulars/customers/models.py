"""Records of customers: who stands behind which identities, what is known of her, and who said so."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q

from regulars.customers.wishes import Consent, LegalHold, RequestState, RightsRequest, Wording
from regulars.sales.models import Batch, Identity
from regulars.shop.models import SealedTextField, Staff, Store

__all__ = ["Consent", "LegalHold", "RequestState", "RightsRequest", "Wording"]


class Customers(models.QuerySet["Customer"]):
    """Questions of one line about customers."""

    def visible_to(self, staff: Staff, ability: str = "look") -> Self:
        """Those with whom this member of staff may do this: see `regulars.customers.sight`."""
        from regulars.customers.sight import within

        within_reach = within(staff, ability)
        return self if within_reach is None else self.filter(within_reach)


class Customer(models.Model):
    """One customer: a person or a company.

    `founder` is the identity that she was first known by (none when made by hand). When two customers turn out to be
    one, `merged_into` names the one that stays; everything is read through it, and taking it back clears it.
    """

    founder = models.OneToOneField(Identity, null=True, on_delete=models.SET_NULL, related_name="founded")
    name = models.CharField(max_length=80, blank=True)
    sex = models.CharField(max_length=6, blank=True)
    birthday = models.CharField(
        max_length=24, blank=True
    )  # calendar, month, day, leap, year: "lunar --08-15"
    anniversary = models.CharField(max_length=24, blank=True)
    is_company = models.BooleanField(default=False)
    is_by_hand = models.BooleanField(default=False)
    store = models.ForeignKey(Store, null=True, on_delete=models.SET_NULL, related_name="+")
    in_charge = models.ForeignKey(Staff, null=True, on_delete=models.SET_NULL, related_name="customers")
    merged_into = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="merged", db_index=False
    )
    is_gone = models.BooleanField(
        default=False
    )  # nothing is left of her (every batch that knew her was undone)
    since_at = models.DateTimeField(auto_now_add=True)

    objects = Customers.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["birthday"], name="customers_birthday"),
            # Nearly nobody is merged: an index of all would offer itself to every list of those who are not.
            models.Index(
                fields=["merged_into"], condition=Q(merged_into__isnull=False), name="customers_merged"
            ),
        ]


class Link(models.Model):
    """Which customer an identity belongs to."""

    identity = models.OneToOneField(Identity, primary_key=True, on_delete=models.CASCADE, related_name="link")
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="links")


class Detail(models.Model):
    """One thing that somebody said about a customer: a row of a list (bound to the identity on that row) or a member
    of staff (bound to the customer). Facts that grade stand plainly, personal data sealed."""

    identity = models.ForeignKey(
        Identity, null=True, on_delete=models.CASCADE, related_name="details", db_index=False
    )
    customer = models.ForeignKey(
        Customer, null=True, on_delete=models.CASCADE, related_name="details", db_index=False
    )
    key = models.CharField(max_length=60)
    plain = models.CharField(max_length=120, blank=True)
    sealed = SealedTextField(null=True)
    batch = models.ForeignKey(Batch, null=True, on_delete=models.CASCADE, related_name="+")
    by = models.ForeignKey(Staff, null=True, on_delete=models.SET_NULL, related_name="+")
    said_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(fields=["identity", "key"], name="customers_detail_identity"),
            models.Index(fields=["customer", "key"], name="customers_detail_customer"),
            models.Index(fields=["key"], name="customers_detail_key"),
        ]


class Shared(models.Model):
    """A colleague who looks after a customer together with the one in charge."""

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="shared")
    staff = models.ForeignKey(Staff, on_delete=models.CASCADE, related_name="shared")
    by = models.ForeignKey(Staff, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["customer", "staff"], name="customers_shared_once")]


class Opened(models.Model):
    """A customer of another store who stands at the counter: she said her whole number, so her file is open to this
    member of staff until then."""

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="+")
    staff = models.ForeignKey(Staff, on_delete=models.CASCADE, related_name="+")
    until = models.DateTimeField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["staff", "until"], name="customers_opened_staff")]


class Touched(models.Model):
    """A customer whose days the books do not have yet (null: everybody). Written with the change itself and deleted
    once the books have caught up, so that a crash in between loses nothing."""

    customer = models.BigIntegerField(null=True)


class SearchKey(models.Model):
    """A word under which a customer is found: name, sound of the name, initials, or the token of a phone's tail."""

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="search_keys")
    word = models.CharField(max_length=80)

    class Meta:
        indexes = [models.Index(fields=["word", "customer"], name="customers_searchkey_word")]


class Note(models.Model):
    """A dated, signed note. Encrypted."""

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="notes")
    text = SealedTextField()
    author = models.ForeignKey(Staff, null=True, on_delete=models.SET_NULL, related_name="+")
    author_name = models.CharField(max_length=60, blank=True)
    on = models.DateField()
    at = models.DateTimeField(auto_now_add=True)


class Portrait(models.Model):
    """The few facts that lists show and sort by, as of the last day run; written only where they changed."""

    customer = models.OneToOneField(
        Customer, primary_key=True, on_delete=models.CASCADE, related_name="portrait"
    )
    first_visit_on = models.DateField(null=True)
    last_visit_on = models.DateField(null=True)
    visits = models.IntegerField(default=0)
    spend = models.BigIntegerField(default=0)
    visits_in_12_months = models.IntegerField(default=0)
    spend_in_12_months = models.BigIntegerField(default=0)
    usual_gap_days = models.FloatField(null=True)
    last_store = models.IntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["-spend_in_12_months", "customer"], name="customers_portrait_spend"),
            models.Index(fields=["-last_visit_on", "customer"], name="customers_portrait_last"),
        ]
