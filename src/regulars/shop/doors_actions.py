"""Verbs of the door: who comes in by what, where somebody is signed in, and how all of it ends at once."""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime, timedelta
from functools import cache

import pyotp
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from regulars.shop.doors import Authenticator, Login, Passkey, Pin, RecoveryCode, has_second_factor
from regulars.shop.keys import keys
from regulars.shop.models import ApiToken, Staff, audit
from regulars.shop.rules.doors import PIN_TRIES, SHARED_LASTS, is_over, pin_weakness, plain_code
from regulars.shop.rules.passwords import MOST, same_signs
from regulars.shop.words import Refused, Words

SEEN_EVERY = timedelta(seconds=20)
"""How exactly it is known when a login was used last: not every page is worth a write."""

KEPT = timedelta(days=365)
"""So long an ended login is remembered, and with it the device it came from."""

# --- the password ----------------------------------------------------------------------------------------------------


def known_by_password(email: str, password: str) -> Staff | None:
    """Who has this e-mail and this password. A stranger's e-mail, somebody who left and a wrong password take the same
    time: each is one check of a hash (two where a keyboard wrote signs that have a plainer form)."""
    password = password[: MOST * 4]
    staff = Staff.objects.filter(email__iexact=email.strip()).first()
    kept = staff.password if staff and staff.is_active and staff.has_usable_password() else _nobodys()
    right = True in [check_password(p, kept) for p in dict.fromkeys((same_signs(password), password))]
    return staff if right and kept != _nobodys() else None


@cache
def _nobodys() -> str:
    """The hash of a password that nobody has."""
    return make_password(secrets.token_urlsafe(32))


# --- logins ----------------------------------------------------------------------------------------------------------


def session_mark(session_key: str) -> str:
    """Under which mark a session stands in the store: who reads the store can't come in with it."""
    return keys().token("session", session_key).hex()


def device_mark(device: str) -> str:
    return keys().token("device", device).hex() if device else ""


def knows_device(staff: Staff, device: str) -> bool:
    """Whether this person has come in from this device before. `device`: its mark."""
    return bool(device) and Login.objects.filter(staff=staff, device=device).exists()


def begin_login(
    staff: Staff, session_key: str, *, device: str = "", kind: str = "/", address: str = "", how: str = "", is_shared: bool = False,
    now: datetime | None = None,
) -> Login:  # fmt: skip
    """Remember that somebody is signed in. From a device that she never used before it is news to her, unless it is the
    very first."""
    now = now or timezone.now()
    is_news = bool(how) and Login.objects.filter(staff=staff).exists() and not knows_device(staff, device)
    mark = session_mark(session_key)
    made, _ = Login.objects.update_or_create(
        session=mark,
        defaults={
            "staff": staff, "device": device, "kind": kind, "address": address, "how": how, "came_at": now, "seen_at": now,
            "ended_at": None, "is_news": is_news, "is_shared": is_shared, "is_locked": False, "pin_tries": 0,
        },
    )  # fmt: skip
    if how:
        audit("sign-in", f"staff {staff.pk}", by=staff, detail={"how": how, "new_device": is_news})
    return made


def see(login: Login, now: datetime) -> None:
    """The person has just done something there."""
    if now - login.seen_at >= SEEN_EVERY:
        Login.objects.filter(pk=login.pk).update(seen_at=now)


def lock(login: Login) -> None:
    """The phone asks for its PIN until it is told."""
    Login.objects.filter(pk=login.pk).update(is_locked=True)


def end_login(login: Login, *, by: Staff | None = None, verb: str = "end-login") -> None:
    """Nobody is signed in there any more."""
    end_logins(login.staff, only=login)
    audit(verb, f"staff {login.staff_id}", by=by, detail={"login": login.pk})


def end_logins(staff: Staff, *, only: Login | None = None, but: Login | None = None) -> int:
    """End the sessions of a person: all, one, or all but one. Returns how many were open."""
    theirs = Login.objects.filter(staff=staff, ended_at=None)
    if only:
        theirs = theirs.filter(pk=only.pk)
    if but:
        theirs = theirs.exclude(pk=but.pk)
    with transaction.atomic():
        marks = list(theirs.values_list("session", flat=True))
        Session.objects.filter(session_key__in=marks).delete()
        return theirs.update(ended_at=timezone.now())


