"""Records of what a customer has agreed to, what she asks for, and what keeps her file from being swept away."""

from __future__ import annotations

from django.db import models

from regulars.shop.models import Approval, SealedTextField, Staff


class Wording(models.Model):
    """The words that somebody agreed to, as they were read out or shown. A new version is a new row."""

    purpose = models.CharField(max_length=20)
    version = models.PositiveSmallIntegerField(default=1)
    zh = models.TextField()
    en = models.TextField()
    since = models.DateField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["purpose", "version"], name="customers_wording_once")]


class Consent(models.Model):
    """One word about one purpose over one channel: yes or no. Nothing is overwritten; the latest word counts."""

    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.CASCADE, related_name="consents", db_index=False
    )
    purpose = models.CharField(max_length=20)
    channel = models.CharField(max_length=10, default="any")
    granted = models.BooleanField()
    source = models.CharField(max_length=20)
    wording = models.ForeignKey(Wording, null=True, on_delete=models.PROTECT, related_name="+")
    until = models.DateField(null=True)  # a yes ends with this day
    on = models.DateField()
    at = models.DateTimeField(auto_now_add=True)
    by = models.ForeignKey(Staff, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        indexes = [
            models.Index(fields=["customer", "purpose"], name="customers_consent_customer"),
            models.Index(fields=["purpose"], name="customers_consent_purpose"),
        ]


class RequestState(models.TextChoices):
    OPEN = "open"
    WAITING = "waiting"  # agreed to; carried out on the day in `carried_out_on` unless it is called off
    DONE = "done"
    REFUSED = "refused"
    CALLED_OFF = "called-off"


class RightsRequest(models.Model):
    """What a customer asks for by law: a copy, a correction, deletion, an explanation, no automated decisions.

    After a deletion the row stays without the person: the proof that and when it was done.
    """

    customer = models.ForeignKey(
        "customers.Customer", null=True, on_delete=models.SET_NULL, related_name="requests"
    )
    kind = models.CharField(max_length=20)
    on = models.DateField()
    due_on = models.DateField()
    asked_by = models.CharField(max_length=20, default="herself")
    checked = models.CharField(max_length=20)
    said = SealedTextField(null=True)
    state = models.CharField(max_length=12, choices=RequestState.choices, default=RequestState.OPEN)
    result = SealedTextField(null=True)
    approval = models.OneToOneField(Approval, null=True, on_delete=models.SET_NULL, related_name="+")
    carried_out_on = models.DateField(null=True)
    taken_by = models.ForeignKey(Staff, null=True, on_delete=models.SET_NULL, related_name="+")
    ended_by = models.ForeignKey(Staff, null=True, on_delete=models.SET_NULL, related_name="+")
    ended_on = models.DateField(null=True)

    class Meta:
        indexes = [models.Index(fields=["state", "due_on"], name="customers_request_open")]


class LegalHold(models.Model):
    """Her file is not swept away although its time is over: a dispute, a warranty, an order of an authority."""

    customer = models.OneToOneField("customers.Customer", on_delete=models.CASCADE, related_name="legal_hold")
    why = SealedTextField()
    by = models.ForeignKey(Staff, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
