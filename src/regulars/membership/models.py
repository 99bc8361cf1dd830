"""Records of membership: who is a member, the ledger that can only grow, and the sums that are kept beside it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from regulars.customers.models import Customer
from regulars.shop.models import Approval, SealedTextField, Staff, Store


class Program(models.Model):
    """The membership programme that the shop has opened: the playbook that holds its terms, and since when sales earn.
    The latest that is not ended holds."""

    playbook = models.CharField(max_length=40)
    starts_on = models.DateField()
    ended_on = models.DateField(null=True)
    by = models.ForeignKey(Staff, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(auto_now_add=True)


class Member(models.Model):
    """A customer who has become a member. When two customers are merged, both stay what they are and are read together;
    when a customer is deleted, her number stays with the money records and names nobody."""

    customer = models.OneToOneField(Customer, null=True, on_delete=models.SET_NULL, related_name="member")
    number = models.CharField(max_length=16, unique=True)
    code = models.CharField(max_length=12, unique=True)  # what she gives to friends; can't be guessed
    joined_on = models.DateField()  # who joined by a list earns by what she had bought before, too
    how = models.CharField(max_length=12)  # list, counter, page, friend
    store = models.ForeignKey(Store, null=True, on_delete=models.SET_NULL, related_name="+")
    by = models.ForeignKey(Staff, null=True, on_delete=models.SET_NULL, related_name="+")
    left_on = models.DateField(null=True)
    works_here = models.BooleanField(default=False)  # staff bring nobody for a reward
    device = models.CharField(
        max_length=32, blank=True
    )  # the phone on which she opened her page first, as a token

    class Meta:
        indexes = [models.Index(fields=["joined_on"], name="membership_member_joined")]


class Posting(models.Model):
    """One thing that happened to somebody's purse. (source, source_id, kind) is its business key: a retry, a double
    click or a file that comes again finds it and changes nothing. Never changed and never deleted."""

    source = models.CharField(max_length=20)
    source_id = models.CharField(max_length=80)
    kind = models.CharField(max_length=12)
    member = models.ForeignKey(Member, on_delete=models.PROTECT, related_name="postings")
    on = models.DateField()
    at = models.DateTimeField(auto_now_add=True)
    of = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="after", db_index=False)
    rule = models.CharField(max_length=40, blank=True)
    receipt = models.CharField(max_length=64, blank=True)
    short = models.BigIntegerField(default=0)  # could not be taken because it had been spent
    detail = models.JSONField(default=dict)
    store = models.ForeignKey(
        Store, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False
    )
    by = models.ForeignKey(
        Staff, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source_id", "source", "kind"], name="membership_posting_once")
        ]
        indexes = [
            models.Index(fields=["receipt"], name="membership_posting_receipt", condition=~Q(receipt="")),
            models.Index(fields=["of"], name="membership_posting_of", condition=Q(of__isnull=False)),
        ]


class Lot(models.Model):
    """One earning and what is left of it: `in_hand` can be spent, `aside` is pending (until `ripe_on`) or reserved.
    Both are sums of entries, kept here and proved every night."""

    member = models.ForeignKey(
        Member, on_delete=models.PROTECT, related_name="lots", db_index=False, db_constraint=False
    )
    currency = models.CharField(max_length=20)
    posting = models.ForeignKey(
        Posting, on_delete=models.PROTECT, related_name="lots", db_index=False, db_constraint=False
    )
    on = models.DateField()
    amount = models.BigIntegerField()
    in_hand = models.BigIntegerField(default=0)
    aside = models.BigIntegerField(default=0)
    ends = models.DateField(null=True)
    ripe_on = models.DateField(null=True)
    idle = models.PositiveSmallIntegerField(
        default=0
    )  # lapses after so many months without anything; 0: by `ends`
    ended = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(in_hand__gte=0), name="membership_lot_hand"),
            models.CheckConstraint(condition=Q(aside__gte=0), name="membership_lot_aside"),
        ]
        indexes = [
            models.Index(
                fields=["member"], name="membership_lot_open", condition=Q(in_hand__gt=0) | Q(aside__gt=0)
            ),
            models.Index(
                fields=["ends"], name="membership_lot_ends", condition=Q(in_hand__gt=0, ends__isnull=False)
            ),
            models.Index(
                fields=["ripe_on"],
                name="membership_lot_ripe",
                condition=Q(ripe_on__isnull=False, aside__gt=0),
            ),
        ]


class Entry(models.Model):
    """One side of a posting: so many units of a currency on one account of one member. The entries of a posting sum to
    nought. Never changed and never deleted.

    That its posting and its lot are there, and hers, the window sees to and the nightly proof checks: PostgreSQL would
    look for each of them again when a booking is committed, which took as long as the rest of it."""

    posting = models.ForeignKey(
        Posting, on_delete=models.PROTECT, related_name="entries", db_constraint=False
    )
    account = models.CharField(max_length=9)
    member = models.ForeignKey(
        Member, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    currency = models.CharField(max_length=20)
    lot = models.ForeignKey(
        Lot, null=True, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    amount = models.BigIntegerField()


class Balance(models.Model):
    """What a member has of one currency: kept so that nobody adds up at the counter, and so that two who draw on it at
    once take turns. `active_on`: the last day on which she did something with it."""

    member = models.ForeignKey(Member, on_delete=models.PROTECT, related_name="balances", db_index=False)
    currency = models.CharField(max_length=20)
    in_hand = models.BigIntegerField(default=0)
    aside = models.BigIntegerField(default=0)
    active_on = models.DateField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["member", "currency"], name="membership_balance_once"),
            models.CheckConstraint(condition=Q(in_hand__gte=0), name="membership_balance_hand"),
            models.CheckConstraint(condition=Q(aside__gte=0), name="membership_balance_aside"),
        ]


class Reason(models.Model):
    """Why somebody corrects a purse, in her own words; until a second person has said yes it hangs on the question."""

    posting = models.OneToOneField(Posting, null=True, on_delete=models.CASCADE, related_name="reason")
    approval = models.OneToOneField(Approval, null=True, on_delete=models.SET_NULL, related_name="+")
    why = SealedTextField()


class ReservationState(models.TextChoices):
    OPEN = "open"
    CONFIRMED = "confirmed"
    RELEASED = "released"
    TIMED_OUT = "timed-out"


class Reservation(models.Model):
    """Units set aside for a till until it says that the sale was made or was not, or its time is over."""

    code = models.CharField(max_length=32, unique=True)
    member = models.ForeignKey(Member, on_delete=models.PROTECT, related_name="reservations")
    posting = models.OneToOneField(Posting, on_delete=models.PROTECT, related_name="reservation")
    state = models.CharField(max_length=10, choices=ReservationState.choices, default=ReservationState.OPEN)
    until = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["until"], name="membership_reservation_open", condition=Q(state="open"))
        ]


class Earned(models.Model):
    """What one receipt (or one day's visit) has earned so far, and by which terms: a refund is reckoned by the terms that
    held when it was bought. `units`: what the whole receipt of `gross` fen earns, in ten-thousandths; `due`: what it
    earns as it stands now; `owed`: what could not be taken back because it had been spent, taken from what comes next."""

    what = models.CharField(max_length=40)  # "sale -8123…", "visit 17 2026-05-01", "back 812"
    currency = models.CharField(max_length=20)
    member = models.ForeignKey(Member, on_delete=models.PROTECT, related_name="+")
    day = models.DateField()
    gross = models.BigIntegerField(default=0)
    by_value = models.BigIntegerField(default=0)  # fen of it that were paid by stored value and earn nothing
    units = models.BigIntegerField(default=0)
    most = models.BigIntegerField(null=True)  # whole units that the receipts of its day may earn by its rule
    due = models.BigIntegerField(default=0)
    owed = models.BigIntegerField(default=0)
    turns = models.PositiveSmallIntegerField(default=0)  # how often it has been posted about
    parts = models.JSONField(default=list)  # [[posting, what of it stands], …]
    rules = models.JSONField(default=list)  # keys of the rules that said so

    class Meta:
        constraints = [models.UniqueConstraint(fields=["what", "currency"], name="membership_earned_once")]
        indexes = [
            models.Index(fields=["member", "day"], name="membership_earned_day"),
            models.Index(fields=["member"], name="membership_earned_owed", condition=Q(owed__gt=0)),
        ]


class Unsettled(models.Model):
    """A receipt about which something has changed since points were reckoned for it."""

    key = models.BigIntegerField()


class ReferralState(models.TextChoices):
    WAITING = "waiting"  # the new one has not really bought yet
    COUNTED = "counted"
    REFUSED = "refused"
    LAPSED = "lapsed"
    REVERSED = "reversed"  # what she had bought was given back


class Referral(models.Model):
    """Somebody brought somebody: who, whom, by which way, and what became of it. Each customer is brought once."""

    referrer = models.ForeignKey(Member, on_delete=models.PROTECT, related_name="brought")
    friend = models.OneToOneField(Customer, null=True, on_delete=models.SET_NULL, related_name="brought_by")
    on = models.DateField()
    how = models.CharField(max_length=10)  # page, counter, list
    device = models.CharField(max_length=32, blank=True)
    state = models.CharField(max_length=10, choices=ReferralState.choices, default=ReferralState.WAITING)
    why = models.CharField(max_length=12, blank=True)  # of a refused one
    counted_on = models.DateField(null=True)
    postings = models.JSONField(default=list)  # of the rewards
    by = models.ForeignKey(Staff, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["state", "on"], name="membership_referral_state")]


class Partner(models.Model):
    """Another firm whose members are recognised here: by the beginning of their card numbers or by a list."""

    name = models.CharField(max_length=80)
    begins = models.JSONField(default=list)  # beginnings of card numbers, or "6225-6229" ranges of them
    benefit = models.CharField(max_length=200, blank=True)
    percent_off = models.DecimalField(max_digits=4, decimal_places=1, default=0)
    share_percent = models.DecimalField(max_digits=4, decimal_places=1, default=0)
    """What of the benefit's cost the partner bears."""
    valid_from = models.DateField()
    valid_until = models.DateField(null=True)
    by = models.ForeignKey(Staff, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(auto_now_add=True)


class PartnerCard(models.Model):
    """One number on a partner's list: a keyed token, so the partner's list stands nowhere in clear."""

    partner = models.ForeignKey(Partner, on_delete=models.CASCADE, related_name="cards")
    token = models.BinaryField(max_length=16)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["partner", "token"], name="membership_partner_card_once")
        ]


