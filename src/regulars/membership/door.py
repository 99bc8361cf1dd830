"""The door of the member page: a phone is proved by a code, a customer at the counter by a link that she scans.

Nothing is looked up before a code has been proved, so the answer to somebody who asks for one is the same, and takes the
same time, whether or not the shop knows her phone.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from regulars.customers.models import Customer, Link
from regulars.membership.models import Knock
from regulars.sales.identities import token_for
from regulars.sales.models import BatchState, Identity, Pairing
from regulars.sales.rules.phones import phone as read_phone
from regulars.shop.custody import also_erased
from regulars.shop.keys import keys
from regulars.shop.models import Outgoing, Staff, audit
from regulars.shop.words import Refused, Words

HOLDS = timedelta(minutes=5)
"""A code that is read from a text message is typed within a minute; five leave room for a slow network."""

TRIES = 5
"""Wrong codes until a code is void: one guess in two hundred thousand comes through."""

LINK_HOLDS = timedelta(minutes=10)
"""A link that is shown at the counter is scanned at once."""

PROVED_HOLDS = timedelta(minutes=30)
"""So long whoever has proved her phone may think about joining."""

KEPT = timedelta(days=1)
"""A code that nobody can use any more leaves the outbox after a day, and with it the number that it went to."""

PURPOSE = "login"
"""What an outgoing message with a code is for."""

NO_PHONE = Words("这不像手机号", "This is not a phone number")
WRONG = Words("验证码不对，再看一眼短信", "The code is wrong; please look at the message again")
OVER = Words(
    "验证码过了时间或错得太多，请重新要一个",
    "The code is over or was wrong too often; please ask for another",
)
NO_LINK = Words(
    "这个码过了时间或用过了，请店员再出示一次",
    "This code is over or has been used; please ask for another at the counter",
)


def send_code(phone: str, business: str, now: datetime) -> str:
    """Put a code for a phone into the outbox. Returns the secret that the browser has to show with the code. Raises
    Refused where that is no phone number, and for no other reason."""
    number = read_phone(phone[:40])
    if number is None:
        raise Refused(NO_PHONE)
    secret, code = secrets.token_urlsafe(24), f"{secrets.randbelow(10**6):06}"
    text = Words(
        "【{b}】会员页验证码 {c}，5 分钟内有效。店员不会问您要这个码。",
        "{b}: {c} is your code for the member page. It holds for 5 minutes; our staff never ask for it.",
    ).fill(b=business.replace("{", ""), c=code)
    with transaction.atomic():
        _sweep(now)
        mark = _mark("knock", secret)
        Knock.objects.create(mark=mark, code=_mark("code", secret + code), phone=number, until=now + HOLDS)
        Outgoing.objects.create(
            key=f"{PURPOSE} {mark}", channel="sms", purpose=PURPOSE, to=number, text=f"{text.zh}\n{text.en}"
        )
    return secret


def try_code(secret: str, code: str, now: datetime) -> None:
    """Prove a phone by the code that was sent to it. Raises Refused where the code is wrong, over or used; tries that
    come at once are counted one by one."""
    knock = Knock.objects.filter(mark=_mark("knock", secret), customer=None, used_at=None, until__gt=now)
    if knock.filter(tries__lt=TRIES).update(tries=F("tries") + 1) != 1:
        raise Refused(OVER)
    expected = knock.values_list("code", flat=True).first() or ""
    is_right = hmac.compare_digest(expected, _mark("code", secret + code))
    if not is_right or knock.update(used_at=now, until=now + PROVED_HOLDS) != 1:
        raise Refused(WRONG if knock.filter(tries__lt=TRIES).exists() else OVER)


def proved_phone(secret: str, now: datetime) -> str:
    """The phone that this browser has proved a while ago; empty where it has not."""
    found = Knock.objects.filter(
        mark=_mark("knock", secret), customer=None, used_at__isnull=False, until__gt=now
    ).first()
    return str(found.phone) if found else ""


def waits_for_code(secret: str, now: datetime) -> str:
    """The phone to which a code is on its way; empty where none is."""
    found = Knock.objects.filter(
        mark=_mark("knock", secret), customer=None, used_at=None, until__gt=now
    ).first()
    return str(found.phone) if found else ""


def forget(secret: str) -> None:
    """What was proved has been used: the browser proves anew next time."""
    Knock.objects.filter(mark=_mark("knock", secret)).delete()


def who_has(phone: str) -> Customer | None:
    """Whose phone this is; None where nobody known has it, or several use it."""
    return stands_behind(identity_of(phone))


def identity_of(phone: str) -> int:
    """The number of the identity that this phone is; 0 where nobody known has it, or several use it."""
    known = Identity.objects.filter(kind="phone", token=token_for("phone", phone), is_shared=False)
    return known.values_list("pk", flat=True).first() or 0


def stands_behind(identity: int) -> Customer | None:
    """Who stands behind an identity now."""
    link = Link.objects.filter(identity=identity).select_related("customer__merged_into").first()
    if link is None:
        return None
    customer = link.customer.merged_into or link.customer
    return None if customer.is_gone else customer


def is_shared(phone: str) -> bool:
    """Whether several members use this phone, so that it names none of them: it stands beside two numbers of the shop or
    more."""
    known = Identity.objects.filter(kind="phone", token=token_for("phone", phone)).first()
    if known is None or known.is_shared:
        return known is not None
    beside = Pairing.objects.filter(batch__state=BatchState.COMPLETE, other=known).values("one")
    numbers = Identity.objects.filter(kind__in=("member", "card"), pk__in=beside).values("token")
    return numbers.distinct().count() > 1 and not _is_sure(known.pk)


def _is_sure(phone: int) -> bool:
    """Whether a phone stands behind one customer together with a number of the shop, whatever else it stood beside."""
    link = Link.objects.filter(identity=phone).first()
    return (
        link is not None
        and Link.objects.filter(customer=link.customer_id, identity__kind__in=("member", "card")).exists()
    )


def link_for(customer: Customer, now: datetime, *, by: Staff) -> str:
    """What stands in the address of a link that signs her in on her own phone. A link that was shown before is void."""
    secret = secrets.token_urlsafe(24)
    with transaction.atomic():
        _sweep(now)
        Knock.objects.filter(customer=customer, used_at=None).delete()
        Knock.objects.create(mark=_mark("link", secret), customer=customer, until=now + LINK_HOLDS, by=by)
        audit("show-login-code", f"customer {customer.pk}", by=by)
    return secret


def is_open(secret: str, now: datetime) -> bool:
    """Whether a link would let somebody in. Looking does not use it up: chat programs open links before people do."""
    return Knock.objects.filter(
        mark=_mark("link", secret), customer__isnull=False, used_at=None, until__gt=now
    ).exists()


def come_in(secret: str, now: datetime) -> Customer:
    """Use a link up: of many who try at once one comes in. Raises Refused."""
    knock = Knock.objects.filter(mark=_mark("link", secret), customer__isnull=False, until__gt=now)
    if knock.filter(used_at=None).update(used_at=now) != 1:
        raise Refused(NO_LINK)
    found = knock.select_related("customer__merged_into").get().customer
    assert found is not None
    return found.merged_into or found


def _mark(kind: str, text: str) -> str:
    return keys().token(f"member-{kind}", text).hex()


def _sweep(now: datetime) -> None:
    Knock.objects.filter(until__lt=now - KEPT).delete()
    Outgoing.objects.filter(purpose=PURPOSE, put_at__lt=now - KEPT).delete()


@also_erased
def _codes_go(customers: Sequence[int], known_by: Sequence[str]) -> None:
    """Codes that wait for a phone name nobody but hold her number: they go with her."""
    hers = set(known_by)
    for model, field in (
        (Knock.objects.exclude(phone=None), "phone"),
        (Outgoing.objects.filter(purpose=PURPOSE), "to"),
    ):
        gone = [row.pk for row in model if getattr(row, field) in hers]
        model.model.objects.filter(pk__in=gone).delete()
