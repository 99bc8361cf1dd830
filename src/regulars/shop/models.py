"""The business itself and what every stage needs: who did what, what waits for a yes, what is to be sent, jobs."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models, transaction

from regulars.shop.keys import keys
from regulars.shop.rules.masks import masked, masked_values
from regulars.shop.rules.passwords import same_signs
from regulars.shop.rules.policy import HOUSE_ROLES, Powers, Reach, Role, powers
from regulars.shop.words import Words


class SealedTextField(models.BinaryField):  # type: ignore[type-arg]
    """Text that stands encrypted in the database and reads as text in Python. Can't be searched or sorted."""

    def get_prep_value(self, value: Any) -> Any:
        return keys().seal(value) if isinstance(value, str) else value

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> str | None:
        return None if value is None else keys().unseal(value)

    def to_python(self, value: Any) -> Any:
        return value

    def value_to_string(self, obj: models.Model) -> str:
        return str(self.value_from_object(obj))


class Business(models.Model):
    """The one business that this database belongs to."""

    name = models.CharField(max_length=100)
    trade = models.CharField(max_length=20)
    currency = models.CharField(max_length=3, default="CNY")
    time_zone = models.CharField(max_length=50, default="Asia/Shanghai")
    day_ends_at = models.PositiveSmallIntegerField(
        default=0
    )  # hour after midnight at which a business day ends
    lang = models.CharField(max_length=2, default="zh")
    known_until_rule = models.CharField(max_length=10, default="store")
    voice = models.CharField(
        max_length=100, blank=True
    )  # how the shop signs its messages, if not by its name
    last_day_run_on = models.DateField(null=True)
    is_example = models.BooleanField(default=False)
    reveals_a_day = models.PositiveSmallIntegerField(
        default=20
    )  # numbers shown to one person beside her list
    export_rows = models.PositiveIntegerField(default=2000)  # rows that one person takes out on a day
    charge_cap = models.PositiveIntegerField(default=0)  # customers in one person's charge at most; 0: no cap
    claims_a_day = models.PositiveSmallIntegerField(
        default=5
    )  # customers that one person may take from the pool a day
    pool_after_days = models.PositiveSmallIntegerField(
        default=0
    )  # without contact or visit a customer goes back to the pool; 0: never
    has_watermark = models.BooleanField(default=False)  # every screen carries its reader's name, faintly
    second_for = models.JSONField(default=list)  # roles that must have a second factor
    pin_minutes = models.PositiveSmallIntegerField(default=5)  # a phone of the shop asks for its PIN after
    sensitive = models.JSONField(default=list)  # kinds of sensitive facts that the shop has switched on
    gift_cap_fen = models.BigIntegerField(default=0)  # presents to one customer in a calendar year; 0: no cap
    answer_days = models.PositiveSmallIntegerField(default=21)  # a customer's request is answered within
    erase_wait_days = models.PositiveSmallIntegerField(default=7)  # until then a deletion can be called off
    keep_customers_months = models.PositiveSmallIntegerField(default=0)  # without visit or contact; 0: keep
    keep_notes_months = models.PositiveSmallIntegerField(default=0)
    keep_traces_months = models.PositiveSmallIntegerField(default=24)  # who looked at what, warnings, uses
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class Store(models.Model):
    """A place of business. `known_until`: the last day that imports or tills cover."""

    name = models.CharField(max_length=100, unique=True)
    known_until = models.DateField(null=True)
    is_open = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.name


class OwnRole(models.Model):
    """A role that the shop has made for itself out of abilities. Staff hold it by its key."""

    key = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=40)
    abilities = models.JSONField(default=list)
    reach = models.CharField(max_length=5, default="all")
    works_like = models.CharField(max_length=20, default="front-desk")

    def __str__(self) -> str:
        return self.name

    @property
    def role(self) -> Role:
        words = Words(self.name, self.name)
        return Role(self.key, words, frozenset(self.abilities), self.reach, self.works_like)


def own_roles() -> dict[str, Role]:
    """The roles that the shop has made, by key."""
    return {r.key: r.role for r in OwnRole.objects.order_by("id")}


def every_role() -> dict[str, Words]:
    """What each role is called, of the house and of the shop's own."""
    return {r.key: r.name for r in (*HOUSE_ROLES.values(), *own_roles().values())}


class Staffing(BaseUserManager["Staff"]):
    def get_by_natural_key(self, email: str | None) -> Staff:
        return self.get(email__iexact=(email or "").strip())