def end_access(staff: Staff, *, by: Staff | None = None) -> dict[str, int]:
    """Somebody leaves: from this moment neither a session nor a key for a program opens anything in her name, and what
    she proved herself with is gone. Returns how many there were."""
    with transaction.atomic():
        Staff.objects.filter(pk=staff.pk).update(is_active=False)
        staff.is_active = False
        ended = {
            "logins": end_logins(staff),
            "keys": ApiToken.objects.filter(staff=staff).delete()[0],
            "factors": drop_second_factors(staff, by=by, quiet=True),
        }
        Pin.objects.filter(staff=staff).delete()
        audit("end-access", f"staff {staff.pk}", by=by, detail=dict(ended))
    return ended


def know_devices(staff: Staff, *, told_by: Login | None) -> int:
    """She has read which devices are new. Not from such a device itself: a thief does not wave the warning away."""
    news = Login.objects.filter(staff=staff, is_news=True)
    return (news.exclude(pk=told_by.pk) if told_by else news).update(is_news=False)


def sweep_logins(now: datetime | None = None) -> int:
    """Close what has lasted long enough, forget what ended long ago. Returns how many were forgotten."""
    now = now or timezone.now()
    Session.objects.filter(expire_date__lt=now).delete()
    for login in Login.objects.filter(ended_at=None, came_at__lt=now - SHARED_LASTS).select_related("staff"):
        if is_over(login.came_at, login.seen_at, now, login.is_shared):
            end_logins(login.staff, only=login)
    return Login.objects.filter(ended_at__lt=now - KEPT).delete()[0]


# --- codes of an app -------------------------------------------------------------------------------------------------

HALF_MINUTE = 30
WRONG_CODE = Words(
    "这个码不对。看看手机的时间准不准，用现在显示的那个",
    "This code is not right. Check the phone's clock and use the code that shows now",
)


def new_secret() -> str:
    return pyotp.random_base32()


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """The half minute to which a code belongs: now, the one before or the next, for clocks that differ; else None."""
    at = int(now.timestamp()) // HALF_MINUTE
    app = pyotp.TOTP(secret)
    code = plain_code(code)
    fits = [
        step for step in (at - 1, at, at + 1) if hmac.compare_digest(app.generate_otp(step), code.encode().decode("ascii", "ignore"))
    ]  # fmt: skip
    return max(fits, default=None)


def start_authenticator(staff: Staff, secret: str, code: str, *, now: datetime | None = None) -> None:
    """From now on an app is asked for. The first code proves that it was set up rightly."""
    step = step_of(secret, code, now or timezone.now())
    if step is None:
        raise Refused(WRONG_CODE)
    with transaction.atomic():
        Authenticator.objects.update_or_create(
            staff=staff, defaults={"secret": secret, "last_step": step, "used_at": None}
        )
        audit("add-second-factor", f"staff {staff.pk}", by=staff, detail={"kind": "app"})


def opens_by_code(staff: Staff, code: str, *, now: datetime | None = None) -> bool:
    """Whether the app shows this code now. Each code opens once, however many try it at the same moment."""
    now = now or timezone.now()
    app = Authenticator.objects.filter(staff=staff).first()
    step = step_of(app.secret, code, now) if app else None
    if app is None or step is None:
        return False
    fresh = Authenticator.objects.filter(pk=app.pk, last_step__lt=step)
    return fresh.update(last_step=step, used_at=now) == 1


def end_authenticator(staff: Staff, *, by: Staff) -> None:
    if Authenticator.objects.filter(staff=staff).delete()[0]:
        audit("end-second-factor", f"staff {staff.pk}", by=by, detail={"kind": "app"})


# --- codes on paper --------------------------------------------------------------------------------------------------

CODES = 10
SIGNS = "ACDEFGHJKMNPQRTUVWXY34679"
"""Signs that nobody takes for another: no 0 and O, no 1, I and L, no 5 and S, no 2 and Z, no 8 and B."""


def make_recovery_codes(staff: Staff) -> list[str]:
    """Ten new codes for paper; the old ones open nothing any more. They can't be read again."""
    codes = ["".join(secrets.choice(SIGNS) for _ in range(12)) for _ in range(CODES)]
    with transaction.atomic():
        RecoveryCode.objects.filter(staff=staff).delete()
        RecoveryCode.objects.bulk_create(RecoveryCode(staff=staff, digest=_paper(staff, c)) for c in codes)
        audit("make-recovery-codes", f"staff {staff.pk}", by=staff)
    return [f"{c[:4]}-{c[4:8]}-{c[8:]}" for c in codes]


