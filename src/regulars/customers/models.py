"""Records of customers: who stands behind which identities, what is known of her, and who said so."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import F, Q

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
    charged_on = models.DateField(null=True)  # since when somebody is in charge
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
    """A word under which a customer is found: name, sound of the name, initials, or the token of a phone's beginning or
    end."""

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
    kind = models.CharField(max_length=10, default="other")  # see rules.sheet.NOTE_KINDS
    taken_back_at = models.DateTimeField(null=True)  # by its author, on the day; it stays on record


class Relative(models.Model):
    """Somebody around a customer who need not be one herself: family, or people of a company."""

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="relatives")
    relation = models.CharField(max_length=12)  # see rules.sheet.RELATIONS
    name = SealedTextField()
    birthday = SealedTextField(null=True)  # compact, as Customer.birthday
    phone = SealedTextField(null=True)
    note = SealedTextField(null=True)
    other = models.ForeignKey(Customer, null=True, on_delete=models.SET_NULL, related_name="+")
    by = models.ForeignKey(Staff, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(auto_now_add=True)


class VisitNote(models.Model):
    """What a receipt does not say about a visit: why she came, with whom, where she sat, who served, what she said."""

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="visit_notes")
    day = models.DateField()
    store = models.ForeignKey(Store, null=True, on_delete=models.SET_NULL, related_name="+")
    occasion = models.CharField(max_length=12, blank=True)  # see rules.sheet.OCCASIONS
    party_size = models.PositiveSmallIntegerField(null=True)
    companions = SealedTextField(null=True)
    seat = SealedTextField(null=True)
    served_by = models.ForeignKey(Staff, null=True, on_delete=models.SET_NULL, related_name="+")
    treatment = SealedTextField(null=True)
    feedback = SealedTextField(null=True)
    by = models.ForeignKey(Staff, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["customer", "-day"], name="customers_visitnote_day")]


class Tag(models.Model):
    """A word that a shop puts on customers."""

    name = models.CharField(max_length=20, unique=True)
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class Tagged(models.Model):
    """A tag on a customer: who put it on and when, and who took it off."""

    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="on")
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="tagged")
    by = models.ForeignKey(Staff, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    off_by = models.ForeignKey(Staff, null=True, on_delete=models.SET_NULL, related_name="+")
    off_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tag", "customer"], condition=Q(off_at=None), name="customers_tagged_once"
            )
        ]


class Attachment(models.Model):
    """A picture or a document in a customer's file. The bytes are sealed in the vault under `vault_name`."""

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="attachments")
    name = SealedTextField()
    kind = models.CharField(max_length=4)  # see rules.attachments.KINDS
    size = models.PositiveIntegerField()
    vault_name = models.CharField(max_length=40, unique=True)
    by = models.ForeignKey(Staff, null=True, on_delete=models.SET_NULL, related_name="+")
    on = models.DateField()
    at = models.DateTimeField(auto_now_add=True)


class OwnField(models.Model):
    """A field that the shop has added to its files. What is chosen or counted is a fact that playbooks may use under
    `key`; what is said in one's own words is sealed. It keeps its key for good; `is_active` no longer: pages leave it out."""

    key = models.CharField(max_length=40, unique=True)
    name_zh = models.CharField(max_length=30, unique=True)
    name_en = models.CharField(max_length=60, blank=True)
    kind = models.CharField(max_length=6)
    choices = models.JSONField(default=list)  # [[key, zh, en], …]
    group = models.CharField(max_length=10, default="own")
    ask_zh = models.CharField(max_length=120, blank=True)
    ask_en = models.CharField(max_length=120, blank=True)
    stale_after_days = models.PositiveIntegerField(null=True)
    is_active = models.BooleanField(default=True)
    at = models.DateTimeField(auto_now_add=True)


class NoteWord(models.Model):
    """A word of a note as a keyed token (see `shop.sealed_words`): notes are found by it, and nothing is read from it."""

    note = models.ForeignKey(Note, on_delete=models.CASCADE, related_name="words")
    token = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["token", "note"], name="customers_noteword_token")]


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


class LikelyKind(models.TextChoices):
    MERGE = "merge"  # one person with two files
    FAMILY = "family"  # two people who belong together


class LikelyState(models.TextChoices):
    OPEN = "open"
    MERGED = "merged"
    FAMILY = "family"
    DIFFERENT = "different"  # remembered, and never proposed again


class Family(models.Model):
    """People who belong together, each with a file of her own."""

    name = models.CharField(max_length=80, blank=True)
    made_at = models.DateTimeField(auto_now_add=True)


class FamilyMember(models.Model):
    """A customer in a family. `role` is a word of the shop: spouse, child, parent, shares a card; empty where nobody
    has said."""

    family = models.ForeignKey(Family, on_delete=models.CASCADE, related_name="members")
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="families")
    role = models.CharField(max_length=20, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["family", "customer"], name="customers_family_once")]


class Likely(models.Model):
    """Two customers who may be one, or one family: why it is thought, and what a person has said to it.

    `one` has the smaller number, so that a pair stands once. `word` is the batch by which the two were merged, `family`
    and `joined` (numbers of customers) the family in which they were put: what taking the answer back needs.
    """

    one = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="likely_first")
    other = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="likely_second")
    kind = models.CharField(max_length=8, choices=LikelyKind.choices)
    reasons = models.JSONField(default=list)  # keys of rules.likeness
    strength = models.CharField(max_length=4)
    weight = models.SmallIntegerField(default=0)
    found_at = models.DateTimeField(auto_now_add=True)
    asked_by = models.ForeignKey(Staff, null=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField(max_length=10, choices=LikelyState.choices, default=LikelyState.OPEN)
    decided_by = models.ForeignKey(Staff, null=True, on_delete=models.SET_NULL, related_name="+")
    decided_at = models.DateTimeField(null=True)
    why = SealedTextField(null=True)
    word = models.ForeignKey(Batch, null=True, on_delete=models.SET_NULL, related_name="+")
    family = models.ForeignKey(Family, null=True, on_delete=models.SET_NULL, related_name="+")
    joined = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["one", "other"], name="customers_likely_once"),
            models.CheckConstraint(condition=Q(one__lt=F("other")), name="customers_likely_order"),
        ]
        indexes = [
            models.Index(fields=["state", "kind", "-weight", "id"], name="customers_likely_list"),
        ]
