"""Records of care: what is to be done for whom, by whom, and what came of it."""

from __future__ import annotations

from django.db import models

from regulars.customers.models import Customer
from regulars.shop.models import SealedTextField, Staff, Store


class TaskState(models.TextChoices):
    OPEN = "open"
    DONE = "done"
    NOT_REACHED = "not-reached"  # tried; comes back on the day in `postponed_to`
    POSTPONED = "postponed"
    NOT_WANTED = "not-wanted"
    EXPIRED = "expired"


class Task(models.Model):
    """One thing to do for one customer. `occasion` makes it unique: whatever runs twice, nobody is asked twice."""

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="tasks")
    playbook = models.CharField(max_length=40)
    rule = models.CharField(max_length=60)
    occasion = models.CharField(max_length=80)
    on = models.DateField()  # the day on whose list it stands
    due_on = models.DateField()
    last_on = models.DateField()  # after that it makes no sense any more
    staff = models.ForeignKey(Staff, null=True, on_delete=models.SET_NULL, related_name="tasks")
    store = models.ForeignKey(Store, null=True, on_delete=models.SET_NULL, related_name="+")
    name = models.JSONField(default=list)  # [zh, en]
    why = models.JSONField(default=list)
    do = models.JSONField(default=list)
    say = models.JSONField(default=list)
    also = models.JSONField(default=list)  # names of other rules that wait behind this one
    channel = models.CharField(max_length=20)
    minutes = models.PositiveSmallIntegerField(default=0)
    cost = models.BigIntegerField(default=0)  # fen, at most
    rank = models.FloatField(default=0)
    place = models.PositiveIntegerField(default=0)
    fits = models.BooleanField(default=True)  # inside the minutes that this person has that day
    grade = models.CharField(max_length=40, blank=True)
    state = models.CharField(max_length=12, choices=TaskState.choices, default=TaskState.OPEN)
    ended_by = models.ForeignKey(Staff, null=True, on_delete=models.SET_NULL, related_name="+")
    ended_at = models.DateTimeField(null=True)
    ended_on = models.DateField(null=True)
    postponed_to = models.DateField(null=True)
    note = SealedTextField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["customer", "rule", "occasion"], name="care_task_once")
        ]
        indexes = [
            models.Index(fields=["on", "state", "staff", "place"], name="care_task_list"),
            models.Index(fields=["state", "last_on"], name="care_task_open"),
            models.Index(fields=["rule", "ended_on"], name="care_task_rule"),
        ]


class TaskWord(models.Model):
    """A word of what was written on a task, as a keyed token (see `shop.sealed_words`)."""

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="words")
    token = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["token", "task"], name="care_taskword_token")]


class DayPlan(models.Model):
    """What came of planning a day beside its tasks: how many wait, which rules stay silent and why, who may come."""

    on = models.DateField(unique=True)
    waiting = models.PositiveIntegerField(default=0)
    waiting_beyond = models.PositiveIntegerField(default=0)  # of these, not written down by name
    paused = models.JSONField(default=list)  # [[rule, store or "", zh, en], …]
    expected = models.JSONField(
        default=list
    )  # [[customer, store number or null, usual gap in days], …] best first


class Handover(models.Model):
    """What somebody had in hand passed to others, because she left or by decision; can be taken back."""

    leaver = models.ForeignKey(Staff, null=True, on_delete=models.SET_NULL, related_name="+")
    leaver_name = models.CharField(max_length=60)
    to = models.JSONField(default=list)  # numbers of those who took over
    has_left = models.BooleanField(default=True)
    counts = models.JSONField(default=dict)  # {model: how many records passed}
    by = models.ForeignKey(Staff, null=True, on_delete=models.SET_NULL, related_name="+")
    on = models.DateField()
    at = models.DateTimeField(auto_now_add=True)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(Staff, null=True, on_delete=models.SET_NULL, related_name="+")


class HandedOver(models.Model):
    """One record that passed: which, and from whom to whom (numbers of staff). A record that the successor had already
    is kept in `kept` and comes back when the hand-over is taken back."""

    handover = models.ForeignKey(Handover, on_delete=models.CASCADE, related_name="lines")
    model = models.CharField(max_length=40)
    field = models.CharField(max_length=30)
    record = models.BigIntegerField()
    was = models.BigIntegerField()
    now = models.BigIntegerField(null=True)
    kept = models.JSONField(null=True)

    class Meta:
        indexes = [models.Index(fields=["handover", "model"], name="care_handedover_line")]