class PartnerUse(models.Model):
    """A partner's member was served with the agreed benefit: what settlement counts."""

    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="uses")
    key = models.CharField(max_length=64, unique=True)
    token = models.BinaryField(max_length=16)
    on = models.DateField()
    bill = models.BigIntegerField()  # fen, before the benefit
    off = models.BigIntegerField()  # fen that the benefit took off
    store = models.ForeignKey(Store, null=True, on_delete=models.SET_NULL, related_name="+")
    customer = models.ForeignKey(Customer, null=True, on_delete=models.SET_NULL, related_name="+")
    by = models.ForeignKey(Staff, null=True, on_delete=models.SET_NULL, related_name="+")
    is_undone = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["partner", "on"], name="membership_use_partner")]


class TierBought(models.Model):
    """A tier that a member has paid for, for a while."""

    member = models.ForeignKey(Member, on_delete=models.PROTECT, related_name="tiers_bought")
    key = models.CharField(max_length=64, unique=True)
    tier = models.CharField(max_length=40)
    price = models.BigIntegerField()  # fen
    starts_on = models.DateField()
    ends_on = models.DateField()
    by = models.ForeignKey(Staff, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    is_undone = models.BooleanField(default=False)


class Knock(models.Model):
    """Somebody before the door of the member page: with a code that was sent to a phone, or with a link that was shown to
    her at the counter. `mark` is the keyed token of what her browser or the link holds, `code` that of the code: nothing
    that stands here opens anything. It opens once."""

    mark = models.CharField(max_length=40, unique=True)
    code = models.CharField(max_length=40, blank=True)
    phone = SealedTextField(null=True)
    customer = models.ForeignKey(Customer, null=True, on_delete=models.CASCADE, related_name="+")
    until = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    used_at = models.DateTimeField(null=True)
    by = models.ForeignKey(Staff, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["until"], name="membership_knock_until")]


from regulars.membership import offers  # noqa: E402, F401  they point to members, and Django looks for models here