def _paper(staff: Staff, code: str) -> str:
    return keys().token("recovery", f"{staff.pk} {plain_code(code)}").hex()


def opens_by_paper(staff: Staff, code: str) -> bool:
    """Whether a code on paper opens. It does so once."""
    mine = RecoveryCode.objects.filter(staff=staff, digest=_paper(staff, code), used_at=None)
    if not has_second_factor(staff) or mine.update(used_at=timezone.now()) != 1:
        return False
    audit("use-recovery-code", f"staff {staff.pk}", by=staff)
    return True


def codes_left(staff: Staff) -> int:
    return RecoveryCode.objects.filter(staff=staff, used_at=None).count()


# --- passkeys --------------------------------------------------------------------------------------------------------

MOST_PASSKEYS = 20


def person_handle(staff: Staff) -> bytes:
    """How a device names the person whose passkey it keeps: it says nothing about her."""
    return keys().token("passkey", str(staff.pk))


def add_passkey(
    staff: Staff, *, credential: str, public_key: bytes, signs: int, name: str, transports: list[str]
) -> Passkey:
    with transaction.atomic():
        if Passkey.objects.filter(staff=staff).count() >= MOST_PASSKEYS:
            raise Refused(Words("通行密钥太多了，先删一个", "Too many passkeys; remove one first"))
        if Passkey.objects.filter(credential=credential).exists():
            raise Refused(Words("这个通行密钥已经在了", "This passkey is here already"))
        made = Passkey.objects.create(
            staff=staff, credential=credential, public_key=public_key, signs=signs, name=name.strip()[:60] or "passkey",
            transports=transports,
        )  # fmt: skip
        audit("add-second-factor", f"staff {staff.pk}", by=staff, detail={"kind": "passkey"})
    return made


def used_passkey(key: Passkey, signs: int, *, now: datetime | None = None) -> bool:
    """Write down that a passkey has signed. False when another use was counted since: then it is a copy, or the same
    answer sent twice at once."""
    same = Q(signs__lt=signs) if signs else Q(signs=0)
    return Passkey.objects.filter(same, pk=key.pk).update(signs=signs, used_at=now or timezone.now()) == 1


def end_passkey(key: Passkey, *, by: Staff) -> None:
    key.delete()
    audit("end-second-factor", f"staff {key.staff_id}", by=by, detail={"kind": "passkey"})


def drop_second_factors(staff: Staff, *, by: Staff | None, quiet: bool = False) -> int:
    """Her phone is lost: the password alone lets her in again, until she has set up anew. Returns how many there were."""
    with transaction.atomic():
        RecoveryCode.objects.filter(staff=staff).delete()
        gone = Authenticator.objects.filter(staff=staff).delete()[0]
        gone += Passkey.objects.filter(staff=staff).delete()[0]
        if not quiet:
            end_logins(staff)
            audit("drop-second-factors", f"staff {staff.pk}", by=by, detail={"factors": gone})
    return gone


# --- the PIN of a phone ----------------------------------------------------------------------------------------------


def set_pin(staff: Staff, pin: str) -> None:
    """Six figures that she types when a phone of the shop has lain still."""
    if wrong := pin_weakness(pin):
        raise Refused(wrong)
    Pin.objects.update_or_create(staff=staff, defaults={"hashed": make_password(pin)})
    audit("set-pin", f"staff {staff.pk}", by=staff)


def unlock(login: Login, pin: str, now: datetime) -> int | None:
    """Try a PIN on a phone that asks for it: None when it is right, else how many tries are left. With the last one the
    login on this phone ends; whatever else she is signed in on stays."""
    counted = Login.objects.filter(pk=login.pk, ended_at=None, pin_tries__lt=PIN_TRIES)
    if not counted.update(
        pin_tries=F("pin_tries") + 1
    ):  # counted before it is looked at: tries at once count too
        return 0
    kept = Pin.objects.filter(staff=login.staff_id).first()
    if kept and check_password(pin, kept.hashed):
        Login.objects.filter(pk=login.pk).update(is_locked=False, pin_tries=0, seen_at=now)
        return None
    login.refresh_from_db()
    if login.pin_tries >= PIN_TRIES:
        end_login(login, verb="end-login-wrong-pin")
    return PIN_TRIES - login.pin_tries