class Staff(AbstractBaseUser):
    """A member of staff: who she is, her first post (role and store), and how many minutes a day she has for customers.
    Further posts stand in `Post`."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=60)
    role = models.CharField(max_length=20, default="front-desk")
    store = models.ForeignKey(Store, null=True, on_delete=models.SET_NULL, related_name="staff")
    minutes_a_day = models.PositiveSmallIntegerField(default=60)
    lang = models.CharField(max_length=2, blank=True)
    theme = models.CharField(max_length=5, blank=True)
    is_active = models.BooleanField(default=True)
    joined_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["name"]
    objects = Staffing()

    def __str__(self) -> str:
        return self.name

    def set_password(self, raw_password: str | None) -> None:
        super().set_password(same_signs(raw_password) if raw_password is not None else None)

    def check_password(self, raw_password: str | None) -> bool:
        """Also as it was typed: passwords set before their signs were made the same stay good."""
        tried = dict.fromkeys((same_signs(raw_password or ""), raw_password))
        return True in [super(Staff, self).check_password(t) for t in tried]

    @property
    def role_words(self) -> Words:
        found = HOUSE_ROLES.get(self.role) or own_roles().get(self.role)
        return found.name if found else Words("没有岗位", "No post")

    @cached_property
    def powers(self) -> Powers:
        """What she may do and how far it reaches, over all her posts; nothing once she has left."""
        if not self.is_active:
            return Powers()
        held = [(self.role, self.store_id), *self.posts.values_list("role", "store")]
        own = own_roles() if any(role not in HOUSE_ROLES for role, _ in held) else {}
        return powers(held, own, only_store() if any(store for _, store in held) else None)

    def may(self, ability: str) -> bool:
        return self.powers.may(ability)

    def reach(self, ability: str = "look") -> Reach:
        return self.powers.reach(ability)


def with_powers(staff: Iterable[Staff]) -> list[Staff]:
    """These members of staff with what they may already looked up, in three queries however many they are."""
    people = list(staff)
    further: dict[int, list[tuple[str, int | None]]] = {}
    for number, role, store in Post.objects.filter(staff__in=[s.pk for s in people]).values_list(
        "staff", "role", "store"
    ):
        further.setdefault(number, []).append((role, store))
    own, here = own_roles(), only_store()
    for s in people:
        held = [(s.role, s.store_id), *further.get(s.pk, [])]
        s.__dict__["powers"] = powers(held, own, here) if s.is_active else Powers()
    return people


def only_store() -> int | None:
    """The number of the store where a business has one only."""
    found = list(Store.objects.values_list("id", flat=True)[:2])
    return found[0] if len(found) == 1 else None


class Post(models.Model):
    """A further post of a member of staff: a role in one store, or in all."""

    staff = models.ForeignKey(Staff, on_delete=models.CASCADE, related_name="posts")
    role = models.CharField(max_length=20)
    store = models.ForeignKey(Store, null=True, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["staff", "role", "store"], name="shop_post_once")]


class Reading(models.Model):
    """Somebody looked at what is masked: whose, what, why. The day's limit is counted from here."""

    person = models.BigIntegerField()
    staff = models.ForeignKey(Staff, null=True, on_delete=models.SET_NULL, related_name="+")
    what = models.CharField(max_length=20)
    reason = models.CharField(max_length=20)
    said = SealedTextField(null=True)
    on = models.DateField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(fields=["staff", "on"], name="shop_reading_staff"),
            models.Index(fields=["person"], name="shop_reading_person"),
        ]


class TakenOut(models.Model):
    """A list of customers that somebody has taken out as a file."""

    staff = models.ForeignKey(Staff, null=True, on_delete=models.SET_NULL, related_name="+")
    on = models.DateField()
    at = models.DateTimeField(auto_now_add=True)
    rows = models.PositiveIntegerField()
    with_numbers = models.BooleanField(default=False)
    why = SealedTextField(null=True)

    class Meta:
        indexes = [models.Index(fields=["staff", "on"], name="shop_takenout_staff")]


class Use(models.Model):
    """How often somebody opened customers or searched on a day: what is unusual stands out against it."""

    staff = models.ForeignKey(Staff, on_delete=models.CASCADE, related_name="+")
    on = models.DateField()
    kind = models.CharField(max_length=20)
    n = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["staff", "on", "kind"], name="shop_use_once")]


class Alert(models.Model):
    """Something that those who guard the data should look at: once a day for each kind and person."""

    kind = models.CharField(max_length=20)
    staff = models.ForeignKey(Staff, null=True, on_delete=models.SET_NULL, related_name="+")
    on = models.DateField()
    words = models.JSONField(default=list)  # [zh, en]
    at = models.DateTimeField(auto_now_add=True)
    seen_by = models.ForeignKey(Staff, null=True, on_delete=models.SET_NULL, related_name="+")
    seen_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "staff", "on"], name="shop_alert_once")]


class LastingSecret(models.Model):
    """A secret that outlives a rotation of the key, in base64. See `shop.lasting`."""

    purpose = models.CharField(max_length=20, unique=True)
    secret = SealedTextField()


