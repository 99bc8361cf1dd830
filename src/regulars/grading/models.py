"""Records of grading: which playbook holds, who stands where since when, and why each change happened."""

from __future__ import annotations

from django.db import models

from regulars.customers.models import Customer
from regulars.shop.models import Staff


class Adoption(models.Model):
    """A playbook version that the owner has put into force. The latest that is not taken back holds."""

    key = models.CharField(max_length=40)
    version = models.CharField(max_length=20)
    overlay = models.TextField(
        blank=True
    )  # the shop's own numbers, as TOML; empty for the playbook as shipped
    is_first = models.BooleanField(default=True)  # leads Today and the lists; others grade beside it
    by = models.ForeignKey(Staff, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    taken_back_at = models.DateTimeField(null=True)


class Standing(models.Model):
    """The grade in which a customer stands on one scale now."""

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="standings", db_index=False)
    playbook = models.CharField(max_length=40)
    scale = models.CharField(max_length=40)
    grade = models.CharField(max_length=40)
    was = models.CharField(max_length=40, blank=True)
    since = models.DateField()
    below_since = models.DateField(
        null=True
    )  # fits a worse grade since that day, but grace or the next review holds her
    drops_on = models.DateField(null=True)  # the day on which it would be lost without another visit

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["customer", "playbook", "scale"], name="grading_standing_once")
        ]
        indexes = [
            models.Index(fields=["playbook", "scale", "grade", "customer"], name="grading_standing_grade")
        ]


class GradeChange(models.Model):
    """One change of a grade, with the playbook version and the facts that decided: data, not text made up later."""

    customer = models.ForeignKey(
        Customer, on_delete=models.CASCADE, related_name="grade_changes", db_index=False
    )
    playbook = models.CharField(max_length=40)
    version = models.CharField(max_length=20)
    scale = models.CharField(max_length=40)
    was = models.CharField(max_length=40, blank=True)
    grade = models.CharField(max_length=40)
    on = models.DateField()
    conditions = models.JSONField(default=list)  # [{fact, value, sign, threshold, margin, holds}]

    class Meta:
        indexes = [
            models.Index(fields=["customer", "scale", "on"], name="grading_change_customer"),
            # Who moved lately, in this order; first gradings, which are no moves, are passed over in the index.
            models.Index(fields=["playbook", "on", "was"], name="grading_change_moved"),
        ]


class GradeRun(models.Model):
    """One grading of the whole base: as of which day, and how it came out."""

    playbook = models.CharField(max_length=40)
    version = models.CharField(max_length=20)
    on = models.DateField()
    at = models.DateTimeField(auto_now_add=True)
    is_full = models.BooleanField(default=True)
    seconds = models.FloatField(default=0)
    customers = models.BigIntegerField(default=0)
    changed = models.BigIntegerField(default=0)
    summary = models.JSONField(default=dict)  # {scale: {grade: {customers, spend_in_12_months}}}
    missing_facts = models.JSONField(default=list)

    class Meta:
        indexes = [models.Index(fields=["playbook", "on"], name="grading_run_on")]