class AuditEvent(models.Model):
    """Who did what to which record, when and why. Never holds a phone, an address or a note in clear, and is never
    changed: the store refuses it, and the chain of links would show it (`shop.trail`).

    Staff are named by number and name as of that day; the number stays when nobody bears it any more."""

    at = models.DateTimeField(auto_now_add=True)
    actor = models.ForeignKey(
        Staff, null=True, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False
    )
    actor_name = models.CharField(max_length=60, blank=True)
    verb = models.CharField(max_length=40)
    subject = models.CharField(max_length=60, blank=True)
    why = SealedTextField(null=True)
    detail = models.JSONField(default=dict)
    place = models.BigIntegerField(null=True, unique=True)  # in the chain, from 1; none until it is linked
    link = models.BinaryField(null=True, max_length=32)

    class Meta:
        indexes = [models.Index(fields=["subject"], name="shop_audit_subject")]


class Approval(models.Model):
    """Something that waits for a second person's yes."""

    kind = models.CharField(max_length=40)
    subject = models.CharField(max_length=60)
    detail = models.JSONField(default=dict)
    asked_by = models.ForeignKey(Staff, null=True, on_delete=models.SET_NULL, related_name="+")
    asked_at = models.DateTimeField(auto_now_add=True)
    decided_by = models.ForeignKey(Staff, null=True, on_delete=models.SET_NULL, related_name="+")
    decided_at = models.DateTimeField(null=True)
    is_granted = models.BooleanField(null=True)
    reason = models.CharField(max_length=200, blank=True)


class Outgoing(models.Model):
    """The outbox: a message that a stage has put there; a channel sends it later. One `key`, one message."""

    key = models.CharField(max_length=100, unique=True)
    person = models.BigIntegerField(null=True)
    channel = models.CharField(max_length=20)
    purpose = models.CharField(max_length=20)
    to = SealedTextField()
    text = SealedTextField()
    state = models.CharField(max_length=10, default="waiting")
    put_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True)


class Contact(models.Model):
    """The contact log: every touch of a customer by anybody, over any channel."""

    person = models.BigIntegerField()
    on = models.DateField()
    at = models.DateTimeField(auto_now_add=True)
    staff = models.ForeignKey(Staff, null=True, on_delete=models.SET_NULL, related_name="+")
    channel = models.CharField(max_length=20)
    purpose = models.CharField(max_length=20, default="care")
    rule = models.CharField(max_length=60, blank=True)
    reached = models.BooleanField(default=True)
    minutes = models.PositiveSmallIntegerField(default=0)
    cost = models.BigIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(fields=["person", "on"], name="shop_contact_person"),
            models.Index(fields=["on"], name="shop_contact_on"),
        ]


class Hold(models.Model):
    """A customer who is not to be contacted: about one rule, over one channel, or at all; until a day or for good."""

    person = models.BigIntegerField(db_index=True)
    rule = models.CharField(max_length=60, blank=True)
    channel = models.CharField(max_length=20, blank=True)
    until = models.DateField(null=True)
    why = SealedTextField(null=True)
    by = models.ForeignKey(Staff, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(auto_now_add=True)


class ApiToken(models.Model):
    """A key for a program. Only its digest is kept; it is shown once."""

    staff = models.ForeignKey(Staff, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=60)
    may_write = models.BooleanField(default=True)  # else it reads only
    digest = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(null=True)


class JobState(models.TextChoices):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Job(models.Model):
    """Long work for the worker: can be watched, cancelled, and continues after a crash."""

    kind = models.CharField(max_length=40)
    args = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=JobState.choices, default=JobState.WAITING)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    step = models.JSONField(default=list)  # [zh, en]: what is being done now
    result = models.JSONField(default=dict)
    error = models.JSONField(default=list)  # [zh, en]
    cancel_asked = models.BooleanField(default=False)
    attempts = models.PositiveSmallIntegerField(default=0)
    asked_by = models.ForeignKey(Staff, null=True, on_delete=models.SET_NULL, related_name="+")
    asked_at = models.DateTimeField(auto_now_add=True)
    beat_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["state", "id"], name="shop_job_state")]

    @property
    def is_over(self) -> bool:
        return self.state in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


def audit(
    verb: str,
    subject: str = "",
    *,
    by: Staff | None = None,
    why: str = "",
    detail: dict[str, Any] | None = None,
) -> AuditEvent:
    """Leave one audit line. `subject` is a kind and a number ("customer 12"); `detail` holds no personal data, and what
    looks like some all the same is masked. It is linked to the line before once the transaction has ended."""
    from regulars.shop.trail import link_pending

    event = AuditEvent.objects.create(
        verb=verb,
        subject=subject,
        actor=by,
        actor_name=by.name if by else "",
        why=masked(why)[:200] or None,
        detail=masked_values(detail or {}),
    )
    transaction.on_commit(
        link_pending, robust=True
    )  # an import's end must not hang on it: the next line links both
    return event


def contacted_on(people: Iterable[int], on: Any) -> set[int]:
    """Which of these people somebody has already contacted on that day."""
    return set(Contact.objects.filter(person__in=people, on=on).values_list("person", flat=True))


from regulars.shop import doors  # noqa: E402, F401  (Django looks for records in this module)
